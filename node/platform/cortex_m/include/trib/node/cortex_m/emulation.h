#pragma once

namespace trib::node::cortex_m {

/// Ends the emulator that runs this board, with this exit code. For images that test or measure: on
/// hardware, and where the emulator's semihosting is off, it is a HardFault.
[[noreturn]] void ExitEmulation(int code);

}  // namespace trib::node::cortex_m
