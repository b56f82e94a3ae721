#pragma once

#include <cstdint>

namespace trib::gateway::aggregate {

struct Metrics {
  std::uint64_t records = 0;
  std::uint64_t undecodable = 0;  ///< cannot be: link checks first
  std::uint64_t sketches_merged = 0;
  std::uint64_t sketches_skipped =
      0;  ///< of other features than the first, or one package too many in a minute
  std::uint64_t nodes_in_event = 0;  ///< now: the site's local alarm
  std::uint64_t nodes_in_fault = 0;  ///< now
};

}  // namespace trib::gateway::aggregate
