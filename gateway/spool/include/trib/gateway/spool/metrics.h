#pragma once

#include <cstdint>

namespace trib::gateway::spool {

/// Since opening. Drop totals are durable and live in DropTotals.
struct Metrics {
  std::uint64_t stored = 0;
  std::uint64_t duplicates = 0;  ///< resent while still here
  std::uint64_t refused = 0;     ///< no room under kReject
  std::uint64_t deleted = 0;
  std::uint64_t commits = 0;
  std::uint64_t decided = 0;   ///< outcomes written beside deferred records
  std::uint64_t failures = 0;  ///< transactions that the disk refused
};

}  // namespace trib::gateway::spool
