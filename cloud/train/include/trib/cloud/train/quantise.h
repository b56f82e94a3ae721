#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "trib/cloud/train/network.h"
#include "trib/common/host/compiler/compiler.h"
#include "trib/common/host/tflite/model.h"
#include "trib/common/nn/plan.h"
#include "trib/common/nn/runner.h"
#include "trib/common/status/result.h"

namespace trib::cloud::train {

/// What a tensor's int8 values stand for: real = scale x (value - zero point).
struct Quantisation {
  float scale = 1;
  std::int64_t zero_point = 0;
};

/// Of every tensor that a network computes.
struct Ranges {
  Quantisation input;
  std::vector<Quantisation> layers;
  std::vector<Quantisation> means;
  std::vector<Quantisation> logits;
};

/// Symmetric: zero stays 0.
Quantisation SymmetricFor(double limit);
/// So that low..high, and 0 in any case, are covered.
Quantisation AsymmetricFor(double low, double high);

/// Ranges that hold `percentile` percent of what the inputs make of each layer; logits and means
/// are held whole.
Ranges MeasureRanges(const FloatNetwork& network,
                     const Quantisation& input,
                     std::span<const std::vector<float>> inputs,
                     double percentile);

/// An int8 model and the bytes that it points into. Not movable by value: the spans would dangle.
struct Int8Model {
  host::tflite::Model model;
  std::vector<std::vector<std::byte>> storage;
};

/// Builds the int8 graph: node part, head 1, gateway part, head 2 ...; its outputs are the logits.
/// Weights are symmetric per output channel, biases int32. The mean over time is a depthwise
/// convolution over all frames: so its result has a scale of its own, finer than its input's.
std::unique_ptr<Int8Model> BuildInt8(const FloatNetwork& network, const Ranges& ranges);

/// Operators that have run when an exit is reached.
std::size_t OperatorsUpTo(const FloatNetwork& network, std::size_t exit);

/// A compiled network in memory of its own, ready to run.
class Engine {
 public:
  /// @returns as Plan::Load() and Runner::Open()
  static Result<std::unique_ptr<Engine>> Open(std::span<const std::byte> plan,
                                              std::span<const std::byte> weights);

  /// Runs one window; the logits of every exit, in real units, one after the other.
  ///
  /// @param exits  outputs that are logits
  std::vector<std::vector<float>> Run(std::span<const std::int8_t> input, std::size_t exits);
  /// The raw logits of the last run.
  std::span<const std::byte> Raw(std::size_t exit) { return runner_.front().output(exit); }
  [[nodiscard]] const nn::Plan& plan() const { return plan_; }

 private:
  explicit Engine(const nn::Plan& plan);
  std::vector<std::uint32_t> plan_bytes_;
  std::vector<std::uint32_t> weights_;
  nn::Plan plan_;
  std::vector<std::uint32_t> arena_;
  std::vector<std::uint32_t> state_;
  std::vector<nn::Runner> runner_;
};

}  // namespace trib::cloud::train
