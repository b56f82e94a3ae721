#include "trib/common/host/calibration/calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace trib::host::calibration {
namespace {

TEST(Softmax, SumsToOneFarFromZero) {
  const std::vector<double> logits = {1000, 999, -1000};
  const auto p = Softmax(logits, 1);
  EXPECT_NEAR(p[0], 1 / (1 + std::exp(-1)), 1e-12);
  EXPECT_NEAR(p[0] + p[1] + p[2], 1, 1e-12);
  EXPECT_NEAR(Softmax(logits, 2)[0], 1 / (1 + std::exp(-0.5)), 1e-12);
}

// Labels are drawn from softmax(z), so that logits k z want the temperature k.
TEST(FitTemperature, FindsTheOneThatLabelsWereDrawnWith) {
  std::mt19937 random(11);
  std::normal_distribution<double> normal(0, 2);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (const double k : {0.25, 1.0, 3.0}) {
    LogitSet set;
    set.classes = 3;
    for (int i = 0; i < 40'000; ++i) {
      const std::vector<double> z = {normal(random), normal(random), normal(random)};
      const auto p = Softmax(z, 1);
      const double u = uniform(random);
      set.labels.push_back(u < p[0] ? 0 : u < p[0] + p[1] ? 1 : 2);
      for (const double value : z) {
        set.logits.push_back(k * value);
      }
    }
    EXPECT_NEAR(FitTemperature(set) / k, 1, 0.03);
    // No neighbour is better.
    const double t = FitTemperature(set);
    EXPECT_LE(NegativeLogLikelihood(set, t), NegativeLogLikelihood(set, t * 1.001));
    EXPECT_LE(NegativeLogLikelihood(set, t), NegativeLogLikelihood(set, t / 1.001));
  }
}

TEST(FitTemperature, EndsAtTheEdgeWhenEverythingIsRightOrWrong) {
  LogitSet set{.classes = 2, .logits = {3, 1, 0, 5}, .labels = {0, 1}};
  EXPECT_NEAR(FitTemperature(set), 0.05, 1e-6);
  set.labels = {1, 0};
  EXPECT_NEAR(FitTemperature(set), 20, 1e-5);
}

TEST(Reliability, BinsAreOpenBelowAndClosedAbove) {
  const std::vector<Answer> answers = {{0, false}, {0.2, true}, {0.2000001, true}, {1, true}};
  const auto bins = Reliability(answers, 5);
  EXPECT_EQ(bins[0].count, 2U);
  EXPECT_EQ(bins[1].count, 1U);
  EXPECT_EQ(bins[4].count, 1U);
  EXPECT_DOUBLE_EQ(bins[0].confidence, 0.1);
  EXPECT_DOUBLE_EQ(bins[0].accuracy, 0.5);
}

TEST(CalibrationError, OfAHandComputedCase) {
  // Two bins of ten: 0.55 sure and always right, 0.95 sure and right half the time.
  std::vector<Answer> answers;
  for (int i = 0; i < 4; ++i) {
    answers.push_back({0.55, true});
    answers.push_back({0.95, i % 2 == 0});
  }
  EXPECT_NEAR(CalibrationError(answers, 10), 0.5 * 0.45 + 0.5 * 0.45, 1e-12);
  EXPECT_EQ(CalibrationError({}, 10), 0);
}

TEST(RiskCoverageArea, OfAHandComputedCase) {
  const std::vector<Answer> answers = {{0.6, false}, {0.9, true}, {0.7, true}, {0.5, false}};
  EXPECT_DOUBLE_EQ(RiskCoverageArea(answers), (0.0 + 0.0 + 1.0 / 3 + 2.0 / 4) / 4);
}

TEST(Margin, IsBetweenTheTwoGreatest) {
  EXPECT_DOUBLE_EQ(Margin(std::vector<double>{0.25, 0.625, 0.125}), 0.375);
  EXPECT_DOUBLE_EQ(Margin(std::vector<double>{0.5, 0.5}), 0);
}

TEST(CostThreshold, IsWhereBothCostTheSame) {
  EXPECT_DOUBLE_EQ(CostThreshold(0.02, 1, 20), 0.93);
  EXPECT_DOUBLE_EQ(CostThreshold(0.02, 30, 20), 0);
  EXPECT_DOUBLE_EQ(CostThreshold(0, 0, 20), 1);
}

TEST(ShareInterval, OfPublishedCases) {
  // 0 of n: 1 - (alpha/2)^(1/n).
  EXPECT_NEAR(ShareInterval(0, 10).high, 1 - std::pow(0.025, 0.1), 1e-12);
  EXPECT_EQ(ShareInterval(0, 10).low, 0);
  EXPECT_NEAR(ShareInterval(10, 10).low, std::pow(0.025, 0.1), 1e-12);
  EXPECT_EQ(ShareInterval(10, 10).high, 1);
  // 4 of 10: 0.1215523, 0.7376219.
  EXPECT_NEAR(ShareInterval(4, 10).low, 0.1215523, 1e-7);
  EXPECT_NEAR(ShareInterval(4, 10).high, 0.7376219, 1e-7);
  EXPECT_EQ(ShareInterval(0, 0).high, 1);
}

// Of many windows nearly all are found: far from an even share, whose terms are no numbers.
TEST(ShareInterval, OfAlmostAllOfMany) {
  for (const std::uint64_t trials : {2'000U, 6'346U, 1'000'000U}) {
    const Interval found = ShareInterval(trials - 7, trials);
    const Interval missed = ShareInterval(7, trials);
    EXPECT_NEAR(found.high, 1 - missed.low, 1e-12) << trials;
    EXPECT_NEAR(found.low, 1 - missed.high, 1e-12) << trials;
    EXPECT_LT(found.low, found.high) << trials;
  }
  // Computed with sixty digits.
  EXPECT_NEAR(ShareInterval(7, 6346).low, 0.000443597504686, 1e-9);
  EXPECT_NEAR(ShareInterval(7, 6346).high, 0.002271390120494, 1e-9);
}

TEST(ShareAtMost, IsOneSided) {
  // 0 of 299: 1 - 0.05^(1/299) = 0.0099691.
  EXPECT_NEAR(ShareAtMost(0, 299, 0.95), 1 - std::pow(0.05, 1.0 / 299), 1e-12);
  EXPECT_EQ(ShareAtMost(0, 0, 0.95), 1);
  EXPECT_EQ(ShareAtMost(7, 7, 0.95), 1);
  // Large counts stay numbers.
  const double bound = ShareAtMost(500, 100'000, 0.99);
  EXPECT_GT(bound, 0.005);
  EXPECT_LT(bound, 0.0057);
}

TEST(ThresholdForRisk, TakesTheLeastThatKeepsThePromise) {
  std::vector<Answer> answers;
  for (int i = 0; i < 1000; ++i) {
    answers.push_back({0.95, true});
    answers.push_back({0.75, i % 10 != 0});
    answers.push_back({0.55, i % 2 == 0});
  }
  const std::vector<double> grid = {0.9, 0.5, 0.7};
  const auto strict = ThresholdForRisk(answers, 0.01, 0.05, grid);
  ASSERT_TRUE(strict);
  EXPECT_EQ(strict->threshold, 0.9);
  EXPECT_EQ(strict->count, 1000U);
  EXPECT_EQ(strict->wrong, 0U);
  EXPECT_NEAR(strict->bound, 1 - std::pow(0.05 / 3, 1.0 / 1000), 1e-12);
  const auto loose = ThresholdForRisk(answers, 0.07, 0.05, grid);
  ASSERT_TRUE(loose);
  EXPECT_EQ(loose->threshold, 0.7);
  EXPECT_EQ(loose->wrong, 100U);
  EXPECT_FALSE(ThresholdForRisk(answers, 0.001, 0.05, grid));
  EXPECT_FALSE(ThresholdForRisk({}, 0.5, 0.05, grid));
}

// The promise itself: among many draws, the true risk at the chosen threshold is above the stated
// one in no more than delta of them.
TEST(ThresholdForRisk, KeepsItsPromise) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> grid;
  for (int i = 0; i < 20; ++i) {
    grid.push_back(0.5 + 0.025 * i);
  }
  int broken = 0;
  int chosen = 0;
  for (int draw = 0; draw < 400; ++draw) {
    std::vector<Answer> answers;
    for (int i = 0; i < 600; ++i) {
      const double confidence = 0.5 + 0.5 * uniform(random);
      answers.push_back({confidence, uniform(random) < confidence});
    }
    if (const auto found = ThresholdForRisk(answers, 0.15, 0.1, grid)) {
      ++chosen;
      // Confidences are uniform above the threshold: the mean error is half of what is left of 1.
      broken += (1 - found->threshold) / 2 > 0.15 ? 1 : 0;
    }
  }
  EXPECT_GT(chosen, 300);
  EXPECT_LE(broken, 40);
}

}  // namespace
}  // namespace trib::host::calibration
