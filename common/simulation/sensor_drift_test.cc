#include "trib/common/simulation/sensor_drift.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace trib::simulation {
namespace {

using Samples = std::vector<std::int16_t>;

constexpr float kScale = 0.001F;

SensorDrift Of(SensorDriftKind kind, float from, float to, bool stays) {
  return {.kind = kind, .from = from, .to = to, .begin = 100, .end = 200, .stays = stays};
}

TEST(SensorDrift, AStepIsThereBetweenItsFramesAndNowhereElse) {
  const std::array drifts{Of(SensorDriftKind::kGain, 1.5F, 1.5F, false)};
  Samples samples(300, 100);
  Drift(drifts, kScale, {}, samples);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(samples[i], i >= 100 && i < 200 ? 150 : 100) << i;
  }
}

TEST(SensorDrift, ARampIsReachedStraightAndStays) {
  const std::array drifts{Of(SensorDriftKind::kGain, 1, 1.5F, true)};
  Samples samples(300, 1'000);
  Drift(drifts, kScale, {}, samples);
  EXPECT_EQ(samples[99], 1'000);
  EXPECT_EQ(samples[100], 1'000);
  EXPECT_EQ(samples[110], 1'050);
  EXPECT_EQ(samples[150], 1'250);
  EXPECT_EQ(samples[199], 1'495);
  EXPECT_EQ(samples[200], 1'500);
  EXPECT_EQ(samples[299], 1'500);
}

TEST(SensorDrift, AnOffsetIsInTheSamplesUnit) {
  const std::array drifts{Of(SensorDriftKind::kOffset, -0.05F, -0.05F, false)};
  Samples samples(150, 7);
  Drift(drifts, kScale, {}, samples);
  EXPECT_EQ(samples[99], 7);
  EXPECT_EQ(samples[100], -43);
}

TEST(SensorDrift, NoiseHasItsDeviationAndNoMean) {
  const std::array drifts{SensorDrift{.kind = SensorDriftKind::kNoise,
                                      .from = 0.2F,
                                      .to = 0.2F,
                                      .begin = 0,
                                      .end = 100'000,
                                      .stays = false}};
  Samples samples(100'000, 0);
  Drift(drifts, kScale, {.seed = 5, .first_frame = 0, .channels = 2}, samples);
  double sum = 0;
  double squares = 0;
  for (const std::int16_t sample : samples) {
    sum += sample;
    squares += double{1} * sample * sample;
  }
  EXPECT_NEAR(sum / 100'000, 0, 3);
  EXPECT_NEAR(std::sqrt(squares / 100'000), 200, 2);
}

TEST(SensorDrift, TheSameHoweverTheSamplesAreRead) {
  const std::array drifts{Of(SensorDriftKind::kNoise, 0, 0.1F, true),
                          Of(SensorDriftKind::kGain, 1, 1.2F, true)};
  Samples whole(600, 500);
  Drift(drifts, kScale, {.seed = 5, .first_frame = 50, .channels = 2}, whole);
  Samples parts(600, 500);
  for (std::size_t frame = 0; frame < 300;) {
    const std::size_t frames = std::min<std::size_t>(1 + frame % 7, 300 - frame);
    Drift(drifts,
          kScale,
          {.seed = 5, .first_frame = 50 + frame, .channels = 2},
          std::span(parts).subspan(2 * frame, 2 * frames));
    frame += frames;
  }
  EXPECT_EQ(parts, whole);
  Samples other(600, 500);
  Drift(drifts, kScale, {.seed = 6, .first_frame = 50, .channels = 2}, other);
  EXPECT_NE(other, whole);
}

TEST(SensorDrift, SeveralAddUp) {
  const std::array drifts{Of(SensorDriftKind::kGain, 2, 2, false),
                          Of(SensorDriftKind::kGain, 1.5F, 1.5F, false),
                          Of(SensorDriftKind::kOffset, 1, 1, false),
                          Of(SensorDriftKind::kOffset, 0.5F, 0.5F, false),
                          Of(SensorDriftKind::kNoise, 3, 3, false),
                          Of(SensorDriftKind::kNoise, 4, 4, false)};
  EXPECT_EQ(DistortionAt(drifts, 150), (Distortion{.gain = 3, .offset = 1.5F, .noise = 5}));
  EXPECT_EQ(DistortionAt(drifts, 250), Distortion());
}

TEST(Distort, CutsAtTheRailsAndRoundsToEven) {
  Samples samples = {30'000, -30'000, 1, 3, -1};
  Distort({.gain = 1.5F}, kScale, {}, samples);
  EXPECT_EQ(samples, (Samples{32'767, -32'768, 2, 4, -2}));
}

TEST(Distort, WithoutAScaleThereIsOnlyTheGain) {
  for (const float scale : {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN()}) {
    Samples samples = {10, 20};
    Distort({.gain = 2, .offset = 5, .noise = 5}, scale, {}, samples);
    EXPECT_EQ(samples, (Samples{20, 40}));
  }
}

TEST(ParseSensorDriftKind, KnowsThreeNames) {
  EXPECT_EQ(ParseSensorDriftKind("gain"), SensorDriftKind::kGain);
  EXPECT_EQ(ParseSensorDriftKind("offset"), SensorDriftKind::kOffset);
  EXPECT_EQ(ParseSensorDriftKind("noise"), SensorDriftKind::kNoise);
  EXPECT_FALSE(ParseSensorDriftKind("stuck").has_value());
  EXPECT_FALSE(ParseSensorDriftKind("").has_value());
}

}  // namespace
}  // namespace trib::simulation
