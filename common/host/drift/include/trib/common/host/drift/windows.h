#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace trib::host::drift {

/// `bins - 1` inner edges at the quantiles of the sample, interpolated linearly; equal edges where
/// values repeat. NaN is left out; a sample without values has no edges.
std::vector<double> QuantileEdges(std::span<const double> sample, std::size_t bins);

/// Bin i counts edges[i - 1] <= value < edges[i]; the outer bins are open. NaN enters none.
std::vector<std::uint64_t> CountInBins(std::span<const double> values,
                                       std::span<const double> edges);

/// How the last values differ from a sample that was taken while all was well.
struct WindowDifference {
  double distance = 0;   ///< Kolmogorov and Smirnov's D
  double p_value = 1;    ///< of D, Stephens' series
  double stability = 0;  ///< population stability index over the reference's quantile bins
};

/// Compares a sliding window with a fixed reference at a fixed schedule. How many looks there will
/// be is known beforehand, so whoever wants a false alarm rate divides it by them.
///
/// Memory   8 bytes per value of reference and window.
/// Threads  One caller at a time.
/// Order    Values in time order; a look costs O(window log window + reference).
class WindowTest {
 public:
  struct Options {
    std::size_t window = 200;
    std::size_t step = 50;  ///< values between two looks, the first one when the window is full
    std::size_t bins = 10;
    /// Least share of a bin in the stability index; 0 adds half a value to each instead, which is
    /// what keeps to PsiCritical().
    double floor = 0;
  };

  /// Requires  window, step, bins >= 1.
  WindowTest(std::span<const double> reference, const Options& options);

  /// @returns a comparison at every look. NaN and infinities are left out and counted.
  std::optional<WindowDifference> Push(double value);

  [[nodiscard]] std::size_t reference_size() const { return reference_.size(); }
  [[nodiscard]] const std::vector<double>& edges() const { return edges_; }
  [[nodiscard]] std::uint64_t ignored() const { return ignored_; }

 private:
  WindowDifference Compare() const;

  Options options_;
  std::vector<double> reference_;
  std::vector<double> edges_;
  std::vector<std::uint64_t> reference_counts_;
  std::vector<double> window_;  ///< a ring
  std::uint64_t values_ = 0;
  std::uint64_t ignored_ = 0;
};

}  // namespace trib::host::drift
