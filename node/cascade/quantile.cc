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

/// ln Gamma(x) for x > 0: Stirling's series from 8 on, recurrence below.
float LogGamma(float x) {
  constexpr float kHalfLogTwoPi = 0.918938533F;
  constexpr float kStirlingFrom = 8;
  float product = 1;
  while (x < kStirlingFrom) {
    product *= x;
    x += 1.0F;
  }
  const float inverse = 1.0F / x;
  const float series = inverse * (1.0F / 12.0F - inverse * inverse * (1.0F / 360.0F));
  return (x - 0.5F) * dsp::Log(x) - x + kHalfLogTwoPi + series - dsp::Log(product);
}

/// The continued fraction of the incomplete beta function I_x(b, a) by Lentz's method; converges
/// fast for x < (b + 1) / (a + b + 2).
float BetaFraction(float b, float a, float x) {
  constexpr int kTerms = 100;
  constexpr float kTiny = 1e-30F;
  const auto guard = [](float value) { return dsp::Absolute(value) < kTiny ? kTiny : value; };
  float c = 1;
  float d = 1.0F / guard(1.0F - (a + b) * x / (b + 1.0F));
  float value = d;
  for (int k = 1; k <= kTerms; ++k) {
    const auto m = static_cast<float>(k);
    const float even = m * (a - m) * x / ((b + 2 * m - 1) * (b + 2 * m));
    d = 1.0F / guard(1.0F + even * d);
    c = guard(1.0F + even / c);
    value *= d * c;
    const float odd = -(b + m) * (a + b + m) * x / ((b + 2 * m) * (b + 2 * m + 1));
    d = 1.0F / guard(1.0F + odd * d);
    c = guard(1.0F + odd / c);
    const float step = d * c;
    value *= step;
    if (dsp::Absolute(step - 1.0F) < 1e-6F) {
      break;
    }
  }
  return value;
}

}  // namespace

float FisherUpperQuantile(float p, float above, float below) {
  const float a = std::clamp(above, 1.0F, 64.0F) / 2;
  const float b = std::clamp(below, 2.0F, 1000.0F) / 2;
  const float rate = std::clamp(p, 1e-6F, 0.5F);
  const float log_beta = LogGamma(a) + LogGamma(b) - LogGamma(a + b);
  // P(F > f) = I_x(b, a) with x = 1 / (1 + r), r = a f / b. Bisection of ln f between 1/8 and e^20.
  float low = -2;
  float high = 20;
  constexpr int kHalvings = 40;
  for (int i = 0; i < kHalvings; ++i) {
    const float middle = (low + high) / 2;
    const float r = a / b * dsp::Exp(middle);
    const float x = 1.0F / (1.0F + r);
    const float front = dsp::Exp(a * dsp::Log(r * x) - b * dsp::Log(1.0F + r) - log_beta);
    const float tail = x < (b + 1.0F) / (a + b + 2.0F)
                           ? front * BetaFraction(b, a, x) / b
                           : 1.0F - front * BetaFraction(a, b, r * x) / a;
    (tail > rate ? low : high) = middle;
  }
  return dsp::Exp((low + high) / 2);
}

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
