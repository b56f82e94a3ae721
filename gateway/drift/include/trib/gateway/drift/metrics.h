#pragma once

#include <cstdint>

namespace trib::gateway::drift {

struct Metrics {
  std::uint64_t sketches = 0;          ///< that went into streams
  std::uint64_t sketches_left = 0;     ///< without package or windows, or decided by fallback rules
  std::uint64_t sketches_strange = 0;  ///< of a node that is not of the roster, or undecodable
  std::uint64_t flags = 0;
  std::uint64_t flags_dropped = 0;  ///< of these, more than a report takes
  std::uint64_t nodes = 0;          ///< now: with streams
};

}  // namespace trib::gateway::drift
