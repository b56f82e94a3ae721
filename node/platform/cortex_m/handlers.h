#pragma once

#include "trib/node/cortex_m/last_words.h"

/// Between start-up and the handlers of what must not happen.
namespace trib::node::cortex_m {

/// For the next boot; start.cc keeps the memory.
void LeaveWords(const BootReport& report);

/// Vectors. Neither returns. They run on a stack of their own and touch nothing that may fault: a
/// fault in a handler of a fault stops the core for good.
void FaultHandler();
void HangHandler();

}  // namespace trib::node::cortex_m
