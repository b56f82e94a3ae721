#pragma once

#include <cstdint>

namespace trib::host::drift {

/// Not scale-free: all of it is in the units of the values, so standardise by a frozen deviation.
struct PageHinkleyOptions {
  std::uint64_t min_values = 30;  ///< none is noticed before
  double delta = 0.1;             ///< what each value may be off
  double threshold = 50;
  double forget = 0.9999;  ///< factor on the sums, per value
};

/// Page and Hinkley's test, both directions, against the running mean, as in today's river: the
/// sums of deviations are compared with their least and greatest so far. The falling side's
/// greatest begins at -1, by which river's and this notice a fall one unit earlier in the
/// beginning.
///
/// The defaults flag some 0.2 times in 10,000 independent normal values of deviation 1; those that
/// are common elsewhere (0.005, 50) 6 times.
///
/// Memory   The object.
/// Threads  One caller at a time.
/// Order    Values in time order.
/// State    Begins anew with the value after a detection, and after a restart of the process.
class PageHinkley {
 public:
  explicit PageHinkley(const PageHinkleyOptions& options = {}) : options_(options) {}

  /// @returns whether the mean has changed. NaN and infinities are left out and counted.
  bool Push(double value);

  [[nodiscard]] double mean() const { return sums_.mean; }
  [[nodiscard]] double rising() const { return sums_.rising; }
  [[nodiscard]] double falling() const { return sums_.falling; }
  /// What is compared with the threshold.
  [[nodiscard]] double rise() const { return sums_.rising - sums_.least; }
  [[nodiscard]] double fall() const { return sums_.greatest - sums_.falling; }
  [[nodiscard]] std::uint64_t ignored() const { return ignored_; }

 private:
  struct Sums {
    std::uint64_t values = 0;
    double mean = 0;
    double rising = 0;
    double least = 0;
    double falling = 0;
    double greatest = -1;
  };

  PageHinkleyOptions options_;
  Sums sums_;
  std::uint64_t ignored_ = 0;
  bool restart_due_ = false;
};

}  // namespace trib::host::drift
