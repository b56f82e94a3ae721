#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "trib/common/base/ids.h"
#include "trib/common/host/drift/adwin.h"
#include "trib/common/message/types.h"
#include "trib/gateway/drift/metrics.h"
#include "trib/gateway/drift/types.h"

namespace trib::gateway::drift {

/// Watches what the sketches of each node say about its decisions, and flags what changed. Pure: no
/// clock; a sketch is one value of each stream, in the order of their arrival.
///
/// Memory   Nodes of the roster only: at most 8 kB of buckets each, and 256 flags.
/// Threads  One caller at a time.
/// State    In memory only: a restart begins new streams, and so does another package on a node.
class Drift {
 public:
  /// Streams of a node: confidence, triggered, exits beyond the node, label 0.
  static constexpr std::size_t kStreams = 4;
  /// What one stream remembers: 20,000 sketches, seven months of blocks of 15 minutes.
  static constexpr std::size_t kRows = 12;

  /// `sealed` is a sketch's record as the spool stored it: link has judged it, so this does not
  /// again. A record of another kind is not looked at.
  void Add(std::string_view sealed);

  /// Takes these nodes from now on, and forgets the streams of all others.
  void Keep(const std::set<NodeId>& nodes);

  /// What was raised since the last call, oldest first, at most message::kMaxSiteFlags.
  std::vector<NodeFlag> TakeFlags();

  [[nodiscard]] Metrics metrics() const;

 private:
  struct Node {
    PackageHash package_hash;
    std::vector<host::drift::Adwin> streams;
  };
  void AddSketch(const message::RecordHeader& header, const message::Sketch& sketch);

  std::set<NodeId> roster_;
  std::map<NodeId, Node> nodes_;
  std::vector<NodeFlag> flags_;
  Metrics metrics_;
};

}  // namespace trib::gateway::drift
