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

Baseline Learned(const std::vector<std::vector<float>>& frames) {
  Baseline baseline;
  baseline.Start(kRecipe, frames[0].size(), Spec(frames.size()));
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
  baseline.Start(kRecipe, 2, Spec(4));
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(baseline.permille(), i * 250);
    EXPECT_TRUE(baseline.Learn(std::vector<float>{1, 2}).ok());
  }
  EXPECT_TRUE(baseline.complete());
  EXPECT_EQ(baseline.Learn(std::vector<float>{1, 2}).code(), Code::kFailedPrecondition);
}

TEST(Baseline, LearnsNothingFromTheWindowsToSkip) {
  Baseline baseline;
  baseline.Start(kRecipe, 1, Spec(2, 3));
  for (const float value : {900.0F, 800.0F, 700.0F, 5.0F, 7.0F}) {
    EXPECT_FALSE(baseline.complete());
    EXPECT_TRUE(baseline.Learn(std::vector<float>{value}).ok());
  }
  EXPECT_TRUE(baseline.complete());
  EXPECT_EQ(baseline.mean(0), 6.0F);
}

TEST(Baseline, RefusesFramesThatAreNotFiniteOrOfAnotherSize) {
  Baseline baseline;
  baseline.Start(kRecipe, 2, Spec(4));
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
  baseline.Start(kRecipe, 3, Spec(12));
  std::vector<std::byte> bytes(Baseline::SavedBytes(3));
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(baseline.Save(bytes).status().code(), Code::kFailedPrecondition);
    ASSERT_TRUE(baseline.Learn(std::vector<float>{normal(random), 1, normal(random)}).ok());
  }
  ASSERT_EQ(*baseline.Save(bytes), bytes.size());
  Baseline other;
  ASSERT_TRUE(other.Load(bytes, kRecipe, 3, Spec(20)).ok());
  EXPECT_TRUE(other.complete());
  EXPECT_EQ(other.seen(), 12U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(other.mean(i), baseline.mean(i));
    EXPECT_EQ(other.deviation(i), baseline.deviation(i));
  }
  EXPECT_EQ(baseline.Save(std::span(bytes).first(10)).status().code(), Code::kResourceExhausted);
}

TEST(Baseline, IsNotFoundForAnotherRecipe) {
  const Baseline baseline = Learned(std::vector<std::vector<float>>(10, {5.0F}));
  std::vector<std::byte> bytes(Baseline::SavedBytes(1));
  ASSERT_TRUE(baseline.Save(bytes).ok());
  Baseline other;
  EXPECT_EQ(other.Load(bytes, RecipeId(9), 1, Spec(10)).code(), Code::kNotFound);
  EXPECT_EQ(other.Load(bytes, kRecipe, 2, Spec(10)).code(), Code::kNotFound);
  // Another number of commissioning windows is no reason to learn again.
  EXPECT_TRUE(other.Load(bytes, kRecipe, 1, Spec(11)).ok());
}

TEST(Baseline, RefusesEveryTruncationAndMeaninglessNumbers) {
  const Baseline baseline = Learned(std::vector<std::vector<float>>(10, {5.0F, 6.0F}));
  std::vector<std::byte> bytes(Baseline::SavedBytes(2));
  ASSERT_TRUE(baseline.Save(bytes).ok());
  Baseline other;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(other.Load(std::span(bytes).first(size), kRecipe, 2, Spec(10)).code(),
              Code::kDataLoss);
  }
  auto version = bytes;
  version[0] = std::byte{9};
  EXPECT_EQ(other.Load(version, kRecipe, 2, Spec(10)).code(), Code::kDataLoss);
  auto negative = bytes;
  negative[12 + 4 * 3 + 3] = std::byte{0xBF};  // sum of squares of feature 1 below zero
  negative[12 + 4 * 3 + 2] = std::byte{0x80};
  EXPECT_EQ(other.Load(negative, kRecipe, 2, Spec(10)).code(), Code::kDataLoss);
  auto nan = bytes;
  nan[12 + 3] = std::byte{0x7F};
  nan[12 + 2] = std::byte{0xC0};
  EXPECT_EQ(other.Load(nan, kRecipe, 2, Spec(10)).code(), Code::kDataLoss);
  EXPECT_FALSE(other.complete());
}

}  // namespace
}  // namespace trib::node::cascade
