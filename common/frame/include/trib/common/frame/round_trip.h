#pragma once

#include <algorithm>
#include <cstdint>

#include "trib/common/base/time.h"

namespace trib::frame {

/// How long to wait for an acknowledgement: RFC 6298 in whole milliseconds. 1 s until something was
/// measured, then the smoothed round trip and four deviations; doubled at every second expiry until
/// the next measurement: a wire has one sender, so silence means loss before it means congestion.
class RoundTrip {
 public:
  constexpr RoundTrip(Millis least, Millis most) : least_(least), most_(most) {}

  constexpr void Measure(Millis round_trip) {
    const std::int64_t ms = std::clamp<std::int64_t>(round_trip.count(), 0, kMost_ms);
    if (smoothed_eighths_ < 0) {
      smoothed_eighths_ = 8 * ms;
      deviation_quarters_ = 2 * ms;
    } else {
      // alpha 1/8, beta 1/4; the deviation first, from the old mean.
      const std::int64_t error = ms - smoothed_eighths_ / 8;
      deviation_quarters_ += (error < 0 ? -error : error) - deviation_quarters_ / 4;
      smoothed_eighths_ += error;
    }
    expiries_ = 0;
  }
  constexpr void Expire() { expiries_ = std::min<std::uint32_t>(expiries_ + 1, 32); }
  /// Since the last measurement, at most 32.
  [[nodiscard]] constexpr std::uint32_t expiries() const { return expiries_; }
  /// Whether an acknowledgement can be the answer to a frame sent so long ago, or must be that to
  /// an earlier copy.
  [[nodiscard]] constexpr bool Plausible(Millis since) const {
    return since.count() * 16 >= smoothed_eighths_;
  }
  [[nodiscard]] constexpr Millis timeout() const {
    const std::int64_t measured =
        smoothed_eighths_ < 0
            ? kUnmeasured_ms
            : smoothed_eighths_ / 8 + std::max<std::int64_t>(deviation_quarters_, 1);
    const Millis once = std::clamp(Millis(measured), least_, most_);
    return std::min(once * (std::int64_t{1} << (expiries_ / 2)), most_);
  }

 private:
  static constexpr std::int64_t kMost_ms = 60'000;
  static constexpr std::int64_t kUnmeasured_ms = 1'000;

  Millis least_;
  Millis most_;
  std::int64_t smoothed_eighths_ = -1;  ///< -1: nothing measured
  std::int64_t deviation_quarters_ = 0;
  std::uint32_t expiries_ = 0;  ///< since the last measurement
};

}  // namespace trib::frame
