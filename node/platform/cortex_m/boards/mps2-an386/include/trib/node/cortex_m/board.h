#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "trib/node/cortex_m/board_types.h"

/// mps2-an386: Arm's MPS2 with a Cortex-M4F (application note 386), as QEMU has it. Code and RAM
/// lie where memory.ld says.
namespace trib::node::cortex_m::this_board {

inline constexpr std::string_view kName = "mps2-an386";
inline constexpr std::uint32_t kHardwareClass = 2;  ///< docs/formats/package.md
inline constexpr std::uint32_t kInterruptLines = 32;

inline constexpr UartPlace kConsoleUart{0x40004000, 0, 1};
inline constexpr UartPlace kLinkUart{0x40005000, 2, 3};
inline constexpr std::uint32_t kUartHz = 25'000'000;

// Timebase: two timers of the CMSDK kind, one that runs and one that wakes.
inline constexpr std::uint32_t kTimebaseHz = 25'000'000;
inline constexpr std::uint32_t kCountTimer = 0x40000000;
inline constexpr std::uint32_t kCountTimerLine = 8;
inline constexpr std::uint32_t kAlarmTimer = 0x40001000;
inline constexpr std::uint32_t kAlarmTimerLine = 9;

inline constexpr std::uint32_t kWatchdog = 0x40008000;
inline constexpr std::uint32_t kWatchdogHz = 25'000'000;

inline constexpr std::uint32_t kLeds = 0x40028000;

/// docs/formats/board_memory.md
inline constexpr MemoryRange kNonVolatile{0x21000000, 16U << 20U};

/// A later one lies over an earlier one. Sizes are powers of two, bases multiples of them.
inline constexpr std::array kProtection = {
    ProtectedRange{{0x00000000, 4U << 20U}, Access::kCode},
    ProtectedRange{{0x00000000, 256}, Access::kNone},  // vectors, which the core reads all the same
    ProtectedRange{{0x20000000, 4U << 20U}, Access::kData},
    ProtectedRange{{0x40000000, 1U << 29U}, Access::kPeripheral},
    ProtectedRange{kNonVolatile, Access::kReadOnly},
};

/// Console, link, timebase and its alarm, watchdog.
inline constexpr std::uint8_t kUsedPeripherals = 5;

/// Control registers of what no image uses: UARTs 2 to 4, the dual timer, SPI and I2S.
inline constexpr std::array<std::uint32_t, 7> kUnusedControls = {
    0x40006008, 0x40007008, 0x40009008, 0x40002008, 0x40002028, 0x40020004, 0x40024000};

}  // namespace trib::node::cortex_m::this_board
