#pragma once

#include <cmath>
#include <cstdint>

#include "trib/common/base/random.h"
#include "trib/common/base/time.h"
#include "trib/node/ports/clock.h"

namespace trib::tools::sim {

/// Virtual time since the start of the scenario.
using VirtualTime = Millis;

/// Numbers that depend on what they are for and on nothing else: neither on the order in which they
/// are drawn nor on which thread draws them.
class Dice {
 public:
  Dice(std::uint64_t seed, std::uint64_t stream)
      : base_(SplitMix64::Mix(SplitMix64::Mix(seed) ^ (stream * 0x9E3779B97F4A7C15U))) {}

  [[nodiscard]] std::uint64_t Word(std::uint64_t counter) const {
    return SplitMix64::Mix(base_ + counter * 0xD1B54A32D192ED03U);
  }
  /// In [0, 1).
  [[nodiscard]] double Uniform(std::uint64_t counter) const {
    return static_cast<double>(Word(counter) >> 11U) * 0x1.0p-53;
  }
  /// In [-1, 1).
  [[nodiscard]] double Signed(std::uint64_t counter) const { return 2 * Uniform(counter) - 1; }

 private:
  std::uint64_t base_;
};

/// A node's clock: virtual time with an error of its own. The gateway's word takes the error away
/// (the gateway's clock is true), and the oscillator brings it back.
class VirtualClock final : public node::Clock {
 public:
  VirtualClock(LogicalTime start, Millis skew, double ppm)
      : start_(start), skew_(skew), ppm_(ppm) {}

  void Set(VirtualTime now) { now_ = now; }
  [[nodiscard]] VirtualTime now() const { return now_; }

  LogicalTime Now() override { return start_ + now_ + Error(); }
  bool synchronised() override { return synchronised_; }
  void SetTime(LogicalTime /*gateways_wall_clock*/) override {
    skew_ = Millis(0);
    synced_at_ = now_;
    synchronised_ = true;
  }
  MonotonicTime Monotonic() override { return MonotonicTime(now_); }
  [[nodiscard]] Millis Error() const {
    return skew_ +
           Millis(std::llround(static_cast<double>((now_ - synced_at_).count()) * ppm_ * 1e-6));
  }

 private:
  const LogicalTime start_;
  Millis skew_;
  const double ppm_;
  VirtualTime now_{0};
  VirtualTime synced_at_{0};
  bool synchronised_ = false;
};

}  // namespace trib::tools::sim
