#pragma once

#include <cstdint>

#include "trib/node/board/memory.h"
#include "trib/node/cortex_m/ports.h"

namespace trib::node::cortex_m {

/// An area of the board's memory as flash.
inline NorFlash FlashOf(board::Area area, std::uint32_t sector_bytes, WriteSwitch& write_switch) {
  return NorFlash(NonVolatile().subspan(area.offset, area.bytes),
                  {.sector_bytes = sector_bytes,
                   .sector_count = area.bytes / sector_bytes,
                   .program_unit_bytes = board::kProgramUnitBytes},
                  write_switch);
}

}  // namespace trib::node::cortex_m
