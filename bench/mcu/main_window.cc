// The window image: a node over the samples in its board's memory, and nothing else. Ends by
// itself.
#include "mpu.h"
#include "run_window.h"
#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/console.h"
#include "trib/node/cortex_m/emulation.h"
#include "trib/node/cortex_m/system.h"

namespace {

namespace mcu = trib::bench::mcu;
namespace cortex_m = trib::node::cortex_m;

constinit mcu::WindowMemory node{};
TRIB_BULK alignas(16) constinit std::array<std::byte, mcu::kFlashBytes> flash{};

}  // namespace

int main() {
  const auto place = cortex_m::this_board::kNonVolatile;
  // The report goes where the job is, which only the flash driver writes in a node.
  cortex_m::SetReadOnlyWritable(true);
  const bool done =
      mcu::RunWindow({reinterpret_cast<std::byte*>(place.base), place.bytes}, node, flash);
  if (!done) {
    cortex_m::Console().Text("no job, or its package was refused").End();
  }
  cortex_m::Console().Text("stack ").Number(cortex_m::MeasureStack().peak_bytes).End();
  cortex_m::ExitEmulation(done ? 0 : 1);
}
