#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/timebase.h"

namespace trib::node::cortex_m::timebase {

static_assert(this_board::kTimebaseHz % 1000 == 0);
constexpr std::uint64_t kTicksPerMilli = this_board::kTimebaseHz / 1000;

MonotonicTime Now() {
  return MonotonicTime(Millis(static_cast<std::int64_t>(Ticks() / kTicksPerMilli)));
}

std::uint64_t TicksOf(Millis time) {
  return time.count() <= 0 ? 0 : static_cast<std::uint64_t>(time.count()) * kTicksPerMilli;
}

}  // namespace trib::node::cortex_m::timebase
