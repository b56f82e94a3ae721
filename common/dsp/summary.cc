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

/// What every sample has a part in. Sums of magnitudes come from those of the negative ones.
struct Common {
  std::int64_t squares = 0;
  std::int32_t sum = 0;
  std::int32_t negatives = 0;  ///< of them, the sum
  std::int32_t falls = 0;      ///< of negative steps, the sum
  std::int32_t last = 0;
};

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

/// Goes on up to `end` or behind the first sample that is not usual. Out of line, and with so few
/// numbers, that all of them stay in registers.
template <bool kOneChannel>
[[gnu::noinline]] const std::int16_t* AddUsual(Common& common,
                                               const std::int16_t* at,
                                               const std::int16_t* end,
                                               std::size_t stride,
                                               Usual usual) {
  std::int64_t squares = common.squares;
  std::int32_t sum = common.sum;
  std::int32_t negatives = common.negatives;
  std::int32_t falls = common.falls;
  std::int32_t value = common.last;
  bool is_usual = true;
  do {
    const std::int32_t previous = value;
    value = *at;
    at += kOneChannel ? 1 : stride;
    sum += value;
    squares += std::int64_t{value} * value;
    negatives += value & (value >> 31);
    const std::int32_t step = value - previous;
    falls += step & (step >> 31);
    is_usual = step != 0 && static_cast<std::uint32_t>(value - usual.low) < usual.width;
  } while (is_usual && at != end);
  common = {squares, sum, negatives, falls, value};
  return at;
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
  Common common{.last = summary.last};
  std::size_t run = summary.last_run;
  const std::size_t stride = samples.stride();
  const std::int16_t* const end = samples.data() + samples.size() * stride;
  for (const std::int16_t* at = samples.data(); at != end;) {
    const std::int16_t* const from = at;
    const std::int32_t before = common.last;
    const Usual usual = UsualOf(summary, clip_level);
    at = stride == 1 ? AddUsual<true>(common, at, end, stride, usual)
                     : AddUsual<false>(common, at, end, stride, usual);
    const std::int32_t previous = at - from == static_cast<std::ptrdiff_t>(stride)
                                      ? before
                                      : *(at - 2 * static_cast<std::ptrdiff_t>(stride));
    // All but the last one differ from what they follow.
    run = common.last != previous                            ? 1
          : at - from == static_cast<std::ptrdiff_t>(stride) ? run + 1
                                                             : 2;
    TakeUnusual(summary, common.last, run, clip_level);
  }
  summary.last_run = static_cast<std::uint16_t>(run);
  summary.sum_of_squares += static_cast<std::uint64_t>(common.squares);
  summary.sum += common.sum;
  summary.sum_of_absolutes += common.sum - 2 * common.negatives;
  summary.sum_of_steps += common.last - summary.last - 2 * common.falls;
  summary.last = static_cast<std::int16_t>(common.last);
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
    summary.sum_of_steps += Magnitude(next.first - summary.last);
    summary.last_run = next.last_run;
  }
  summary.sum_of_squares += next.sum_of_squares;
  summary.sum += next.sum;
  summary.sum_of_absolutes += next.sum_of_absolutes;
  summary.sum_of_steps += next.sum_of_steps;
  summary.count = static_cast<std::uint16_t>(summary.count + next.count);
  summary.clipped = static_cast<std::uint16_t>(summary.clipped + next.clipped);
  summary.last = next.last;
  summary.minimum = std::min(summary.minimum, next.minimum);
  summary.maximum = std::max(summary.maximum, next.maximum);
}

}  // namespace trib::dsp
