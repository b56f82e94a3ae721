#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trib/common/base/time.h"
#include "trib/common/message/types.h"
#include "trib/gateway/link/credit.h"

namespace trib::gateway::link {

struct Options {
  std::size_t max_sessions = 20'000;
  CreditOptions credit{};
  /// Records of one node that may wait for the disk, whatever their size. A node of ours has at
  /// most 64 on the way.
  std::size_t pending_records = 256;
  /// Records beyond the credit, or answers that the peer does not read, within some seconds, that
  /// close a session. (Records halve with every second.)
  std::uint32_t over_credit_limit = 256;
  std::uint32_t unread_limit = 64;
  /// Malformed messages in a row that close a session.
  std::uint32_t malformed_limit = 16;
  /// How long a closed session stays closed; then a Hello opens it again.
  Millis penalty{30'000};
  /// Durable keys remembered per session.
  std::size_t seen_keys = 4096;
};

struct Now {
  MonotonicTime monotonic{};
  std::uint64_t unix_ms = 0;
};

/// A record for the spool, valid and of its sender.
struct Offered {
  message::RecordKey key;
  message::RecordKind kind = message::RecordKind::kNone;
  std::uint64_t received_ms = 0;
  std::string sealed;
};

/// What became of an Offered. `durable` is false when the spool could not take it.
struct Settled {
  message::RecordKey key;
  bool durable = false;
};

/// A message for one peer.
struct Outgoing {
  NodeId node;
  std::string routing_id;
  std::string body;
  /// What is passed down: nobody misses it, and a peer that does not read it is not at fault, as it
  /// did not ask for a flood.
  bool best_effort = false;
};

struct Output {
  std::vector<Outgoing> send;
  std::vector<Offered> offered;
};

/// One line of nodes.list.
struct SessionInfo {
  NodeId node;
  EnrolmentEpoch epoch;
  std::uint32_t boot = 0;
  std::uint32_t firmware_version = 0;
  MonotonicTime last_seen{};
  std::uint64_t records = 0;
  std::uint64_t pending = 0;
  std::uint32_t credit = 0;
  std::uint64_t over_credit = 0;
  bool waiting = false;  ///< paused: its credit is 0 until its turn
  bool closed = false;
  std::string routing_id;  ///< of its newest message
};

}  // namespace trib::gateway::link
