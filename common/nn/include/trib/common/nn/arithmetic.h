#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "trib/common/nn/types.h"

/// The integer arithmetic of docs/formats/plan.md, for kernels and the compiler. All functions are
/// defined for every argument: sums and left shifts wrap in 32 bits.
namespace trib::nn {

constexpr std::int32_t WrapAdd(std::int32_t a, std::int32_t b) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

constexpr std::int32_t WrapShiftLeft(std::int32_t x, int bits) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(x) << bits);
}

/// round(a b / 2^31), ties towards plus infinity. Saturates where a = b = -2^31.
constexpr std::int32_t RoundingDoublingHigh(std::int32_t a, std::int32_t b) {
  constexpr std::int32_t kLowest = std::numeric_limits<std::int32_t>::min();
  if (a == kLowest && b == kLowest) {
    return std::numeric_limits<std::int32_t>::max();
  }
  return static_cast<std::int32_t>((std::int64_t{a} * b + (std::int64_t{1} << 30)) >> 31);
}

/// round(x / 2^bits), ties away from zero.
///
/// Requires  0 <= bits <= 31.
constexpr std::int32_t RoundingShiftRight(std::int32_t x, int bits) {
  if (bits == 0) {
    return x;
  }
  const std::int64_t half = std::int64_t{1} << (bits - 1);
  return static_cast<std::int32_t>((std::int64_t{x} + half - (x < 0 ? 1 : 0)) >> bits);
}

/// round-to-nearest of x times the multiplier, rounding twice as TFLite's reference does.
///
/// Requires  -31 <= shift <= 30.
constexpr std::int32_t Requantize(std::int32_t x, Multiplier by) {
  const int left = std::max<int>(by.shift, 0);
  const int right = std::max<int>(-by.shift, 0);
  return RoundingShiftRight(RoundingDoublingHigh(WrapShiftLeft(x, left), by.m), right);
}

constexpr std::int8_t ClampTo8(std::int32_t x, Clamp range) {
  return static_cast<std::int8_t>(std::clamp<std::int32_t>(x, range.low, range.high));
}

constexpr std::int16_t SaturateTo16(std::int32_t x) {
  return static_cast<std::int16_t>(std::clamp<std::int32_t>(x, -32768, 32767));
}

/// exp(x) in Q0.31 for x <= 0 in Q5.26.
std::int32_t ExpOfNegative(std::int32_t x);

/// 1 / x for x > 0 in Q12.19: the result is value x 2^-bits, value in Q0.31.
struct Reciprocal {
  std::int32_t value = 0;
  int bits = 0;
};
Reciprocal ReciprocalOf(std::int32_t x);

/// sigmoid and tanh of x / 2^12 (Q3.12) times 2^left_shift, in Q0.15.
std::int16_t Sigmoid16(std::int16_t x);
/// Requires  -15 <= shift <= 12; a negative one divides, rounding to nearest.
std::int16_t Tanh16(std::int16_t x, int shift);

}  // namespace trib::nn
