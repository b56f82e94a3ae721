#pragma once

#include <cstdint>

#include "trib/node/cortex_m/last_words.h"

/// What an image is given by the start-up, which runs before main(): FPU and faults enabled, memory
/// protected, interrupts on.
namespace trib::node::cortex_m {

/// Why this boot began.
const BootReport& ThisBoot();

/// Starts anew, and the next boot knows why.
[[noreturn]] void Reset(const BootReport& report);

struct StackUse {
  std::uint32_t size_bytes = 0;
  std::uint32_t peak_bytes = 0;  ///< since start, interrupts included; exact to 4 bytes from below
};
StackUse MeasureStack();

/// Something that an interrupt line calls.
class InterruptHandler {
 public:
  /// Runs in interrupt context.
  virtual void OnInterrupt(std::uint32_t line) = 0;

 protected:
  ~InterruptHandler() = default;
};

/// Calls `handler` for `line` from now on. An interrupt that nobody is attached to is a panic.
///
/// Requires  The handler lives as long as the image.
void Attach(std::uint32_t line, InterruptHandler& handler);

}  // namespace trib::node::cortex_m

/// Puts a variable into the board's larger, maybe slower RAM; zero at start.
#define TRIB_BULK [[gnu::section(".bulk")]]
/// Puts a variable into RAM that a reset keeps and start-up leaves alone.
#define TRIB_NOINIT [[gnu::section(".noinit")]]
