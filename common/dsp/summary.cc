#include "trib/common/dsp/summary.h"

#include <algorithm>

#include "trib/common/base/check.h"

namespace trib::dsp {
namespace {

using View = ChannelView<std::int16_t>;

constexpr std::int32_t Magnitude(std::int32_t value) {
  return value < 0 ? -value : value;
}

/// Samples at the beginning that equal `value`.
std::size_t LeadingRun(View samples, std::int32_t value) {
  std::size_t count = 0;
  while (count < samples.size() && samples[count] == value) {
    ++count;
  }
  return count;
}

void Begin(Summary& summary, std::int16_t first) {
  summary.first = first;
  summary.last = first;
  summary.minimum = first;
  summary.maximum = first;
}

/// `width` values from `low` on are nothing special, unless they repeat.
struct Usual {
  std::int32_t low = 0;
  std::uint32_t width = 0;
};

/// Neither clipped nor beyond the extremes so far.
Usual UsualOf(const Summary& summary, std::int32_t clip_level) {
  const std::int32_t low = std::max<std::int32_t>(summary.minimum, 1 - clip_level);
  const std::int32_t high = std::min<std::int32_t>(summary.maximum, clip_level - 1);
  return {low, high < low ? 0 : static_cast<std::uint32_t>(high - low) + 1};
}

/// Adds what every sample has a part in, up to `end` or behind the first sample that is not usual.
/// Out of line, and with so few numbers, that all of them stay in registers.
template <bool kOneChannel>
[[gnu::noinline]] const std::int16_t* AddUsual(Summary& summary,
                                               const std::int16_t* at,
                                               const std::int16_t* end,
                                               std::size_t stride,
                                               Usual usual) {
  std::int64_t squares = summary.sum_of_squares;
  std::int32_t sum = summary.sum;
  std::int32_t negatives = summary.sum_of_negatives;
  std::int32_t falls = summary.sum_of_falls;
  std::int32_t last = summary.last;
  const auto add = [&](std::int32_t value) {
    const std::int32_t step = value - last;
    last = value;
    sum += value;
    squares += std::int64_t{value} * value;
    negatives += value & (value >> 31);
    falls += step & (step >> 31);
    return step != 0 && static_cast<std::uint32_t>(value - usual.low) < usual.width;
  };
  const auto stop_at = [&](const std::int16_t* next) {
    summary.sum_of_squares = squares;
    summary.sum = sum;
    summary.sum_of_negatives = negatives;
    summary.sum_of_falls = falls;
    summary.last = static_cast<std::int16_t>(last);
    return next;
  };
  const std::ptrdiff_t over = kOneChannel ? 1 : static_cast<std::ptrdiff_t>(stride);
  for (; end - at >= 4 * over; at += 4 * over) {
#pragma GCC unroll 4
    for (std::ptrdiff_t i = 0; i < 4; ++i) {
      if (!add(at[i * over])) [[unlikely]] {
        return stop_at(at + (i + 1) * over);
      }
    }
  }
  for (; at != end; at += over) {
    if (!add(*at)) [[unlikely]] {
      return stop_at(at + over);
    }
  }
  return stop_at(end);
}

/// What few samples have a part in: extremes, clipping, and values that repeat. `run` is how often
/// `value` has now come in a row.
void TakeUnusual(Summary& summary, std::int32_t value, std::size_t run, std::int32_t clip_level) {
  const auto sample = static_cast<std::int16_t>(value);
  summary.minimum = std::min(summary.minimum, sample);
  summary.maximum = std::max(summary.maximum, sample);
  if (Magnitude(value) >= clip_level) {
    ++summary.clipped;
  } else {
    summary.longest_run = std::max(summary.longest_run, static_cast<std::uint16_t>(run));
  }
}

}  // namespace

void Append(Summary& summary, View samples, std::int32_t clip_level) {
  if (samples.size() == 0) {
    return;
  }
  TRIB_DCHECK(summary.count + samples.size() <= Summary::kMaxSamples);
  if (summary.count == 0) {
    Begin(summary, samples[0]);
  }
  if (summary.first_run == summary.count) {
    summary.first_run =
        static_cast<std::uint16_t>(summary.first_run + LeadingRun(samples, summary.first));
  }
  std::size_t run = summary.last_run;
  const std::size_t stride = samples.stride();
  const std::int16_t* const end = samples.data() + samples.size() * stride;
  for (const std::int16_t* at = samples.data(); at != end;) {
    const std::int16_t* const next = at + stride;
    const std::int32_t before = summary.last;
    const Usual usual = UsualOf(summary, clip_level);
    at = stride == 1 ? AddUsual<true>(summary, at, end, stride, usual)
                     : AddUsual<false>(summary, at, end, stride, usual);
    // All but the last one differ from what they follow.
    const bool alone = at == next;
    const std::int32_t previous = alone ? before : *(at - 2 * static_cast<std::ptrdiff_t>(stride));
    run = summary.last != previous ? 1 : alone ? run + 1 : 2;
    TakeUnusual(summary, summary.last, run, clip_level);
  }
  summary.last_run = static_cast<std::uint16_t>(run);
  summary.count = static_cast<std::uint16_t>(summary.count + samples.size());
  if (summary.clipped < summary.count) {
    summary.longest_run = std::max<std::uint16_t>(summary.longest_run, 1);
  }
}

void Append(Summary& summary, const Summary& next, std::int32_t clip_level) {
  if (summary.count == 0) {
    summary = next;
    return;
  }
  if (next.count == 0) {
    return;
  }
  TRIB_DCHECK(std::size_t{summary.count} + next.count <= Summary::kMaxSamples);
  summary.longest_run = std::max(summary.longest_run, next.longest_run);
  const bool whole = next.first_run == next.count;
  if (summary.last == next.first) {
    const auto joined = static_cast<std::uint16_t>(summary.last_run + next.first_run);
    if (Magnitude(next.first) < clip_level) {
      summary.longest_run = std::max(summary.longest_run, joined);
    }
    if (summary.first_run == summary.count) {
      summary.first_run = joined;
    }
    summary.last_run = whole ? joined : next.last_run;
  } else {
    summary.sum_of_falls += std::min(next.first - summary.last, 0);
    summary.last_run = next.last_run;
  }
  summary.sum_of_squares += next.sum_of_squares;
  summary.sum += next.sum;
  summary.sum_of_negatives += next.sum_of_negatives;
  summary.sum_of_falls += next.sum_of_falls;
  summary.count = static_cast<std::uint16_t>(summary.count + next.count);
  summary.clipped = static_cast<std::uint16_t>(summary.clipped + next.clipped);
  summary.last = next.last;
  summary.minimum = std::min(summary.minimum, next.minimum);
  summary.maximum = std::max(summary.maximum, next.maximum);
}

}  // namespace trib::dsp
