#include "trib/cloud/train/quantise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "trib/cloud/train/pipeline.h"

namespace trib::cloud::train {
namespace {

constexpr std::size_t kClasses = 3;

NetworkConfig Small() {
  NetworkConfig config;
  config.stem_kernel = 8;
  config.stem_stride = 2;
  config.stem_channels = 6;
  config.blocks = {{.part = 0, .kernel = 5, .stride = 2, .channels = 8},
                   {.part = 1, .kernel = 3, .stride = 1, .channels = 8},
                   {.part = 2, .kernel = 4, .stride = 2, .channels = 12}};
  return config;
}

void Fill(SplitMix64& random, std::vector<float>& out, std::size_t count, double size) {
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(static_cast<float>(size * (2 * random.Uniform() - 1)));
  }
}

/// Weights at random, as large as those that keep activations of one size.
FloatNetwork Random(std::uint64_t seed, std::size_t channels = 1) {
  FloatNetwork network = Design(Small(), {64, 64, channels, 1000}, kClasses);
  SplitMix64 random(seed);
  for (Layer& layer : network.layers) {
    const std::size_t fan = layer.kernel * (layer.kind == LayerKind::kDepthwise ? 1 : layer.inputs);
    Fill(random, layer.weights, fan * layer.outputs, std::sqrt(6.0 / static_cast<double>(fan)));
    Fill(random, layer.bias, layer.outputs, 0.2);
  }
  for (Head& head : network.heads) {
    Fill(random, head.weights, kClasses * network.layers[head.after - 1].outputs, 1);
    Fill(random, head.bias, kClasses, 0.5);
  }
  return network;
}

std::vector<std::vector<std::int8_t>> Inputs(std::size_t size, std::size_t count) {
  SplitMix64 random(99);
  std::vector<std::vector<std::int8_t>> inputs(count);
  for (auto& input : inputs) {
    for (std::size_t i = 0; i < size; ++i) {
      input.push_back(static_cast<std::int8_t>(random.Next() % 255));
    }
  }
  return inputs;
}

std::vector<float> Real(const std::vector<std::int8_t>& input, const Quantisation& q) {
  std::vector<float> out;
  for (const std::int8_t value : input) {
    out.push_back(q.scale * static_cast<float>(value - q.zero_point));
  }
  return out;
}

TEST(Int8Graph, GivesWhatTheFloatNetworkGivesWithinItsSteps) {
  for (const std::size_t channels : {1U, 3U}) {
    const FloatNetwork network = Random(11, channels);
    const Quantisation input = SymmetricFor(3);
    const auto int8 = Inputs(64 * channels, 40);
    std::vector<std::vector<float>> real;
    for (const auto& window : int8) {
      real.push_back(Real(window, input));
    }
    std::string error;
    const auto compiled = CompileInt8(network, MeasureRanges(network, input, real, 100), error);
    ASSERT_TRUE(compiled.ok()) << error;
    const auto engine = Engine::Open(compiled->whole.plan, compiled->whole.weights);
    ASSERT_TRUE(engine.ok());
    for (std::size_t i = 0; i < int8.size(); ++i) {
      const auto wanted = train::Run(network, real[i]).logits;
      const auto logits = (*engine)->Run(int8[i], 3);
      for (std::size_t e = 0; e < 3; ++e) {
        // Four to eight layers, each rounding twice: some steps of the logits.
        const float step = compiled->ranges.logits[e].scale;
        for (std::size_t k = 0; k < kClasses; ++k) {
          EXPECT_NEAR(logits[e][k], wanted[e][k], 6 * step) << "exit " << e;
        }
      }
    }
  }
}

TEST(Int8Graph, HasTheHeadAsItsBeginning) {
  const FloatNetwork network = Random(12);
  const Quantisation input = SymmetricFor(3);
  const auto int8 = Inputs(64, 8);
  const std::vector<std::vector<float>> real = {Real(int8[0], input)};
  std::string error;
  const auto compiled = CompileInt8(network, MeasureRanges(network, input, real, 100), error);
  ASSERT_TRUE(compiled.ok()) << error;
  const auto head = Engine::Open(compiled->head.plan, compiled->head.weights);
  const auto whole = Engine::Open(compiled->whole.plan, compiled->whole.weights);
  ASSERT_TRUE(head.ok() && whole.ok());
  const std::size_t cut = (*head)->plan().operators();
  EXPECT_EQ(cut, OperatorsUpTo(network, 0));
  EXPECT_EQ(OperatorsUpTo(network, 2), (*whole)->plan().operators());
  const auto live = (*whole)->plan().LiveAt(cut);
  ASSERT_TRUE(live.ok());
  // The logits of exit 1 and what the gateway's part reads; under the same numbers.
  ASSERT_EQ(live->size(), 2U);
  for (const nn::TensorIndex index : *live) {
    const nn::Tensor a = (*head)->plan().tensor(index);
    const nn::Tensor b = (*whole)->plan().tensor(index);
    EXPECT_EQ(a.bytes(), b.bytes());
    EXPECT_EQ(a.zero_point, b.zero_point);
  }
  // Weights of the head are the first of the whole.
  EXPECT_TRUE(std::equal(compiled->head.weights.begin(),
                         compiled->head.weights.end(),
                         compiled->whole.weights.begin()));
  for (const auto& window : int8) {
    (*head)->Run(window, 1);
    (*whole)->Run(window, 3);
    const auto a = (*head)->Raw(0);
    const auto b = (*whole)->Raw(0);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  }
}

TEST(Design, CountsFramesAsTheEngineDoes) {
  const FloatNetwork network = Design(Small(), {65, 65, 1, 1000}, kClasses);
  EXPECT_EQ(network.layers[0].frames, 33U);
  EXPECT_EQ(network.layers[1].frames, 17U);
  EXPECT_EQ(network.heads.size(), 3U);
  NetworkConfig coarse = Small();
  coarse.stem_stride = 1;
  coarse.blocks[0].stride = 1;
  EXPECT_FALSE(CheckDesign(Design(coarse, {1024, 1024, 1, 1000}, kClasses)).empty());
}

TEST(Quantisation, CoversItsRangeAndZero) {
  const Quantisation positive = AsymmetricFor(0.5, 2);
  EXPECT_EQ(positive.zero_point, -128);
  EXPECT_NEAR(positive.scale * 255, 2, 1e-5);
  const Quantisation both = AsymmetricFor(-1, 3);
  EXPECT_NEAR(both.scale * static_cast<float>(-128 - both.zero_point), -1, both.scale);
  EXPECT_NEAR(both.scale * static_cast<float>(127 - both.zero_point), 3, both.scale);
}

}  // namespace
}  // namespace trib::cloud::train
