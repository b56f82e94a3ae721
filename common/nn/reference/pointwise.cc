#include <cstring>

#include "trib/common/nn/arithmetic.h"
#include "views.h"

namespace trib::nn::kernels {
namespace {

constexpr int kAddHeadroom = 20;  // bits by which add raises its inputs before it rounds them

std::int32_t RoundedMean(std::int32_t sum, std::int32_t count) {
  return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

}  // namespace

void AveragePool2D(const Call& call) {
  const Geometry& g = call.op.geometry;
  const std::int8_t* in = Int8(call.in);
  const std::uint32_t channels = call.output.channels();
  PixelWriter out(call);
  for (std::uint32_t b = 0; b < call.output.dims[0]; ++b) {
    for (std::uint32_t y = 0; y < call.output.height(); ++y) {
      for (std::uint32_t x = 0; x < call.output.width(); ++x) {
        for (std::uint32_t c = 0; c < channels; ++c) {
          std::int32_t sum = 0;
          std::int32_t count = 0;
          for (std::uint32_t ky = 0; ky < g.kernel_height; ++ky) {
            const std::int32_t iy = Under(y, g.stride_height, g.pad_top, ky, 1);
            for (std::uint32_t kx = 0; kx < g.kernel_width; ++kx) {
              const std::int32_t ix = Under(x, g.stride_width, g.pad_left, kx, 1);
              if (Inside(iy, call.input.height()) && Inside(ix, call.input.width())) {
                const std::size_t row =
                    std::size_t{b} * call.input.height() + static_cast<std::uint32_t>(iy);
                sum +=
                    in[(row * call.input.width() + static_cast<std::uint32_t>(ix)) * channels + c];
                ++count;
              }
            }
          }
          // A window that lies in the padding alone has no mean; no importer makes one.
          const std::int32_t mean = count > 0 ? RoundedMean(sum, count) : call.input.zero_point;
          out.pixel()[c] = ClampTo8(mean, call.op.clamp);
        }
        out.Finish();
      }
    }
  }
}

void Add(const Call& call, const Tensor& second, std::span<const std::byte> in2) {
  const std::int8_t* a = Int8(call.in);
  const std::int8_t* b = Int8(in2);
  std::int8_t* out = Int8(call.out);
  const auto& [of_a, of_b, of_sum] = call.op.multipliers;
  for (std::size_t i = 0; i < call.out.size(); ++i) {
    const std::int32_t x = (a[i] - call.input.zero_point) * (1 << kAddHeadroom);
    const std::int32_t y = (b[i] - second.zero_point) * (1 << kAddHeadroom);
    const std::int32_t sum = WrapAdd(Requantize(x, of_a), Requantize(y, of_b));
    out[i] = ClampTo8(WrapAdd(Requantize(sum, of_sum), call.output.zero_point), call.op.clamp);
  }
}

namespace {

std::int32_t Load(std::span<const std::byte> bytes, TensorType type, std::size_t i) {
  switch (type) {
    case TensorType::kInt8:
      return static_cast<std::int8_t>(bytes[i]);
    case TensorType::kInt16: {
      std::int16_t value = 0;
      std::memcpy(&value, bytes.data() + 2 * i, 2);
      return value;
    }
    default: {
      std::int32_t value = 0;
      std::memcpy(&value, bytes.data() + 4 * i, 4);
      return value;
    }
  }
}

void Store(std::span<std::byte> bytes, TensorType type, std::size_t i, std::int32_t value) {
  switch (type) {
    case TensorType::kInt8:
      bytes[i] = static_cast<std::byte>(ClampTo8(value, {}));
      break;
    case TensorType::kInt16: {
      const std::int16_t narrow = SaturateTo16(value);
      std::memcpy(bytes.data() + 2 * i, &narrow, 2);
      break;
    }
    default:
      std::memcpy(bytes.data() + 4 * i, &value, 4);
      break;
  }
}

}  // namespace

void RequantizeTensor(const Call& call) {
  const std::size_t count = call.out.size() / BytesOf(call.output.type);
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t x = WrapAdd(Load(call.in, call.input.type, i), -call.input.zero_point);
    const std::int32_t y = WrapAdd(Requantize(x, call.op.multipliers[0]), call.output.zero_point);
    Store(call.out, call.output.type, i, y);
  }
}

void Softmax(const Call& call) {
  const std::size_t depth = call.input.channels();
  const std::size_t rows = call.in.size() / depth;
  const std::int8_t* in = Int8(call.in);
  const int width = call.output.type == TensorType::kInt8 ? 8 : 16;
  const std::int32_t least = -(1 << (width - 1));
  for (std::size_t r = 0; r < rows; ++r) {
    const std::int8_t* row = in + r * depth;
    std::int32_t largest = row[0];
    for (std::size_t i = 1; i < depth; ++i) {
      largest = std::max<std::int32_t>(largest, row[i]);
    }
    const auto exponential = [&](std::int32_t difference) {
      return ExpOfNegative(Requantize(difference, call.op.multipliers[0]));
    };
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < depth; ++i) {
      const std::int32_t difference = row[i] - largest;
      if (difference >= call.op.least_difference) {
        sum = WrapAdd(sum, RoundingShiftRight(exponential(difference), 12));
      }
    }
    const Reciprocal scale = ReciprocalOf(sum);
    for (std::size_t i = 0; i < depth; ++i) {
      const std::int32_t difference = row[i] - largest;
      std::int32_t value = least;
      if (difference >= call.op.least_difference) {
        const std::int32_t share = RoundingDoublingHigh(scale.value, exponential(difference));
        value += RoundingShiftRight(share, std::clamp(scale.bits + 31 - width, 0, 31));
      }
      Store(call.out, call.output.type, r * depth + i, value);
    }
  }
}

}  // namespace trib::nn::kernels
