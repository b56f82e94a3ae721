#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace trib::cloud::store {

struct TimedValue {
  double time = 0;
  double value = 0;
};

/// A robust line through a series.
struct Trend {
  std::size_t points = 0;
  double from = 0;  ///< of the first and the last point
  double to = 0;
  double slope = 0;  ///< value per unit of time: Theil and Sen's, the median of all pairs' slopes
  /// 95 % interval of the slope after Sen (1968): pairs ranked by Kendall's variance. It supposes
  /// errors that do not depend on each other; readings minutes apart do, so it is rather short.
  double low = 0;
  double high = 0;
};

/// Fewer points say nothing about an interval of 95 %.
inline constexpr std::size_t kLeastTrendPoints = 8;
/// A longer series is first cut into so many stretches of equal time, each its median: the slope of
/// all pairs grows with the square.
inline constexpr std::size_t kMostTrendPoints = 256;

/// Requires  `series` sorted by time.
/// @returns nothing for fewer than kLeastTrendPoints different times.
std::optional<Trend> TrendOf(std::span<const TimedValue> series);

}  // namespace trib::cloud::store
