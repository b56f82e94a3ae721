#pragma once

#include <chrono>
#include <cstdint>

namespace trib {

using Millis = std::chrono::duration<std::int64_t, std::milli>;

/// Logical time: what the node believes the wall clock says, in milliseconds since the Unix epoch,
/// or since first start when never synchronised. Scaled when a replay runs faster than life.
struct LogicalClock {
  using duration = Millis;
};
using LogicalTime = std::chrono::time_point<LogicalClock, Millis>;

/// Monotonic time of the platform since an arbitrary start; never scaled, never set. Drives
/// retransmission and timeouts.
struct MonotonicClock {
  using duration = Millis;
};
using MonotonicTime = std::chrono::time_point<MonotonicClock, Millis>;

}  // namespace trib
