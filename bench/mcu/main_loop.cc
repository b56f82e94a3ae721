// Loops whose instructions are known: what the counting plugin has to find.
#include <cstdint>
#include <initializer_list>

#include "trib/node/cortex_m/emulation.h"

/// 4 instructions for each turn and 1 to return.
extern "C" [[gnu::naked, gnu::noinline]] void KnownLoop(std::uint32_t /*turns*/) {
  asm volatile(
      "1: subs r0, #1\n"
      "nop\n"
      "nop\n"
      "bne 1b\n"
      "bx lr\n");
}

/// Ends with a jump: it returns to whoever called this function.
extern "C" [[gnu::naked, gnu::noinline]] void KnownDetour() {
  asm volatile(
      "movs r0, #3\n"
      "b KnownLoop\n");
}

int main() {
  for (const std::uint32_t turns : {1U, 1000U, 1'000'000U}) {
    KnownLoop(turns);
  }
  KnownDetour();
  trib::node::cortex_m::ExitEmulation(0);
}
