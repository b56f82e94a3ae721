#pragma once

#include <cstddef>
#include <cstdint>

#include "trib/common/drift/watch.h"

/// The node's charts (trib/common/drift/watch.h) for values whose healthy mean and deviation are
/// not known: estimated over a warm-up, then frozen. In double, with the very code that nodes run.
///
/// False flags in 10,000 independent normal values (drift_rates_oracle_test): 18 with a warm-up of
/// 30, slack 0.5 and threshold 5, as is common; 1.5 with 200, 0.5 and 8, and 1.0 with 500, 0.25
/// and 15.
///
/// Memory   The object.
/// Threads  One caller at a time.
/// Order    Values in time order.
/// State    After a flag the next value begins a new warm-up, as after a restart of the process.
namespace trib::host::drift {

/// Mean and deviation (of the sample: n - 1) of values, by Welford's recurrence.
class Baseline {
 public:
  void Add(double value);
  /// (value - mean) / deviation. Without any deviation: 0 for the mean itself, else infinite.
  [[nodiscard]] double Standardise(double value) const;

  [[nodiscard]] std::uint64_t values() const { return values_; }
  [[nodiscard]] double mean() const { return mean_; }
  [[nodiscard]] double deviation() const;

 private:
  std::uint64_t values_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

/// The last value of the warm-up already enters the sums, as in river.
class CusumChart {
 public:
  struct Options {
    std::uint64_t warm_up = 500;
    trib::drift::CusumParameters<double> parameters{};
  };

  /// Requires  options.warm_up >= 1.
  explicit CusumChart(const Options& options) : options_(options) {}

  /// NaN and infinities are left out, counted, and told as kIgnored.
  trib::drift::Flag Push(double value);

  [[nodiscard]] const Baseline& baseline() const { return baseline_; }
  [[nodiscard]] const trib::drift::Cusum<double>& sums() const { return sums_; }
  [[nodiscard]] std::uint64_t ignored() const { return ignored_; }

 private:
  Options options_;
  Baseline baseline_;
  trib::drift::Cusum<double> sums_;
  std::uint64_t ignored_ = 0;
  bool restart_due_ = false;
};

/// The average begins with the first value after the warm-up, at its mean.
class EwmaChart {
 public:
  struct Options {
    std::uint64_t warm_up = 500;
    trib::drift::EwmaParameters<double> parameters{};
  };

  /// Requires  options.warm_up >= 1.
  explicit EwmaChart(const Options& options) : options_(options) {}

  /// NaN and infinities are left out, counted, and told as kIgnored.
  trib::drift::Flag Push(double value);

  [[nodiscard]] const Baseline& baseline() const { return baseline_; }
  [[nodiscard]] std::uint64_t ignored() const { return ignored_; }

 private:
  Options options_;
  Baseline baseline_;
  trib::drift::Ewma<double> average_;
  std::uint64_t ignored_ = 0;
  bool restart_due_ = false;
};

}  // namespace trib::host::drift
