#pragma once

#include <cstdint>

/// A UART of the CMSDK kind: offsets and bits.
namespace trib::node::cortex_m::uart {

inline constexpr std::uint32_t kData = 0x0;
inline constexpr std::uint32_t kState = 0x4;
inline constexpr std::uint32_t kControl = 0x8;
inline constexpr std::uint32_t kInterrupt = 0xC;  // which are pending; writing a bit clears it
inline constexpr std::uint32_t kDivider = 0x10;   // 16 at least

inline constexpr std::uint32_t kTransmitFull = 1U << 0U;  // kState
inline constexpr std::uint32_t kReceiveFull = 1U << 1U;
inline constexpr std::uint32_t kReceiveOverrun = 1U << 3U;

inline constexpr std::uint32_t kTransmitOn = 1U << 0U;  // kControl
inline constexpr std::uint32_t kReceiveOn = 1U << 1U;
inline constexpr std::uint32_t kTransmitInterrupt = 1U << 2U;
inline constexpr std::uint32_t kReceiveInterrupt = 1U << 3U;

inline constexpr std::uint32_t kTransmitted = 1U << 0U;  // kInterrupt
inline constexpr std::uint32_t kReceived = 1U << 1U;

inline constexpr std::uint32_t kConsoleBaud = 115'200;

}  // namespace trib::node::cortex_m::uart
