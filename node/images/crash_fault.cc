#include <cstdint>

#include "crash_on_purpose.h"
#include "crash_when.h"
#include "trib/node/cortex_m/ports.h"

namespace trib::node::images {

void CrashOnPurpose(const app::NodeLoop& loop) {
  if (MustCrash(loop)) {
    // Flash that nobody opened.
    auto* word = reinterpret_cast<volatile std::uint32_t*>(cortex_m::NonVolatile().data());
    *word = 0;
  }
}

}  // namespace trib::node::images
