#pragma once

#include <cstddef>
#include <cstdint>

#include "trib/common/nn/types.h"

/// Sizes that follow from an operator and its tensors: for the loader, the kernels and the
/// compiler.
namespace trib::nn {

/// A size that Plan::Load() has compared with the memory there is.
constexpr std::size_t Fitting(std::uint64_t bytes) {
  return static_cast<std::size_t>(bytes);
}

/// Sizes in bytes of a weighted operator's block: bias, multipliers, weights, shifts.
struct WeightedBlock {
  std::uint64_t channels = 0;     ///< of the output
  std::uint64_t depth = 0;        ///< weights of one channel
  std::uint64_t multipliers = 0;  ///< channels or 1

  [[nodiscard]] constexpr std::uint64_t multiplier_offset() const { return 4 * channels; }
  [[nodiscard]] constexpr std::uint64_t weight_offset() const {
    return multiplier_offset() + 4 * multipliers;
  }
  [[nodiscard]] constexpr std::uint64_t shift_offset() const {
    return weight_offset() + channels * depth;
  }
  [[nodiscard]] constexpr std::uint64_t bytes() const { return shift_offset() + multipliers; }
};

/// Of conv, depthwise and fully connected.
///
/// Requires  output.channels() >= 1; for fully connected, rows divide the input's elements.
constexpr WeightedBlock BlockOf(const Operator& op, const Tensor& input, const Tensor& output) {
  const std::uint64_t taps = std::uint64_t{op.geometry.kernel_height} * op.geometry.kernel_width;
  WeightedBlock block;
  block.channels = output.channels();
  block.multipliers = (op.flags & op_flag::kPerTensor) != 0 ? 1 : block.channels;
  switch (op.opcode) {
    case Opcode::kConv2D:
      block.depth = taps * input.channels();
      break;
    case Opcode::kDepthwiseConv2D:
      block.depth = taps;
      break;
    default:
      block.depth = input.elements() / (output.elements() / output.channels());
      break;
  }
  return block;
}

struct SvdfBlock {
  std::uint64_t batch = 0;
  std::uint64_t inputs = 0;
  std::uint64_t units = 0;
  std::uint64_t filters = 0;
  std::uint64_t memory = 0;

  [[nodiscard]] constexpr std::uint64_t feature_offset() const { return 4 * units; }
  [[nodiscard]] constexpr std::uint64_t time_offset() const {
    return feature_offset() + filters * inputs;
  }
  [[nodiscard]] constexpr std::uint64_t bytes() const { return time_offset() + filters * memory; }
  [[nodiscard]] constexpr std::uint64_t state_bytes() const { return batch * filters * memory; }
};

constexpr SvdfBlock SvdfBlockOf(const Operator& op, const Tensor& input, const Tensor& output) {
  const std::uint64_t units = output.channels();
  return {output.elements() / units, input.channels(), units, units * op.rank, op.memory};
}

struct LstmBlock {
  std::uint64_t steps = 0;
  std::uint64_t inputs = 0;
  std::uint64_t cells = 0;

  [[nodiscard]] constexpr std::uint64_t recurrent_bias_offset() const { return 4 * kGates * cells; }
  [[nodiscard]] constexpr std::uint64_t input_weight_offset() const {
    return 2 * recurrent_bias_offset();
  }
  [[nodiscard]] constexpr std::uint64_t recurrent_weight_offset() const {
    return input_weight_offset() + kGates * cells * inputs;
  }
  [[nodiscard]] constexpr std::uint64_t bytes() const {
    return recurrent_weight_offset() + kGates * cells * cells;
  }
  /// int16 cell[cells], then int8 hidden[cells].
  [[nodiscard]] constexpr std::uint64_t state_bytes() const { return 3 * cells; }
  /// int16 of all gates.
  [[nodiscard]] constexpr std::uint64_t scratch_bytes() const { return 2 * kGates * cells; }
};

constexpr LstmBlock LstmBlockOf(const Tensor& input, const Tensor& output) {
  return {input.elements() / input.channels(), input.channels(), output.channels()};
}

/// f32 leaf[leaves][outputs], u16 root[trees] filled to a multiple of 4, nodes of 8 bytes.
struct ForestBlock {
  std::uint64_t leaves = 0;
  std::uint64_t outputs = 0;
  std::uint64_t trees = 0;
  std::uint64_t nodes = 0;

  [[nodiscard]] constexpr std::uint64_t root_offset() const { return 4 * leaves * outputs; }
  [[nodiscard]] constexpr std::uint64_t node_offset() const {
    return root_offset() + (2 * trees + 3) / 4 * 4;
  }
  [[nodiscard]] constexpr std::uint64_t bytes() const { return node_offset() + 8 * nodes; }
};

constexpr ForestBlock ForestBlockOf(const Operator& op, const Tensor& output) {
  return {op.forest.leaves, output.elements(), op.forest.trees, op.forest.nodes};
}

/// i32 threshold[outputs], u32 word[outputs][words]; bit i of a row is bit i % 32 of word i / 32.
struct BinaryBlock {
  std::uint64_t outputs = 0;
  std::uint64_t inputs = 0;

  [[nodiscard]] constexpr std::uint64_t words() const { return (inputs + 31) / 32; }
  [[nodiscard]] constexpr std::uint64_t bytes() const { return 4 * outputs * (1 + words()); }
};

constexpr BinaryBlock BinaryBlockOf(const Tensor& input, const Tensor& output) {
  return {output.elements(), input.elements()};
}

}  // namespace trib::nn
