// The roundings, and operators over single elements, rows and windows, generated, against a model.
#include <gtest/gtest.h>

#include <cmath>

#include "kernel_cases.h"
#include "trib/common/nn/kernels.h"

namespace trib::nn {
namespace {

TEST(Arithmetic, RequantizesLikeTheDefinition) {
  Draw draw(1);
  for (int i = 0; i < 10 * kCases; ++i) {
    const std::int32_t x = draw.Word();
    const Multiplier m = draw.Scale();
    ASSERT_EQ(Requantize(x, m), ModelRequantize(x, m)) << x << " " << m.m << " " << int{m.shift};
    const std::int32_t y = draw.Word();
    ASSERT_EQ(RoundingDoublingHigh(x, y), ModelHigh(x, y)) << x << " " << y;
    const int bits = draw.Between(0, 31);
    ASSERT_EQ(RoundingShiftRight(x, bits), ModelShift(x, bits)) << x << " " << bits;
  }
}

TEST(Arithmetic, RoundsTiesAsStated) {
  EXPECT_EQ(RoundingShiftRight(3, 1), 2);
  EXPECT_EQ(RoundingShiftRight(-3, 1), -2);
  EXPECT_EQ(RoundingDoublingHigh(1, 1 << 30), 1);
  EXPECT_EQ(RoundingDoublingHigh(-1, 1 << 30), 0);
}

Layer MakePool(Draw& draw) {
  Layer layer;
  layer.op.opcode = Opcode::kAveragePool2D;
  layer.op.clamp = draw.Range();
  layer.op.flags = draw.Between(0, 1) == 0 ? op_flag::kStaged : std::uint8_t{0};
  Geometry& g = layer.op.geometry;
  g.kernel_height = static_cast<std::uint8_t>(draw.Between(1, 4));
  g.kernel_width = static_cast<std::uint8_t>(draw.Between(1, 4));
  g.stride_height = static_cast<std::uint8_t>(draw.Between(1, 2));
  g.stride_width = static_cast<std::uint8_t>(draw.Between(1, 2));
  g.pad_top = static_cast<std::uint8_t>(draw.Between(0, g.kernel_height - 1));
  g.pad_left = static_cast<std::uint8_t>(draw.Between(0, g.kernel_width - 1));
  const int channels = draw.Between(1, 4);
  layer.in =
      Image(draw.Between(1, 2), draw.Between(1, 6), draw.Between(1, 6), channels, draw.Value());
  layer.out = Image(
      layer.in.dims[0], draw.Between(1, 4), draw.Between(1, 4), channels, layer.in.zero_point);
  layer.input = draw.Values(layer.in.elements());
  return layer;
}

/// The mean of what lies inside the image, in floating point.
std::int8_t ModelPool(const Layer& layer, int b, int y, int x, int c) {
  const Geometry& g = layer.op.geometry;
  double sum = 0;
  int count = 0;
  for (int tap = 0; tap < g.kernel_height * g.kernel_width; ++tap) {
    const int iy = y * g.stride_height - g.pad_top + tap / g.kernel_width;
    const int ix = x * g.stride_width - g.pad_left + tap % g.kernel_width;
    if (iy >= 0 && ix >= 0 && iy < static_cast<int>(layer.in.height()) &&
        ix < static_cast<int>(layer.in.width())) {
      sum += static_cast<double>(Centred(layer, b, iy, ix, c)) + layer.in.zero_point;
      ++count;
    }
  }
  // std::round takes ties away from zero.
  const double mean = count == 0 ? layer.in.zero_point : std::round(sum / count);
  return ModelClamp(static_cast<Wide>(mean), layer.op.clamp);
}

TEST(Kernels, AveragePool2D) {
  Draw draw(5);
  for (int i = 0; i < kCases; ++i) {
    Layer layer = MakePool(draw);
    kernels::AveragePool2D(layer.call());
    std::size_t at = 0;
    for (int b = 0; b < layer.out.dims[0]; ++b) {
      for (int y = 0; y < static_cast<int>(layer.out.height()); ++y) {
        for (int x = 0; x < static_cast<int>(layer.out.width()); ++x) {
          for (int c = 0; c < static_cast<int>(layer.out.channels()); ++c, ++at) {
            ASSERT_EQ(layer.result[at], ModelPool(layer, b, y, x, c)) << "case " << i;
          }
        }
      }
    }
  }
}

TEST(Kernels, Add) {
  Draw draw(6);
  for (int i = 0; i < kCases; ++i) {
    Layer layer;
    layer.op.opcode = Opcode::kAdd;
    layer.op.clamp = draw.Range();
    for (Multiplier& m : layer.op.multipliers) {
      m = draw.Scale(0);
    }
    layer.in = Image(1, 1, draw.Between(1, 4), draw.Between(1, 4), draw.Value());
    layer.out = layer.in;
    layer.out.zero_point = static_cast<std::int16_t>(draw.Value());
    Tensor second = layer.in;
    second.zero_point = static_cast<std::int16_t>(draw.Value());
    layer.input = draw.Values(layer.in.elements());
    const auto other = draw.Values(layer.in.elements());
    kernels::Add(layer.call(), second, BytesOf(other));
    for (std::size_t k = 0; k < other.size(); ++k) {
      const Wide a = ModelRequantize((Wide{layer.input[k]} - layer.in.zero_point) << 20,
                                     layer.op.multipliers[0]);
      const Wide b =
          ModelRequantize((Wide{other[k]} - second.zero_point) << 20, layer.op.multipliers[1]);
      const Wide sum = ModelRequantize(Wrap(a + b), layer.op.multipliers[2]);
      ASSERT_EQ(layer.result[k], ModelClamp(Wrap(sum + layer.out.zero_point), layer.op.clamp))
          << "case " << i;
    }
  }
}

Wide LowestOf(TensorType type) {
  return type == TensorType::kInt8    ? -128
         : type == TensorType::kInt16 ? -32768
                                      : std::numeric_limits<std::int32_t>::min();
}

std::int32_t CutTo(TensorType type, std::int32_t x) {
  return type == TensorType::kInt8    ? static_cast<std::int8_t>(x)
         : type == TensorType::kInt16 ? static_cast<std::int16_t>(x)
                                      : x;
}

/// Element `k` of little-endian integers of `size` bytes.
Wide ElementAt(std::span<const std::byte> bytes, std::size_t size, std::size_t k) {
  Wide value = 0;
  for (std::size_t b = 0; b < size; ++b) {
    value |= Wide{static_cast<std::uint8_t>(bytes[k * size + b])} << (8 * b);
  }
  return value - ((value >> (8 * size - 1)) << (8 * size));
}

std::int16_t ZeroPoint(Draw& draw, TensorType type) {
  return type == TensorType::kInt32 ? std::int16_t{0} : static_cast<std::int16_t>(draw.Value());
}

TEST(Kernels, RequantizeTensor) {
  Draw draw(7);
  const TensorType types[] = {TensorType::kInt8, TensorType::kInt16, TensorType::kInt32};
  for (int i = 0; i < kCases; ++i) {
    Operator op;
    op.opcode = Opcode::kRequantize;
    op.multipliers[0] = draw.Scale();
    Tensor in = Image(1, 1, 1, draw.Between(1, 6), 0);
    Tensor out = in;
    in.type = types[draw.Between(0, 2)];
    out.type = types[draw.Between(0, 2)];
    in.zero_point = ZeroPoint(draw, in.type);
    out.zero_point = ZeroPoint(draw, out.type);
    std::vector<std::int32_t> values;
    std::vector<std::byte> bytes;
    for (std::uint64_t k = 0; k < in.elements(); ++k) {
      const std::int32_t x = CutTo(in.type, draw.Word());
      values.push_back(x);
      for (std::size_t b = 0; b < nn::BytesOf(in.type); ++b) {
        bytes.push_back(static_cast<std::byte>(static_cast<std::uint32_t>(x) >> (8 * b)));
      }
    }
    std::vector<std::byte> result(out.bytes());
    kernels::RequantizeTensor({op, in, out, bytes, result, {}});
    for (std::size_t k = 0; k < values.size(); ++k) {
      Wide expected =
          Wrap(Wide{ModelRequantize(Wrap(Wide{values[k]} - in.zero_point), op.multipliers[0])} +
               out.zero_point);
      const Wide low = LowestOf(out.type);
      expected = expected < low ? low : expected > -low - 1 ? -low - 1 : expected;
      const Wide got = ElementAt(result, nn::BytesOf(out.type), k);
      ASSERT_EQ(got, expected) << "case " << i;
    }
  }
}

double ExactSoftmax(std::span<const std::int8_t> row, std::size_t k, double scale) {
  double sum = 0;
  for (const std::int8_t other : row) {
    sum += std::exp((other - row[k]) * scale);
  }
  return 1 / sum;
}

/// What softmax must come near to: the exact value, within 1 of 256 (4 of 65,536 for 16 bits are
/// within the arithmetic's 12-bit sums).
TEST(Kernels, SoftmaxIsNearTheExactValue) {
  Draw draw(8);
  for (int i = 0; i < kCases; ++i) {
    Operator op;
    op.opcode = Opcode::kSoftmax;
    // beta x scale between 2^-12 and 4
    const double scale = std::ldexp(1.0 + draw.Between(0, 999) / 1000.0, draw.Between(-12, 1));
    int exponent = 0;
    const double mantissa = std::frexp(std::min(scale * (1 << 26), 2147483647.0), &exponent);
    op.multipliers[0] = {
        static_cast<std::int32_t>(std::min(std::round(mantissa * 2147483648.0), 2147483647.0)),
        static_cast<std::int8_t>(exponent)};
    op.least_difference = -static_cast<std::int32_t>(
        std::min(std::floor(31.0 * (1 << 26) / std::ldexp(1.0, exponent)), 255.0));
    Tensor in = Image(1, 1, draw.Between(1, 2), draw.Between(1, 12), 0);
    Tensor out = in;
    const bool wide = draw.Between(0, 1) == 0;
    out.type = wide ? TensorType::kInt16 : TensorType::kInt8;
    const auto input = draw.Values(in.elements());
    std::vector<std::byte> result(out.bytes());
    kernels::Softmax({op, in, out, BytesOf(input), result, {}});
    const std::size_t depth = in.channels();
    for (std::size_t r = 0; r < input.size() / depth; ++r) {
      const auto row = std::span(input).subspan(r * depth, depth);
      for (std::size_t k = 0; k < depth; ++k) {
        const double exact = ExactSoftmax(row, k, scale);
        const std::size_t at = r * depth + k;
        const double got =
            wide ? static_cast<std::int16_t>(static_cast<std::uint16_t>(result[2 * at]) |
                                             static_cast<std::uint16_t>(result[2 * at + 1]) << 8) +
                       32768.0
                 : static_cast<std::int8_t>(result[at]) + 128.0;
        const double units = wide ? 65536 : 256;
        ASSERT_NEAR(got, std::min(exact * units, units - 1), wide ? 4.0 : 1.0)
            << "case " << i << " depth " << depth;
      }
    }
  }
}

}  // namespace
}  // namespace trib::nn
