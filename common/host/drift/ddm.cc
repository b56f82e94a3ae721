#include "trib/common/host/drift/ddm.h"

#include <cmath>

namespace trib::host::drift {

ErrorTrend Ddm::Push(bool wrong) {
  if (restart_due_) {
    *this = Ddm(options_);
  }
  ++answers_;
  const auto n = static_cast<double>(answers_);
  rate_ += ((wrong ? 1.0 : 0.0) - rate_) / n;
  if (answers_ <= options_.min_answers) {
    return ErrorTrend::kStable;
  }
  const double deviation = std::sqrt(rate_ * (1 - rate_) / n);
  if (!has_least_ || rate_ + deviation <= least_rate_ + least_deviation_) {
    least_rate_ = rate_;
    least_deviation_ = deviation;
    has_least_ = true;
  }
  const auto above = [&](double deviations) {
    return rate_ + deviation > least_rate_ + deviations * least_deviation_;
  };
  restart_due_ = above(options_.drift);
  if (restart_due_) {
    return ErrorTrend::kDrift;
  }
  return above(options_.warning) ? ErrorTrend::kWarning : ErrorTrend::kStable;
}

ErrorTrend Eddm::Push(bool wrong) {
  if (trend_ == ErrorTrend::kDrift) {
    *this = Eddm(options_);
  }
  ++answers_;
  if (wrong) {
    ++errors_;
    JudgeDistance(static_cast<double>(answers_ - last_error_));
    last_error_ = answers_;
  }
  return trend_;
}

void Eddm::JudgeDistance(double distance) {
  const auto n = static_cast<double>(errors_);
  const double before = mean_distance_;
  mean_distance_ += (distance - before) / n;
  squares_ += (distance - before) * (distance - mean_distance_);
  if (answers_ <= options_.min_errors) {
    return;
  }
  const double deviation = errors_ > 1 ? std::sqrt(squares_ / (n - 1)) : 0;
  const double reach = mean_distance_ + 2 * deviation;
  if (reach > greatest_) {
    greatest_ = reach;
  } else if (errors_ > options_.min_errors) {
    const double share = reach / greatest_;
    trend_ = share < options_.drift     ? ErrorTrend::kDrift
             : share < options_.warning ? ErrorTrend::kWarning
                                        : ErrorTrend::kStable;
  }
}

}  // namespace trib::host::drift
