#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "trib/common/base/time.h"

namespace trib::cloud::store {

/// How long what is kept, and how much of it. 0: no such limit.
struct RetentionPolicy {
  Millis records{0};  ///< by the cloud's clock when they were stored
  Millis rollups{0};  ///< minutes of nodes
  Millis reports{0};  ///< minutes of sites
  Millis audit{0};
  Millis undecided{0};  ///< records that wait for the cloud's tail: given up, not deleted
  Millis drift{0};      ///< blocks that were compared, and their looks; references and alarms stay
  std::uint64_t max_records = 0;  ///< beyond it the oldest go
  std::uint64_t max_bytes = 0;    ///< of the file without its free pages; the oldest records go
};

/// What one step did.
struct RetentionStep {
  std::uint64_t deleted = 0;  ///< rows
  bool more = false;          ///< there is more to delete now
};

/// The time by which retention judges age: the wall clock, which however may run ahead at most
/// kCatchUp times as fast as time really passes. A clock that jumps ten years ahead thus deletes
/// nothing at once: each day that retention runs away takes a quarter of an hour, in which the
/// doctor says so. It never goes back; while the wall clock is behind it, nothing gets older.
///
/// Threads  One caller at a time; reads no clock.
class RetentionClock {
 public:
  static constexpr std::int64_t kCatchUp = 100;
  /// A larger difference between wall clock and real time is a jump.
  static constexpr std::int64_t kJumpMs = 60'000;

  /// `durable_ms`: where it stood when it was last stored; nullopt: never.
  explicit RetentionClock(std::optional<std::uint64_t> durable_ms) : now_ms_(durable_ms) {}

  /// @returns the time by which to judge now.
  std::uint64_t Advance(std::uint64_t wall_ms, MonotonicTime steady);
  [[nodiscard]] std::optional<std::uint64_t> now_ms() const { return now_ms_; }
  /// Jumps of the wall clock since the start, and how far it is ahead of this clock.
  [[nodiscard]] std::uint64_t jumps() const { return jumps_; }
  [[nodiscard]] std::uint64_t behind_ms() const { return behind_ms_; }

 private:
  std::optional<std::uint64_t> now_ms_;
  std::optional<MonotonicTime> steady_;
  std::uint64_t wall_ms_ = 0;
  std::uint64_t jumps_ = 0;
  std::uint64_t behind_ms_ = 0;
};

/// The time by which a record counts: the node's own when it lies in the last `window` or at most
/// two days ahead of `now_ms`, else that of its receipt under the same rule, else now.
std::int64_t SoundTime(std::int64_t time_ms,
                       std::uint64_t received_ms,
                       std::uint64_t now_ms,
                       Millis window);

/// The minute in which a record counts: that of SoundTime(). So a node has at most (window + 2
/// days) / 1 min rows in the table of minutes, whatever times it claims.
std::int64_t RollupMinute(std::int64_t time_ms,
                          std::uint64_t received_ms,
                          std::uint64_t now_ms,
                          Millis window);

/// Window of RollupMinute() when RetentionPolicy::rollups is 0.
inline constexpr Millis kDefaultRollupWindow{std::int64_t{400} * 24 * 3'600'000};

}  // namespace trib::cloud::store
