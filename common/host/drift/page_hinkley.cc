#include "trib/common/host/drift/page_hinkley.h"

#include <algorithm>
#include <cmath>

namespace trib::host::drift {

bool PageHinkley::Push(double value) {
  if (!std::isfinite(value)) {
    ++ignored_;
    return false;
  }
  if (restart_due_) {
    sums_ = Sums();
    restart_due_ = false;
  }
  Sums& s = sums_;
  ++s.values;
  s.mean += (value - s.mean) / static_cast<double>(s.values);
  const double deviation = value - s.mean;
  s.rising = options_.forget * s.rising + (deviation - options_.delta);
  s.falling = options_.forget * s.falling + (deviation + options_.delta);
  s.least = s.values == 1 ? s.rising : std::min(s.least, s.rising);
  s.greatest = std::max(s.greatest, s.falling);
  restart_due_ = s.values >= options_.min_values &&
                 (rise() > options_.threshold || fall() > options_.threshold);
  return restart_due_;
}

}  // namespace trib::host::drift
