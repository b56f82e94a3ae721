#pragma once

#include "trib/node/ports/clock.h"

namespace trib::testing {

/// Time that moves only when told.
class FakeClock final : public node::Clock {
 public:
  explicit FakeClock(MonotonicTime start = MonotonicTime(Millis(1000))) : monotonic_(start) {}

  LogicalTime Now() override { return LogicalTime(offset_ + monotonic_.time_since_epoch()); }
  bool synchronised() override { return synchronised_; }
  void SetTime(LogicalTime now) override {
    offset_ = now.time_since_epoch() - monotonic_.time_since_epoch();
    synchronised_ = true;
    ++times_set_;
  }
  MonotonicTime Monotonic() override { return monotonic_; }

  void Advance(Millis by) { monotonic_ += by; }
  [[nodiscard]] int times_set() const { return times_set_; }
  /// What a power cycle does to a node without a real-time clock.
  void Reboot() {
    monotonic_ = MonotonicTime(Millis(0));
    offset_ = Millis(0);
    synchronised_ = false;
  }

 private:
  MonotonicTime monotonic_;
  Millis offset_{0};
  bool synchronised_ = false;
  int times_set_ = 0;
};

}  // namespace trib::testing
