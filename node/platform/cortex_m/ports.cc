#include "trib/node/cortex_m/ports.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "mpu.h"
#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/console.h"
#include "trib/node/cortex_m/registers.h"
#include "watchdog_registers.h"

namespace trib::node::cortex_m {
void BoardPower::Sleep(Millis limit) {
  if (limit.count() <= 0) {
    return;
  }
  const std::uint64_t begin = timebase::Ticks();
  const bool was_waiting = link_.waiting() > 0;
  timebase::SetAlarm(begin + timebase::TicksOf(limit));
  for (bool awake = false; !awake;) {
    {
      // An interrupt between the look and the wait stays pending and ends the wait at once.
      const InterruptLock lock;
      awake =
          timebase::AlarmRang() || link_.readable() > 0 || (was_waiting && link_.waiting() == 0);
      if (!awake) {
        WaitForInterrupt();
        ++wakeups_;
      }
    }
    // Without it the core may mask again before it takes what woke it, and find nothing for ever.
    Barrier();
  }
  timebase::ClearAlarm();
  slept_ticks_ += timebase::Ticks() - begin;
}

Millis BoardPower::slept() const {
  return Millis(static_cast<std::int64_t>(slept_ticks_ / (this_board::kTimebaseHz / 1000)));
}

void BoardWatchdog::Start(Millis timeout) {
  const auto millis = static_cast<std::uint64_t>(std::max<std::int64_t>(timeout.count(), 1));
  const std::uint64_t ticks = std::min<std::uint64_t>(millis * this_board::kWatchdogHz / 1000,
                                                      std::numeric_limits<std::uint32_t>::max());
  Store(watchdog::kBase + watchdog::kLock, watchdog::kUnlock);
  Store(watchdog::kBase + watchdog::kLoad, static_cast<std::uint32_t>(ticks));
  Store(watchdog::kBase + watchdog::kControl, watchdog::kInterruptAndReset);
  Store(watchdog::kBase + watchdog::kLock, 0);
}

void BoardWatchdog::Feed() {
  Store(watchdog::kBase + watchdog::kLock, watchdog::kUnlock);
  Store(watchdog::kBase + watchdog::kClear, 1);
  Store(watchdog::kBase + watchdog::kLock, 0);
}

void BoardActuator::Set(ActuatorState state) {
  if (state == state_) {
    return;
  }
  state_ = state;
  Store(this_board::kLeds, static_cast<std::uint32_t>(state));
  Console().Text("actuator ").Text(NameOf(state)).End();
}

std::span<std::byte> NonVolatile() {
  return {reinterpret_cast<std::byte*>(this_board::kNonVolatile.base),
          this_board::kNonVolatile.bytes};
}

void NonVolatileSwitch::SetWritable(bool writable) {
  SetReadOnlyWritable(writable);
}

}  // namespace trib::node::cortex_m
