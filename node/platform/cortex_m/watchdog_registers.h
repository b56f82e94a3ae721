#pragma once

#include <cstdint>

#include "trib/node/cortex_m/board.h"

/// The board's watchdog, of the CMSDK kind: counts down twice, interrupts, then resets.
namespace trib::node::cortex_m::watchdog {

inline constexpr std::uint32_t kBase = board::kWatchdog;
inline constexpr std::uint32_t kLoad = 0x0;  // writing starts the count anew
inline constexpr std::uint32_t kControl = 0x8;
inline constexpr std::uint32_t kClear = 0xC;  // the interrupt, and starts the count anew
inline constexpr std::uint32_t kLock = 0xC00;

inline constexpr std::uint32_t kInterruptAndReset = 3;
inline constexpr std::uint32_t kUnlock = 0x1ACCE551;

}  // namespace trib::node::cortex_m::watchdog
