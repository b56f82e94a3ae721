#pragma once

#include <array>
#include <cstdint>

namespace trib::gateway::link {

struct Metrics {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t hellos = 0;
  std::uint64_t accepted = 0;       ///< records handed to the spool
  std::uint64_t durable = 0;        ///< of them, acknowledged
  std::uint64_t unsettled = 0;      ///< of them, not taken by the spool: not acknowledged
  std::uint64_t duplicates = 0;     ///< durable before: acknowledged again
  std::uint64_t pending_again = 0;  ///< resent before the first copy was settled
  std::uint64_t over_credit = 0;  ///< records beyond what the node may have unacknowledged: dropped
  std::uint64_t pauses = 0;       ///< credit 0 told
  std::uint64_t grants = 0;       ///< pauses ended
  std::uint64_t chunks = 0;
  std::uint64_t chunks_refused = 0;
  std::uint64_t acks = 0;  ///< messages
  // Messages dropped whole, by reason.
  std::uint64_t identity_mismatch = 0;  ///< the envelope names another node than the key's owner
  std::uint64_t not_in_roster = 0;      ///< revoked on a live connection
  std::uint64_t malformed = 0;
  std::uint64_t penalised = 0;  ///< while the session is closed
  std::uint64_t too_many_sessions = 0;
  // Records refused for good, index RefusalReason.
  std::array<std::uint64_t, 5> refused{};
  std::uint64_t unnamed = 0;  ///< so malformed that no key could be refused
  // Sessions closed for a while, by reason.
  std::uint64_t closed_malformed = 0;
  std::uint64_t closed_over_credit = 0;
  std::uint64_t closed_unread = 0;  ///< the peer does not read its answers
  std::uint64_t undeliverable = 0;  ///< downlink for a node away, or wiped since
};

}  // namespace trib::gateway::link
