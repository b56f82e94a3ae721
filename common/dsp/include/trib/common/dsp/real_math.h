#pragma once

#include <array>
#include <bit>
#include <cfloat>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

/// Arithmetic that gives the same bits on every target: + - * / and the correctly rounded square
/// root, one rounding per operation (-ffp-contract=off), and logarithm, exponential and sine made
/// of these. No call to libm anywhere. `Real` is float on a node, double where an oracle asks.
namespace trib::dsp {

static_assert(FLT_EVAL_METHOD == 0, "needs arithmetic in the declared type");

template <typename Real>
concept RealNumber = std::is_same_v<Real, float> || std::is_same_v<Real, double>;

namespace internal {

template <RealNumber Real>
struct Layout;
template <>
struct Layout<float> {
  using Bits = std::uint32_t;
  static constexpr int kMantissaBits = 23;
  static constexpr int kBias = 127;
  static constexpr int kLogTerms = 6;
  static constexpr int kExpTerms = 8;
  // ln 2 in two parts; the first has so few bits that exponent * kLn2High is exact.
  static constexpr float kLn2High = 0.693359375F;
  static constexpr float kLn2Low = -2.12194440054690583e-4F;
  static constexpr float kLargestExp = 88.0F;
  static constexpr float kSmallestExp = -87.0F;
};
template <>
struct Layout<double> {
  using Bits = std::uint64_t;
  static constexpr int kMantissaBits = 52;
  static constexpr int kBias = 1023;
  static constexpr int kLogTerms = 12;
  static constexpr int kExpTerms = 15;
  static constexpr double kLn2High = 0x1.62e42fee00000p-1;
  static constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
  static constexpr double kLargestExp = 709.0;
  static constexpr double kSmallestExp = -708.0;
};

template <RealNumber Real>
consteval std::array<Real, Layout<Real>::kLogTerms + 1> MakeOddReciprocals() {
  std::array<Real, Layout<Real>::kLogTerms + 1> out{};
  for (std::size_t k = 0; k < out.size(); ++k) {
    out[k] = Real(1) / static_cast<Real>(2 * k + 1);
  }
  return out;
}
/// 1, 1/3, 1/5, ...
template <RealNumber Real>
inline constexpr auto kOddReciprocals = MakeOddReciprocals<Real>();

}  // namespace internal

template <RealNumber Real>
[[nodiscard]] constexpr bool IsFinite(Real x) {
  return x - x == Real(0);
}

/// Requires  x >= 0 or NaN.
template <RealNumber Real>
[[nodiscard]] inline Real SquareRoot(Real x) {
  if constexpr (std::is_same_v<Real, float>) {
    return __builtin_sqrtf(x);
  } else {
    return __builtin_sqrt(x);
  }
}

template <RealNumber Real>
[[nodiscard]] constexpr Real Absolute(Real x) {
  if constexpr (std::is_same_v<Real, float>) {
    return __builtin_fabsf(x);
  } else {
    return __builtin_fabs(x);
  }
}

namespace internal {

/// Of m * 2^exponent, with m from 1 up to 2 in the bits of a normal number.
template <RealNumber Real>
[[nodiscard]] constexpr Real LogOfNormal(typename Layout<Real>::Bits bits, int exponent) {
  using L = Layout<Real>;
  using Bits = typename L::Bits;
  exponent += static_cast<int>(bits >> L::kMantissaBits) - L::kBias;
  constexpr Bits kMantissaMask = (Bits{1} << L::kMantissaBits) - 1;
  Real m = std::bit_cast<Real>(static_cast<Bits>(
      (bits & kMantissaMask) | (static_cast<Bits>(L::kBias) << L::kMantissaBits)));
  if (m > Real(1.41421356F)) {
    m *= Real(0.5F);
    ++exponent;
  }
  // log m = 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...) with |s| <= 0.172.
  const Real s = (m - Real(1)) / (m + Real(1));
  const Real s2 = s * s;
  Real sum = 0;
#pragma GCC unroll 16
  for (int k = L::kLogTerms; k >= 1; --k) {
    sum = s2 * (sum + kOddReciprocals<Real>[static_cast<std::size_t>(k)]);
  }
  const Real e = static_cast<Real>(exponent);
  const Real two_s = s + s;
  return e * L::kLn2High + (two_s + (two_s * sum + e * L::kLn2Low));
}

/// Of what is no normal positive number.
template <RealNumber Real>
[[nodiscard]] constexpr Real LogOfOther(Real x) {
  using L = Layout<Real>;
  constexpr Real kInfinity = std::numeric_limits<Real>::infinity();
  if (!(x > Real(0))) {
    return x == Real(0) ? -kInfinity : std::numeric_limits<Real>::quiet_NaN();
  }
  if (x == kInfinity) {
    return x;
  }
  constexpr int kShift = L::kMantissaBits + 1;
  x *= static_cast<Real>(typename L::Bits{1} << kShift);
  return LogOfNormal<Real>(std::bit_cast<typename L::Bits>(x), -kShift);
}

}  // namespace internal

/// Natural logarithm, within 2 units in the last place. -infinity for 0, NaN below 0.
template <RealNumber Real>
[[nodiscard]] constexpr Real Log(Real x) {
  using Bits = typename internal::Layout<Real>::Bits;
  constexpr Bits kLeast = std::bit_cast<Bits>(std::numeric_limits<Real>::min());
  constexpr Bits kInfinity = std::bit_cast<Bits>(std::numeric_limits<Real>::infinity());
  const Bits bits = std::bit_cast<Bits>(x);
  // One comparison finds all others: their bits lie outside, those of negative ones far above.
  if (static_cast<Bits>(bits - kLeast) < kInfinity - kLeast) {
    return internal::LogOfNormal<Real>(bits, 0);
  }
  return internal::LogOfOther(x);
}

/// Exponential, within 4 units in the last place. 0 and +infinity outside the range of normal
/// results.
template <RealNumber Real>
[[nodiscard]] constexpr Real Exp(Real x) {
  using L = internal::Layout<Real>;
  using Bits = typename L::Bits;
  if (!(x <= L::kLargestExp)) {
    return x > L::kLargestExp ? std::numeric_limits<Real>::infinity() : x;
  }
  if (x < L::kSmallestExp) {
    return Real(0);
  }
  const Real quotient = x / (L::kLn2High + L::kLn2Low);
  const int n = static_cast<int>(quotient + (x < Real(0) ? Real(-0.5F) : Real(0.5F)));
  const Real r = (x - static_cast<Real>(n) * L::kLn2High) - static_cast<Real>(n) * L::kLn2Low;
  Real sum = 1;
  for (int k = L::kExpTerms; k >= 1; --k) {
    sum = Real(1) + sum * r / static_cast<Real>(k);
  }
  const auto power = static_cast<Bits>(n + L::kBias) << L::kMantissaBits;
  return sum * std::bit_cast<Real>(static_cast<Bits>(power));
}

/// sin(pi/2 * numerator / denominator) for the first quadrant. For tables made by the compiler.
///
/// Requires  0 <= numerator <= denominator.
consteval double QuarterWaveSine(int numerator, int denominator) {
  constexpr double kHalfPi = 1.57079632679489661923;
  // In the upper half the cosine of the complement is the more accurate series.
  const bool upper = 2 * numerator > denominator;
  const double x =
      kHalfPi * static_cast<double>(upper ? denominator - numerator : numerator) / denominator;
  double term = upper ? 1.0 : x;
  double sum = term;
  for (int k = upper ? 2 : 3; k < 24; k += 2) {
    term *= -(x * x) / static_cast<double>(k * (k - 1));
    sum += term;
  }
  return sum;
}

}  // namespace trib::dsp
