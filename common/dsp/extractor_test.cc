#include "trib/common/dsp/extractor.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace trib::dsp {
namespace {

constexpr std::uint32_t kFrames = 1024;

class ExtractorTest : public ::testing::Test {
 protected:
  ExtractorTest() {
    recipe_.channels = 2;
    recipe_.sample_rate_hz = 10240;  // lines are 10 Hz apart
    recipe_.window_frames = kFrames;
    recipe_.hop_frames = kFrames;
    samples_.resize(std::size_t{2} * kFrames);
    for (std::size_t i = 0; i < kFrames; ++i) {
      const double t = static_cast<double>(i) / 10240.0;
      const double tone = std::sin(2 * std::numbers::pi * 1000 * t);
      // 2 kHz carrier, modulated at 100 Hz.
      const double carrier = (1 + 0.5 * std::cos(2 * std::numbers::pi * 100 * t)) *
                             std::sin(2 * std::numbers::pi * 2000 * t);
      samples_[2 * i] = static_cast<std::int16_t>(std::lround(10000 * tone + 500));
      samples_[2 * i + 1] = static_cast<std::int16_t>(std::lround(-8000 * tone + 8000 * carrier));
    }
  }

  void Add(Op op,
           std::uint8_t channel,
           const std::vector<float>& parameters = {},
           Transform transform = Transform::kNone,
           std::uint8_t second = 0) {
    ASSERT_TRUE(recipe_.operations.push_back(
        {.op = op,
         .transform = transform,
         .channel = channel,
         .second_channel = second,
         .first_parameter = static_cast<std::uint8_t>(recipe_.parameters.size()),
         .parameter_count = static_cast<std::uint8_t>(parameters.size())}));
    for (const float parameter : parameters) {
      ASSERT_TRUE(recipe_.parameters.push_back(parameter));
    }
  }

  template <typename Real>
  FeatureVector<Real> Run() {
    EXPECT_TRUE(ValidateRecipe(recipe_).ok());
    std::vector<Real> scratch(Extractor<Real>::RequiredReals(recipe_));
    Extractor<Real> extractor(recipe_, scratch);
    FeatureVector<Real> out;
    EXPECT_TRUE(extractor
                    .Extract({.samples = samples_,
                              .channels = 2,
                              .frames = kFrames,
                              .scale = 1e-3F,
                              .sample_rate_hz = 10240},
                             out)
                    .ok());
    EXPECT_EQ(out.size(), OutputCount(recipe_));
    return out;
  }

  Recipe recipe_;
  std::vector<std::int16_t> samples_;
};

TEST_F(ExtractorTest, TimeStatisticsHaveTheirPhysicalValues) {
  for (const Op op : {Op::kMean,
                      Op::kRms,
                      Op::kStd,
                      Op::kVariance,
                      Op::kMin,
                      Op::kMax,
                      Op::kPeakToPeak,
                      Op::kCrest,
                      Op::kSkewness,
                      Op::kKurtosis}) {
    Add(op, 0);
  }
  const auto out = Run<float>();
  EXPECT_NEAR(out[0], 0.5, 1e-3);
  EXPECT_NEAR(out[1], std::sqrt(50 + 0.25), 1e-2);
  EXPECT_NEAR(out[2], std::sqrt(50), 1e-2);
  EXPECT_NEAR(out[3], 50, 0.1);
  EXPECT_NEAR(out[4], -9.5, 0.05);
  EXPECT_NEAR(out[5], 10.5, 0.05);
  EXPECT_NEAR(out[6], 20, 0.1);
  EXPECT_NEAR(out[7], 10.5 / std::sqrt(50.25), 1e-2);
  EXPECT_NEAR(out[8], 0, 1e-2);
  EXPECT_NEAR(out[9], 1.5, 1e-2);
}

TEST_F(ExtractorTest, BandEnergyIsTheMeanSquareOfTheTone) {
  Add(Op::kBandEnergy, 0, {100, 900, 1100, 5120});
  Add(Op::kBandEnergy, 1, {100, 900, 1100, 5120}, Transform::kLog);
  const auto out = Run<float>();
  EXPECT_LT(out[0], 1e-3);
  EXPECT_NEAR(out[1], 50, 0.01);
  EXPECT_NEAR(out[4], std::log(32), 1e-3);
  EXPECT_NEAR(out[5], std::log(32 * (1 + 0.125)), 1e-3);
}

TEST_F(ExtractorTest, VelocityIsThatOfTheIntegratedTone) {
  constexpr double kGravity = 9.80665;
  Add(Op::kVelocityRms, 0, {900, 1100, 9.80665F});
  Add(Op::kVelocityRms, 0, {900, 1100, 9.80665F}, Transform::kLog);
  Add(Op::kVelocityRms, 0, {1500, 3000, 9.80665F});
  // 10 units at 1 kHz.
  const double expected = 10 * kGravity / (2 * std::numbers::pi * 1000) / std::sqrt(2) * 1000;
  const auto out = Run<float>();
  EXPECT_NEAR(out[0], expected, 1e-3 * expected);
  EXPECT_NEAR(out[1], std::log(expected), 1e-3);
  EXPECT_LT(out[2], 1e-3 * expected);
}

// The stated errors: a tone is spread over lines of different weight.
TEST_F(ExtractorTest, VelocityOfAToneBetweenLinesIsWithinItsStatedError) {
  Add(Op::kVelocityRms, 0, {20, 1000, 1});
  for (const auto& [line, bound] : {std::pair{5.0, 0.06}, {10.0, 0.01}, {40.0, 0.002}}) {
    for (const double between : {0.0, 0.25, 0.5, 0.75}) {
      const double hz = (line + between) * 10;
      for (std::size_t i = 0; i < kFrames; ++i) {
        samples_[2 * i] = static_cast<std::int16_t>(std::lround(
            20000 * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / 10240.0 + 1)));
      }
      const double expected = 20 / (2 * std::numbers::pi * hz) / std::sqrt(2) * 1000;
      EXPECT_NEAR(Run<float>()[0] / expected, 1, bound) << hz << " Hz";
    }
  }
}

TEST_F(ExtractorTest, EnvelopeFindsTheModulationAndNothingElse) {
  Add(Op::kEnvelopeLines, 1, {1500, 2500, 15, 100, 150});
  const auto out = Run<float>();
  EXPECT_NEAR(out[0], 4.0, 0.01);
  EXPECT_LT(out[1], 0.01);
}

TEST_F(ExtractorTest, CorrelationAcrossChannels) {
  Add(Op::kCorrelation, 0, {}, Transform::kNone, 1);
  Add(Op::kCorrelation, 1, {}, Transform::kNone, 0);
  const auto out = Run<float>();
  EXPECT_NEAR(out[0], -1 / std::sqrt(2.125), 1e-2);
  EXPECT_EQ(out[0], out[1]);
}

TEST_F(ExtractorTest, ResultsDoNotDependOnTheOrderOfOperations) {
  Add(Op::kBandEnergy, 0, {100, 900, 5120}, Transform::kLog);
  Add(Op::kEnvelopeLines, 0, {500, 1500, 15, 100});
  Add(Op::kKurtosis, 1);
  Add(Op::kBandEnergy, 0, {100, 900, 5120}, Transform::kLog);
  Add(Op::kKurtosis, 1);
  const auto out = Run<float>();
  EXPECT_EQ(out[0], out[4]);
  EXPECT_EQ(out[1], out[5]);
  EXPECT_EQ(out[3], out[6]);
}

TEST_F(ExtractorTest, EveryOperationIsCloseToItselfInDouble) {
  for (const OpInfo& info : Ops()) {
    const Transform transform = info.signed_output ? Transform::kNone : Transform::kLog;
    if (info.op == Op::kBandEnergy) {
      Add(info.op, 1, {100, 900, 1500, 2500}, transform);
    } else if (info.op == Op::kEnvelopeLines) {
      Add(info.op, 1, {1500, 2500, 15, 100}, transform);
    } else if (info.op == Op::kVelocityRms) {
      Add(info.op, 1, {20, 1500, 9.80665F}, transform);
    } else if (info.op == Op::kCorrelation) {
      Add(info.op, 0, {}, transform, 1);
    } else {
      Add(info.op, 1, {}, transform);
    }
  }
  const auto narrow = Run<float>();
  const auto wide = Run<double>();
  for (std::size_t i = 0; i < wide.size(); ++i) {
    std::array<char, kMaxFeatureNameBytes> name{};
    EXPECT_NEAR(narrow[i], wide[i], 2e-5 * std::max(1.0, std::fabs(wide[i])))
        << FeatureName(recipe_, i, name);
  }
}

}  // namespace
}  // namespace trib::dsp
