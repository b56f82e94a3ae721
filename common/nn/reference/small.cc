// Trees, linear models and binary layers: triggers on a few features.
#include <bit>

#include "../blocks.h"
#include "trib/common/dsp/real_math.h"
#include "trib/common/nn/arithmetic.h"
#include "views.h"

namespace trib::nn::kernels {
namespace {

const float* Floats(std::span<const std::byte> bytes) {
  return reinterpret_cast<const float*>(bytes.data());
}
float* Floats(std::span<std::byte> bytes) {
  return reinterpret_cast<float*>(bytes.data());
}

void Softmax(float* z, std::size_t count) {
  float largest = z[0];
  for (std::size_t i = 1; i < count; ++i) {
    largest = z[i] > largest ? z[i] : largest;
  }
  float sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    z[i] = dsp::Exp(z[i] - largest);
    sum += z[i];
  }
  for (std::size_t i = 0; i < count; ++i) {
    z[i] /= sum;
  }
}

}  // namespace

void Forest(const Call& call, const ForestWeights& weights) {
  const float* x = Floats(call.in);
  float* out = Floats(call.out);
  const std::size_t outputs = call.out.size() / sizeof(float);
  for (std::size_t i = 0; i < outputs; ++i) {
    out[i] = 0;
  }
  for (std::uint32_t tree = 0; tree < call.op.forest.trees; ++tree) {
    ForestNode node = weights.nodes[weights.roots[tree]];
    while (node.feature != kLeafNode) {
      const std::size_t right = x[node.feature] <= node.threshold ? 0 : 1;
      node = weights.nodes[node.next + right];
    }
    const float* leaf = weights.leaves + std::size_t{node.next} * outputs;
    for (std::size_t i = 0; i < outputs; ++i) {
      out[i] += leaf[i];
    }
  }
}

void Linear(const Call& call, const float* bias, const float* weights) {
  const float* x = Floats(call.in);
  float* out = Floats(call.out);
  const std::size_t inputs = call.in.size() / sizeof(float);
  const std::size_t outputs = call.out.size() / sizeof(float);
  for (std::size_t i = 0; i < outputs; ++i) {
    float sum = bias[i];
    for (std::size_t k = 0; k < inputs; ++k) {
      sum += *weights++ * x[k];
    }
    out[i] = call.op.link == Link::kLogistic ? 1.0F / (1.0F + dsp::Exp(-sum)) : sum;
  }
  if (call.op.link == Link::kSoftmax) {
    Softmax(out, outputs);
  }
}

void Binary(const Call& call, const std::int32_t* thresholds, const std::uint32_t* words) {
  const BinaryBlock block = BinaryBlockOf(call.input, call.output);
  const std::size_t inputs = Fitting(block.inputs);
  const std::size_t outputs = Fitting(block.outputs);
  const auto sign = [&](std::size_t i) -> std::uint32_t {
    return call.input.type == TensorType::kInt8 ? Int8(call.in)[i] >= call.input.zero_point
                                                : Floats(call.in)[i] >= 0.0F;
  };
  // An input bit serves every output, but there is no room for it: the inputs are few.
  for (std::size_t o = 0; o < outputs; ++o) {
    std::int32_t agreeing = 0;
    for (std::size_t begin = 0; begin < inputs; begin += 32) {
      const std::size_t count = std::min<std::size_t>(32, inputs - begin);
      std::uint32_t a = 0;
      for (std::size_t i = 0; i < count; ++i) {
        a |= sign(begin + i) << i;
      }
      const std::uint32_t mask = count == 32 ? ~0U : (1U << count) - 1;
      agreeing += std::popcount(~(a ^ *words++) & mask);
    }
    const std::int32_t dot = 2 * agreeing - static_cast<std::int32_t>(inputs);
    if ((call.op.flags & op_flag::kSign) != 0) {
      Int8(call.out)[o] = dot >= thresholds[o] ? 1 : -1;
    } else {
      reinterpret_cast<std::int32_t*>(call.out.data())[o] = dot;
    }
  }
}

}  // namespace trib::nn::kernels
