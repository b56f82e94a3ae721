#include "trib/common/classify/classify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "trib/common/host/compiler/compiler.h"
#include "trib/testing/small_networks.h"

namespace trib::classify {
namespace {

using package::ClassifierSpec;
using package::ExitSpec;
using package::NetworkInput;
using package::Reason;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

/// What the format says, in double and without any of the module's short cuts.
int Expected(double value, double scale, int zero_point) {
  return static_cast<int>(std::clamp(std::floor(value / scale + 0.5) + zero_point, -128.0, 127.0));
}

/// How far the value is from a step between two outputs, in steps.
double FromEdge(double value, double scale) {
  const double steps = value / scale + 0.5;
  return std::abs(steps - std::round(steps));
}

std::vector<std::int16_t> RandomSamples(std::size_t count, int amplitude, std::mt19937& random) {
  std::normal_distribution<double> normal(120, amplitude);
  std::vector<std::int16_t> samples(count);
  for (auto& sample : samples) {
    sample = static_cast<std::int16_t>(std::clamp(normal(random), -32768.0, 32767.0));
  }
  return samples;
}

int Value(std::byte b) {
  return static_cast<std::int8_t>(b);
}

TEST(QuantiseWindow, StandardisesEachChannelByItsOwnWindow) {
  std::mt19937 random(1);
  for (const std::uint32_t channels : {1U, 3U}) {
    for (const int amplitude : {2, 300, 20'000}) {
      const auto samples = RandomSamples(4096 * channels, amplitude, random);
      ClassifierSpec spec;
      spec.input = NetworkInput::kWindow;
      const nn::Port port{.scale = 0.03125F};
      std::vector<std::byte> input(samples.size());
      QuantiseWindow(spec, {samples, channels, 0.01F}, port, -5, input);
      std::size_t compared = 0;
      for (std::uint32_t c = 0; c < channels; ++c) {
        double mean = 0;
        for (std::size_t i = c; i < samples.size(); i += channels) {
          mean += samples[i] / 4096.0;
        }
        double variance = 0;
        for (std::size_t i = c; i < samples.size(); i += channels) {
          variance += (samples[i] - mean) * (samples[i] - mean) / 4096;
        }
        for (std::size_t i = c; i < samples.size(); i += channels) {
          const double v = (samples[i] - mean) / std::sqrt(variance);
          ASSERT_NEAR(Value(input[i]), Expected(v, 0.03125, -5), 1);
          if (FromEdge(v, 0.03125) > 1e-4) {
            ASSERT_EQ(Value(input[i]), Expected(v, 0.03125, -5)) << i;
            ++compared;
          }
        }
      }
      EXPECT_GT(compared, samples.size() * 9 / 10);
    }
  }
}

TEST(QuantiseWindow, GivesTheZeroPointWhereNothingMoves) {
  std::vector<std::int16_t> samples(64);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = i % 2 == 0 ? 7 : static_cast<std::int16_t>(i);
  }
  ClassifierSpec spec;
  spec.input = NetworkInput::kWindow;
  std::vector<std::byte> input(samples.size());
  QuantiseWindow(spec, {samples, 2, 1}, {.scale = 0.1F}, 11, input);
  for (std::size_t i = 0; i < samples.size(); i += 2) {
    EXPECT_EQ(Value(input[i]), 11);
  }
  EXPECT_NE(Value(input[1]), Value(input[63]));
}

TEST(QuantiseWindow, HoldsTheFullRangeOfCounts) {
  std::vector<std::int16_t> samples(4096);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = i % 2 == 0 ? 32767 : -32768;
  }
  ClassifierSpec spec;
  spec.input = NetworkInput::kWindow;
  std::vector<std::byte> input(samples.size());
  QuantiseWindow(spec, {samples, 1, 1}, {.scale = 0.0625F}, 0, input);
  EXPECT_EQ(Value(input[0]), 16);
  EXPECT_EQ(Value(input[1]), -16);
}

TEST(QuantiseWindow, ScalesPhysicalUnits) {
  std::mt19937 random(2);
  const auto samples = RandomSamples(2000, 500, random);
  ClassifierSpec spec;
  spec.input = NetworkInput::kScaledWindow;
  spec.offset = 0.25F;
  spec.gain = 1.5F;
  std::vector<std::byte> input(samples.size());
  QuantiseWindow(spec, {samples, 1, 0.00048828125F}, {.scale = 0.0078125F}, 3, input);
  std::size_t compared = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double v = (samples[i] * 0.00048828125 - 0.25) * 1.5;
    if (FromEdge(v, 0.0078125) > 1e-4) {
      ASSERT_EQ(Value(input[i]), Expected(v, 0.0078125, 3));
      ++compared;
    }
  }
  EXPECT_GT(compared, 1500U);
}

TEST(QuantiseWindow, RoundsHalvesUpOnBothSides) {
  const std::vector<std::int16_t> samples = {-3, -2, -1, 0, 1, 2, 3};
  ClassifierSpec spec;
  spec.input = NetworkInput::kScaledWindow;
  std::vector<std::byte> input(samples.size());
  QuantiseWindow(spec, {samples, 1, 0.5F}, {.scale = 1}, 0, input);
  const int expected[] = {-1, -1, 0, 0, 1, 1, 2};
  for (std::size_t i = 0; i < samples.size(); ++i) {
    EXPECT_EQ(Value(input[i]), expected[i]) << samples[i];
  }
}

TEST(QuantiseFeatures, StandardisesByThePackage) {
  package::Normalisation normalisation;
  normalisation.features.push_back({.mean = 2, .deviation = 0.5F});
  normalisation.features.push_back({.mean = -1, .deviation = 4});
  const std::vector<float> features = {2.75F, -9};
  std::vector<std::byte> input(2);
  QuantiseFeatures(normalisation, features, {.scale = 0.1F}, 1, input);
  EXPECT_EQ(Value(input[0]), 16);
  EXPECT_EQ(Value(input[1]), -19);
}

TEST(QuantiseFeatures, ClampsWhatIsFarOrNoNumber) {
  package::Normalisation normalisation;
  for (int i = 0; i < 5; ++i) {
    normalisation.features.push_back({.mean = 0, .deviation = 1e-3F});
  }
  const std::vector<float> features = {kInf, -kInf, kNan, 1e30F, -1e30F};
  std::vector<std::byte> input(5);
  for (const std::int16_t zero : {std::int16_t{-128}, std::int16_t{0}, std::int16_t{127}}) {
    QuantiseFeatures(normalisation, features, {.scale = 1e-3F}, zero, input);
    const int expected[] = {127, -128, -128, 127, -128};
    for (std::size_t i = 0; i < features.size(); ++i) {
      EXPECT_EQ(Value(input[i]), expected[i]) << features[i] << " zero point " << zero;
    }
  }
}

ClassifierSpec ThreeClasses() {
  ClassifierSpec spec;
  spec.input = NetworkInput::kWindow;
  spec.verdict_wait_ms = 1000;
  for (const std::uint8_t label : {std::uint8_t{0}, std::uint8_t{4}, std::uint8_t{2}}) {
    spec.labels.push_back(label);
  }
  for (std::uint8_t i = 0; i < 3; ++i) {
    ExitSpec exit;
    exit.tier = static_cast<std::uint8_t>(3 + i);
    exit.output = i;
    exit.operators = testing::kExitOperators[i];
    for (int c = 0; c < 3; ++c) {
      exit.accept.push_back(0.5F);
      exit.reject.push_back(1);
    }
    spec.exits.push_back(exit);
  }
  return spec;
}

std::array<std::byte, 3> Logits(int a, int b, int c) {
  return {static_cast<std::byte>(a), static_cast<std::byte>(b), static_cast<std::byte>(c)};
}

TEST(Judge, GivesTheSoftmaxOfCalibratedLogits) {
  std::mt19937 random(3);
  auto spec = ThreeClasses();
  for (int round = 0; round < 2000; ++round) {
    const float inverse = std::exp2(static_cast<float>(random() % 80) / 10.0F - 4.0F);
    spec.exits[1].inverse_temperature = inverse;
    const auto logits = Logits(static_cast<int>(random() % 256) - 128,
                               static_cast<int>(random() % 256) - 128,
                               static_cast<int>(random() % 256) - 128);
    const auto decision = Judge(spec, 1, logits, {.scale = 0.07F}, -9);
    double z[3];
    double greatest = -1e9;
    for (std::size_t i = 0; i < 3; ++i) {
      z[i] = double{0.07F} * (Value(logits[i]) + 9) * double{inverse};
      greatest = std::max(greatest, z[i]);
    }
    double sum = 0;
    for (double& value : z) {
      value = std::exp(value - greatest);
      sum += value;
    }
    float most = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      ASSERT_NEAR(decision.probabilities[i], z[i] / sum, 2e-4) << round;
      most = std::max(most, decision.probabilities[i]);
    }
    ASSERT_EQ(decision.confidence, most);
    ASSERT_EQ(decision.probabilities[decision.class_index], most);
    ASSERT_EQ(decision.label, spec.labels[decision.class_index]);
    ASSERT_EQ(decision.exit, 1);
  }
}

TEST(Judge, TakesTheFirstOfEquals) {
  const auto spec = ThreeClasses();
  EXPECT_EQ(Judge(spec, 0, Logits(7, 7, 7), {.scale = 1}, 0).class_index, 0);
  EXPECT_EQ(Judge(spec, 0, Logits(-7, 7, 7), {.scale = 1}, 0).class_index, 1);
  EXPECT_EQ(Judge(spec, 0, Logits(-7, 7, 7), {.scale = 1}, 0).label, 4);
}

TEST(Judge, AcceptsFromTheThresholdOnAndWithin) {
  auto spec = ThreeClasses();
  const auto accepted = [&](float accept, float reject) {
    spec.exits[0].accept[0] = accept;
    spec.exits[0].reject[2] = reject;
    return Judge(spec, 0, Logits(40, -128, 20), {.scale = 0.1F}, 0).accepted;
  };
  const auto decision = Judge(spec, 0, Logits(40, -128, 20), {.scale = 0.1F}, 0);
  const float p = decision.confidence;
  const float other = decision.probabilities[2];
  EXPECT_GT(other, 0.1F);
  EXPECT_TRUE(accepted(p, other));
  EXPECT_FALSE(accepted(std::nextafter(p, 2.0F), other));
  EXPECT_FALSE(accepted(p, std::nextafter(other, 0.0F)));
  // Its own reject threshold does not keep a class from being accepted.
  spec.exits[0].reject[0] = 0;
  EXPECT_TRUE(accepted(p, other));
}

TEST(Judge, StaysANumberAtTheEndsOfItsRange) {
  auto spec = ThreeClasses();
  spec.exits[0].inverse_temperature = 1e20F;
  const auto steep = Judge(spec, 0, Logits(127, -128, 126), {.scale = 1e7F}, -128);
  EXPECT_EQ(steep.confidence, 1.0F);
  EXPECT_EQ(steep.probabilities[1], 0.0F);
  spec.exits[0].inverse_temperature = 1e-20F;
  const auto flat = Judge(spec, 0, Logits(127, -128, 126), {.scale = 1e-7F}, -128);
  EXPECT_NEAR(flat.confidence, 1.0 / 3, 1e-6);
  EXPECT_EQ(flat.class_index, 0);
}

/// Plans of the small network, whole and as a head.
class Fit : public ::testing::Test {
 protected:
  Fit() : network_(testing::ThreeExitNetwork()) {
    const auto& model = network_.model;
    whole_ = Compile(model);
    const std::vector<std::int32_t> outputs = {model.outputs[0],
                                               testing::TensorNamed(model, testing::kCutTensor)};
    head_ = Compile(testing::FirstOperators(model, testing::kExitOperators[0], outputs));
  }
  static host::compiler::Compiled Compile(const host::tflite::Model& model) {
    std::string error;
    auto compiled = host::compiler::Compile(model, {}, error);
    EXPECT_TRUE(compiled.ok()) << error;
    return *std::move(compiled);
  }
  static nn::Plan Load(const host::compiler::Compiled& compiled) {
    return *nn::Plan::Load(compiled.plan, compiled.weights);
  }

  testing::NetworkModel network_;
  host::compiler::Compiled whole_;
  host::compiler::Compiled head_;
};

TEST_F(Fit, HeadAndTail) {
  const auto spec = ThreeClasses();
  EXPECT_TRUE(CheckFit(spec, Load(whole_), 64, 5).ok());
  EXPECT_TRUE(CheckFit(spec, Load(head_), 64, 5).ok());
  EXPECT_EQ(ReachableExits(spec, Load(whole_)), 3U);
  EXPECT_EQ(ReachableExits(spec, Load(head_)), 1U);
  auto features = spec;
  features.input = NetworkInput::kFeatures;
  EXPECT_TRUE(CheckFit(features, Load(whole_), 5, 64).ok());
}

TEST_F(Fit, RefusesEachContradiction) {
  const std::function<void(ClassifierSpec&)> changes[] = {
      [](ClassifierSpec& c) { c.input = NetworkInput::kFeatures; },
      [](ClassifierSpec& c) { c.labels.push_back(3); },
      [](ClassifierSpec& c) { c.exits.resize(2); },           // ends before the plan
      [](ClassifierSpec& c) { c.exits[2].operators = 12; },   // reaches two of three
      [](ClassifierSpec& c) { c.exits[0].operators = 3; },    // not written yet
      [](ClassifierSpec& c) { c.exits[1].output = 3; },       // no such output
      [](ClassifierSpec& c) { c.exits[0].operators = 100; },  // reaches none
      [](ClassifierSpec& c) { c.exits[1].inverse_temperature = 1e30F; },
  };
  for (const auto& change : changes) {
    auto spec = ThreeClasses();
    change(spec);
    EXPECT_EQ(CheckFit(spec, Load(whole_), 64, 5),
              Status(Code::kDataLoss, Reason::kClassifierDoesNotMatchPlan));
  }
  EXPECT_FALSE(CheckFit(ThreeClasses(), Load(whole_), 63, 5).ok());
}

TEST_F(Fit, SplitPointsMatchTheHeadAlone) {
  const nn::Plan head = Load(head_);
  package::SplitPoints split;
  split.cut = testing::kExitOperators[0];
  split.max_activation_bytes = 12 + 8 + 16 * 6 + 8 + 3;  // backbone and logits
  EXPECT_TRUE(CheckSplit(split, head).ok());
  EXPECT_EQ(CheckSplit(split, Load(whole_)),
            Status(Code::kDataLoss, Reason::kSplitPointsDoNotMatchPlan));
  --split.max_activation_bytes;
  EXPECT_FALSE(CheckSplit(split, head).ok());
}

}  // namespace
}  // namespace trib::classify
