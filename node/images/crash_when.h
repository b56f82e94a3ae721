#pragma once

#include "trib/node/app/node_loop.h"

namespace trib::node::images {

/// A boot's start is no test of what comes later: records are on their way by then.
inline bool MustCrash(const app::NodeLoop& loop) {
  constexpr std::uint64_t kWindows = 20;
  return loop.identity().boot == 1 && loop.metrics().windows >= kWindows;
}

}  // namespace trib::node::images
