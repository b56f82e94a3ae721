#pragma once

#include <cstdint>

#include "trib/common/base/time.h"

/// The board's timer: a count that never ends, and an alarm that ends a wait. One file for each
/// kind of timer; the board's CMakeLists entry picks it.
///
/// Threads  Any but interrupts.
namespace trib::node::cortex_m::timebase {

/// Once, before the rest.
void Start();

/// Since Start(), this_board::kTimebaseHz a second. Never goes back.
std::uint64_t Ticks();
MonotonicTime Now();
std::uint64_t TicksOf(Millis time);

/// Interrupts once when Ticks() reaches `ticks`, at once when it has, and earlier when the timer
/// does not reach as far. Replaces the alarm before.
void SetAlarm(std::uint64_t ticks);
/// It interrupted since SetAlarm().
bool AlarmRang();
void ClearAlarm();

}  // namespace trib::node::cortex_m::timebase
