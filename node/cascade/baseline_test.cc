#include "trib/node/cascade/baseline.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace trib::node::cascade {
namespace {

constexpr RecipeId kRecipe(0x1234);
constexpr float kMinStd = 1e-3F;

package::TriggerSpec Spec(std::size_t windows, std::uint32_t skip = 0) {
  package::TriggerSpec spec;
  spec.commissioning_windows = static_cast<std::uint32_t>(windows);
  spec.skip_windows = skip;
  spec.min_std = kMinStd;
  return spec;
}

const package::TriggerSpec k10 = Spec(10);
const package::TriggerSpec k11 = Spec(11);
const package::TriggerSpec k20 = Spec(20);

/// A spec of this recipe that looks at features alone.
BaselineSpec For(std::size_t features, const package::TriggerSpec& trigger) {
  return {.recipe = kRecipe, .features = features, .trigger = &trigger};
}

Baseline Learned(const std::vector<std::vector<float>>& frames) {
  Baseline baseline;
  const package::TriggerSpec trigger = Spec(frames.size());
  baseline.Start(For(frames[0].size(), trigger));
  for (const auto& frame : frames) {
    EXPECT_TRUE(baseline.Learn(frame).ok());
  }
  return baseline;
}

TEST(Baseline, AgreesWithDoubleWithinItsStatedError) {
  constexpr unsigned kSeed = 7;
  std::mt19937 random(kSeed);
  for (const double mean : {0.0, -3.0, 100.0}) {
    std::normal_distribution<double> normal(mean, 1.0);
    std::vector<std::vector<float>> frames;
    double sum = 0;
    for (int i = 0; i < 2000; ++i) {
      frames.push_back({static_cast<float>(normal(random))});
      sum += frames.back()[0];
    }
    double squares = 0;
    for (const auto& frame : frames) {
      squares += (frame[0] - sum / 2000) * (frame[0] - sum / 2000);
    }
    const Baseline baseline = Learned(frames);
    EXPECT_NEAR(baseline.mean(0), sum / 2000, 1e-4 * std::max(1.0, std::abs(mean) / 10));
    EXPECT_NEAR(baseline.deviation(0) / std::sqrt(squares / 1999), 1.0, 1e-4) << "seed " << kSeed;
  }
}

TEST(Baseline, IsCompleteAfterTheWindowsAskedFor) {
  Baseline baseline;
  EXPECT_FALSE(baseline.complete());
  const package::TriggerSpec trigger = Spec(4);
  baseline.Start(For(2, trigger));
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(baseline.permille(), i * 250);
    EXPECT_TRUE(baseline.Learn(std::vector<float>{1, 2}).ok());
  }
  EXPECT_TRUE(baseline.complete());
  EXPECT_EQ(baseline.Learn(std::vector<float>{1, 2}).code(), Code::kFailedPrecondition);
}

TEST(Baseline, LearnsNothingFromTheWindowsToSkip) {
  Baseline baseline;
  const package::TriggerSpec trigger = Spec(2, 3);
  baseline.Start(For(1, trigger));
  for (const float value : {900.0F, 800.0F, 700.0F, 5.0F, 7.0F}) {
    EXPECT_FALSE(baseline.complete());
    EXPECT_TRUE(baseline.Learn(std::vector<float>{value}).ok());
  }
  EXPECT_TRUE(baseline.complete());
  EXPECT_EQ(baseline.mean(0), 6.0F);
}

TEST(Baseline, RefusesFramesThatAreNotFiniteOrOfAnotherSize) {
  Baseline baseline;
  const package::TriggerSpec trigger = Spec(4);
  baseline.Start(For(2, trigger));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(baseline.Learn(std::vector<float>{1, nan}).code(), Code::kInvalidArgument);
  EXPECT_EQ(baseline.Learn(std::vector<float>{1}).code(), Code::kInvalidArgument);
  EXPECT_EQ(baseline.seen(), 0U);
}

TEST(Baseline, KeepsTheFloorOfADeadFeature) {
  const Baseline baseline = Learned(std::vector<std::vector<float>>(10, {5.0F}));
  EXPECT_EQ(baseline.deviation(0), kMinStd);
  EXPECT_EQ(baseline.Standardise(0, 5.0F), 0.0F);
}

TEST(Baseline, OneKnockDoesNotBlowUpTheSpread) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0, 1);
  std::vector<std::vector<float>> frames;
  frames.reserve(40);
  for (int i = 0; i < 40; ++i) {
    frames.push_back({i == 25 ? 1000.0F : normal(random)});
  }
  EXPECT_LT(Learned(frames).deviation(0), 2.0F);
}

TEST(Baseline, ComesBackAsItWasSaved) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(2, 0.5F);
  Baseline baseline;
  const package::TriggerSpec trigger = Spec(12);
  baseline.Start(For(3, trigger));
  std::vector<std::byte> bytes(Baseline::SavedBytes(3));
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(baseline.Save(false, bytes).status().code(), Code::kFailedPrecondition);
    ASSERT_TRUE(baseline.Learn(std::vector<float>{normal(random), 1, normal(random)}).ok());
  }
  ASSERT_EQ(*baseline.Save(false, bytes), bytes.size());
  Baseline other;
  ASSERT_TRUE(other.Load(bytes, For(3, k20)).ok());
  EXPECT_TRUE(other.complete());
  EXPECT_EQ(other.seen(), 12U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(other.mean(i), baseline.mean(i));
    EXPECT_EQ(other.deviation(i), baseline.deviation(i));
  }
  EXPECT_EQ(baseline.Save(false, std::span(bytes).first(10)).status().code(),
            Code::kResourceExhausted);
}

TEST(Baseline, IsNotFoundForAnotherRecipe) {
  const Baseline baseline = Learned(std::vector<std::vector<float>>(10, {5.0F}));
  std::vector<std::byte> bytes(Baseline::SavedBytes(1));
  ASSERT_TRUE(baseline.Save(false, bytes).ok());
  Baseline other;
  EXPECT_EQ(other.Load(bytes, {.recipe = RecipeId(9), .features = 1, .trigger = &k10}).code(),
            Code::kNotFound);
  EXPECT_EQ(other.Load(bytes, For(2, k10)).code(), Code::kNotFound);
  // Another number of commissioning windows is no reason to learn again.
  EXPECT_TRUE(other.Load(bytes, For(1, k11)).ok());
}

TEST(Baseline, RefusesEveryTruncationAndMeaninglessNumbers) {
  const Baseline baseline = Learned(std::vector<std::vector<float>>(10, {5.0F, 6.0F}));
  std::vector<std::byte> bytes(Baseline::SavedBytes(2));
  ASSERT_TRUE(baseline.Save(false, bytes).ok());
  Baseline other;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(other.Load(std::span(bytes).first(size), For(2, k10)).code(), Code::kDataLoss);
  }
  auto version = bytes;
  version[0] = std::byte{9};
  EXPECT_EQ(other.Load(version, For(2, k10)).code(), Code::kUnimplemented);
  auto negative = bytes;
  negative[32 + 4 * 3 + 3] = std::byte{0xBF};  // sum of squares of feature 1 below zero
  negative[32 + 4 * 3 + 2] = std::byte{0x80};
  EXPECT_EQ(other.Load(negative, For(2, k10)).code(), Code::kDataLoss);
  auto nan = bytes;
  nan[32 + 3] = std::byte{0x7F};
  nan[32 + 2] = std::byte{0xC0};
  EXPECT_EQ(other.Load(nan, For(2, k10)).code(), Code::kDataLoss);
  EXPECT_FALSE(other.complete());
}

// ---- several features together -----------------------------------------------------------------

constexpr std::size_t kJoint = 5;

package::DistanceSpec Joint(float shrinkage = package::DistanceSpec::kAutomatic) {
  return {.false_alarm_rate = 1e-3F, .shrinkage = shrinkage, .feature_mask = 0b101111};
}

/// Six features; feature 4 is not in the mask, the others are correlated.
std::vector<float> CorrelatedFrame(std::mt19937& random) {
  std::normal_distribution<float> normal;
  const float common = normal(random);
  std::vector<float> frame(6);
  for (std::size_t i = 0; i < frame.size(); ++i) {
    frame[i] = static_cast<float>(i) +
               (1 + static_cast<float>(i)) * (0.8F * common + 0.6F * normal(random));
  }
  return frame;
}

struct JointBench {
  explicit JointBench(const package::DistanceSpec& distance_spec, std::size_t windows = 60)
      : trigger(Spec(windows)), distance(distance_spec) {
    spec.distance = &distance;
    spec.trigger = &trigger;
    baseline.Start(spec, memory);
  }
  void Learn(std::mt19937& random) {
    while (!baseline.complete()) {
      EXPECT_TRUE(baseline.Learn(CorrelatedFrame(random)).ok());
    }
  }
  package::TriggerSpec trigger;
  package::DistanceSpec distance;
  BaselineSpec spec{.recipe = kRecipe, .features = 6, .conditions_id = 3};
  std::array<float, dsp::TriangleNumbers(kJoint)> memory{};
  Baseline baseline;
};

TEST(BaselineDistance, IsThatOfTheLearnedCovarianceInDouble) {
  constexpr unsigned kSeed = 21;
  std::mt19937 random(kSeed);
  JointBench bench(Joint(0));
  std::mt19937 again(kSeed);
  bench.Learn(random);
  ASSERT_TRUE(bench.baseline.Seal().ok());
  // Means, sums of products and the inverse by elimination, in double.
  const std::size_t at[kJoint] = {0, 1, 2, 3, 5};
  std::vector<std::vector<float>> frames;
  double mean[kJoint] = {};
  for (int k = 0; k < 60; ++k) {
    frames.push_back(CorrelatedFrame(again));
    for (std::size_t i = 0; i < kJoint; ++i) {
      mean[i] += frames.back()[at[i]] / 60.0;
    }
  }
  double a[kJoint][kJoint + 1] = {};
  for (const auto& frame : frames) {
    for (std::size_t i = 0; i < kJoint; ++i) {
      for (std::size_t j = 0; j < kJoint; ++j) {
        a[i][j] += (frame[at[i]] - mean[i]) * (frame[at[j]] - mean[j]) / 59.0;
      }
    }
  }
  const std::vector<float> probe{3, -2, 5, 1, 99, 4};
  double difference[kJoint] = {};
  for (std::size_t i = 0; i < kJoint; ++i) {
    difference[i] = probe[at[i]] - mean[i];
    a[i][kJoint] = difference[i];
  }
  for (std::size_t i = 0; i < kJoint; ++i) {
    for (std::size_t row = 0; row < kJoint; ++row) {
      const double factor = a[row][i] / a[i][i];
      for (std::size_t j = i; row != i && j <= kJoint; ++j) {
        a[row][j] -= factor * a[i][j];
      }
    }
  }
  double square = 0;
  for (std::size_t i = 0; i < kJoint; ++i) {
    square += difference[i] * a[i][kJoint] / a[i][i];
  }
  EXPECT_NEAR(bench.baseline.Distance(probe) / std::sqrt(square), 1.0, 1e-4) << "seed " << kSeed;
}

TEST(BaselineDistance, WithAllShrinkageIsTheRootOfTheSumOfSquaredDeviations) {
  std::mt19937 random(22);
  JointBench bench(Joint(1));
  bench.Learn(random);
  ASSERT_TRUE(bench.baseline.Seal().ok());
  const std::vector<float> probe{3, -2, 5, 1, 99, 4};
  double sum = 0;
  for (const std::size_t i : {0U, 1U, 2U, 3U, 5U}) {
    sum += std::pow(bench.baseline.Standardise(i, probe[i]), 2);
  }
  EXPECT_NEAR(bench.baseline.Distance(probe), std::sqrt(sum), 1e-4);
}

TEST(BaselineDistance, ShrinksMoreTheFewerWindowsThereAre) {
  std::mt19937 random(23);
  float previous = 1;
  for (const std::size_t windows : {12U, 60U, 2000U}) {
    JointBench bench(Joint(), windows);
    bench.Learn(random);
    ASSERT_TRUE(bench.baseline.Seal().ok());
    EXPECT_LT(bench.baseline.shrinkage(), previous) << windows;
    previous = bench.baseline.shrinkage();
  }
  EXPECT_FLOAT_EQ(previous, Baseline::kLeastShrinkage);
}

TEST(BaselineDistance, CannotBeSealedOnTooFewWindowsOrCopiesOfAFeature) {
  std::mt19937 random(24);
  JointBench few(Joint(0), 6);
  few.Learn(random);
  EXPECT_EQ(few.baseline.Seal().code(), Code::kFailedPrecondition);
  EXPECT_FALSE(few.baseline.has_distance());
  for (const float shrinkage : {0.0F, package::DistanceSpec::kAutomatic}) {
    JointBench copies(Joint(shrinkage));
    while (!copies.baseline.complete()) {
      std::vector<float> frame = CorrelatedFrame(random);
      frame[1] = 2 * frame[0];
      ASSERT_TRUE(copies.baseline.Learn(frame).ok());
    }
    EXPECT_EQ(copies.baseline.Seal().ok(), shrinkage != 0) << shrinkage;
  }
}

TEST(BaselineDistance, OneKnockInAllFeaturesMovesItLittle) {
  std::mt19937 random(25);
  JointBench bench(Joint());
  std::size_t window = 0;
  while (!bench.baseline.complete()) {
    std::vector<float> frame = CorrelatedFrame(random);
    if (++window == 30) {
      std::fill(frame.begin(), frame.end(), 500.0F);
    }
    ASSERT_TRUE(bench.baseline.Learn(frame).ok());
  }
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_LT(bench.baseline.deviation(i), 1.6F * (1 + static_cast<float>(i))) << i;
  }
}

TEST(BaselineDistance, CountsWhatIsNotFiniteAsTheLargest) {
  std::mt19937 random(26);
  JointBench bench(Joint());
  bench.Learn(random);
  ASSERT_TRUE(bench.baseline.Seal().ok());
  std::vector<float> frame = CorrelatedFrame(random);
  frame[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(bench.baseline.Distance(frame), Baseline::kMaxDistance);
}

class SavedBaseline : public ::testing::Test {
 protected:
  void SetUp() override {
    std::mt19937 random(27);
    bench_.Learn(random);
    head_.resize(Baseline::SavedBytes(6));
    part_.resize(Baseline::kPartBytes);
    ASSERT_EQ(*bench_.baseline.Save(true, head_), head_.size());
    ASSERT_EQ(bench_.baseline.parts(), 1U);
    part_.resize(*bench_.baseline.SavePart(0, part_));
    ASSERT_TRUE(bench_.baseline.Seal().ok());
  }
  JointBench bench_{Joint()};
  std::vector<std::byte> head_;
  std::vector<std::byte> part_;
  std::array<float, dsp::TriangleNumbers(kJoint)> other_memory_{};
  Baseline other_;
};

TEST_F(SavedBaseline, ComesBackWithTheSameDistances) {
  ASSERT_TRUE(other_.Load(head_, bench_.spec, other_memory_).ok());
  EXPECT_FALSE(other_.complete()) << "the covariance is not there yet";
  ASSERT_TRUE(other_.LoadPart(0, part_).ok());
  ASSERT_TRUE(other_.complete());
  EXPECT_TRUE(other_.with_warning());
  ASSERT_TRUE(other_.Seal().ok());
  std::mt19937 random(28);
  for (int i = 0; i < 20; ++i) {
    const auto frame = CorrelatedFrame(random);
    EXPECT_EQ(other_.Distance(frame), bench_.baseline.Distance(frame));
  }
  EXPECT_EQ(other_.DistanceThreshold(1e-3F), bench_.baseline.DistanceThreshold(1e-3F));
}

TEST_F(SavedBaseline, RefusesPartsThatAreNotItsOwn) {
  auto changed = part_;
  changed[5] ^= std::byte{1};
  ASSERT_TRUE(other_.Load(head_, bench_.spec, other_memory_).ok());
  EXPECT_EQ(other_.LoadPart(0, changed).code(), Code::kDataLoss);
  EXPECT_FALSE(other_.complete());
  ASSERT_TRUE(other_.Load(head_, bench_.spec, other_memory_).ok());
  EXPECT_EQ(other_.LoadPart(1, part_).code(), Code::kFailedPrecondition);
  EXPECT_EQ(other_.LoadPart(0, std::span(part_).first(8)).code(), Code::kDataLoss);
  EXPECT_FALSE(other_.complete());
  EXPECT_EQ(bench_.baseline.SavePart(0, part_).status().code(), Code::kFailedPrecondition)
      << "sealed: the sums are gone";
  auto again = head_;
  ASSERT_TRUE(bench_.baseline.Save(true, again).ok());
  EXPECT_EQ(again, head_) << "the head is the same before and after";
}

TEST_F(SavedBaseline, IsNotFoundForOtherConditionsOrAnotherDistance) {
  BaselineSpec spec = bench_.spec;
  spec.conditions_id = 4;
  EXPECT_EQ(other_.Load(head_, spec, other_memory_).code(), Code::kNotFound);
  spec = bench_.spec;
  spec.distance = nullptr;
  EXPECT_EQ(other_.Load(head_, spec).code(), Code::kNotFound);
}

// What nodes saved before there was a covariance: u16 1, u16 features, u32 recipe, u32 windows,
// then mean and sum of squares of each feature.
TEST(Baseline, NamesAVersionOneAsAnotherVersion) {
  std::vector<std::byte> bytes(12 + 8);
  bytes[0] = std::byte{1};
  bytes[2] = std::byte{1};
  bytes[4] = std::byte{0x34};
  bytes[5] = std::byte{0x12};
  bytes[8] = std::byte{60};
  Baseline baseline;
  EXPECT_EQ(baseline.Load(bytes, For(1, k10)).code(), Code::kUnimplemented);
  EXPECT_FALSE(baseline.complete());
}

}  // namespace
}  // namespace trib::node::cascade
