#include "trib/common/host/drift/windows.h"

#include <algorithm>
#include <cmath>

#include "trib/common/base/check.h"
#include "trib/common/host/drift/statistics.h"

namespace trib::host::drift {
std::vector<double> QuantileEdges(std::span<const double> sample, std::size_t bins) {
  const auto sorted = SortedNumbers(sample);
  std::vector<double> out;
  if (sorted.empty()) {
    return out;
  }
  for (std::size_t i = 1; i < bins; ++i) {
    const double place =
        static_cast<double>(i) / static_cast<double>(bins) * static_cast<double>(sorted.size() - 1);
    const double whole = std::floor(place);
    const auto at = static_cast<std::size_t>(whole);
    const double next = sorted[std::min(at + 1, sorted.size() - 1)];
    out.push_back(sorted[at] + (place - whole) * (next - sorted[at]));
  }
  return out;
}

std::vector<std::uint64_t> CountInBins(std::span<const double> values,
                                       std::span<const double> edges) {
  std::vector<std::uint64_t> out(edges.size() + 1);
  for (const double value : values) {
    if (!std::isnan(value)) {
      ++out[static_cast<std::size_t>(std::upper_bound(edges.begin(), edges.end(), value) -
                                     edges.begin())];
    }
  }
  return out;
}

WindowTest::WindowTest(std::span<const double> reference, const Options& options)
    : options_(options),
      reference_(SortedNumbers(reference)),
      edges_(QuantileEdges(reference_, options.bins)),
      reference_counts_(CountInBins(reference_, edges_)) {
  TRIB_CHECK(options.window >= 1 && options.step >= 1 && options.bins >= 1);
  window_.reserve(options.window);
}

std::optional<WindowDifference> WindowTest::Push(double value) {
  if (!std::isfinite(value)) {
    ++ignored_;
    return std::nullopt;
  }
  if (window_.size() < options_.window) {
    window_.push_back(value);
  } else {
    window_[values_ % options_.window] = value;
  }
  ++values_;
  if (values_ < options_.window || (values_ - options_.window) % options_.step != 0) {
    return std::nullopt;
  }
  return Compare();
}

WindowDifference WindowTest::Compare() const {
  WindowDifference out;
  if (reference_.empty()) {
    return out;
  }
  out.distance = KsStatistic(reference_, window_);
  out.p_value = KsPValue(
      out.distance, static_cast<double>(reference_.size()), static_cast<double>(window_.size()));
  const auto counts = CountInBins(window_, edges_);
  out.stability = options_.floor > 0 ? PsiFloored(reference_counts_, counts, options_.floor)
                                     : PsiJeffreys(reference_counts_, counts);
  return out;
}

}  // namespace trib::host::drift
