#include "trib/common/host/drift/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "trib/common/base/random.h"

namespace trib::host::drift {
namespace {

using Bins = std::vector<std::uint64_t>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(BinnedKs, IsTheLargestDistanceOfTheCumulativeShares) {
  EXPECT_DOUBLE_EQ(BinnedKs(Bins{10, 10, 10, 10}, Bins{20, 20, 20, 20}), 0);
  EXPECT_DOUBLE_EQ(BinnedKs(Bins{5, 0, 0}, Bins{0, 0, 9}), 1);
  EXPECT_DOUBLE_EQ(BinnedKs(Bins{1, 1, 2}, Bins{2, 1, 1}), 0.25);
}

TEST(BinnedKs, NothingCountedTellsNothing) {
  EXPECT_EQ(BinnedKs(Bins{0, 0}, Bins{3, 4}), 0);
  EXPECT_EQ(BinnedKs(Bins{3, 4}, Bins{0, 0}), 0);
  EXPECT_EQ(BinnedKs(Bins{7}, Bins{9}), 0);
  EXPECT_EQ(BinnedKs({}, {}), 0);
}

TEST(BinnedKs, IsNeverMoreThanTheDistanceOfTheSamples) {
  SplitMix64 random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<double> a(60);
    std::vector<double> b(40);
    Bins in_a(16);
    Bins in_b(16);
    for (auto& x : a) {
      x = static_cast<double>(random.Next() % 1000);
      ++in_a[static_cast<std::size_t>(x) * 16 / 1000];
    }
    for (auto& x : b) {
      x = static_cast<double>(random.Next() % 900);
      ++in_b[static_cast<std::size_t>(x) * 16 / 1000];
    }
    EXPECT_LE(BinnedKs(in_a, in_b), KsStatistic(a, b) + 1e-15);
    EXPECT_GT(BinnedKs(in_a, in_b), 0);
  }
}

TEST(KsStatistic, LeavesNanOutAndCountsIt) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> a = {1, nan, 2, 3, 4};
  const std::vector<double> b = {3, 4, nan, nan, 5, 6};
  EXPECT_DOUBLE_EQ(KsStatistic(a, b), 0.5);
  EXPECT_EQ(CountNan(a), 1U);
  EXPECT_EQ(CountNan(b), 2U);
  EXPECT_EQ(KsStatistic(std::vector<double>{nan}, b), 0);
  EXPECT_EQ(KsStatistic({}, {}), 0);
}

TEST(KsPValue, GivesOneWithoutADifferenceAndFallsFromThere) {
  EXPECT_EQ(KsPValue(0, 100, 100), 1);
  EXPECT_EQ(KsPValue(std::numeric_limits<double>::quiet_NaN(), 100, 100), 1);
  double last = 1;
  for (double d = 0.02; d <= 1; d += 0.02) {
    const double p = KsPValue(d, 150, 60);
    EXPECT_LE(p, last) << d;
    EXPECT_GE(p, 0);
    last = p;
  }
  EXPECT_LT(last, 1e-30);
}

TEST(KsPValueExact, CountsAllOrders) {
  // Every order of 4 and 5 different values, told by which places the first sample takes.
  const std::size_t n = 4;
  const std::size_t m = 5;
  std::vector<int> places = {1, 1, 1, 1, 1, 0, 0, 0, 0};
  std::sort(places.begin(), places.end());
  std::vector<double> distances;
  do {
    std::vector<double> a;
    std::vector<double> b;
    for (std::size_t i = 0; i < places.size(); ++i) {
      (places[i] == 1 ? b : a).push_back(static_cast<double>(i));
    }
    ASSERT_EQ(a.size(), n);
    distances.push_back(KsStatistic(a, b));
  } while (std::next_permutation(places.begin(), places.end()));
  ASSERT_EQ(distances.size(), 126U);
  for (const double d : distances) {
    const auto reached =
        std::count_if(distances.begin(), distances.end(), [d](double x) { return x >= d - 1e-9; });
    EXPECT_NEAR(KsPValueExact(d, n, m), static_cast<double>(reached) / 126, 1e-14) << d;
  }
}

TEST(KsPValueExact, ApproachesTheSeries) {
  for (const double d : {0.1, 0.15, 0.2, 0.3}) {
    EXPECT_NEAR(KsPValueExact(d, 300, 310), KsPValue(d, 300, 310), 0.04) << d;
  }
  EXPECT_EQ(KsPValueExact(0, 5, 5), 1);
  EXPECT_EQ(KsPValueExact(0.5, 0, 5), 1);
  // Only the two orders in which the samples do not mix: 2 / C(40, 20).
  EXPECT_NEAR(KsPValueExact(1, 20, 20) * 137846528820.0, 2, 1e-9);
}

TEST(Ridit, TellsTheDirectionOfAShift) {
  EXPECT_DOUBLE_EQ(Ridit(Bins{4, 4, 4}, Bins{9, 9, 9}), 0.5);
  EXPECT_DOUBLE_EQ(Ridit(Bins{4, 0, 0}, Bins{0, 0, 3}), 1);
  EXPECT_DOUBLE_EQ(Ridit(Bins{0, 0, 3}, Bins{4, 0, 0}), 0);
  EXPECT_DOUBLE_EQ(Ridit(Bins{1, 1, 0}, Bins{0, 1, 1}), 0.5 * 0.75 + 0.5);
  EXPECT_EQ(Ridit(Bins{0, 0}, Bins{1, 2}), 0.5);
  EXPECT_EQ(Ridit(Bins{1, 2}, Bins{0, 0}), 0.5);
  EXPECT_EQ(Ridit(Bins{5}, Bins{8}), 0.5);
}

TEST(Psi, IsZeroWithoutAChangeOrWithoutAnything) {
  EXPECT_DOUBLE_EQ(PsiJeffreys(Bins{3, 5, 8}, Bins{3, 5, 8}), 0);
  EXPECT_EQ(PsiJeffreys(Bins{0, 0}, Bins{3, 4}), 0);
  EXPECT_EQ(PsiFloored(Bins{3, 4}, Bins{0, 0}, 1e-4), 0);
  EXPECT_EQ(PsiJeffreys(Bins{7}, Bins{900}), 0);
  EXPECT_EQ(PsiJeffreys({}, {}), 0);
}

TEST(PsiCritical, NothingExceedsWhatCannotBeTold) {
  EXPECT_EQ(PsiCritical(0.01, 1, 100, 100), kInfinity);
  EXPECT_EQ(PsiCritical(0.01, 16, 0, 100), kInfinity);
  EXPECT_EQ(PsiCritical(0.01, 16, 100, 0), kInfinity);
  EXPECT_NEAR(PsiCritical(0.01, 3, kInfinity, 100), -2 * std::log(0.01) / 100, 1e-14);
}

TEST(PsiCritical, HoldsItsChanceWithHalfAValueAddedAndNotWithAFloor) {
  SplitMix64 random(11);
  constexpr std::size_t kBins = 16;
  constexpr int kDraws = 20'000;
  const double critical = PsiCritical(0.01, kBins, 2000, 160);
  int added = 0;
  int floored = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    Bins reference(kBins);
    Bins current(kBins);
    for (int i = 0; i < 2000; ++i) {
      ++reference[random.Next() % kBins];
    }
    for (int i = 0; i < 160; ++i) {
      ++current[random.Next() % kBins];
    }
    added += PsiJeffreys(reference, current) > critical ? 1 : 0;
    floored += PsiFloored(reference, current, 1e-4) > critical ? 1 : 0;
  }
  // 200 of 20,000 are allowed; four deviations are 56.
  EXPECT_LT(added, 256);
  EXPECT_GT(added, 120);
  EXPECT_GT(floored, 350);
  RecordProperty("above_with_half_added", added);
  RecordProperty("above_with_floor", floored);
}

TEST(ChiSquare, AgreesWithClosedForms) {
  for (const double alpha : {0.9, 0.5, 0.1, 1e-3, 1e-9, 1e-30}) {
    const double exponential = -2 * std::log(alpha);
    EXPECT_NEAR(ChiSquareUpperQuantile(alpha, 2) / exponential, 1, 1e-13) << alpha;
    EXPECT_NEAR(ChiSquareUpper(exponential, 2) / alpha, 1, 1e-12) << alpha;
    // One degree is a squared normal.
    const double z = std::sqrt(ChiSquareUpperQuantile(alpha, 1));
    EXPECT_NEAR(2 * NormalUpper(z) / alpha, 1, 1e-12) << alpha;
  }
  EXPECT_NEAR(ChiSquareQuantile(0.95, 9), 16.918977604620448, 1e-13);
  EXPECT_NEAR(ChiSquareQuantile(0.99, 3), 11.344866730144373, 1e-13);
  EXPECT_EQ(ChiSquareQuantile(0, 5), 0);
  EXPECT_EQ(ChiSquareQuantile(1, 5), kInfinity);
}

TEST(ChiSquare, QuantileInvertsTheDistribution) {
  for (const double dof : {0.5, 1.0, 3.0, 15.0, 99.5, 5000.0}) {
    for (const double p : {1e-6, 0.01, 0.3, 0.5, 0.7, 0.999}) {
      EXPECT_NEAR(ChiSquareUpper(ChiSquareQuantile(p, dof), dof), 1 - p, 1e-11) << dof << " " << p;
    }
  }
}

TEST(StudentTUpper, AgreesWithClosedForms) {
  const double pi = std::acos(-1.0);
  for (const double t : {-3.0, -0.2, 0.0, 0.4, 1.0, 7.0}) {
    EXPECT_NEAR(StudentTUpper(t, 1), 0.5 - std::atan(t) / pi, 1e-14) << t;
    EXPECT_NEAR(StudentTUpper(t, 2), 0.5 - t / (2 * std::sqrt(2 + t * t)), 1e-14) << t;
    EXPECT_NEAR(StudentTUpper(t, 1e9), NormalUpper(t), 1e-8) << t;
  }
  // Far out, where one minus the other tail would have no digits left: 0.5 - atan(t) / pi.
  EXPECT_NEAR(StudentTUpper(1e8, 1) * pi * 1e8, 1, 1e-12);
  EXPECT_NEAR(StudentTUpper(2.2281388519862747, 10), 0.025, 1e-14);
}

TEST(Poisson, LimitsAreExact) {
  EXPECT_EQ(PoissonLower(0, 0.95), 0);
  EXPECT_NEAR(PoissonUpper(0, 0.95), -std::log(0.05), 1e-13);
  // The published two-sided limits at 95 %.
  EXPECT_NEAR(PoissonLower(1, 0.975), 0.0253178, 1e-7);
  EXPECT_NEAR(PoissonUpper(1, 0.975), 5.571643, 1e-6);
  EXPECT_NEAR(PoissonLower(10, 0.975), 4.795389, 1e-6);
  EXPECT_NEAR(PoissonUpper(10, 0.975), 18.390356, 1e-6);
  // By their meaning: the chance of so few is what is left of the confidence.
  const double mean = PoissonUpper(4, 0.9);
  double at_most = 0;
  for (int k = 0; k <= 4; ++k) {
    at_most += std::exp(k * std::log(mean) - mean - std::lgamma(k + 1.0));
  }
  EXPECT_NEAR(at_most, 0.1, 1e-12);
}

TEST(BenjaminiHochberg, StepsUp) {
  // The fifteen p-values of Benjamini and Hochberg's own example: four are rejected at 0.05.
  const std::vector<double> p = {0.0001,
                                 0.0004,
                                 0.0019,
                                 0.0095,
                                 0.0201,
                                 0.0278,
                                 0.0298,
                                 0.0344,
                                 0.0459,
                                 0.3240,
                                 0.4262,
                                 0.5719,
                                 0.6528,
                                 0.7590,
                                 1.0000};
  std::vector<bool> rejected;
  EXPECT_EQ(BenjaminiHochberg(p, 0.05, rejected), 4U);
  ASSERT_EQ(rejected.size(), p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    EXPECT_EQ(rejected[i], i < 4) << i;
  }
}

TEST(BenjaminiHochberg, ALaterRankCarriesTheEarlier) {
  std::vector<bool> rejected;
  // 0.04 alone exceeds its line of 0.025; with the second below 0.05 both go.
  EXPECT_EQ(BenjaminiHochberg(std::vector<double>{0.045, 0.04}, 0.05, rejected), 2U);
  EXPECT_EQ(rejected, (std::vector<bool>{true, true}));
  EXPECT_EQ(BenjaminiHochberg(std::vector<double>{0.06, 0.04}, 0.05, rejected), 0U);
  EXPECT_EQ(rejected, (std::vector<bool>{false, false}));
}

TEST(BenjaminiHochberg, NanCountsButIsNeverRejected) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<bool> rejected;
  EXPECT_EQ(BenjaminiHochberg(std::vector<double>{nan, 0.02, nan}, 0.05, rejected), 0U);
  EXPECT_EQ(BenjaminiHochberg(std::vector<double>{nan, 0.01, nan}, 0.05, rejected), 1U);
  EXPECT_EQ(rejected, (std::vector<bool>{false, true, false}));
  EXPECT_EQ(BenjaminiHochberg({}, 0.05, rejected), 0U);
  EXPECT_TRUE(rejected.empty());
}

}  // namespace
}  // namespace trib::host::drift
