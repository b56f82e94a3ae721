#pragma once

#include "trib/node/app/node_loop.h"

namespace trib::node::images {

/// In the images node-crash-*, which test that a board comes back and says why: crashes once,
/// in the first boot, when some windows were decided on. In every other image: nothing.
void CrashOnPurpose(const app::NodeLoop& loop);

}  // namespace trib::node::images
