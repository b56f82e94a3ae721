#pragma once

#include <cstdint>
#include <initializer_list>

#include "trib/common/base/random.h"

/// The pieces the machine is made of: functions of a position and a seed alone, so that any moment
/// can be computed without those before it. Angles are whole turns in 2^32 steps, and long ones
/// carry turns above: arithmetic that no target rounds differently.
namespace trib::simulation {

inline constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15U;

/// Word `index` of the sequence that splitmix64 gives from `seed`.
[[nodiscard]] constexpr std::uint64_t WordAt(std::uint64_t seed, std::uint64_t index) {
  return SplitMix64::Mix(seed + index * kGolden);
}

/// -1 up to, not including, 1, from the upper bits.
[[nodiscard]] constexpr float Uniform(std::uint64_t word) {
  return static_cast<float>(static_cast<std::int32_t>(word >> 32U)) * 0x1p-31F;
}

/// Mean 0 and standard deviation 1: the sum of four uniform numbers (kurtosis 2.7, within 3.46).
[[nodiscard]] constexpr float NearGaussian(std::uint64_t word) {
  const std::int32_t sum =
      std::int32_t{static_cast<std::int16_t>(word)} + static_cast<std::int16_t>(word >> 16U) +
      static_cast<std::int16_t>(word >> 32U) + static_cast<std::int16_t>(word >> 48U);
  return (static_cast<float>(sum) + 2.0F) * 2.64290156e-5F;  // sqrt(3) / 65,536
}

/// Sine of `turns` / 2^32 of a turn, within 2e-7.
[[nodiscard]] constexpr float Sine(std::uint32_t turns) {
  // Quarters 1 and 2 mirrored into -1/4..1/4.
  const auto quarter = static_cast<std::int32_t>(
      ((turns + 0x40000000U) & 0x80000000U) != 0 ? 0x80000000U - turns : turns);
  const float x = static_cast<float>(quarter) * 1.46291808e-9F;  // 2 pi / 2^32
  const float x2 = x * x;
  float sum = -2.50521084e-8F;  // 1/11!
  sum = 2.75573192e-6F + x2 * sum;
  sum = -1.98412698e-4F + x2 * sum;
  sum = 8.33333333e-3F + x2 * sum;
  sum = -1.66666667e-1F + x2 * sum;
  return x + x * (x2 * sum);
}

[[nodiscard]] constexpr float Cosine(std::uint32_t turns) {
  return Sine(turns + 0x40000000U);
}

/// e^x within 8e-6 of it for |x| <= 1.
[[nodiscard]] constexpr float SmallExp(float x) {
  float sum = 1.0F / 40320.0F;
  for (const float term : {1.0F / 5040.0F,
                           1.0F / 720.0F,
                           1.0F / 120.0F,
                           1.0F / 24.0F,
                           1.0F / 6.0F,
                           0.5F,
                           1.0F,
                           1.0F}) {
    sum = term + x * sum;
  }
  return sum;
}

/// A smooth random curve, within -1..1 and twice differentiable: a cubic B-spline whose
/// coefficients are uniform, one knot per `knot`. Its slope has a standard deviation of
/// kSplineSlope per knot and its mean is 0.
[[nodiscard]] constexpr float SmoothNoise(std::uint64_t seed,
                                          std::uint64_t position,
                                          std::uint64_t knot) {
  const std::uint64_t k = position / knot;
  const float u = static_cast<float>(position - k * knot) / static_cast<float>(knot);
  const float v = 1.0F - u;
  const float u2 = u * u;
  const float u3 = u2 * u;
  const float weights[] = {
      v * v * v, 3.0F * u3 - 6.0F * u2 + 4.0F, -3.0F * u3 + 3.0F * u2 + 3.0F * u + 1.0F, u3};
  float sum = 0;
  for (unsigned i = 0; i < 4; ++i) {
    sum += weights[i] * Uniform(WordAt(seed, k + i));
  }
  return sum * (1.0F / 6.0F);
}
inline constexpr float kSplineSlope = 0.471404521F;  // sqrt(1/3 * 2/3)

/// An angle of long standing, two's complement: turns above, 2^-32 turns below; wraps after 2^31
/// turns, which is more than two years at 30 turns per second.
using LongAngle = std::uint64_t;

/// A multiple of a LongAngle, 0 <= multiple < 256, in steps of 2^-24.
class AngleMultiple {
 public:
  constexpr AngleMultiple() = default;
  constexpr explicit AngleMultiple(float multiple) {
    // Adding a half before the cut would itself round where steps are as coarse as ones.
    const float steps = multiple * 0x1p24F;
    q24_ = static_cast<std::uint32_t>(steps);
    q24_ += steps - static_cast<float>(q24_) >= 0.5F ? 1 : 0;
  }
  [[nodiscard]] constexpr LongAngle operator()(LongAngle angle) const {
    // Signed: a little before 0 must come out a little before 0.
    const auto turns = static_cast<std::uint64_t>(static_cast<std::int64_t>(angle) >> 32U);
    const std::uint64_t part = angle & 0xFFFFFFFFU;
    return ((turns * q24_) << 8U) + ((part * q24_) >> 24U);
  }

 private:
  std::uint32_t q24_ = 0;
};

}  // namespace trib::simulation
