// What both architectures do alike.
#include "mpu.h"

#include <cstdint>

#include "trib/node/cortex_m/board.h"
#include "trib/node/cortex_m/registers.h"

namespace trib::node::cortex_m {

void ProtectMemory() {
  for (std::uint32_t i = 0; i < this_board::kProtection.size(); ++i) {
    SetRegion(i, false);
  }
  EnableProtection();
}

void SetReadOnlyWritable(bool writable) {
  Barrier();
  for (std::uint32_t i = 0; i < this_board::kProtection.size(); ++i) {
    if (this_board::kProtection[i].access == Access::kReadOnly) {
      SetRegion(i, writable);
    }
  }
  Barrier();
}

}  // namespace trib::node::cortex_m
