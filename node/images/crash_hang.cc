#include "crash_on_purpose.h"
#include "crash_when.h"

namespace trib::node::images {

void CrashOnPurpose(const app::NodeLoop& loop) {
  if (MustCrash(loop)) {
    for (;;) {
      asm volatile("nop");
    }
  }
}

}  // namespace trib::node::images
