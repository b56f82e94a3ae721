#include "trib/cloud/store/trend.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace trib::cloud::store {
namespace {

constexpr double kNormal975 = 1.959963984540054;

double Median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) {
    return *middle;
  }
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

TimedValue MedianPoint(std::span<const TimedValue> points) {
  std::vector<double> times;
  std::vector<double> values;
  for (const TimedValue& point : points) {
    times.push_back(point.time);
    values.push_back(point.value);
  }
  return {Median(times), Median(values)};
}

/// At most kMostTrendPoints points of rising time.
std::vector<TimedValue> Condense(std::span<const TimedValue> series) {
  if (series.size() <= kMostTrendPoints) {
    return {series.begin(), series.end()};
  }
  std::vector<TimedValue> out;
  const double begin = series.front().time;
  const double length = series.back().time - begin;
  std::size_t first = 0;
  for (std::size_t i = 1; i <= kMostTrendPoints && first < series.size(); ++i) {
    const double end = begin + length * static_cast<double>(i) / kMostTrendPoints;
    std::size_t last = first;
    while (last < series.size() && (series[last].time < end || i == kMostTrendPoints)) {
      ++last;
    }
    if (last > first) {
      out.push_back(MedianPoint(series.subspan(first, last - first)));
    }
    first = last;
  }
  return out;
}

}  // namespace

std::optional<Trend> TrendOf(std::span<const TimedValue> series) {
  const std::vector<TimedValue> points = Condense(series);
  std::size_t times = points.empty() ? 0 : 1;
  for (std::size_t i = 1; i < points.size(); ++i) {
    times += points[i].time > points[i - 1].time ? 1 : 0;
  }
  if (times < kLeastTrendPoints) {
    return std::nullopt;
  }
  std::vector<double> slopes;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = i + 1; j < points.size(); ++j) {
      if (points[j].time > points[i].time) {
        slopes.push_back((points[j].value - points[i].value) / (points[j].time - points[i].time));
      }
    }
  }
  std::sort(slopes.begin(), slopes.end());
  Trend trend;
  trend.points = series.size();
  trend.from = series.front().time;
  trend.to = series.back().time;
  trend.slope = Median(slopes);
  std::sort(slopes.begin(), slopes.end());
  const auto n = static_cast<double>(points.size());
  const auto pairs = static_cast<double>(slopes.size());
  const double spread = kNormal975 * std::sqrt(n * (n - 1) * (2 * n + 5) / 18);
  const auto rank = [&](double position) {
    return slopes[static_cast<std::size_t>(std::clamp(position, 0.0, pairs - 1))];
  };
  trend.low = rank(std::floor((pairs - spread) / 2) - 1);
  trend.high = rank(std::ceil((pairs + spread) / 2));
  return trend;
}

}  // namespace trib::cloud::store
