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

}  // namespace
}  // namespace trib::node::cascade
