// The engine image: does the jobs that lie in its board's memory, and ends.
#include <array>

#include "jobs.h"
#include "mpu.h"
#include "run_jobs.h"
#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/console.h"
#include "trib/node/cortex_m/emulation.h"
#include "trib/node/cortex_m/system.h"

namespace {

namespace mcu = trib::bench::mcu;
namespace cortex_m = trib::node::cortex_m;

alignas(16) constinit std::array<std::byte, mcu::kArenaBytes> arena{};
alignas(16) constinit std::array<std::byte, mcu::kStateBytes> state{};

}  // namespace

int main() {
  const auto place = cortex_m::this_board::kNonVolatile;
  // Results go where the jobs are, which only the flash driver writes in a node.
  cortex_m::SetReadOnlyWritable(true);
  const bool done =
      mcu::RunJobs({reinterpret_cast<std::byte*>(place.base), place.bytes}, arena, state);
  if (!done) {
    cortex_m::Console().Text("no jobs in memory").End();
  }
  cortex_m::Console().Text("stack ").Number(cortex_m::MeasureStack().peak_bytes).End();
  cortex_m::ExitEmulation(done ? 0 : 1);
}
