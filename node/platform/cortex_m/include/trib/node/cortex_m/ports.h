#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/nor_flash.h"
#include "trib/node/cortex_m/timebase.h"
#include "trib/node/cortex_m/uart.h"
#include "trib/node/ports/actuator.h"
#include "trib/node/ports/clock.h"
#include "trib/node/ports/power.h"
#include "trib/node/ports/watchdog.h"

/// The small ports of a board. Threads: the node's one.
namespace trib::node::cortex_m {

/// Monotonic time from the timebase; logical time is what a gateway told, going on with it. Not
/// synchronised before that: these boards keep no time while they are off.
///
/// Requires  timebase::Start().
class BoardClock final : public Clock {
 public:
  LogicalTime Now() override { return LogicalTime(offset_ + timebase::Now().time_since_epoch()); }
  bool synchronised() override { return synchronised_; }
  void SetTime(LogicalTime now) override {
    offset_ = now.time_since_epoch() - timebase::Now().time_since_epoch();
    synchronised_ = true;
  }
  MonotonicTime Monotonic() override { return timebase::Now(); }

 private:
  Millis offset_{0};
  bool synchronised_ = false;
};

/// Sleeps without a tick: nothing but the alarm at the end, the link and other interrupts' handlers
/// run the core.
///
/// Requires  timebase::Start().
class BoardPower final : public Power {
 public:
  /// The others were turned off before main().
  static constexpr Peripherals kPeripherals{
      .on = this_board::kUsedPeripherals,
      .off = static_cast<std::uint8_t>(this_board::kUnusedControls.size())};

  /// Wakes when `link` has something to read, or took all that waited to be written.
  explicit BoardPower(const Uart& link) : link_(link) {}

  ResetCause reset_cause() override { return ThisBoot().cause; }
  Crash crash() override { return ThisBoot().crash; }
  Peripherals peripherals() override { return kPeripherals; }
  void Sleep(Millis limit) override;
  /// In Sleep() since start.
  [[nodiscard]] Millis slept() const;
  /// Times that something woke the core in there.
  [[nodiscard]] std::uint32_t wakeups() const { return wakeups_; }

 private:
  const Uart& link_;
  std::uint64_t slept_ticks_ = 0;
  std::uint32_t wakeups_ = 0;
};

/// The board's watchdog. Not fed, it first interrupts, which nothing can hold off: that leaves word
/// for the next boot (CrashKind::kHang, and where the program was); then it resets.
class BoardWatchdog final : public Watchdog {
 public:
  /// As far as the counter reaches: 171 s on mps2-an386, 36 h on mps3-an547.
  void Start(Millis timeout) override;
  void Feed() override;
};

/// A line on the console whenever the state changes, and the state's number on the board's LEDs.
class BoardActuator final : public Actuator {
 public:
  void Set(ActuatorState state) override;

 private:
  ActuatorState state_ = ActuatorState::kUnspecified;
};

/// All of the board's non-volatile memory, docs/formats/board_memory.md. Reading only: a write is a
/// fault but inside NorFlash.
std::span<std::byte> NonVolatile();

/// Opens and closes it.
class NonVolatileSwitch final : public WriteSwitch {
 public:
  void SetWritable(bool writable) override;
};

}  // namespace trib::node::cortex_m
