#include "trib/cloud/store/retention.h"

#include <algorithm>

namespace trib::cloud::store {

std::uint64_t RetentionClock::Advance(std::uint64_t wall_ms, MonotonicTime steady) {
  const std::int64_t passed = steady_ ? (steady - *steady_).count() : 0;
  if (steady_) {
    const auto expected = static_cast<std::int64_t>(wall_ms_) + passed;
    const std::int64_t off = static_cast<std::int64_t>(wall_ms) - expected;
    jumps_ += off > kJumpMs || off < -kJumpMs ? 1U : 0U;
  }
  steady_ = steady;
  wall_ms_ = wall_ms;
  if (!now_ms_) {
    now_ms_ = wall_ms;
  }
  const std::uint64_t reach = *now_ms_ + static_cast<std::uint64_t>(passed * kCatchUp);
  now_ms_ = std::max(*now_ms_, std::min(wall_ms, reach));
  behind_ms_ = wall_ms > *now_ms_ ? wall_ms - *now_ms_ : 0;
  return std::min(*now_ms_, wall_ms);
}

std::int64_t SoundTime(std::int64_t time_ms,
                       std::uint64_t received_ms,
                       std::uint64_t now_ms,
                       Millis window) {
  constexpr std::int64_t kAhead = std::int64_t{2} * 24 * 3'600'000;
  const auto now = static_cast<std::int64_t>(now_ms);
  const auto received = static_cast<std::int64_t>(received_ms);
  const auto sound = [&](std::int64_t time) {
    return time >= 0 && time <= now + kAhead && time >= now - window.count();
  };
  return sound(time_ms) ? time_ms : (sound(received) ? received : now);
}

std::int64_t RollupMinute(std::int64_t time_ms,
                          std::uint64_t received_ms,
                          std::uint64_t now_ms,
                          Millis window) {
  constexpr std::int64_t kMinute = 60'000;
  return SoundTime(time_ms, received_ms, now_ms, window) / kMinute * kMinute;
}

}  // namespace trib::cloud::store
