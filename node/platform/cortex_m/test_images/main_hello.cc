// What start-up promises, said on the console. Ends the emulator with 0 when all of it holds.
#include <array>
#include <cstdint>

#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/console.h"
#include "trib/node/cortex_m/emulation.h"
#include "trib/node/cortex_m/system.h"

namespace {

using trib::node::cortex_m::Console;

constinit std::array<std::uint32_t, 3> initialised = {1, 22, 333};
constinit std::array<std::uint32_t, 3> zeroed{};
TRIB_BULK constinit std::array<std::uint32_t, 3> bulk{};
volatile float third = 3.0F;

bool Check(const char* what, bool holds) {
  Console().Text(holds ? "ok " : "FAILED ").Text(what).End();
  return holds;
}

}  // namespace

int main() {
  namespace cortex_m = trib::node::cortex_m;
  Console().Text("board ").Text(cortex_m::board::kName).End();
  bool good = Check("initialised data",
                    initialised[0] == 1 && initialised[1] == 22 && initialised[2] == 333);
  good = Check("zeroed data", zeroed[0] == 0 && zeroed[2] == 0 && bulk[0] == 0 && bulk[2] == 0) &&
         good;
  good = Check("floating point", 1.0F / third == 0x1.555556p-2F) && good;
  good = Check("power-on", cortex_m::ThisBoot().cause == trib::node::ResetCause::kPowerOn) && good;
  const cortex_m::StackUse stack = cortex_m::MeasureStack();
  good = Check("stack", stack.peak_bytes >= 16 && stack.peak_bytes < stack.size_bytes) && good;
  Console().Text("stack ").Number(stack.peak_bytes).Text(" of ").Number(stack.size_bytes).End();
  cortex_m::ExitEmulation(good ? 0 : 1);
}
