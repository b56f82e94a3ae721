#include "trib/cloud/train/fit.h"

#include <gtest/gtest.h>

#include <cmath>

#include "trib/cloud/train/metrics.h"

namespace trib::cloud::train {
namespace {

constexpr WindowShape kShape{128, 128, 1, 1000};

NetworkConfig Tiny() {
  NetworkConfig config;
  config.stem_kernel = 16;
  config.stem_stride = 4;
  config.stem_channels = 4;
  config.blocks = {{.part = 0, .kernel = 5, .stride = 2, .channels = 8},
                   {.part = 1, .kernel = 3, .stride = 2, .channels = 8}};
  return config;
}

/// Class 0 is slow, class 1 fast; at any phase, with noise.
void Tones(SplitMix64& random, std::span<float> inputs, std::span<std::int64_t> labels) {
  const std::size_t frames = inputs.size() / labels.size();
  for (std::size_t n = 0; n < labels.size(); ++n) {
    labels[n] = static_cast<std::int64_t>(random.Next() % 2);
    const double turns = labels[n] == 0 ? 0.05 : 0.2;
    const double phase = 6.283 * random.Uniform();
    for (std::size_t i = 0; i < frames; ++i) {
      inputs[n * frames + i] = static_cast<float>(
          std::sin(6.283 * turns * static_cast<double>(i) + phase) + random.Uniform() - 0.5);
    }
  }
}

FloatNetwork FitTones(std::uint64_t seed) {
  FitConfig config;
  config.epochs = 3;
  config.batches = 30;
  config.batch = 32;
  config.learning_rate = 0.01;
  config.loss_weights = {1, 1};
  SplitMix64 random(seed);
  return Fit(
      Design(Tiny(), kShape, 2),
      config,
      seed,
      [&](std::span<float> inputs, std::span<std::int64_t> labels) {
        Tones(random, inputs, labels);
      },
      [](const Progress&) {});
}

TEST(Fitting, LearnsBothExitsAndFoldsWhatItLearned) {
  const FloatNetwork network = FitTones(1);
  SplitMix64 random(77);
  std::vector<float> inputs(200 * kShape.frames);
  std::vector<std::int64_t> labels(200);
  Tones(random, inputs, labels);
  for (std::size_t e = 0; e < 2; ++e) {
    std::size_t right = 0;
    for (std::size_t n = 0; n < labels.size(); ++n) {
      const auto window = std::span(inputs).subspan(n * kShape.frames, kShape.frames);
      right += static_cast<std::int64_t>(ArgMax(train::Run(network, window).logits[e])) == labels[n]
                   ? 1
                   : 0;
    }
    EXPECT_GE(right, 190U) << "exit " << e;
  }
}

TEST(Fitting, GivesEqualWeightsForEqualSeeds) {
  const FloatNetwork a = FitTones(5);
  const FloatNetwork b = FitTones(5);
  const FloatNetwork c = FitTones(6);
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    EXPECT_EQ(a.layers[i].weights, b.layers[i].weights);
  }
  EXPECT_EQ(a.heads[1].weights, b.heads[1].weights);
  EXPECT_NE(a.heads[1].weights, c.heads[1].weights);
}

}  // namespace
}  // namespace trib::cloud::train
