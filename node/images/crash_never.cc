#include "crash_on_purpose.h"

namespace trib::node::images {

void CrashOnPurpose(const app::NodeLoop& /*loop*/) {}

}  // namespace trib::node::images
