#pragma once

#include <chrono>
#include <cstdint>

#include "trib/common/base/time.h"

namespace trib::cloud {

/// The wall clock, read here and nowhere below app/.
inline std::uint64_t WallMs() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

inline MonotonicTime SteadyNow() {
  return MonotonicTime(
      std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch()));
}

}  // namespace trib::cloud
