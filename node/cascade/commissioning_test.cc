#include "trib/node/cascade/commissioning.h"

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <vector>

namespace trib::node::cascade {
namespace {

using message::CommissioningReason;

constexpr unsigned kLearningSeed = 5;
constexpr std::uint32_t kWindows = 60;

class CommissioningTest : public ::testing::Test {
 protected:
  CommissioningTest() {
    trigger_.commissioning_windows = kWindows;
    trigger_.min_std = 0.01F;
    trigger_.feature_mask = 0b111;
    spec_.max_shift = 2;
    spec_.max_trend = 3;
    spec_.min_std = 0.001F;
    spec_.max_std = 5;
    spec_.max_refused_permille = 100;
  }

  /// Feature i of window t, before the noise of deviation 1 is added; the fourth is in no mask.
  CommissioningVerdict Judge(const std::function<double(std::size_t, std::uint32_t)>& level,
                             double noise = 1) {
    std::mt19937 random(kLearningSeed);
    std::normal_distribution<double> normal;
    baseline_.Start({.recipe = RecipeId(1), .features = 4, .trigger = &trigger_});
    commissioning_.Start(kWindows, 4);
    for (std::uint32_t i = 0; i < refused_; ++i) {
      commissioning_.CountRefused();
    }
    for (std::uint32_t t = 0; t < kWindows; ++t) {
      std::vector<float> frame(4);
      for (std::size_t i = 0; i < 4; ++i) {
        frame[i] = static_cast<float>(level(i, t) + noise * normal(random));
      }
      EXPECT_TRUE(baseline_.Learn(frame).ok());
      commissioning_.Take(frame);
    }
    return commissioning_.Judge(spec_, trigger_, false, severity_, baseline_);
  }

  package::TriggerSpec trigger_;
  package::CommissioningSpec spec_;
  Severity severity_;
  Baseline baseline_;
  Commissioning commissioning_;
  std::uint32_t refused_ = 0;
};

TEST_F(CommissioningTest, AcceptsAStationaryMachine) {
  EXPECT_TRUE(
      Judge([](std::size_t i, std::uint32_t) { return 10.0 * static_cast<double>(i); }).ok());
}

TEST_F(CommissioningTest, RefusesAStepBetweenTheHalvesAndSaysHowFar) {
  const auto verdict = Judge(
      [](std::size_t i, std::uint32_t t) { return i == 1 && t >= kWindows / 2 ? -4.0 : 0.0; });
  EXPECT_EQ(verdict.reason, CommissioningReason::kHalvesDiffer);
  EXPECT_EQ(verdict.feature, 1U);
  EXPECT_NEAR(verdict.value, -4, 0.8) << "seed " << kLearningSeed;
}

TEST_F(CommissioningTest, RefusesASlowTrendThatTheHalvesAloneLetPass) {
  // Rises by 3.6 over all: 1.8 between the halves' means.
  const auto verdict =
      Judge([](std::size_t i, std::uint32_t t) { return i == 2 ? 0.06 * t : 0.0; });
  EXPECT_EQ(verdict.reason, CommissioningReason::kTrend);
  EXPECT_EQ(verdict.feature, 2U);
  EXPECT_NEAR(verdict.value, 3.6, 0.8) << "seed " << kLearningSeed;
}

TEST_F(CommissioningTest, TrendOfANoiselessLineIsItsRise) {
  trigger_.min_std = 1;
  spec_.min_std = 0;
  spec_.max_shift = 0;
  spec_.max_std = 0;
  const auto verdict = Judge([](std::size_t, std::uint32_t t) { return 20.0 * t; }, 0);
  // Deviation within a half of 30 equal steps of 20 is 176.
  EXPECT_EQ(verdict.reason, CommissioningReason::kTrend);
  EXPECT_NEAR(verdict.value, 20.0 * 59 / 176.0, 0.1);
}

TEST_F(CommissioningTest, RefusesASpreadThatIsNotPlausible) {
  EXPECT_EQ(Judge([](std::size_t, std::uint32_t) { return 0.0; }, 8).reason,
            CommissioningReason::kSpreadTooWide);
  const auto narrow = Judge([](std::size_t, std::uint32_t) { return 0.5; }, 1e-5);
  EXPECT_EQ(narrow.reason, CommissioningReason::kSpreadTooNarrow);
  EXPECT_NEAR(narrow.value, 1e-5, 1e-5);
}

TEST_F(CommissioningTest, RefusesWhatIsFaultyFromTheStart) {
  spec_.limits.push_back({.feature = 0, .comparison = package::Comparison::kLess, .value = -5});
  spec_.limits.push_back({.feature = 3, .comparison = package::Comparison::kGreater, .value = 7});
  EXPECT_TRUE(Judge([](std::size_t, std::uint32_t) { return 0.0; }).ok());
  const auto verdict = Judge([](std::size_t i, std::uint32_t) { return i == 3 ? 8.0 : 0.0; });
  EXPECT_EQ(verdict.reason, CommissioningReason::kAlreadyFaulty);
  EXPECT_EQ(verdict.feature, 3U);
  EXPECT_EQ(Judge([](std::size_t i, std::uint32_t) { return i == 0 ? -6.0 : 0.0; }).feature, 0U);
}

TEST_F(CommissioningTest, IgnoresFeaturesThatTheTriggerDoesNotLookAt) {
  EXPECT_TRUE(Judge([](std::size_t i, std::uint32_t t) { return i == 3 ? 3.0 * t : 0.0; }).ok());
}

TEST_F(CommissioningTest, RefusesWhenTheGuardrailsRefusedTooMuch) {
  refused_ = 6;
  EXPECT_TRUE(Judge([](std::size_t, std::uint32_t) { return 0.0; }).ok());
  refused_ = 7;  // of 67
  const auto verdict = Judge([](std::size_t, std::uint32_t) { return 0.0; });
  EXPECT_EQ(verdict.reason, CommissioningReason::kTooManyRefused);
  EXPECT_EQ(verdict.value, 104);
}

TEST_F(CommissioningTest, RefusesWhenThereIsNoDistanceToGive) {
  (void)Judge([](std::size_t, std::uint32_t) { return 0.0; });
  EXPECT_EQ(commissioning_.Judge(spec_, trigger_, true, severity_, baseline_).reason,
            CommissioningReason::kTooFewWindows);
}

TEST_F(CommissioningTest, RefusesAZoneAboveTheHighest) {
  package::SeveritySpec severity;
  severity.feature = 1;
  severity.boundaries = {1, 2, 4};
  severity_ = Severity(severity, false);
  spec_.max_zone = 2;
  EXPECT_TRUE(Judge([](std::size_t i, std::uint32_t) { return i == 1 ? 1.5 : 0.0; }).ok());
  const auto verdict = Judge([](std::size_t i, std::uint32_t) { return i == 1 ? 3.0 : 0.0; });
  EXPECT_EQ(verdict.reason, CommissioningReason::kZoneTooHigh);
  EXPECT_NEAR(verdict.value, 3, 0.5);
  spec_.max_zone = 0;
  EXPECT_TRUE(Judge([](std::size_t i, std::uint32_t) { return i == 1 ? 30.0 : 0.0; }).ok());
}

}  // namespace
}  // namespace trib::node::cascade
