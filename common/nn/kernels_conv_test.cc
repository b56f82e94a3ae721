// Convolutions and dense layers, generated, against a model with explicit padding and unfolded
// offsets.
#include <gtest/gtest.h>

#include "blocks.h"
#include "kernel_cases.h"
#include "trib/common/nn/kernels.h"

namespace trib::nn {
namespace {

Layer MakeLayer(Draw& draw, Opcode opcode) {
  Layer layer;
  layer.op.opcode = opcode;
  layer.op.clamp = draw.Range();
  layer.op.flags = draw.Between(0, 1) == 0 ? op_flag::kStaged : std::uint8_t{0};
  const bool flat = opcode == Opcode::kFullyConnected;
  Geometry& g = layer.op.geometry;
  if (!flat) {
    g.kernel_height = static_cast<std::uint8_t>(draw.Between(1, 3));
    g.kernel_width = static_cast<std::uint8_t>(draw.Between(1, 3));
    g.stride_height = static_cast<std::uint8_t>(draw.Between(1, 3));
    g.stride_width = static_cast<std::uint8_t>(draw.Between(1, 3));
    g.dilation_height = static_cast<std::uint8_t>(draw.Between(1, 2));
    g.dilation_width = static_cast<std::uint8_t>(draw.Between(1, 2));
    g.pad_top = static_cast<std::uint8_t>(draw.Between(0, 2));
    g.pad_left = static_cast<std::uint8_t>(draw.Between(0, 2));
  }
  const int in_channels = draw.Between(1, 5);
  const int out_channels =
      opcode == Opcode::kDepthwiseConv2D ? in_channels * draw.Between(1, 3) : draw.Between(1, 5);
  const int rows = draw.Between(1, 3);
  layer.in = flat ? Image(1, 1, rows, in_channels * draw.Between(1, 4), draw.Value())
                  : Image(draw.Between(1, 2),
                          draw.Between(1, 5),
                          draw.Between(1, 5),
                          in_channels,
                          draw.Value());
  layer.out = flat ? Image(1, 1, rows, out_channels, draw.Value())
                   : Image(layer.in.dims[0],
                           draw.Between(1, 4),
                           draw.Between(1, 4),
                           out_channels,
                           draw.Value());
  if (flat && draw.Between(0, 1) == 0) {
    layer.op.flags |= op_flag::kPerTensor;
  }
  layer.input = draw.Values(layer.in.elements());
  const WeightedBlock block = BlockOf(layer.op, layer.in, layer.out);
  layer.weights = draw.Values(block.channels * block.depth);
  for (std::uint64_t c = 0; c < block.channels; ++c) {
    layer.bias.push_back(draw.Between(0, 9) == 0 ? draw.Word() : draw.Between(-20000, 20000));
    Wide sum = 0;
    for (std::uint64_t i = 0; i < block.depth; ++i) {
      sum += layer.weights[opcode == Opcode::kDepthwiseConv2D ? i * block.channels + c
                                                              : c * block.depth + i];
    }
    layer.folded.push_back(Wrap(layer.bias.back() - layer.in.zero_point * sum));
  }
  for (std::uint64_t i = 0; i < block.multipliers; ++i) {
    const Multiplier m = draw.Scale();
    layer.multiplier.push_back(m.m);
    layer.shift.push_back(m.shift);
  }
  return layer;
}

std::int8_t Finish(const Layer& layer, std::size_t channel, Wide sum) {
  const Wide scaled = ModelRequantize(Wrap(sum), layer.multiplier_of(channel));
  return ModelClamp(Wrap(scaled + layer.out.zero_point), layer.op.clamp);
}

/// What channel `c` of pixel (b, y, x) adds up.
Wide ModelSum(const Layer& layer, int b, int y, int x, int c) {
  const Geometry& g = layer.op.geometry;
  const bool depthwise = layer.op.opcode == Opcode::kDepthwiseConv2D;
  const int out_channels = static_cast<int>(layer.out.channels());
  const int in_channels = static_cast<int>(layer.in.channels());
  const auto weight = [&](int at) { return Wide{layer.weights[static_cast<std::size_t>(at)]}; };
  Wide sum = layer.bias[static_cast<std::size_t>(c)];
  for (int tap = 0; tap < g.kernel_height * g.kernel_width; ++tap) {
    const int iy = y * g.stride_height - g.pad_top + tap / g.kernel_width * g.dilation_height;
    const int ix = x * g.stride_width - g.pad_left + tap % g.kernel_width * g.dilation_width;
    if (depthwise) {
      const int of = c / (out_channels / in_channels);
      sum += weight(tap * out_channels + c) * Centred(layer, b, iy, ix, of);
      continue;
    }
    for (int i = 0; i < in_channels; ++i) {
      sum += weight((c * g.kernel_height * g.kernel_width + tap) * in_channels + i) *
             Centred(layer, b, iy, ix, i);
    }
  }
  return sum;
}

std::vector<std::int8_t> ModelConv(const Layer& layer) {
  std::vector<std::int8_t> result;
  for (int b = 0; b < layer.out.dims[0]; ++b) {
    for (int y = 0; y < static_cast<int>(layer.out.height()); ++y) {
      for (int x = 0; x < static_cast<int>(layer.out.width()); ++x) {
        for (int c = 0; c < static_cast<int>(layer.out.channels()); ++c) {
          result.push_back(Finish(layer, static_cast<std::size_t>(c), ModelSum(layer, b, y, x, c)));
        }
      }
    }
  }
  return result;
}

TEST(Kernels, Conv2D) {
  Draw draw(2);
  for (int i = 0; i < kCases; ++i) {
    Layer layer = MakeLayer(draw, Opcode::kConv2D);
    kernels::Conv2D(layer.call(), layer.weighted());
    ASSERT_EQ(layer.result, ModelConv(layer)) << "case " << i;
  }
}

TEST(Kernels, DepthwiseConv2D) {
  Draw draw(3);
  for (int i = 0; i < kCases; ++i) {
    Layer layer = MakeLayer(draw, Opcode::kDepthwiseConv2D);
    kernels::DepthwiseConv2D(layer.call(), layer.weighted());
    ASSERT_EQ(layer.result, ModelConv(layer)) << "case " << i;
  }
}

TEST(Kernels, FullyConnected) {
  Draw draw(4);
  for (int i = 0; i < kCases; ++i) {
    Layer layer = MakeLayer(draw, Opcode::kFullyConnected);
    kernels::FullyConnected(layer.call(), layer.weighted());
    const std::size_t channels = layer.out.channels();
    const std::size_t rows = layer.result.size() / channels;
    const std::size_t depth = layer.input.size() / rows;
    std::vector<std::int8_t> expected;
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < channels; ++c) {
        Wide sum = layer.bias[c];
        for (std::size_t k = 0; k < depth; ++k) {
          sum += Wide{layer.weights[c * depth + k]} *
                 (Wide{layer.input[r * depth + k]} - layer.in.zero_point);
        }
        expected.push_back(Finish(layer, c, sum));
      }
    }
    ASSERT_EQ(layer.result, expected) << "case " << i;
  }
}

}  // namespace
}  // namespace trib::nn
