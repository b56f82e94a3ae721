#pragma once

#include <cstddef>
#include <cstdint>

#include "trib/common/dsp/statistics.h"
#include "trib/common/dsp/window.h"

namespace trib::dsp {

/// What can be said about a stretch of one channel of counts without its samples. Summaries of
/// stretches that follow each other merge into that of the whole; everything is an exact integer,
/// so it does not matter where the stretch was cut.
///
/// Memory  40 bytes.
/// Units   Counts; counts squared; samples.
struct Summary {
  /// Up to here no sum can overflow.
  static constexpr std::size_t kMaxSamples = 32768;

  std::int64_t sum_of_squares = 0;
  std::int32_t sum = 0;
  // A sum of magnitudes is the sum less twice the sum of what is negative, and that takes one
  // instruction less for every sample.
  std::int32_t sum_of_negatives = 0;
  std::int32_t sum_of_falls = 0;  ///< of x[i] - x[i-1] below 0 within the stretch
  std::uint16_t count = 0;
  std::uint16_t clipped = 0;  ///< samples at or beyond the clip level
  /// Identical samples in a row, one being a run of 1: at the beginning, at the end, and the
  /// longest of a value that is not clipped.
  std::uint16_t first_run = 0;
  std::uint16_t last_run = 0;
  std::uint16_t longest_run = 0;
  std::int16_t first = 0;
  std::int16_t last = 0;
  std::int16_t minimum = 0;
  std::int16_t maximum = 0;
  friend constexpr bool operator==(const Summary&, const Summary&) = default;
};

/// Goes on with the samples that follow. `clip_level`: |x| at or above it is clipped.
///
/// Requires  At most Summary::kMaxSamples in all, and one clip level for all of them.
void Append(Summary& summary, ChannelView<std::int16_t> samples, std::int32_t clip_level);

/// Goes on with the stretch that follows, of the same clip level.
///
/// Requires  At most Summary::kMaxSamples in all.
void Append(Summary& summary, const Summary& next, std::int32_t clip_level);

/// What Accumulate() gives for the same samples.
///
/// Requires  summary.count > 0.
[[nodiscard]] constexpr Sums<std::int16_t> SumsOf(const Summary& summary) {
  return {.sum = summary.sum,
          .sum_of_squares = summary.sum_of_squares,
          .sum_of_absolutes = summary.sum - 2 * summary.sum_of_negatives,
          .sum_of_steps = summary.last - summary.first - 2 * summary.sum_of_falls,
          .minimum = summary.minimum,
          .maximum = summary.maximum,
          .count = summary.count};
}

}  // namespace trib::dsp
