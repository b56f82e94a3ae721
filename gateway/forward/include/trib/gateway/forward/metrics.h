#pragma once

#include <cstdint>

namespace trib::gateway::forward {

struct Metrics {
  std::uint64_t batches = 0;          ///< made
  std::uint64_t retransmissions = 0;  ///< batches sent again
  std::uint64_t forwarded = 0;        ///< records the cloud confirmed, duplicates included
  std::uint64_t cloud_duplicates = 0;
  std::uint64_t verdicts = 0;  ///< of our tail, put into batches
  std::uint64_t rejected = 0;
  std::uint64_t acks_unknown = 0;   ///< for a batch that is not open: late repetition
  std::uint64_t malformed = 0;      ///< messages from the cloud
  std::uint64_t rosters = 0;        ///< taken
  std::uint64_t rosters_stale = 0;  ///< not newer
  std::uint64_t downlinks = 0;
  std::uint64_t reports = 0;
  std::uint64_t reports_dropped = 0;  ///< while the cloud was away
  std::uint64_t hellos = 0;
  std::uint64_t pauses = 0;  ///< the cloud granted 0: nothing goes until it grants more
  std::uint64_t grants = 0;  ///< credit that came without an acknowledgement
};

}  // namespace trib::gateway::forward
