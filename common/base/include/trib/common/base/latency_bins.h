#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace trib {

/// How long things took, in whole milliseconds: counts in bins that are exact up to 64 ms and at
/// most 1/32 of the value wide above, so that quantiles cost neither memory per value nor a sort.
///
/// Memory   7 kB.
/// Threads  One caller at a time; copy it to publish it.
class LatencyBins {
 public:
  constexpr void Add(std::uint64_t ms) {
    ++bins_[IndexOf(std::min(ms, kMostMs))];
    ++count_;
  }
  [[nodiscard]] constexpr std::uint64_t count() const { return count_; }

  /// The least bin's upper end below or at which `permille` of the values lie; 0 without values.
  [[nodiscard]] constexpr std::uint64_t Quantile(std::uint32_t permille) const {
    const std::uint64_t rank = std::max<std::uint64_t>((count_ * permille + 999) / 1000, 1);
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBins && count_ > 0; ++i) {
      seen += bins_[i];
      if (seen >= rank) {
        return UpperOf(i);
      }
    }
    return 0;
  }

 private:
  // Octave 0 has the values below 64, octave k the 32 bins of [32 << k, 64 << k).
  static constexpr std::uint64_t kMostMs = (std::uint64_t{1} << 32U) - 1;
  static constexpr std::size_t kLinear = 64;
  static constexpr std::size_t kPerOctave = 32;
  static constexpr std::size_t kBins = kLinear + kPerOctave * 26;

  static constexpr std::size_t IndexOf(std::uint64_t ms) {
    if (ms < kLinear) {
      return static_cast<std::size_t>(ms);
    }
    const auto octave = static_cast<std::size_t>(std::bit_width(ms)) - 6;
    return kLinear + (octave - 1) * kPerOctave + static_cast<std::size_t>(ms >> octave) -
           kPerOctave;
  }
  static constexpr std::uint64_t UpperOf(std::size_t index) {
    if (index < kLinear) {
      return index;
    }
    const std::size_t octave = (index - kLinear) / kPerOctave + 1;
    const std::size_t step = (index - kLinear) % kPerOctave + kPerOctave;
    return ((std::uint64_t{step} + 1) << octave) - 1;
  }

  std::array<std::uint64_t, kBins> bins_{};
  std::uint64_t count_ = 0;
};

}  // namespace trib
