#pragma once

#include <chrono>
#include <cstdint>

#include "trib/node/ports/clock.h"

namespace trib::node::sim {

/// Logical time that advances with the samples: Now() = start + frames delivered / rate. So what a
/// node decides, and when it says it happened, depends on the recording alone and neither on the
/// machine's speed nor on the pace of the replay. Monotonic() is the machine's.
///
/// A clock that knows the time from the start and runs at another pace than the world (pace != 1)
/// keeps its own time: the gateway's would make logical time jump to and fro.
class SimClock final : public Clock {
 public:
  struct Options {
    LogicalTime start{};
    bool synchronised = false;
    double pace = 1;
  };

  explicit SimClock(const Options& options)
      : options_(options),
        base_(options.start),
        synchronised_(options.synchronised),
        begin_(std::chrono::steady_clock::now()) {}

  LogicalTime Now() override { return base_ + delivered_; }
  bool synchronised() override { return synchronised_; }
  void SetTime(LogicalTime now) override {
    if (synchronised_ && options_.pace != 1) {
      return;
    }
    base_ = now - delivered_;
    synchronised_ = true;
  }
  MonotonicTime Monotonic() override {
    return MonotonicTime(
        std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - begin_));
  }

  /// Total logical time of all samples delivered so far.
  void SetDelivered(Millis delivered) { delivered_ = delivered; }

 private:
  const Options options_;
  LogicalTime base_;
  Millis delivered_{0};
  bool synchronised_;
  std::chrono::steady_clock::time_point begin_;
};

/// Logical time as a gateway told it, going on with the machine's monotonic time: the clock of a
/// board without a battery. Not synchronised before that.
class WorldClock final : public Clock {
 public:
  LogicalTime Now() override { return LogicalTime(offset_ + Monotonic().time_since_epoch()); }
  bool synchronised() override { return synchronised_; }
  void SetTime(LogicalTime now) override {
    offset_ = now.time_since_epoch() - Monotonic().time_since_epoch();
    synchronised_ = true;
  }
  MonotonicTime Monotonic() override {
    return MonotonicTime(
        std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now() - begin_));
  }

 private:
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  Millis offset_{0};
  bool synchronised_ = false;
};

}  // namespace trib::node::sim
