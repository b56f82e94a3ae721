#include "trib/node/cascade/quantile.h"

#include <algorithm>

#include "trib/common/dsp/real_math.h"

namespace trib::node::cascade {
namespace {

/// Q(z) / density(z) for z > 0, by Laplace's continued fraction evaluated backwards.
float MillsRatio(float z) {
  constexpr int kTerms = 200;
  float tail = z;
  for (int k = kTerms; k >= 1; --k) {
    tail = z + static_cast<float>(k) / tail;
  }
  return 1.0F / tail;
}

}  // namespace

float NormalUpperQuantile(float p) {
  constexpr float kLogSqrtTwoPi = 0.918938533F;
  const float log_p = dsp::Log(std::clamp(p, 1e-9F, 0.25F));
  float z = dsp::SquareRoot(-2.0F * log_p) - 0.5F;
  constexpr int kSteps = 8;
  for (int i = 0; i < kSteps; ++i) {
    const float ratio = MillsRatio(z);
    const float log_q = dsp::Log(ratio) - kLogSqrtTwoPi - 0.5F * z * z;
    // d ln Q / dz = -1 / ratio.
    z = std::max(0.5F, z + (log_q - log_p) * ratio);
  }
  return z;
}

float StudentUpperQuantile(float p, float degrees) {
  const float z = NormalUpperQuantile(p);
  const float v = std::max(2.0F, degrees);
  const float z2 = z * z;
  const float g1 = z * (z2 + 1.0F) / 4.0F;
  const float g2 = z * ((5.0F * z2 + 16.0F) * z2 + 3.0F) / 96.0F;
  const float g3 = z * (((3.0F * z2 + 19.0F) * z2 + 17.0F) * z2 - 15.0F) / 384.0F;
  const float g4 =
      z * ((((79.0F * z2 + 776.0F) * z2 + 1482.0F) * z2 - 1920.0F) * z2 - 945.0F) / 92160.0F;
  return z + (g1 + (g2 + (g3 + g4 / v) / v) / v) / v;
}

}  // namespace trib::node::cascade
