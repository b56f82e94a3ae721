#include "trib/node/cascade/quantile.h"

#include <gtest/gtest.h>

#include <cmath>

namespace trib::node::cascade {
namespace {

/// Reference by bisection on the complementary error function, in double.
double ReferenceNormal(double p) {
  double low = 0;
  double high = 10;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(middle / std::sqrt(2.0)) > p ? low : high) = middle;
  }
  return low;
}

/// P(T > t) by the midpoint rule over x = t + s / (1 - s), in double.
double StudentTail(double t, double degrees) {
  const double constant = std::exp(std::lgamma((degrees + 1) / 2) - std::lgamma(degrees / 2)) /
                          std::sqrt(degrees * std::acos(-1.0));
  constexpr int kSteps = 4000;
  double sum = 0;
  for (int i = 0; i < kSteps; ++i) {
    const double s = (i + 0.5) / kSteps;
    const double x = t + s / (1 - s);
    sum += constant * std::pow(1 + x * x / degrees, -(degrees + 1) / 2) / ((1 - s) * (1 - s));
  }
  return sum / kSteps;
}

double ReferenceStudent(double p, double degrees) {
  double low = 0;
  double high = 100;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    (StudentTail(middle, degrees) > p ? low : high) = middle;
  }
  return low;
}

TEST(NormalUpperQuantile, IsWithinItsStatedErrorOfTheReference) {
  double worst = 0;
  double p = 1e-9;
  while (p <= 0.25) {
    const auto single = static_cast<float>(p);
    const double error = NormalUpperQuantile(single) - ReferenceNormal(single);
    worst = std::max(worst, std::abs(error));
    p *= 1.07;
  }
  EXPECT_LT(worst, 2e-5);
  RecordProperty("worst_error", std::to_string(worst));
}

TEST(NormalUpperQuantile, ClampsWhatItDoesNotCover) {
  EXPECT_EQ(NormalUpperQuantile(0.0F), NormalUpperQuantile(1e-9F));
  EXPECT_EQ(NormalUpperQuantile(0.9F), NormalUpperQuantile(0.25F));
}

TEST(StudentUpperQuantile, IsWithinItsStatedErrorOfTheReference) {
  for (const float degrees : {7.0F, 11.0F, 17.0F, 31.0F, 63.0F}) {
    for (const float p : {1e-2F, 1e-3F, 1e-4F, 1e-5F}) {
      const double reference = ReferenceStudent(p, degrees);
      EXPECT_NEAR(StudentUpperQuantile(p, degrees) / reference, 1.0, 0.01)
          << "degrees " << degrees << " p " << p;
    }
  }
}

TEST(StudentUpperQuantile, TendsToTheNormal) {
  EXPECT_NEAR(StudentUpperQuantile(1e-4F, 1e6F), NormalUpperQuantile(1e-4F), 1e-3);
}

/// I_x(b, a) by Simpson's rule in t = x s^k, in double: slow and simple.
double IncompleteBeta(double b, double a, double x) {
  const double log_beta = std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b);
  // t = x u^2 takes the root off the density at 0 for b = 1/2 and more.
  constexpr int kSteps = 20'000;
  const auto density = [&](double u) {
    const double t = x * u * u;
    return t <= 0
               ? 0.0
               : std::exp((b - 1) * std::log(t) + (a - 1) * std::log1p(-t) - log_beta) * 2 * x * u;
  };
  double sum = density(0) + density(1);
  for (int i = 1; i < kSteps; ++i) {
    sum += density(static_cast<double>(i) / kSteps) * (i % 2 == 1 ? 4 : 2);
  }
  return sum / (3.0 * kSteps);
}

TEST(FisherUpperQuantile, IsWithinItsStatedError) {
  for (const double above : {1.0, 3.0, 6.0, 21.0, 32.0, 64.0}) {
    for (const double below : {4.5, 9.0, 39.0, 123.5, 1000.0}) {
      for (const double p : {0.5, 0.25, 0.05, 1e-2, 1e-3, 1e-5}) {
        const double f = FisherUpperQuantile(
            static_cast<float>(p), static_cast<float>(above), static_cast<float>(below));
        const auto tail = [&](double value) {
          return IncompleteBeta(below / 2, above / 2, below / (below + above * value));
        };
        EXPECT_GT(tail(f * 0.998), p) << above << ' ' << below << ' ' << p;
        EXPECT_LT(tail(f * 1.002), p) << above << ' ' << below << ' ' << p;
      }
    }
  }
}

TEST(FisherUpperQuantile, KnowsTextbookValuesAndClamps) {
  EXPECT_NEAR(FisherUpperQuantile(0.05F, 1, 10), 4.965, 0.01);
  EXPECT_NEAR(FisherUpperQuantile(0.01F, 5, 20), 4.103, 0.01);
  // Many degrees below: chi-squared over its degrees; 11.345 / 3.
  EXPECT_NEAR(FisherUpperQuantile(0.01F, 3, 1e6F), 11.345 / 3, 0.006 * 11.345 / 3);
  EXPECT_EQ(FisherUpperQuantile(1e-9F, 3, 10), FisherUpperQuantile(1e-6F, 3, 10));
  EXPECT_EQ(FisherUpperQuantile(0.75F, 3, 10), FisherUpperQuantile(0.5F, 3, 10));
}

}  // namespace
}  // namespace trib::node::cascade
