#pragma once

#include <cstdint>

namespace trib::node::app {

/// Of this firmware, in every record: major << 16 | minor << 8 | patch.
inline constexpr std::uint32_t kFirmwareVersion = 0U << 16U | 1U << 8U | 0U;

}  // namespace trib::node::app
