#pragma once

#include <cstdint>

namespace trib::frame {

/// Of one end of a Channel, since construction. Frames and bytes as on the wire.
struct ChannelMetrics {
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_received = 0;  ///< well formed
  std::uint64_t retransmissions = 0;
  std::uint64_t duplicates = 0;  ///< Data that was here already
  std::uint64_t reordered = 0;   ///< Data that came before one it follows
  std::uint64_t out_of_window = 0;
  std::uint64_t malformed = 0;  ///< not COBS, wrong checksum, malformed body
  std::uint64_t oversized = 0;
  std::uint64_t stale = 0;  ///< of another session, or not for this end
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t sessions = 0;  ///< begun
  std::uint64_t closed = 0;    ///< ended by either end
};

}  // namespace trib::frame
