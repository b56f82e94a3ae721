#include "trib/node/sensing/guardrails.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace trib::node::sensing {
namespace {

using message::FaultCode;

constexpr std::size_t kFrames = 256;

package::Guardrails Limits() {
  package::Guardrails out;
  (void)out.channels.push_back({.min_raw = -10000,
                                .max_raw = 10000,
                                .clip_level_raw = 32000,
                                .max_clipped_permille = 10,
                                .max_stuck_run = 32,
                                .min_peak_to_peak_raw = 20,
                                .max_missing_permille = 20,
                                .scale_min = 1e-5F,
                                .scale_max = 1e-2F});
  return out;
}

struct Case {
  explicit Case(std::uint32_t channels = 1) : samples(kFrames * channels) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples[i] = static_cast<std::int16_t>(5000.0 * std::sin(0.37 * static_cast<double>(i)));
    }
    window.channels = channels;
    window.scale = 0.001F;
  }
  GuardrailVerdict Judged(const package::Guardrails& limits = Limits()) {
    summaries.assign(window.channels, {});
    for (std::size_t channel = 0; channel < window.channels; ++channel) {
      dsp::Append(summaries[channel],
                  dsp::ChannelView<std::int16_t>(samples, window.channels, channel),
                  LimitsOf(limits, channel).clip_level_raw);
    }
    window.samples = samples;
    window.summaries = summaries;
    return Judge(window, limits);
  }
  std::vector<std::int16_t> samples;
  std::vector<dsp::Summary> summaries;
  CutWindow window;
};

TEST(Guardrails, PassAHealthyWindow) {
  EXPECT_TRUE(Case(1).Judged().ok());
  EXPECT_TRUE(Case(3).Judged().ok());
}

TEST(Guardrails, RefuseAScaleThatIsNotFiniteWithAFiniteValue) {
  for (const float scale : {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
    Case c;
    c.window.scale = scale;
    const auto verdict = c.Judged();
    EXPECT_EQ(verdict.code, FaultCode::kSensorNonFinite);
    EXPECT_TRUE(std::isfinite(verdict.value));
  }
}

TEST(Guardrails, RefuseAScaleOutsideItsRange) {
  for (const float scale : {0.0F, -0.001F, 1e-6F, 0.1F}) {
    Case c;
    c.window.scale = scale;
    EXPECT_EQ(c.Judged().code, FaultCode::kSensorOutOfRange) << scale;
    EXPECT_EQ(c.Judged().value, scale);
  }
}

TEST(Guardrails, RefuseFramesThatWereNotFinite) {
  Case c;
  c.window.non_finite_frames = 1;
  EXPECT_EQ(c.Judged().code, FaultCode::kSensorNonFinite);
  EXPECT_EQ(c.Judged().value, 1.0F);
}

TEST(Guardrails, RefuseTooManyMissingFrames) {
  Case c;
  c.window.missing_frames = 5;  // 19.5 permille
  EXPECT_TRUE(c.Judged().ok());
  c.window.missing_frames = 6;
  EXPECT_EQ(c.Judged().code, FaultCode::kSensorMissing);
  EXPECT_EQ(c.Judged().value, 23.0F);
}

TEST(Guardrails, NameTheStuckChannel) {
  Case c(2);
  for (std::size_t i = 100; i < 131; ++i) {
    c.samples[i * 2 + 1] = 77;
  }
  EXPECT_TRUE(c.Judged().ok());
  c.samples[131 * 2 + 1] = 77;
  const auto verdict = c.Judged();
  EXPECT_EQ(verdict.code, FaultCode::kSensorStuck);
  EXPECT_EQ(verdict.channel, 1U);
  EXPECT_EQ(verdict.value, 32.0F);
}

TEST(Guardrails, CountARunAtTheRailAsClippedNotStuck) {
  Case c;
  for (std::size_t i = 0; i < 64; ++i) {
    c.samples[i] = std::numeric_limits<std::int16_t>::min();
  }
  const auto verdict = c.Judged();
  EXPECT_EQ(verdict.code, FaultCode::kSensorClipped);
  EXPECT_EQ(verdict.value, 250.0F);
}

TEST(Guardrails, RefuseValuesOutsideThePhysicalRange) {
  Case c;
  c.samples[9] = 10001;
  EXPECT_EQ(c.Judged().code, FaultCode::kSensorOutOfRange);
  EXPECT_NEAR(c.Judged().value, 10.001, 1e-4);
  c.samples[9] = -10001;
  EXPECT_NEAR(c.Judged().value, -10.001, 1e-4);
}

TEST(Guardrails, RefuseASignalThatHardlyMoves) {
  Case c;
  for (std::size_t i = 0; i < kFrames; ++i) {
    c.samples[i] = static_cast<std::int16_t>(i % 20);
  }
  EXPECT_EQ(c.Judged().code, FaultCode::kSensorStuck);
  EXPECT_EQ(c.Judged().value, 19.0F);
  c.samples[3] = 20;
  EXPECT_TRUE(c.Judged().ok());
}

TEST(Guardrails, JudgeTheCalibrationBeforeTheSamples) {
  Case c;
  c.samples.assign(kFrames, 0);  // stuck, too
  c.window.missing_frames = 256;
  c.window.scale = 5;
  c.window.non_finite_frames = 3;
  EXPECT_EQ(c.Judged().code, FaultCode::kSensorNonFinite);
  c.window.non_finite_frames = 0;
  EXPECT_EQ(c.Judged().code, FaultCode::kSensorOutOfRange);
  c.window.scale = 0.001F;
  EXPECT_EQ(c.Judged().code, FaultCode::kSensorMissing);
  c.window.missing_frames = 0;
  EXPECT_EQ(c.Judged().code, FaultCode::kSensorStuck);
}

TEST(Guardrails, KeepTheRulesOfTheLastChannelForFurtherOnes) {
  Case c(3);
  c.samples[2] = 10001;
  EXPECT_EQ(c.Judged().code, FaultCode::kSensorOutOfRange);
  EXPECT_EQ(c.Judged().channel, 2U);
}

TEST(Guardrails, BuiltInOnesRefuseOnlyWhatNoMachineCanBe) {
  const package::Guardrails limits =
      BuiltInGuardrails({.channels = 1, .length = kFrames, .hop = kFrames});
  Case c;
  EXPECT_TRUE(c.Judged(limits).ok());
  c.samples.assign(kFrames, 4);
  EXPECT_EQ(c.Judged(limits).code, FaultCode::kSensorStuck);
  c.samples[0] = 5;
  EXPECT_TRUE(c.Judged(limits).ok());
  c.window.missing_frames = 1;
  EXPECT_EQ(c.Judged(limits).code, FaultCode::kSensorMissing);
  c.window.missing_frames = 0;
  c.window.scale = 0;
  EXPECT_EQ(c.Judged(limits).code, FaultCode::kSensorOutOfRange);
}

}  // namespace
}  // namespace trib::node::sensing
