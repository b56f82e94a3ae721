#include "trib/node/cascade/trigger.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "trib/node/cascade/quantile.h"

namespace trib::node::cascade {
namespace {

using message::EventState;
constexpr unsigned kSeed = 99;

package::TriggerSpec TwoOfThree() {
  package::TriggerSpec spec;
  spec.commissioning_windows = 50;
  spec.ewma_alpha = 0.2F;
  spec.false_alarm_rate = 1e-3F;
  spec.min_std = 1e-3F;
  spec.enter_m = 2;
  spec.enter_n = 3;
  spec.clear_n = 3;
  spec.feature_mask = ~std::uint64_t{0};
  return spec;
}

/// A machine of independent Gaussian features with mean 1 and deviation 2.
class Machine {
 public:
  explicit Machine(std::size_t features, unsigned seed = kSeed)
      : features_(features), random_(seed) {}
  std::vector<float> Window(float shift_deviations = 0) {
    std::vector<float> frame(features_);
    for (float& value : frame) {
      value = 1 + 2 * (normal_(random_) + shift_deviations);
    }
    return frame;
  }
  Baseline Commission(const package::TriggerSpec& spec) {
    Baseline baseline;
    baseline.Start({.recipe = RecipeId(1), .features = features_, .trigger = &spec});
    while (!baseline.complete()) {
      EXPECT_TRUE(baseline.Learn(Window()).ok());
    }
    return baseline;
  }

 private:
  std::size_t features_;
  std::mt19937 random_;
  std::normal_distribution<float> normal_;
};

/// A trigger over one feature with known mean 0 and deviation 1, stepped by z.
class Bench {
 public:
  explicit Bench(package::TriggerSpec spec = TwoOfThree()) {
    spec.commissioning_windows = 2;
    baseline_.Start({.recipe = RecipeId(1), .features = 1, .trigger = &spec});
    // Two windows at +-sqrt(1/2) have mean 0 and sample deviation 1.
    EXPECT_TRUE(baseline_.Learn(std::vector<float>{std::sqrt(0.5F)}).ok());
    EXPECT_TRUE(baseline_.Learn(std::vector<float>{-std::sqrt(0.5F)}).ok());
    trigger_.Arm(spec, baseline_);
  }
  TriggerResult Step(float z) { return trigger_.Step(std::vector<float>{z}, baseline_); }
  /// A value that is over the threshold by itself.
  [[nodiscard]] float Over() const { return 3 * trigger_.threshold(); }
  [[nodiscard]] const Trigger& trigger() const { return trigger_; }

 private:
  Baseline baseline_;
  Trigger trigger_;
};

TEST(Trigger, ThresholdIsTheStatedQuantile) {
  package::TriggerSpec spec = TwoOfThree();
  spec.threshold_scale = 1.5F;
  Machine machine(10);
  const Baseline baseline = machine.Commission(spec);
  Trigger trigger;
  trigger.Arm(spec, baseline);
  EXPECT_FLOAT_EQ(trigger.threshold(), 1.5F * StudentUpperQuantile(1e-3F / 40.0F, 49.0F));
  spec.feature_mask = 0b11;
  spec.ewma_alpha = 1;
  trigger.Arm(spec, baseline);
  EXPECT_FLOAT_EQ(trigger.threshold(), 1.5F * StudentUpperQuantile(1e-3F / 4.0F, 49.0F));
}

// The stated rate bounds what healthy machines give, averaged over baselines of the same length.
TEST(Trigger, KeepsTheFalseAlarmRateWithSmallBaselines) {
  for (const std::uint32_t windows : {12U, 30U, 200U}) {
    package::TriggerSpec spec = TwoOfThree();
    spec.commissioning_windows = windows;
    spec.false_alarm_rate = 0.01F;
    std::uint64_t over = 0;
    std::uint64_t total = 0;
    for (unsigned seed = 1; seed <= 300; ++seed) {
      Machine machine(8, seed);
      const Baseline baseline = machine.Commission(spec);
      Trigger trigger;
      trigger.Arm(spec, baseline);
      for (int i = 0; i < 200; ++i, ++total) {
        over += trigger.Step(machine.Window(), baseline).over ? 1U : 0U;
      }
    }
    const double rate = static_cast<double>(over) / static_cast<double>(total);
    // Bonferroni over correlated statistics is on the safe side, but not by much.
    EXPECT_LT(rate, 0.0115) << windows << " baseline windows";
    EXPECT_GT(rate, 0.002) << windows << " baseline windows";
  }
}

TEST(Trigger, SeesASmallLastingShiftByItsMovingAverage) {
  package::TriggerSpec spec = TwoOfThree();
  spec.commissioning_windows = 200;
  Machine machine(4);
  const Baseline baseline = machine.Commission(spec);
  Trigger smooth;
  smooth.Arm(spec, baseline);
  spec.ewma_alpha = 1;
  Trigger single;
  single.Arm(spec, baseline);
  int smooth_over = 0;
  int single_over = 0;
  for (int i = 0; i < 50; ++i) {
    const std::vector<float> frame = machine.Window(2.0F);
    smooth_over += smooth.Step(frame, baseline).over ? 1 : 0;
    single_over += single.Step(frame, baseline).over ? 1 : 0;
  }
  EXPECT_GT(smooth_over, 40);
  EXPECT_LT(single_over, 30);
}

TEST(Trigger, NamesTheFeaturesThatDeviateMost) {
  package::TriggerSpec spec = TwoOfThree();
  Machine machine(6);
  const Baseline baseline = machine.Commission(spec);
  Trigger trigger;
  trigger.Arm(spec, baseline);
  std::vector<float> frame(6, 1.0F);
  frame[4] = 1 + 2 * 50;
  frame[1] = 1 - 2 * 90;
  const TriggerResult result = trigger.Step(frame, baseline);
  const TopFeatures top = trigger.Top(frame, baseline);
  ASSERT_EQ(top.size(), 4U);
  EXPECT_EQ(top[0].feature, 1U);
  EXPECT_LT(top[0].z, -60);
  EXPECT_EQ(result.largest, -top[0].z);
  EXPECT_EQ(top[1].feature, 4U);
  EXPECT_GT(top[1].z, 30);
}

TEST(Trigger, IgnoresFeaturesOutsideTheMask) {
  package::TriggerSpec spec = TwoOfThree();
  spec.feature_mask = 0b01;
  Machine machine(2);
  const Baseline baseline = machine.Commission(spec);
  Trigger trigger;
  trigger.Arm(spec, baseline);
  EXPECT_FALSE(trigger.Step(std::vector<float>{1, 1e9F}, baseline).over);
  EXPECT_TRUE(trigger.Step(std::vector<float>{1e9F, 1}, baseline).over);
}

TEST(Trigger, CountsNonFiniteFeaturesAsTheLargestScore) {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
    Bench bench;
    const TriggerResult result = bench.Step(value);
    EXPECT_TRUE(result.over);
    EXPECT_TRUE(std::isfinite(result.score));
    EXPECT_TRUE(std::isfinite(result.largest));
  }
}

TEST(Trigger, EntersOnMOfNAndClearsAfterQuietWindows) {
  Bench bench;
  EXPECT_EQ(bench.Step(bench.Over()).state, EventState::kUnspecified);
  EXPECT_EQ(bench.Step(0).state, EventState::kUnspecified);
  const TriggerResult onset = bench.Step(bench.Over());
  EXPECT_EQ(onset.state, EventState::kOnset);
  EXPECT_EQ(onset.windows, 1U);
  EXPECT_TRUE(onset.active);
  EXPECT_FLOAT_EQ(onset.severity, bench.Over());
  EXPECT_EQ(bench.Step(2 * bench.Over()).state, EventState::kContinuing);
  // The moving average needs a few windows to forget; then three quiet ones clear.
  TriggerResult last;
  int windows = 2;
  int quiet = 0;
  do {
    last = bench.Step(0);
    ++windows;
    quiet = last.over ? 0 : quiet + 1;
    ASSERT_LT(windows, 30);
  } while (last.state == EventState::kContinuing);
  EXPECT_EQ(last.state, EventState::kCleared);
  EXPECT_EQ(quiet, 3);
  EXPECT_EQ(last.windows, static_cast<std::uint32_t>(windows));
  EXPECT_FLOAT_EQ(last.severity, 2 * bench.Over());
  EXPECT_FALSE(bench.trigger().active());
  EXPECT_EQ(bench.Step(0).state, EventState::kUnspecified);
}

TEST(Trigger, DoesNotEnterWhenTooFewOfNAreOver) {
  package::TriggerSpec spec = TwoOfThree();
  spec.ewma_alpha = 1;
  Bench bench(spec);
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(bench.Step(i % 3 == 0 ? bench.Over() : 0).state, EventState::kUnspecified);
  }
}

TEST(Trigger, ForgetsAGrossFaultWithinAFewWindows) {
  Bench bench;
  for (int i = 0; i < 100; ++i) {
    (void)bench.Step(1e5F);
  }
  int windows = 0;
  while (bench.trigger().active()) {
    (void)bench.Step(0);
    ASSERT_LT(++windows, 20);
  }
}

TEST(Trigger, RunsTheLongestHistory) {
  package::TriggerSpec spec = TwoOfThree();
  spec.ewma_alpha = 1;
  spec.enter_m = 32;
  spec.enter_n = 32;
  Bench bench(spec);
  for (int i = 0; i < 31; ++i) {
    EXPECT_EQ(bench.Step(bench.Over()).state, EventState::kUnspecified);
  }
  EXPECT_EQ(bench.Step(bench.Over()).state, EventState::kOnset);
}

TEST(Trigger, SeesAFaultThatOnlyTheFeaturesTogetherShow) {
  package::TriggerSpec spec = TwoOfThree();
  spec.commissioning_windows = 200;
  package::DistanceSpec distance;
  distance.false_alarm_rate = 1e-3F;
  distance.feature_mask = 0b11;
  std::array<float, 3> memory{};
  Baseline baseline;
  baseline.Start({.recipe = RecipeId(1), .features = 2, .trigger = &spec, .distance = &distance},
                 memory);
  std::mt19937 random(kSeed);
  std::normal_distribution<float> normal;
  while (!baseline.complete()) {
    const float common = normal(random);
    ASSERT_TRUE(baseline.Learn(std::vector<float>{common, common + 0.1F * normal(random)}).ok());
  }
  ASSERT_TRUE(baseline.Seal().ok());
  Trigger both;
  both.Arm(spec, baseline, 0, &distance);
  Trigger alone;
  alone.Arm(spec, baseline);
  // Each within two deviations, but they always went together.
  const std::vector<float> apart{1.5F, -1.5F};
  EXPECT_FALSE(alone.Step(apart, baseline).over);
  const TriggerResult result = both.Step(apart, baseline);
  EXPECT_TRUE(result.over);
  EXPECT_GT(result.distance, both.distance_threshold());
  EXPECT_FLOAT_EQ(result.score, result.distance / both.distance_threshold() * both.threshold());
}

TEST(Trigger, LanesHaveThresholdsOfTheirOwnAndOneEpisode) {
  package::TriggerSpec spec = TwoOfThree();
  Machine machine(2);
  spec.commissioning_windows = 20;
  const Baseline few = machine.Commission(spec);
  spec.commissioning_windows = 500;
  const Baseline many = machine.Commission(spec);
  Trigger trigger;
  trigger.Arm(spec, few, 0);
  trigger.Arm(spec, many, 2);
  EXPECT_TRUE(trigger.armed(0) && !trigger.armed(1) && trigger.armed(2));
  EXPECT_GT(trigger.threshold(0), trigger.threshold(2));
  (void)trigger.Step(std::vector<float>{500, 1}, few, 0);
  EXPECT_EQ(trigger.Step(std::vector<float>{500, 1}, many, 2).state, EventState::kOnset);
  EXPECT_EQ(trigger.Step(std::vector<float>{500, 1}, few, 0).windows, 2U);
}

}  // namespace
}  // namespace trib::node::cascade
