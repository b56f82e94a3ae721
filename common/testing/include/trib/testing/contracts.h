#pragma once

#include <functional>

#include "trib/common/base/time.h"
#include "trib/node/ports/clock.h"
#include "trib/node/ports/flash.h"
#include "trib/node/ports/link.h"

/// What every implementation of a port must do, as checks to call from a GoogleTest body. A port's
/// second implementation is right when it passes the same function.
namespace trib::testing {

/// Erases and overwrites everything. Requires >= 2 sectors of >= 4 program units.
void RunFlashContract(node::Flash& flash);

/// `pass` lets about that much time go by: advances a fake, waits for a real clock.
void RunClockContract(node::Clock& clock, const std::function<void(Millis)>& pass);

/// A fault-free pair. `settle` lets messages arrive; called between attempts to receive.
void RunLinkContract(node::Link& a, node::Link& b, const std::function<void()>& settle);

}  // namespace trib::testing
