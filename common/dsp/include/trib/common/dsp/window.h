#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/dsp/real_math.h"

namespace trib::dsp {

struct Summary;
template <RealNumber Real>
struct TimeStatistics;

/// Bits of Window::flags.
namespace window_flag {
inline constexpr std::uint32_t kAfterGap = 1U << 0U;  ///< frames were lost just before this window
inline constexpr std::uint32_t kAfterBoundary = 1U << 1U;  ///< the first of a record or a start
}  // namespace window_flag

/// A run of frames without a gap, as the converter gave them: what one feature frame is made from.
///
/// Memory  Borrows samples, summaries and statistics.
struct Window {
  /// Interleaved [frame][channel]; frames * channels values.
  std::span<const std::int16_t> samples;
  /// Of each channel, or none: then the samples are summed up.
  std::span<const Summary> summaries = {};
  /// Of each channel, what Describe() gives for these summaries; or none.
  std::span<const TimeStatistics<float>> statistics = {};
  std::uint32_t channels = 0;
  std::uint32_t frames = 0;
  /// Physical units per count.
  float scale = 0;
  std::uint32_t sample_rate_hz = 0;
  /// Index of the first frame since boot.
  std::uint64_t first_frame = 0;
  std::uint32_t flags = 0;
};

/// One channel of interleaved samples.
///
/// Memory  Borrows the samples.
template <typename Sample>
class ChannelView {
 public:
  /// A single channel.
  constexpr explicit ChannelView(std::span<const Sample> samples)
      : first_(samples.data()), size_(samples.size()), stride_(1) {}
  /// Requires  `channel` < `channels`; `interleaved` holds whole frames.
  constexpr ChannelView(std::span<const Sample> interleaved,
                        std::size_t channels,
                        std::size_t channel)
      : first_(interleaved.data() + channel),
        size_(interleaved.size() / channels),
        stride_(channels) {}

  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  /// The first sample, and how many samples of all channels lie between two.
  [[nodiscard]] constexpr const Sample* data() const { return first_; }
  [[nodiscard]] constexpr std::size_t stride() const { return stride_; }
  [[nodiscard]] constexpr Sample operator[](std::size_t i) const { return first_[i * stride_]; }

 private:
  const Sample* first_;
  std::size_t size_;
  std::size_t stride_;
};

}  // namespace trib::dsp
