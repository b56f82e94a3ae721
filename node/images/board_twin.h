#pragma once

#include "sim_options.h"

namespace trib::node::images {

/// Runs the node of --board-memory in this process, or with --check-config looks at it: the same
/// node, package and samples as on the board, over the host's ports.
/// @returns the exit code.
int RunBoardTwin(SimOptions options);

}  // namespace trib::node::images
