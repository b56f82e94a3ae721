#pragma once

#include <cstdint>

/// Detectors on the errors of a classifier, where truth becomes known: one call per judged answer.
///
/// Memory   The object.
/// Threads  One caller at a time.
/// Order    Answers in time order.
/// State    Both begin anew with the answer after a detection, and after a restart of the process.
namespace trib::host::drift {

enum class ErrorTrend { kStable, kWarning, kDrift };

struct DdmOptions {
  std::uint64_t min_answers = 30;
  double warning = 2;  ///< deviations above the least error rate seen
  double drift = 3;
};

/// Drift detection method (Gama and others 2004): the error rate rose above its least by more than
/// chance. A classifier without any error so far has deviation zero, so its first error after
/// `min_answers` counts as drift: for models that are hardly ever wrong take ADWIN.
class Ddm {
 public:
  explicit Ddm(const DdmOptions& options = {}) : options_(options) {}

  ErrorTrend Push(bool wrong);

  [[nodiscard]] double error_rate() const { return rate_; }

 private:
  DdmOptions options_;
  std::uint64_t answers_ = 0;
  double rate_ = 0;
  double least_rate_ = 0;
  double least_deviation_ = 0;
  bool has_least_ = false;
  bool restart_due_ = false;
};

struct EddmOptions {
  std::uint64_t min_errors = 30;  ///< and answers
  double warning = 0.95;
  double drift = 0.90;
};

/// Early drift detection method (Baena-Garcia and others 2006): errors come closer together than
/// they did at best. With its published defaults it fires 16 times in 10,000 answers of a
/// classifier that did not change (DDM 0.45, ADWIN never): not for alarms.
class Eddm {
 public:
  explicit Eddm(const EddmOptions& options = {}) : options_(options) {}

  ErrorTrend Push(bool wrong);

 private:
  void JudgeDistance(double distance);

  EddmOptions options_;
  std::uint64_t answers_ = 0;
  std::uint64_t last_error_ = 0;
  std::uint64_t errors_ = 0;
  double mean_distance_ = 0;
  double squares_ = 0;
  double greatest_ = -1;
  ErrorTrend trend_ = ErrorTrend::kStable;
};

}  // namespace trib::host::drift
