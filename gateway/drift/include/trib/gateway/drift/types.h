#pragma once

#include <cstdint>

#include "trib/common/base/ids.h"

namespace trib::gateway::drift {

/// What a stream is about; the values and the meaning of the index are those of DriftChannel in
/// site.proto.
enum class Channel : std::uint8_t {
  kConfidence = 2,
  kTriggered = 3,
  kExits = 4,
  kLabel = 5,
};

/// A stream of a node changed.
struct NodeFlag {
  NodeId node;
  Channel channel = Channel::kConfidence;
  std::uint32_t index = 0;
  std::uint64_t time_ms = 0;  ///< begin of the block whose sketch raised it, node's logical time
  double before = 0;          ///< share in the sketches that were given up, 0..1
  double after = 0;           ///< in those that are kept, 0..1
  std::uint32_t width = 0;    ///< sketches that are kept
  PackageHash package_hash;
};

}  // namespace trib::gateway::drift
