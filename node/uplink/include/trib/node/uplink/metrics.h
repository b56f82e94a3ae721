#pragma once

#include <array>
#include <cstdint>

#include "trib/common/message/types.h"

namespace trib::node::uplink {

using PriorityCounts = std::array<std::uint32_t, message::kPriorityCount>;

/// Since Open(), except where it says total.
struct BacklogMetrics {
  std::uint32_t records = 0;       ///< unacknowledged now, over all boots
  std::uint32_t record_bytes = 0;  ///< of those
  std::uint32_t appended = 0;
  /// Total over all boots: refused by Append() for want of room, or given up with their sector.
  /// Refusals since the last new sector are lost with the power.
  PriorityCounts dropped{};
  std::uint32_t sectors_free = 0;
  std::uint32_t sectors_given_up = 0;
  std::uint32_t recovered = 0;        ///< records found by Open()
  std::uint32_t entries_damaged = 0;  ///< torn or rotten places that recovery stepped over
  std::uint32_t sectors_unreadable = 0;
  std::uint32_t flash_errors = 0;
};

struct UplinkMetrics {
  std::uint64_t bytes_sent = 0;  ///< application payload, retransmissions included
  std::uint32_t messages_sent = 0;
  std::uint32_t hellos_sent = 0;
  std::uint32_t records_sent = 0;     ///< first transmissions in this boot's sessions
  std::uint32_t retransmissions = 0;  ///< records sent again inside a session
  std::uint32_t acknowledged = 0;
  PriorityCounts refused{};    ///< given up because the gateway refused them for good
  std::uint32_t sessions = 0;  ///< Hello answered by Time
  std::uint32_t link_losses = 0;
  std::uint32_t messages_received = 0;
  std::uint32_t malformed = 0;     ///< downlink messages that did not decode
  std::uint32_t misaddressed = 0;  ///< for another node
  std::uint32_t stale = 0;         ///< Time for another boot, or Ack for another epoch
  std::uint32_t oversized = 0;     ///< downlink messages longer than max_message_bytes
  std::uint32_t unencodable = 0;   ///< records that Append() refused for their contents
};

}  // namespace trib::node::uplink
