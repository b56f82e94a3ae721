#include "crash_on_purpose.h"
#include "crash_when.h"

namespace trib::node::images {

void CrashOnPurpose(const app::NodeLoop& loop) {
  if (MustCrash(loop)) {
    // A breakpoint without a debugger: no fault of a kind of its own.
    asm volatile("bkpt 1");
  }
}

}  // namespace trib::node::images
