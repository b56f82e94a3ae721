#include "trib/node/cortex_m/emulation.h"

#include <array>
#include <cstdint>

namespace trib::node::cortex_m {

void ExitEmulation(int code) {
  constexpr std::uint32_t kExitExtended = 0x20;
  constexpr std::uint32_t kApplicationExit = 0x20026;
  const std::array<std::uint32_t, 2> block = {kApplicationExit, static_cast<std::uint32_t>(code)};
  for (;;) {
    asm volatile(
        "mov r0, %0\n"
        "mov r1, %1\n"
        "bkpt 0xab\n" ::"r"(kExitExtended),
        "r"(block.data())
        : "r0", "r1", "memory");
  }
}

}  // namespace trib::node::cortex_m
