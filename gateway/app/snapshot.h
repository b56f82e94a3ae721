#pragma once

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "trib/common/host/serial/server.h"
#include "trib/common/host/zmq/client_socket.h"
#include "trib/common/host/zmq/server_socket.h"
#include "trib/gateway/aggregate/metrics.h"
#include "trib/gateway/aggregate/types.h"
#include "trib/gateway/drift/metrics.h"
#include "trib/gateway/forward/metrics.h"
#include "trib/gateway/link/metrics.h"
#include "trib/gateway/link/types.h"
#include "trib/gateway/spool/metrics.h"
#include "trib/gateway/spool/types.h"
#include "trib/gateway/tail/metrics.h"

namespace trib::gateway {

/// What a thread last told of itself, for the admin thread.
///
/// Threads  Any.
template <typename T>
class Published {
 public:
  void Set(T value) {
    const std::lock_guard lock(mutex_);
    value_ = std::move(value);
  }
  [[nodiscard]] T Get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  T value_;  // guarded by mutex_
};

struct SouthSnapshot {
  link::Metrics link;
  aggregate::Metrics aggregate;
  aggregate::Totals total;
  drift::Metrics drift;
  std::uint64_t sessions = 0;
  std::uint64_t pending = 0;
  std::uint64_t pending_bytes = 0;
  std::uint64_t credit_room = 0;      ///< bytes that may be promised now
  std::uint64_t credit_promised = 0;  ///< bytes promised to or held of active nodes
  std::uint64_t credit_share = 0;     ///< of one node
  std::uint64_t active = 0;           ///< nodes heard of within a minute
  std::uint64_t waiting = 0;          ///< nodes with credit 0
  std::uint64_t misshapen = 0;
  host::zmq::ServerCounts connections;
  host::serial::Metrics serial;  ///< zeros without wires
  std::uint64_t sends_failed = 0;
  std::uint64_t downlinks_dropped = 0;  ///< the node's pipe was full, or too many waited
  std::uint64_t pauses = 0;             ///< times reading stopped because the spool was behind
};

/// One entry per node; told less often than the rest when there are many.
struct SouthLists {
  std::vector<link::SessionInfo> sessions;
  std::vector<aggregate::NodeRollup> nodes;
};

struct SpoolSnapshot {
  spool::Metrics metrics;
  spool::Depth depth;
  spool::DropTotals drops;
  std::uint64_t run = 0;
  std::uint64_t roster_version = 0;
  std::vector<NodeId> roster;
  bool blocked = false;    ///< the last transaction failed; tried again
  std::uint64_t held = 0;  ///< records that wait for the disk to take writes again
};

struct NorthSnapshot {
  forward::Metrics metrics;
  host::zmq::LinkState link = host::zmq::LinkState::kUnknown;
  std::uint64_t connections = 0;
  std::uint64_t open_batches = 0;
  std::uint32_t credit = 0;  ///< batches that the cloud grants
  std::uint64_t sends_failed = 0;
  std::uint64_t downlinks_dropped = 0;
};

struct TailSnapshot {
  bool configured = false;
  tail::Metrics metrics;
  std::uint64_t queued = 0;       ///< records read from the spool
  std::uint64_t uncommitted = 0;  ///< outcomes on their way to the disk
  std::uint64_t answers = 0;      ///< verdicts for nodes
  std::uint64_t answers_dropped = 0;
  std::vector<PackageHash> networks;
};

}  // namespace trib::gateway
