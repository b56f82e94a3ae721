// Values that several of this module's tests use.
#pragma once

#include <limits>

#include "trib/common/base/random.h"

namespace trib::host::drift {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Variance 1. The sum of twelve uniform draws, left to right, less six: as the oracle draws.
inline double NearlyNormal(SplitMix64& random) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) {
    sum += random.Uniform();
  }
  return sum - 6.0;
}

}  // namespace trib::host::drift
