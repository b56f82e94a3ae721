#pragma once

#include <cstdint>

#include "trib/common/nn/kernels.h"

namespace trib::nn::kernels {

inline const std::int8_t* Int8(std::span<const std::byte> bytes) {
  return reinterpret_cast<const std::int8_t*>(bytes.data());
}
inline std::int8_t* Int8(std::span<std::byte> bytes) {
  return reinterpret_cast<std::int8_t*>(bytes.data());
}

/// Where an output pixel of `channels` bytes is collected, and how it gets to its place.
class PixelWriter {
 public:
  explicit PixelWriter(const Call& call)
      : stage_((call.op.flags & op_flag::kStaged) != 0 ? Int8(call.scratch) : nullptr),
        channels_(call.output.channels()),
        next_(Int8(call.out)) {}

  [[nodiscard]] std::int8_t* pixel() const { return stage_ != nullptr ? stage_ : next_; }
  void Finish() {
    for (std::uint32_t c = 0; stage_ != nullptr && c < channels_; ++c) {
      next_[c] = stage_[c];
    }
    next_ += channels_;
  }

 private:
  std::int8_t* const stage_;
  const std::uint32_t channels_;
  std::int8_t* next_;
};

/// Row (or column) of the input under kernel tap `tap` of output position `at`; outside the image
/// when negative or not below its extent.
constexpr std::int32_t Under(std::uint32_t at,
                             std::uint8_t stride,
                             std::uint8_t pad,
                             std::uint32_t tap,
                             std::uint8_t dilation) {
  return static_cast<std::int32_t>(at * stride + tap * dilation) - pad;
}

constexpr bool Inside(std::int32_t at, std::uint32_t extent) {
  return at >= 0 && static_cast<std::uint32_t>(at) < extent;
}

}  // namespace trib::nn::kernels
