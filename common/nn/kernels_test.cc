// Generated cases for each kernel, against a model of the same operator that is written
// differently: wide integers, explicit padding, unfolded offsets, division instead of shifts.
#include "trib/common/nn/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "blocks.h"
#include "trib/common/nn/arithmetic.h"

namespace trib::nn {
namespace {

constexpr int kCases = 100'000;
using Wide = __int128;

Wide FloorDivide(Wide a, Wide b) {
  const Wide quotient = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

std::int32_t Wrap(Wide x) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(x));
}

/// round(a b / 2^31), ties up.
Wide ModelHigh(Wide a, Wide b) {
  const Wide result = FloorDivide(2 * a * b + (Wide{1} << 31), Wide{1} << 32);
  return result > 2147483647 ? 2147483647 : result;
}

/// round(x / 2^bits), ties away from zero: of the magnitude, ties up.
Wide ModelShift(Wide x, int bits) {
  const Wide magnitude = x < 0 ? -x : x;
  const Wide rounded = (2 * magnitude + (Wide{1} << bits)) / (Wide{2} << bits);
  return x < 0 ? -rounded : rounded;
}

std::int32_t ModelRequantize(Wide x, Multiplier m) {
  const Wide raised = m.shift > 0 ? Wrap(x * (Wide{1} << m.shift)) : x;
  return static_cast<std::int32_t>(ModelShift(ModelHigh(raised, m.m), m.shift < 0 ? -m.shift : 0));
}

std::int8_t ModelClamp(Wide x, Clamp clamp) {
  return static_cast<std::int8_t>(x < clamp.low ? clamp.low : x > clamp.high ? clamp.high : x);
}

/// Deterministic; extremes are as likely as everything else together.
class Draw {
 public:
  explicit Draw(std::uint32_t seed) : random_(seed) {}
  int Between(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<std::uint32_t>(high - low + 1));
  }
  std::int8_t Value() {
    switch (random_() % 8) {
      case 0:
        return -128;
      case 1:
        return 127;
      default:
        return static_cast<std::int8_t>(random_());
    }
  }
  std::vector<std::int8_t> Values(std::size_t count) {
    std::vector<std::int8_t> values(count);
    for (auto& value : values) {
      value = Value();
    }
    return values;
  }
  std::int32_t Word() {
    switch (random_() % 6) {
      case 0:
        return std::numeric_limits<std::int32_t>::min();
      case 1:
        return std::numeric_limits<std::int32_t>::max();
      case 2:
        return Between(-3, 3);
      default:
        return static_cast<std::int32_t>(random_()) >> Between(0, 24);
    }
  }
  /// Mostly of the size that real layers have, sometimes any that a plan may hold; powers of two
  /// make ties.
  Multiplier Scale(int largest_shift = 30) {
    Multiplier m;
    m.shift =
        static_cast<std::int8_t>(Between(0, 3) == 0 ? Between(-31, largest_shift)
                                                    : Between(-14, std::min(0, largest_shift)));
    m.m = Between(0, 3) == 0 ? 1 << 30 : static_cast<std::int32_t>((random_() >> 2U) | (1U << 30U));
    return m;
  }
  Clamp Range() {
    if (Between(0, 2) != 0) {
      return {};
    }
    const auto a = Value();
    const auto b = Value();
    return {std::min(a, b), std::max(a, b)};
  }

 private:
  std::mt19937 random_;
};

std::span<const std::byte> BytesOf(const std::vector<std::int8_t>& values) {
  return std::as_bytes(std::span(values));
}

Tensor Image(int batch, int height, int width, int channels, std::int16_t zero) {
  Tensor t;
  t.dims = {static_cast<std::uint16_t>(batch),
            static_cast<std::uint16_t>(height),
            static_cast<std::uint16_t>(width),
            static_cast<std::uint16_t>(channels)};
  t.zero_point = zero;
  t.rank = 4;
  return t;
}

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

/// A weighted operator with everything that varies.
struct Layer {
  Operator op;
  Tensor in;
  Tensor out;
  std::vector<std::int8_t> input;
  std::vector<std::int8_t> weights;
  std::vector<std::int32_t> bias;    // as the model has it
  std::vector<std::int32_t> folded;  // as the plan has it
  std::vector<std::int32_t> multiplier;
  std::vector<std::int8_t> shift;
  std::vector<std::int8_t> result;
  std::vector<std::int8_t> stage;

  [[nodiscard]] Multiplier multiplier_of(std::size_t c) const {
    const std::size_t i = multiplier.size() == 1 ? 0 : c;
    return {multiplier[i], shift[i]};
  }
  [[nodiscard]] kernels::Weighted weighted() const {
    return {folded.data(), multiplier.data(), weights.data(), shift.data(), multiplier.size() == 1};
  }
  [[nodiscard]] kernels::Call call() {
    result.assign(out.elements(), 99);
    stage.assign(out.channels(), 0);
    return {op,
            in,
            out,
            BytesOf(input),
            std::as_writable_bytes(std::span(result)),
            std::as_writable_bytes(std::span(stage))};
  }
};

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

/// The image with its zero point subtracted; zero outside.
Wide Centred(const Layer& layer, int b, int y, int x, int c) {
  if (y < 0 || x < 0 || y >= static_cast<int>(layer.in.height()) ||
      x >= static_cast<int>(layer.in.width())) {
    return 0;
  }
  const std::size_t at =
      ((static_cast<std::size_t>(b) * layer.in.height() + static_cast<std::size_t>(y)) *
           layer.in.width() +
       static_cast<std::size_t>(x)) *
          layer.in.channels() +
      static_cast<std::size_t>(c);
  return Wide{layer.input[at]} - layer.in.zero_point;
}

std::vector<std::int8_t> ModelConv(const Layer& layer) {
  const Geometry& g = layer.op.geometry;
  const bool depthwise = layer.op.opcode == Opcode::kDepthwiseConv2D;
  const int out_channels = static_cast<int>(layer.out.channels());
  const int in_channels = static_cast<int>(layer.in.channels());
  std::vector<std::int8_t> result;
  for (int b = 0; b < layer.out.dims[0]; ++b) {
    for (int y = 0; y < static_cast<int>(layer.out.height()); ++y) {
      for (int x = 0; x < static_cast<int>(layer.out.width()); ++x) {
        for (int c = 0; c < out_channels; ++c) {
          Wide sum = layer.bias[static_cast<std::size_t>(c)];
          for (int ky = 0; ky < g.kernel_height; ++ky) {
            for (int kx = 0; kx < g.kernel_width; ++kx) {
              const int iy = y * g.stride_height - g.pad_top + ky * g.dilation_height;
              const int ix = x * g.stride_width - g.pad_left + kx * g.dilation_width;
              const int tap = ky * g.kernel_width + kx;
              if (depthwise) {
                const int of = c / (out_channels / in_channels);
                sum += Wide{layer.weights[static_cast<std::size_t>(tap * out_channels + c)]} *
                       Centred(layer, b, iy, ix, of);
                continue;
              }
              for (int i = 0; i < in_channels; ++i) {
                const int at = (c * g.kernel_height * g.kernel_width + tap) * in_channels + i;
                sum += Wide{layer.weights[static_cast<std::size_t>(at)]} *
                       Centred(layer, b, iy, ix, i);
              }
            }
          }
          result.push_back(Finish(layer, static_cast<std::size_t>(c), sum));
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

TEST(Kernels, AveragePool2D) {
  Draw draw(5);
  for (int i = 0; i < kCases; ++i) {
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
    kernels::AveragePool2D(layer.call());
    std::size_t at = 0;
    for (int b = 0; b < layer.out.dims[0]; ++b) {
      for (int y = 0; y < static_cast<int>(layer.out.height()); ++y) {
        for (int x = 0; x < static_cast<int>(layer.out.width()); ++x) {
          for (int c = 0; c < channels; ++c, ++at) {
            double sum = 0;
            int count = 0;
            for (int iy = y * g.stride_height - g.pad_top;
                 iy < y * g.stride_height - g.pad_top + g.kernel_height;
                 ++iy) {
              for (int ix = x * g.stride_width - g.pad_left;
                   ix < x * g.stride_width - g.pad_left + g.kernel_width;
                   ++ix) {
                if (iy >= 0 && ix >= 0 && iy < static_cast<int>(layer.in.height()) &&
                    ix < static_cast<int>(layer.in.width())) {
                  sum += static_cast<double>(Centred(layer, b, iy, ix, c)) + layer.in.zero_point;
                  ++count;
                }
              }
            }
            // std::round takes ties away from zero.
            const double mean = count == 0 ? layer.in.zero_point : std::round(sum / count);
            ASSERT_EQ(layer.result[at], ModelClamp(static_cast<Wide>(mean), layer.op.clamp))
                << "case " << i;
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
    layer.out.zero_point = draw.Value();
    Tensor second = layer.in;
    second.zero_point = draw.Value();
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
    in.zero_point = in.type == TensorType::kInt32 ? std::int16_t{0} : draw.Value();
    out.zero_point = out.type == TensorType::kInt32 ? std::int16_t{0} : draw.Value();
    std::vector<std::int32_t> values;
    std::vector<std::byte> bytes;
    for (std::uint64_t k = 0; k < in.elements(); ++k) {
      std::int32_t x = draw.Word();
      x = in.type == TensorType::kInt8    ? static_cast<std::int8_t>(x)
          : in.type == TensorType::kInt16 ? static_cast<std::int16_t>(x)
                                          : x;
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
      const Wide low = out.type == TensorType::kInt8    ? -128
                       : out.type == TensorType::kInt16 ? -32768
                                                        : std::numeric_limits<std::int32_t>::min();
      expected = expected < low ? low : expected > -low - 1 ? -low - 1 : expected;
      Wide got = 0;
      const std::size_t size = nn::BytesOf(out.type);
      for (std::size_t b = 0; b < size; ++b) {
        got |= Wide{static_cast<std::uint8_t>(result[k * size + b])} << (8 * b);
      }
      got -= (got >> (8 * size - 1)) << (8 * size);
      ASSERT_EQ(got, expected) << "case " << i;
    }
  }
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
      double sum = 0;
      std::int32_t largest = -128;
      for (std::size_t k = 0; k < depth; ++k) {
        largest = std::max<std::int32_t>(largest, input[r * depth + k]);
      }
      for (std::size_t k = 0; k < depth; ++k) {
        sum += std::exp((input[r * depth + k] - largest) * scale);
      }
      for (std::size_t k = 0; k < depth; ++k) {
        const double exact = std::exp((input[r * depth + k] - largest) * scale) / sum;
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

TEST(Kernels, SvdfWithState) {
  Draw draw(9);
  for (int i = 0; i < kCases; ++i) {
    Operator op;
    op.opcode = Opcode::kSvdf;
    op.rank = static_cast<std::uint16_t>(draw.Between(1, 3));
    op.memory = static_cast<std::uint16_t>(draw.Between(1, 4));
    op.multipliers = {draw.Scale(), draw.Scale(), Multiplier{}};
    op.state_zero_point = draw.Between(0, 1) == 0 ? std::int16_t{0} : draw.Value();
    const Tensor in = Image(1, 1, draw.Between(1, 2), draw.Between(1, 5), draw.Value());
    const Tensor out = Image(1, 1, in.dims[2], draw.Between(1, 3), draw.Value());
    const SvdfBlock block = SvdfBlockOf(op, in, out);
    const auto feature = draw.Values(block.filters * block.inputs);
    const auto time = draw.Values(block.filters * block.memory);
    std::vector<std::int32_t> bias;
    for (std::uint64_t u = 0; u < block.units; ++u) {
      bias.push_back(draw.Between(-9999, 9999));
    }
    std::vector<std::int8_t> state(block.state_bytes(),
                                   static_cast<std::int8_t>(op.state_zero_point));
    // history[b][f]: all values so far, newest last.
    std::vector<std::vector<std::int8_t>> history(
        block.batch * block.filters,
        std::vector<std::int8_t>(block.memory, static_cast<std::int8_t>(op.state_zero_point)));
    for (int step = 0; step < 4; ++step) {
      const auto input = draw.Values(in.elements());
      std::vector<std::int8_t> result(out.elements());
      kernels::Svdf({op, in, out, BytesOf(input), std::as_writable_bytes(std::span(result)), {}},
                    {bias.data(), feature.data(), time.data()},
                    state.data());
      std::size_t at = 0;
      for (std::size_t b = 0; b < block.batch; ++b) {
        for (std::size_t f = 0; f < block.filters; ++f) {
          Wide sum = 0;
          for (std::size_t k = 0; k < block.inputs; ++k) {
            sum += Wide{feature[f * block.inputs + k]} *
                   (Wide{input[b * block.inputs + k]} - in.zero_point);
          }
          const Wide newest =
              ModelClamp(ModelRequantize(sum, op.multipliers[0]), {}) + Wide{op.state_zero_point};
          history[b * block.filters + f].push_back(
              static_cast<std::int8_t>(static_cast<std::uint8_t>(newest)));
        }
        for (std::size_t u = 0; u < block.units; ++u, ++at) {
          Wide sum = bias[u];
          for (std::size_t r = 0; r < op.rank; ++r) {
            const std::size_t f = u * op.rank + r;
            const auto& past = history[b * block.filters + f];
            for (std::size_t m = 0; m < block.memory; ++m) {
              sum += Wide{time[f * block.memory + m]} *
                     (Wide{past[past.size() - block.memory + m]} - op.state_zero_point);
            }
          }
          ASSERT_EQ(
              result[at],
              ModelClamp(Wrap(Wide{ModelRequantize(Wrap(sum), op.multipliers[1])} + out.zero_point),
                         {}))
              << "case " << i;
        }
      }
    }
  }
}

TEST(Activations, AreNearTheExactFunctions) {
  for (int x = -32768; x <= 32767; ++x) {
    const auto q = static_cast<std::int16_t>(x);
    const double real = x / 4096.0;
    ASSERT_NEAR(Sigmoid16(q), 32768 / (1 + std::exp(-real)), 3) << x;
    ASSERT_NEAR(Tanh16(q, 0), 32768 * std::tanh(real), 6) << x;
    ASSERT_NEAR(Tanh16(q, -2), 32768 * std::tanh(real / 4), 6) << x;
  }
}

TEST(Activations, ExpAndReciprocalAreNearTheExactFunctions) {
  Draw draw(11);
  for (int i = 0; i < kCases; ++i) {
    const std::int32_t x = -draw.Between(0, 2147483647);
    ASSERT_NEAR(ExpOfNegative(x), 2147483648.0 * std::exp(x / 67108864.0), 600) << x;
    const std::int32_t sum = draw.Between(1 << 19, 2147483647);
    const Reciprocal r = ReciprocalOf(sum);
    ASSERT_NEAR(std::ldexp(r.value, -31 - r.bits) * (sum / 524288.0), 1, 1e-8) << sum;
  }
}

/// One time step after the other, with the gates' tables (tested above) and everything else done in
/// wide integers, unfolded.
TEST(Kernels, LstmWithState) {
  Draw draw(12);
  for (int i = 0; i < kCases; ++i) {
    Operator op;
    op.opcode = Opcode::kLstm;
    LstmParameters& p = op.lstm;
    for (std::size_t g = 0; g < kGates; ++g) {
      p.input[g] = draw.Scale(8);
      p.recurrent[g] = draw.Scale(8);
    }
    p.forget_cell = draw.Scale(0);
    p.input_cell = draw.Scale(0);
    p.hidden = draw.Scale(0);
    p.cell_log2 = static_cast<std::int8_t>(draw.Between(-15, -8));
    p.hidden_zero_point = draw.Value();
    p.cell_clip = draw.Between(0, 2) == 0 ? static_cast<std::int16_t>(draw.Between(1, 32767))
                                          : std::int16_t{0};
    const Tensor in = Image(1, 1, draw.Between(1, 3), draw.Between(1, 4), draw.Value());
    const Tensor out = Image(1, 1, in.dims[2], draw.Between(1, 4), p.hidden_zero_point);
    const LstmBlock block = LstmBlockOf(in, out);
    const std::size_t n = block.cells;
    const auto w = draw.Values(kGates * n * block.inputs);
    const auto r = draw.Values(kGates * n * n);
    std::vector<std::int32_t> bias(kGates * n);
    std::vector<std::int32_t> folded(2 * kGates * n);
    for (std::size_t k = 0; k < kGates * n; ++k) {
      bias[k] = draw.Between(-9999, 9999);
      Wide sum_w = 0;
      Wide sum_r = 0;
      for (std::size_t j = 0; j < block.inputs; ++j) {
        sum_w += w[k * block.inputs + j];
      }
      for (std::size_t j = 0; j < n; ++j) {
        sum_r += r[k * n + j];
      }
      folded[k] = Wrap(bias[k] - sum_w * in.zero_point);
      folded[kGates * n + k] = Wrap(-sum_r * p.hidden_zero_point);
    }
    const auto input = draw.Values(in.elements());
    std::vector<std::int8_t> result(out.elements());
    std::vector<std::int16_t> cell(n);
    std::vector<std::int8_t> hidden(n, p.hidden_zero_point);
    std::vector<std::int16_t> scratch(kGates * n);
    kernels::Lstm({op,
                   in,
                   out,
                   BytesOf(input),
                   std::as_writable_bytes(std::span(result)),
                   std::as_writable_bytes(std::span(scratch))},
                  {folded.data(), folded.data() + kGates * n, w.data(), r.data()},
                  cell.data(),
                  hidden.data());
    const auto saturate = [](Wide x) {
      return x < -32768 ? Wide{-32768} : x > 32767 ? Wide{32767} : x;
    };
    std::vector<Wide> c(n, 0);
    std::vector<Wide> h(n, p.hidden_zero_point);
    for (std::size_t step = 0; step < block.steps; ++step) {
      std::vector<Wide> gates;
      for (std::size_t k = 0; k < kGates * n; ++k) {
        const std::size_t g = k / n;
        Wide from_input = bias[k];
        for (std::size_t j = 0; j < block.inputs; ++j) {
          from_input += Wide{w[k * block.inputs + j]} *
                        (Wide{input[step * block.inputs + j]} - in.zero_point);
        }
        Wide from_hidden = 0;
        for (std::size_t j = 0; j < n; ++j) {
          from_hidden += Wide{r[k * n + j]} * (h[j] - p.hidden_zero_point);
        }
        const auto sum = static_cast<std::int16_t>(
            saturate(saturate(ModelRequantize(from_input, p.input[g])) +
                     saturate(ModelRequantize(from_hidden, p.recurrent[g]))));
        gates.push_back(g == 2 ? Tanh16(sum, 0) : Sigmoid16(sum));
      }
      for (std::size_t k = 0; k < n; ++k) {
        c[k] = saturate(saturate(ModelRequantize(gates[n + k] * c[k], p.forget_cell)) +
                        saturate(ModelRequantize(gates[k] * gates[2 * n + k], p.input_cell)));
        if (p.cell_clip > 0) {
          c[k] = c[k] > p.cell_clip ? p.cell_clip : c[k] < -p.cell_clip ? -p.cell_clip : c[k];
        }
        const Wide shown =
            gates[3 * n + k] * Tanh16(static_cast<std::int16_t>(c[k]), 12 + p.cell_log2);
        h[k] = ModelClamp(Wide{ModelRequantize(shown, p.hidden)} + p.hidden_zero_point, {});
        ASSERT_EQ(result[step * n + k], h[k]) << "case " << i << " step " << step;
      }
    }
    for (std::size_t k = 0; k < n; ++k) {
      ASSERT_EQ(cell[k], c[k]);
    }
  }
}

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
    const auto table = Reals(draw, static_cast<std::size_t>(leaves * outputs));
    std::vector<kernels::ForestNode> nodes;
    std::vector<std::uint16_t> roots;
    for (int t = 0; t < op.forest.trees; ++t) {
      roots.push_back(static_cast<std::uint16_t>(nodes.size()));
      nodes.emplace_back();
      // Splits nodes that are leaves so far, some times.
      for (std::size_t at = roots.back(); at < nodes.size(); ++at) {
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
    for (int o = 0; o < outputs; ++o) {
      double sum = 0;  // sixteenths: exact in any order
      for (const std::uint16_t root : roots) {
        const std::function<double(std::size_t)> walk = [&](std::size_t at) -> double {
          const auto& node = nodes[at];
          if (node.feature == kLeafNode) {
            return table[static_cast<std::size_t>(node.next * outputs + o)];
          }
          const bool right = !(x[node.feature] <= node.threshold);
          return walk(right ? node.next + 1U : node.next);
        };
        sum += walk(root);
      }
      ASSERT_EQ(static_cast<double>(result[static_cast<std::size_t>(o)]), sum) << "case " << i;
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
      int dot = 0;
      for (std::size_t k = 0; k < inputs; ++k) {
        const int a = x[k] >= in.zero_point ? 1 : -1;
        const int b = (bits[o * words + k / 32] >> (k % 32) & 1U) != 0 ? 1 : -1;
        dot += a * b;
      }
      const int got = sign ? reinterpret_cast<const std::int8_t*>(result.data())[o] : result[o];
      ASSERT_EQ(got, sign ? (dot >= thresholds[o] ? 1 : -1) : dot) << "case " << i;
    }
  }
}

}  // namespace
}  // namespace trib::nn
