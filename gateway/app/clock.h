#pragma once

#include <chrono>
#include <cstdint>

#include "trib/common/base/time.h"

// The only place of the gateway that reads clocks.
namespace trib::gateway {

inline MonotonicTime MonotonicNow() {
  return MonotonicTime(
      std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch()));
}

inline std::uint64_t UnixNowMs() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace trib::gateway
