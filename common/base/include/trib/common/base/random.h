#pragma once

#include <cstdint>

namespace trib {

/// splitmix64 (Steele, Lea, Flood 2014): a seeded sequence equal on every target. Not for secrets.
class SplitMix64 {
 public:
  constexpr explicit SplitMix64(std::uint64_t seed) : state_(seed) {}

  constexpr std::uint64_t Next() { return Mix(state_ += 0x9E3779B97F4A7C15U); }

  /// In [0, 1), of 53 bits. For host code: a node's has no double, as `symbols.*` on the Cortex-M4F
  /// sees.
  constexpr double Uniform() { return static_cast<double>(Next() >> 11U) * 0x1p-53; }

  /// The finaliser alone: a good 64-bit hash of one word.
  static constexpr std::uint64_t Mix(std::uint64_t z) {
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }

 private:
  std::uint64_t state_;
};

}  // namespace trib
