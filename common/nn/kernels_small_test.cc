// Forests, linear and binary layers, generated, against a model.
#include <gtest/gtest.h>

#include <cmath>

#include "kernel_cases.h"
#include "trib/common/nn/kernels.h"

namespace trib::nn {
namespace {

std::vector<float> Reals(Draw& draw, std::size_t count) {
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(draw.Between(-64, 64)) / 16;
  }
  return values;
}

Tensor Row(int width, TensorType type) {
  Tensor t = Image(1, 1, 1, width, 0);
  t.type = type;
  return t;
}

/// Splits nodes that are leaves so far, some times.
void GrowTree(Draw& draw, int inputs, int leaves, std::vector<kernels::ForestNode>& nodes) {
  std::size_t at = nodes.size();
  nodes.emplace_back();
  for (; at < nodes.size(); ++at) {
    if (nodes.size() < 30 && draw.Between(0, 2) != 0) {
      nodes[at] = {static_cast<float>(draw.Between(-32, 32)) / 16,
                   static_cast<std::uint16_t>(draw.Between(0, inputs - 1)),
                   static_cast<std::uint16_t>(nodes.size())};
      nodes.resize(nodes.size() + 2);
    } else {
      nodes[at] = {0, kLeafNode, static_cast<std::uint16_t>(draw.Between(0, leaves - 1))};
    }
  }
}

/// The row of the leaf that `x` comes to below node `at`.
std::size_t LeafOf(const std::vector<kernels::ForestNode>& nodes,
                   const std::vector<float>& x,
                   std::size_t at) {
  const auto& node = nodes[at];
  if (node.feature == kLeafNode) {
    return node.next;
  }
  const bool right = !(x[node.feature] <= node.threshold);
  return LeafOf(nodes, x, right ? node.next + 1U : node.next);
}

TEST(Kernels, Forest) {
  Draw draw(13);
  for (int i = 0; i < kCases; ++i) {
    const int inputs = draw.Between(1, 5);
    const int outputs = draw.Between(1, 3);
    const int leaves = draw.Between(1, 4);
    Operator op;
    op.opcode = Opcode::kForest;
    op.forest.trees = static_cast<std::uint16_t>(draw.Between(0, 3));
    op.forest.leaves = static_cast<std::uint16_t>(leaves);
    const auto table =
        Reals(draw, static_cast<std::size_t>(leaves) * static_cast<std::size_t>(outputs));
    std::vector<kernels::ForestNode> nodes;
    std::vector<std::uint16_t> roots;
    for (int t = 0; t < op.forest.trees; ++t) {
      roots.push_back(static_cast<std::uint16_t>(nodes.size()));
      GrowTree(draw, inputs, leaves, nodes);
    }
    op.forest.nodes = static_cast<std::uint16_t>(nodes.size());
    auto x = Reals(draw, static_cast<std::size_t>(inputs));
    if (draw.Between(0, 9) == 0) {
      x[0] = std::nanf("");
    }
    std::vector<float> result(static_cast<std::size_t>(outputs), 99);
    kernels::Forest({op,
                     Row(inputs, TensorType::kFloat32),
                     Row(outputs, TensorType::kFloat32),
                     std::as_bytes(std::span(x)),
                     std::as_writable_bytes(std::span(result)),
                     {}},
                    {table.data(), roots.data(), nodes.data()});
    for (std::size_t o = 0; o < result.size(); ++o) {
      double sum = 0;  // sixteenths: exact in any order
      for (const std::uint16_t root : roots) {
        sum += table[LeafOf(nodes, x, root) * result.size() + o];
      }
      ASSERT_EQ(static_cast<double>(result[o]), sum) << "case " << i;
    }
  }
}

TEST(Kernels, Linear) {
  Draw draw(14);
  for (int i = 0; i < kCases; ++i) {
    const auto inputs = static_cast<std::size_t>(draw.Between(1, 8));
    const auto outputs = static_cast<std::size_t>(draw.Between(1, 4));
    Operator op;
    op.opcode = Opcode::kLinear;
    op.link = static_cast<Link>(draw.Between(0, 2));
    const auto bias = Reals(draw, outputs);
    const auto weights = Reals(draw, inputs * outputs);
    const auto x = Reals(draw, inputs);
    std::vector<float> result(outputs);
    kernels::Linear({op,
                     Row(static_cast<int>(inputs), TensorType::kFloat32),
                     Row(static_cast<int>(outputs), TensorType::kFloat32),
                     std::as_bytes(std::span(x)),
                     std::as_writable_bytes(std::span(result)),
                     {}},
                    bias.data(),
                    weights.data());
    std::vector<double> z(outputs);
    double largest = -1e9;
    for (std::size_t o = 0; o < outputs; ++o) {
      z[o] = bias[o];
      for (std::size_t k = 0; k < inputs; ++k) {
        z[o] += double{weights[o * inputs + k]} * double{x[k]};
      }
      largest = std::max(largest, z[o]);
    }
    double sum = 0;
    for (const double value : z) {
      sum += std::exp(value - largest);
    }
    for (std::size_t o = 0; o < outputs; ++o) {
      const double expected = op.link == Link::kIdentity   ? z[o]
                              : op.link == Link::kLogistic ? 1 / (1 + std::exp(-z[o]))
                                                           : std::exp(z[o] - largest) / sum;
      // Sums of products of sixteenths are exact in float.
      ASSERT_NEAR(result[o], expected, op.link == Link::kIdentity ? 0 : 1e-6) << "case " << i;
    }
  }
}

/// Of signs with one row of weights, a bit each.
int ModelDot(const std::vector<std::int8_t>& x, int zero_point, const std::uint32_t* row) {
  int dot = 0;
  for (std::size_t k = 0; k < x.size(); ++k) {
    const bool positive = x[k] >= zero_point;
    const bool weight = (row[k / 32] >> (k % 32) & 1U) != 0;
    dot += positive == weight ? 1 : -1;
  }
  return dot;
}

TEST(Kernels, Binary) {
  Draw draw(15);
  for (int i = 0; i < kCases; ++i) {
    const auto inputs = static_cast<std::size_t>(draw.Between(1, 70));
    const auto outputs = static_cast<std::size_t>(draw.Between(1, 4));
    const std::size_t words = (inputs + 31) / 32;
    Operator op;
    op.opcode = Opcode::kBinary;
    op.flags = draw.Between(0, 1) == 0 ? op_flag::kSign : std::uint8_t{0};
    Tensor in = Row(static_cast<int>(inputs), TensorType::kInt8);
    in.zero_point = draw.Value();
    const auto x = draw.Values(inputs);
    std::vector<std::int32_t> thresholds;
    std::vector<std::uint32_t> bits;
    for (std::size_t o = 0; o < outputs; ++o) {
      thresholds.push_back(draw.Between(-9, 9));
    }
    for (std::size_t w = 0; w < outputs * words; ++w) {
      bits.push_back(static_cast<std::uint32_t>(draw.Word()));
    }
    std::vector<std::int32_t> result(outputs);
    const bool sign = op.flags != 0;
    kernels::Binary({op,
                     in,
                     Row(static_cast<int>(outputs), sign ? TensorType::kInt8 : TensorType::kInt32),
                     BytesOf(x),
                     std::as_writable_bytes(std::span(result)).first(sign ? outputs : 4 * outputs),
                     {}},
                    thresholds.data(),
                    bits.data());
    for (std::size_t o = 0; o < outputs; ++o) {
      const int dot = ModelDot(x, in.zero_point, bits.data() + o * words);
      const int got = sign ? reinterpret_cast<const std::int8_t*>(result.data())[o] : result[o];
      ASSERT_EQ(got, sign ? (dot >= thresholds[o] ? 1 : -1) : dot) << "case " << i;
    }
  }
}

}  // namespace
}  // namespace trib::nn
