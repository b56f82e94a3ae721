#include "trib/node/features/feature_stage.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace trib::node::features {
namespace {

constexpr std::uint32_t kFrames = 256;

dsp::Recipe RecipeOf(dsp::Op op, dsp::Transform transform, std::vector<float> parameters) {
  dsp::Recipe recipe;
  recipe.channels = 1;
  recipe.sample_rate_hz = 1000;
  recipe.window_frames = kFrames;
  recipe.hop_frames = kFrames;
  EXPECT_TRUE(recipe.operations.push_back({.op = dsp::Op::kCrest}));
  EXPECT_TRUE(recipe.operations.push_back(
      {.op = op,
       .transform = transform,
       .parameter_count = static_cast<std::uint8_t>(parameters.size())}));
  EXPECT_TRUE(recipe.parameters.assign(parameters));
  EXPECT_TRUE(dsp::ValidateRecipe(recipe).ok());
  return recipe;
}

dsp::Recipe LogRms() {
  return RecipeOf(dsp::Op::kRms, dsp::Transform::kLog, {});
}

class FeatureStageTest : public ::testing::Test {
 protected:
  FeatureStageTest() : samples_(kFrames) {
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      samples_[i] = static_cast<std::int16_t>(i % 2 == 0 ? 1000 : -1000);
    }
  }
  [[nodiscard]] dsp::Window WindowOf(float scale) const {
    return {.samples = samples_,
            .channels = 1,
            .frames = kFrames,
            .scale = scale,
            .sample_rate_hz = 1000};
  }

  std::vector<std::int16_t> samples_;
  FeatureStageStorage<kFrames, false> storage_;
  FeatureStage& stage_ = storage_.stage();
  message::FeatureFrame frame_;
};

TEST_F(FeatureStageTest, GivesTheRecipesFeaturesInPhysicalUnits) {
  ASSERT_TRUE(stage_.Load(LogRms()).ok());
  frame_.score = 3;
  ASSERT_TRUE(stage_.Extract(WindowOf(0.001F), frame_).ok());
  ASSERT_EQ(frame_.values.size(), 2U);
  EXPECT_FLOAT_EQ(frame_.values[0], 1.0F);
  EXPECT_NEAR(frame_.values[1], 0.0F, 1e-6F);
  EXPECT_EQ(frame_.score, 3);
}

TEST_F(FeatureStageTest, RefusesWithoutARecipe) {
  EXPECT_EQ(stage_.Extract(WindowOf(1), frame_).code(), Code::kFailedPrecondition);
}

TEST_F(FeatureStageTest, RefusesWindowsThatDoNotFitTheRecipe) {
  ASSERT_TRUE(stage_.Load(LogRms()).ok());
  const auto refused = [&](auto change) {
    dsp::Window window = WindowOf(1);
    change(window);
    (void)frame_.values.push_back(1);
    const Status status = stage_.Extract(window, frame_);
    return status.code() == Code::kInvalidArgument && frame_.values.empty();
  };
  EXPECT_TRUE(refused([](dsp::Window& w) { w.channels = 2; }));
  EXPECT_TRUE(refused([](dsp::Window& w) { w.frames = kFrames / 2; }));
  EXPECT_TRUE(refused([](dsp::Window& w) { w.sample_rate_hz = 1001; }));
  EXPECT_TRUE(refused([](dsp::Window& w) { w.samples = w.samples.first(kFrames - 1); }));
}

TEST_F(FeatureStageTest, ValuesThatAreNotFiniteNeverLeave) {
  ASSERT_TRUE(stage_.Load(LogRms()).ok());
  for (const float scale :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const Status status = stage_.Extract(WindowOf(scale), frame_);
    EXPECT_EQ(status.code(), Code::kDataLoss);
    EXPECT_EQ(status.reason(), 1);  // the crest factor, output 0, has no unit
    EXPECT_TRUE(frame_.values.empty());
  }
}

TEST_F(FeatureStageTest, DeadChannelGivesFiniteValues) {
  ASSERT_TRUE(stage_.Load(LogRms()).ok());
  samples_.assign(kFrames, 0);
  ASSERT_TRUE(stage_.Extract(WindowOf(1), frame_).ok());
  EXPECT_NEAR(frame_.values[1], std::log(1e-12), 1e-4);
}

TEST_F(FeatureStageTest, RecipeThatNeedsMoreScratchIsRefusedAndTheOldOneStays) {
  ASSERT_TRUE(stage_.Load(LogRms()).ok());
  const auto envelope = RecipeOf(dsp::Op::kEnvelopeLines, dsp::Transform::kNone, {100, 300, 8, 50});
  EXPECT_EQ(stage_.Load(envelope).code(), Code::kResourceExhausted);
  EXPECT_EQ(stage_.recipe(), LogRms());
  EXPECT_TRUE(stage_.Extract(WindowOf(1), frame_).ok());
}

}  // namespace
}  // namespace trib::node::features
