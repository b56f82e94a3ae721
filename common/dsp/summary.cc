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
  // In registers, and what is rare behind a branch: this runs for every sample.
  std::uint64_t squares = summary.sum_of_squares;
  std::int32_t sum = summary.sum;
  std::int32_t absolutes = summary.sum_of_absolutes;
  std::int32_t steps = summary.sum_of_steps;
  std::int32_t minimum = summary.minimum;
  std::int32_t maximum = summary.maximum;
  std::int32_t previous = summary.last;
  std::uint32_t run = summary.last_run;
  std::uint32_t longest = summary.longest_run;
  std::uint32_t clipped = summary.clipped;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::int32_t value = samples[i];
    const std::int32_t magnitude = Magnitude(value);
    sum += value;
    squares += static_cast<std::uint32_t>(value * value);
    absolutes += magnitude;
    minimum = std::min(minimum, value);
    maximum = std::max(maximum, value);
    if (magnitude >= clip_level) {
      ++clipped;
    }
    if (value == previous) {
      ++run;
      longest = magnitude < clip_level ? std::max(longest, run) : longest;
    } else {
      steps += Magnitude(value - previous);
      run = 1;
    }
    previous = value;
  }
  summary.sum_of_squares = squares;
  summary.sum = sum;
  summary.sum_of_absolutes = absolutes;
  summary.sum_of_steps = steps;
  summary.minimum = static_cast<std::int16_t>(minimum);
  summary.maximum = static_cast<std::int16_t>(maximum);
  summary.last = static_cast<std::int16_t>(previous);
  summary.last_run = static_cast<std::uint16_t>(run);
  summary.longest_run = static_cast<std::uint16_t>(longest);
  summary.clipped = static_cast<std::uint16_t>(clipped);
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
