#include "trib/common/nn/arithmetic.h"
#include "views.h"

namespace trib::nn::kernels {
namespace {

/// The input pixel under a kernel tap, or nullptr in the padding.
struct Image {
  const Tensor& tensor;
  const std::int8_t* data;

  [[nodiscard]] const std::int8_t* At(std::uint32_t batch, std::int32_t y, std::int32_t x) const {
    if (!Inside(y, tensor.height()) || !Inside(x, tensor.width())) {
      return nullptr;
    }
    const std::size_t row = std::size_t{batch} * tensor.height() + static_cast<std::uint32_t>(y);
    return data + (row * tensor.width() + static_cast<std::uint32_t>(x)) * tensor.channels();
  }
};

/// `sum_of(b, y, x, channel)` gives the sum for one output value, bias included.
template <typename SumOf>
void ForEachOutput(const Call& call, const Weighted& weighted, const SumOf& sum_of) {
  PixelWriter out(call);
  for (std::uint32_t b = 0; b < call.output.dims[0]; ++b) {
    for (std::uint32_t y = 0; y < call.output.height(); ++y) {
      for (std::uint32_t x = 0; x < call.output.width(); ++x) {
        for (std::uint32_t c = 0; c < call.output.channels(); ++c) {
          const std::int32_t value = WrapAdd(
              Requantize(sum_of(b, y, x, c), weighted.multiplier_of(c)), call.output.zero_point);
          out.pixel()[c] = ClampTo8(value, call.op.clamp);
        }
        out.Finish();
      }
    }
  }
}

}  // namespace

void Conv2D(const Call& call, const Weighted& weighted) {
  const Geometry& g = call.op.geometry;
  const std::uint32_t depth = call.input.channels();
  const std::size_t filter = std::size_t{g.kernel_height} * g.kernel_width * depth;
  const Image image{call.input, Int8(call.in)};
  ForEachOutput(
      call, weighted, [&](std::uint32_t b, std::uint32_t y, std::uint32_t x, std::uint32_t c) {
        std::int32_t sum = weighted.bias[c];
        const std::int8_t* w = weighted.weights + c * filter;
        for (std::uint32_t ky = 0; ky < g.kernel_height; ++ky) {
          for (std::uint32_t kx = 0; kx < g.kernel_width; ++kx) {
            const std::int8_t* pixel =
                image.At(b,
                         Under(y, g.stride_height, g.pad_top, ky, g.dilation_height),
                         Under(x, g.stride_width, g.pad_left, kx, g.dilation_width));
            for (std::uint32_t i = 0; i < depth; ++i, ++w) {
              const std::int32_t value = pixel != nullptr ? pixel[i] : call.input.zero_point;
              sum = WrapAdd(sum, *w * value);
            }
          }
        }
        return sum;
      });
}

void DepthwiseConv2D(const Call& call, const Weighted& weighted) {
  const Geometry& g = call.op.geometry;
  const std::uint32_t channels = call.output.channels();
  const std::uint32_t multiplier = channels / call.input.channels();
  const Image image{call.input, Int8(call.in)};
  ForEachOutput(
      call, weighted, [&](std::uint32_t b, std::uint32_t y, std::uint32_t x, std::uint32_t c) {
        std::int32_t sum = weighted.bias[c];
        const std::int8_t* w = weighted.weights + c;
        for (std::uint32_t ky = 0; ky < g.kernel_height; ++ky) {
          for (std::uint32_t kx = 0; kx < g.kernel_width; ++kx, w += channels) {
            const std::int8_t* pixel =
                image.At(b,
                         Under(y, g.stride_height, g.pad_top, ky, g.dilation_height),
                         Under(x, g.stride_width, g.pad_left, kx, g.dilation_width));
            const std::int32_t value =
                pixel != nullptr ? pixel[c / multiplier] : call.input.zero_point;
            sum = WrapAdd(sum, *w * value);
          }
        }
        return sum;
      });
}

void FullyConnected(const Call& call, const Weighted& weighted) {
  const std::uint32_t channels = call.output.channels();
  const std::size_t rows = call.out.size() / channels;
  const std::size_t depth = call.in.size() / rows;
  const std::int8_t* row = Int8(call.in);
  PixelWriter out(call);
  for (std::size_t r = 0; r < rows; ++r, row += depth) {
    const std::int8_t* w = weighted.weights;
    for (std::uint32_t c = 0; c < channels; ++c) {
      std::int32_t sum = weighted.bias[c];
      for (std::size_t i = 0; i < depth; ++i, ++w) {
        sum = WrapAdd(sum, *w * row[i]);
      }
      const std::int32_t value =
          WrapAdd(Requantize(sum, weighted.multiplier_of(c)), call.output.zero_point);
      out.pixel()[c] = ClampTo8(value, call.op.clamp);
    }
    out.Finish();
  }
}

}  // namespace trib::nn::kernels
