#include "trib/common/host/drift/charts.h"

#include <cmath>
#include <limits>

namespace trib::host::drift {

using trib::drift::Flag;

void Baseline::Add(double value) {
  ++values_;
  const double before = mean_;
  mean_ += (value - before) / static_cast<double>(values_);
  squares_ += (value - before) * (value - mean_);
}

double Baseline::deviation() const {
  return values_ > 1 ? std::sqrt(squares_ / static_cast<double>(values_ - 1)) : 0;
}

double Baseline::Standardise(double value) const {
  const double spread = deviation();
  const double off = value - mean_;
  if (spread > 0 || off == 0) {
    return spread > 0 ? off / spread : 0;
  }
  return std::copysign(std::numeric_limits<double>::infinity(), off);
}

Flag CusumChart::Push(double value) {
  if (!std::isfinite(value)) {
    ++ignored_;
    return Flag::kIgnored;
  }
  if (restart_due_) {
    baseline_ = Baseline();
    restart_due_ = false;
  }
  if (baseline_.values() < options_.warm_up) {
    baseline_.Add(value);
  }
  if (baseline_.values() < options_.warm_up) {
    return Flag::kNone;
  }
  const Flag flag = sums_.Push(baseline_.Standardise(value), options_.parameters);
  restart_due_ = flag != Flag::kNone;
  return flag;
}

Flag EwmaChart::Push(double value) {
  if (!std::isfinite(value)) {
    ++ignored_;
    return Flag::kIgnored;
  }
  if (restart_due_) {
    baseline_ = Baseline();
    restart_due_ = false;
  }
  if (baseline_.values() < options_.warm_up) {
    baseline_.Add(value);
    return Flag::kNone;
  }
  const Flag flag = average_.Push(baseline_.Standardise(value), options_.parameters);
  restart_due_ = flag != Flag::kNone;
  return flag;
}

}  // namespace trib::host::drift
