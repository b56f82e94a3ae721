#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trib/common/base/time.h"
#include "trib/common/message/types.h"

namespace trib::gateway::link {

struct Options {
  std::size_t max_sessions = 20'000;
  /// What a node may have unacknowledged, as granted in Time and Ack.
  std::uint32_t credit_bytes = 64 * 1024;
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
  std::string routing_id;
  std::string body;
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
  bool closed = false;
};

}  // namespace trib::gateway::link
