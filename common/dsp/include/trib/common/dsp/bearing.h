#pragma once

#include "trib/common/dsp/real_math.h"

namespace trib::dsp {

/// Frequencies at which a rolling bearing's defects strike, as multiples of the shaft's. The ball
/// strikes both races, hence at twice `bsf`.
template <RealNumber Real>
struct BearingMultiples {
  Real ftf = 0;   ///< cage
  Real bpfo = 0;  ///< outer race
  Real bpfi = 0;  ///< inner race
  Real bsf = 0;   ///< ball spin
};

/// For a contact angle of 0. `ball` and `pitch` diameters in any one unit.
///
/// Requires  0 < ball < pitch.
template <RealNumber Real>
[[nodiscard]] constexpr BearingMultiples<Real> MultiplesOf(int balls, Real ball, Real pitch) {
  const Real ratio = ball / pitch;
  const Real half = Real(0.5F);
  const Real half_balls = half * static_cast<Real>(balls);
  return {.ftf = half * (Real(1) - ratio),
          .bpfo = half_balls * (Real(1) - ratio),
          .bpfi = half_balls * (Real(1) + ratio),
          .bsf = half * (pitch / ball) * (Real(1) - ratio * ratio)};
}

}  // namespace trib::dsp
