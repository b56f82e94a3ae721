#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "trib/node/cortex_m/board_types.h"

/// mps3-an547: Arm's MPS3 with a Cortex-M55 (application note 547), as QEMU has it. Everything is
/// secure; addresses are the secure ones. Code and RAM lie where memory.ld says.
namespace trib::node::cortex_m::this_board {

inline constexpr std::string_view kName = "mps3-an547";
inline constexpr std::uint32_t kHardwareClass = 3;  ///< docs/formats/package.md
inline constexpr std::uint32_t kInterruptLines = 48;

inline constexpr UartPlace kConsoleUart{0x59303000, 33, 34};
inline constexpr UartPlace kLinkUart{0x59304000, 35, 36};
inline constexpr std::uint32_t kUartHz = 25'000'000;

// Timebase: the subsystem's counter and the first of its timers.
inline constexpr std::uint32_t kTimebaseHz = 32'000'000;
inline constexpr std::uint32_t kSystemCounter = 0x58100000;
inline constexpr std::uint32_t kSystemTimer = 0x58000000;
inline constexpr std::uint32_t kSystemTimerLine = 3;

inline constexpr std::uint32_t kWatchdog = 0x5802E000;
inline constexpr std::uint32_t kWatchdogHz = 32'768;

inline constexpr std::uint32_t kLeds = 0x59302000;

/// docs/formats/board_memory.md
inline constexpr MemoryRange kNonVolatile{0x70000000, 16U << 20U};

/// No two overlap. Bases and sizes are multiples of 32.
inline constexpr std::array kProtection = {
    ProtectedRange{{0x10000000, 512U << 10U}, Access::kCode},
    ProtectedRange{{0x30000000, 512U << 10U}, Access::kData},
    ProtectedRange{{0x31000000, 4U << 20U}, Access::kData},
    ProtectedRange{{0x40000000, 1U << 29U}, Access::kPeripheral},
    ProtectedRange{kNonVolatile, Access::kReadOnly},
};

/// Console, link, timebase and its alarm, watchdog.
inline constexpr std::uint8_t kUsedPeripherals = 5;

/// Control registers of what no image uses: UARTs 2 to 5, SPI 0 to 2.
inline constexpr std::array<std::uint32_t, 7> kUnusedControls = {
    0x59305008, 0x59306008, 0x59307008, 0x59308008, 0x59202004, 0x59203004, 0x59204004};

}  // namespace trib::node::cortex_m::this_board
