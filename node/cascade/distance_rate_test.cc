// Whether the distance's threshold keeps the rate that the package states: simulated Gaussian
// machines, several numbers of windows and features, several structures of correlation. With -V the
// table of measured rates with their Clopper-Pearson intervals.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "trib/node/cascade/baseline.h"
#include "trib/testing/clopper_pearson.h"

namespace trib::node::cascade {
namespace {

constexpr unsigned kSeed = 2024;
constexpr double kRate = 0.01;
using trib::testing::ClopperPearson;
using trib::testing::Interval;

enum class Structure { kIndependent, kNeighbours, kCommonCause };

/// Unit variances; correlation 0, 0.6^|i-j|, or 0.6 between all.
class Machine {
 public:
  Machine(Structure structure, std::size_t features, unsigned seed)
      : structure_(structure), frame_(features), random_(seed) {}
  const std::vector<float>& Window() {
    const float common = normal_(random_);
    float previous = common;
    for (float& value : frame_) {
      const float own = normal_(random_);
      switch (structure_) {
        case Structure::kIndependent:
          value = own;
          break;
        case Structure::kNeighbours:
          value = 0.6F * previous + 0.8F * own;
          previous = value;
          break;
        case Structure::kCommonCause:
          value = std::sqrt(0.6F) * common + std::sqrt(0.4F) * own;
          break;
      }
    }
    return frame_;
  }

 private:
  Structure structure_;
  std::vector<float> frame_;
  std::mt19937 random_;
  std::normal_distribution<float> normal_;
};

struct Measured {
  std::uint64_t over = 0;
  std::uint64_t total = 0;
};

/// Each baseline judges one window, so that these are independent draws of the claim: "the next
/// window of a healthy machine, over all baselines so learned".
Measured Measure(Structure structure,
                 std::size_t features,
                 std::uint32_t windows,
                 float shrinkage) {
  package::TriggerSpec trigger;
  trigger.commissioning_windows = windows;
  trigger.min_std = 1e-6F;
  package::DistanceSpec distance;
  distance.false_alarm_rate = static_cast<float>(kRate);
  distance.shrinkage = shrinkage;
  distance.feature_mask = (std::uint64_t{1} << features) - 1;
  std::vector<float> memory(Baseline::JointNumbers(&distance));
  Measured out;
  constexpr unsigned kBaselines = 5'000;
  for (unsigned i = 0; i < kBaselines; ++i, ++out.total) {
    Machine machine(structure, features, kSeed + windows * 100'000 + i);
    Baseline baseline;
    baseline.Start(
        {.recipe = RecipeId(1), .features = features, .trigger = &trigger, .distance = &distance},
        memory);
    while (!baseline.complete()) {
      EXPECT_TRUE(baseline.Learn(machine.Window()).ok());
    }
    EXPECT_TRUE(baseline.Seal().ok());
    const float threshold = baseline.DistanceThreshold(distance.false_alarm_rate);
    out.over += baseline.Distance(machine.Window()) > threshold ? 1U : 0U;
  }
  return out;
}

constexpr const char* kNames[] = {"independent", "neighbours", "common cause"};

// Without shrinkage the threshold is Hotelling's: exact, so the interval holds the stated rate.
TEST(DistanceRate, IsTheStatedOneWithoutShrinkage) {
  for (const auto& [features, windows] :
       {std::pair<std::size_t, std::uint32_t>{4, 24}, {4, 60}, {8, 60}, {21, 60}, {21, 120}}) {
    const Measured measured = Measure(Structure::kNeighbours, features, windows, 0);
    const Interval interval = ClopperPearson(measured.over, measured.total, 0.999);
    std::printf("shrinkage 0, %zu features, %u windows: %.4f [%.4f, %.4f] of %zu\n",
                features,
                windows,
                static_cast<double>(measured.over) / static_cast<double>(measured.total),
                interval.low,
                interval.high,
                static_cast<std::size_t>(measured.total));
    EXPECT_LE(interval.low, kRate) << features << " features, " << windows << " windows";
    EXPECT_GE(interval.high, kRate) << features << " features, " << windows << " windows";
  }
}

// Automatic shrinkage: no more than half above the stated rate anywhere, not significantly above it
// from three windows a feature on, and not so far below that the distance were useless.
TEST(DistanceRate, IsKeptWithAutomaticShrinkage) {
  for (const Structure structure :
       {Structure::kIndependent, Structure::kNeighbours, Structure::kCommonCause}) {
    for (const auto& [features, windows] : {std::pair<std::size_t, std::uint32_t>{4, 24},
                                            {4, 60},
                                            {8, 60},
                                            {21, 35},
                                            {21, 60},
                                            {21, 120}}) {
      const Measured measured =
          Measure(structure, features, windows, package::DistanceSpec::kAutomatic);
      const Interval interval = ClopperPearson(measured.over, measured.total, 0.999);
      std::printf("automatic, %s, %zu features, %u windows: %.4f [%.4f, %.4f] of %zu\n",
                  kNames[static_cast<std::size_t>(structure)],
                  features,
                  windows,
                  static_cast<double>(measured.over) / static_cast<double>(measured.total),
                  interval.low,
                  interval.high,
                  static_cast<std::size_t>(measured.total));
      EXPECT_LE(interval.low, kRate * 1.5) << kNames[static_cast<std::size_t>(structure)];
      if (windows > 2 * features) {
        EXPECT_LE(interval.low, kRate) << features << " features, " << windows << " windows";
        EXPECT_GE(interval.high, kRate / 3) << features << " features, " << windows << " windows";
      }
    }
  }
}

}  // namespace
}  // namespace trib::node::cascade
