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

/// The usual kinematics of balls that roll without sliding on a fixed outer race (Randall, Antoni,
/// "Rolling element bearing diagnostics: a tutorial", MSSP 25, 2011, equations 1 to 4). `ball` and
/// `pitch` diameters in any one unit; `cos_contact` is the cosine of the contact angle.
///
/// Requires  0 < ball < pitch, 0 < cos_contact <= 1.
template <RealNumber Real>
[[nodiscard]] constexpr BearingMultiples<Real> MultiplesOf(int balls,
                                                           Real ball,
                                                           Real pitch,
                                                           Real cos_contact = Real(1)) {
  const Real ratio = ball / pitch * cos_contact;
  const Real half = Real(0.5F);
  const Real half_balls = half * static_cast<Real>(balls);
  return {.ftf = half * (Real(1) - ratio),
          .bpfo = half_balls * (Real(1) - ratio),
          .bpfi = half_balls * (Real(1) + ratio),
          .bsf = half * (pitch / ball) * (Real(1) - ratio * ratio)};
}

}  // namespace trib::dsp
