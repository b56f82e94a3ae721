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

/// A sample that is not clipped is a run of 1 at least.
void CountSingles(Summary& summary) {
  if (summary.clipped < summary.count) {
    summary.longest_run = std::max<std::uint16_t>(summary.longest_run, 1);
  }
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

/// Goes on up to `end` or behind the first sample that is not usual. Out of line, and with so few
/// numbers, that all of them stay in registers.
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
    at += stride;
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

/// What few samples have a part in: extremes, clipping, and values that repeat.
class Rare {
 public:
  Rare(Summary& summary, std::int32_t clip_level)
      : summary_(summary), clip_level_(clip_level), run_(summary.last_run) {}

  [[nodiscard]] Usual usual() const {
    // Neither clipped nor beyond the extremes so far.
    const std::int32_t low = std::max<std::int32_t>(summary_.minimum, 1 - clip_level_);
    const std::int32_t high = std::min<std::int32_t>(summary_.maximum, clip_level_ - 1);
    return {low, high < low ? 0 : static_cast<std::uint32_t>(high - low) + 1};
  }

  void Take(std::int32_t value, bool repeats, std::size_t index) {
    const bool clipped = Magnitude(value) >= clip_level_;
    const auto sample = static_cast<std::int16_t>(value);
    summary_.minimum = std::min(summary_.minimum, sample);
    summary_.maximum = std::max(summary_.maximum, sample);
    summary_.clipped = static_cast<std::uint16_t>(summary_.clipped + (clipped ? 1 : 0));
    if (!repeats) {
      return;
    }
    run_ = index == repeated_until_ ? run_ + 1 : 2;
    repeated_until_ = index + 1;
    if (!clipped) {
      summary_.longest_run = std::max(summary_.longest_run, static_cast<std::uint16_t>(run_));
    }
  }
  void Finish(std::size_t size) {
    summary_.last_run = static_cast<std::uint16_t>(repeated_until_ == size ? run_ : 1);
  }

 private:
  Summary& summary_;
  std::int32_t clip_level_;
  std::size_t run_;
  std::size_t repeated_until_ = 0;  ///< the run that ends before this index
};

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
  Rare rare(summary, clip_level);
  const std::int16_t* const begin = samples.data();
  const std::int16_t* const end = begin + samples.size() * samples.stride();
  for (const std::int16_t* at = begin; at != end;) {
    at = AddUsual(common, at, end, samples.stride(), rare.usual());
    const std::size_t taken = static_cast<std::size_t>(at - begin) / samples.stride();
    const std::int32_t previous = taken > 1 ? samples[taken - 2] : summary.last;
    rare.Take(common.last, common.last == previous, taken - 1);
  }
  rare.Finish(samples.size());
  summary.sum_of_squares += static_cast<std::uint64_t>(common.squares);
  summary.sum += common.sum;
  summary.sum_of_absolutes += common.sum - 2 * common.negatives;
  summary.sum_of_steps += common.last - summary.last - 2 * common.falls;
  summary.last = static_cast<std::int16_t>(common.last);
  summary.count = static_cast<std::uint16_t>(summary.count + samples.size());
  CountSingles(summary);
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
