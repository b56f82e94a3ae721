// One detector on one series: when it first fires, how often it does without a reason, what it
// costs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "detectors.h"
#include "series.h"

namespace trib::bench::drift {

struct Outcome {
  std::optional<std::size_t> first;  ///< index in the series of the first time it fires
  std::size_t times = 0;             ///< how often it fires in all
  /// On shuffled halves of the reference: values and times it fired, where no order is left that
  /// could drift.
  std::uint64_t calm_values = 0;
  std::uint64_t false_alarms = 0;
  double per_value_ns = 0;  ///< CPU
};

/// Requires  series.reference >= 2 and more values than that.
Outcome Evaluate(const Series& series, const Setting& setting, int shuffles);

/// CPU time of this thread so far.
double NowNanoseconds();

/// A rate in 10,000 values, with exact limits at 95 %.
struct Rate {
  double rate = 0;
  double low = 0;
  double high = 0;
};
Rate PerTenThousand(std::uint64_t events, std::uint64_t values);

}  // namespace trib::bench::drift
