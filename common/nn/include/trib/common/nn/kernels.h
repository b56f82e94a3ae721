#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/nn/types.h"

/// The kernels that a Runner calls, one function per opcode. A target brings its own definitions of
/// some of them and takes the rest from reference/; all of them give the reference's bits.
///
/// Requires  operators, tensors and block sizes as Plan::Load() lets them pass.
/// Order     Output pixels in raster order. All reads for a pixel come before its first write when
/// it
///           is staged; otherwise its channels are written one by one. Nothing else may be assumed
///           by the compiler when it lays an output over its input.
namespace trib::nn::kernels {

/// Weights of conv, depthwise and fully connected, as plan.md lays them out for target 0.
struct Weighted {
  const std::int32_t* bias = nullptr;        ///< [channels]
  const std::int32_t* multiplier = nullptr;  ///< [channels] or [1]
  const std::int8_t* weights = nullptr;
  const std::int8_t* shift = nullptr;  ///< [channels] or [1]
  bool per_tensor = false;

  [[nodiscard]] Multiplier multiplier_of(std::size_t channel) const {
    const std::size_t i = per_tensor ? 0 : channel;
    return {multiplier[i], shift[i]};
  }
};

/// Everything a kernel sees. Spans are exactly as long as their tensors.
struct Call {
  const Operator& op;
  const Tensor& input;
  const Tensor& output;
  std::span<const std::byte> in;
  std::span<std::byte> out;
  std::span<std::byte> scratch;  ///< at least what the operator needs
};

void Conv2D(const Call& call, const Weighted& weighted);
void DepthwiseConv2D(const Call& call, const Weighted& weighted);
void FullyConnected(const Call& call, const Weighted& weighted);
void AveragePool2D(const Call& call);
void Add(const Call& call, const Tensor& second, std::span<const std::byte> in2);
void Softmax(const Call& call);
void RequantizeTensor(const Call& call);

struct SvdfWeights {
  const std::int32_t* bias = nullptr;    ///< [units]
  const std::int8_t* feature = nullptr;  ///< [filters][inputs]
  const std::int8_t* time = nullptr;     ///< [filters][memory]
};
/// `state`: [batch][filters][memory], oldest first.
void Svdf(const Call& call, const SvdfWeights& weights, std::int8_t* state);

struct LstmWeights {
  const std::int32_t* input_bias = nullptr;      ///< [gates][cells]
  const std::int32_t* recurrent_bias = nullptr;  ///< [gates][cells]
  const std::int8_t* input = nullptr;            ///< [gates][cells][inputs]
  const std::int8_t* recurrent = nullptr;        ///< [gates][cells][cells]
};
/// `cell` and `hidden`: [cells]; scratch holds int16 [gates][cells].
void Lstm(const Call& call, const LstmWeights& weights, std::int16_t* cell, std::int8_t* hidden);

/// A node of a forest: goes to `next` when the feature is <= the threshold, else (NaN too) to next
/// + 1. With feature kLeafNode, `next` is the row of the leaf table.
struct ForestNode {
  float threshold = 0;
  std::uint16_t feature = kLeafNode;
  std::uint16_t next = 0;
};
static_assert(sizeof(ForestNode) == 8);

struct ForestWeights {
  const float* leaves = nullptr;         ///< [leaves][outputs]
  const std::uint16_t* roots = nullptr;  ///< [trees]
  const ForestNode* nodes = nullptr;
};
/// The sum of the trees' leaves, in the order of the trees. Requires  children after their parents.
void Forest(const Call& call, const ForestWeights& weights);

/// link(bias + weights x), summed in the order of the inputs. bias [outputs], weights
/// [outputs][inputs].
void Linear(const Call& call, const float* bias, const float* weights);

/// Per output 2 popcount(not (a xor w)) - n over the signs of the inputs; or, with flag kSign, +1
/// where that is >= its threshold and -1 elsewhere. A sign is 1 for int8 >= its zero point, float
/// >= 0.
void Binary(const Call& call, const std::int32_t* thresholds, const std::uint32_t* words);

}  // namespace trib::nn::kernels
