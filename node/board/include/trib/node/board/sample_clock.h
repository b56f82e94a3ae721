#pragma once

#include <optional>

#include "trib/node/ports/clock.h"

namespace trib::node::board {

/// The clock of a node whose samples were taken before. With a start time of its own, logical time
/// is that plus the samples delivered, and a gateway's Time changes nothing; otherwise it is the
/// platform's.
///
/// Threads  One caller at a time.
class SampleClock final : public Clock {
 public:
  SampleClock(Clock& platform, std::optional<LogicalTime> own_start)
      : platform_(platform), own_start_(own_start) {}

  LogicalTime Now() override { return own_start_ ? *own_start_ + delivered_ : platform_.Now(); }
  bool synchronised() override { return own_start_ || platform_.synchronised(); }
  void SetTime(LogicalTime now) override {
    if (!own_start_) {
      platform_.SetTime(now);
    }
  }
  MonotonicTime Monotonic() override { return platform_.Monotonic(); }

  /// Total time of all samples delivered so far.
  void SetDelivered(Millis delivered) { delivered_ = delivered; }

 private:
  Clock& platform_;
  const std::optional<LogicalTime> own_start_;
  Millis delivered_{0};
};

}  // namespace trib::node::board
