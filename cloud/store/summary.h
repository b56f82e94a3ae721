#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "trib/cloud/ports/types.h"
#include "trib/cloud/store/retention.h"

namespace trib::cloud::store {

/// Sums of the records of one minute, node or gateway.
struct Sums {
  std::uint64_t records = 0;
  std::uint64_t events = 0;
  std::uint64_t faults = 0;
  std::uint64_t windows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t energy_nj = 0;

  void Add(const RecordRow& row) {
    ++records;
    events += row.kind == message::RecordKind::kEvent ? 1 : 0;
    faults += row.kind == message::RecordKind::kFault ? 1 : 0;
    // Only sketches partition a node's windows; events and faults repeat an episode's count.
    if (const auto* sketch = std::get_if<SketchSummary>(&row.body)) {
      windows += sketch->windows;
    }
    bytes += row.sealed.size();
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    energy_nj += std::min(row.header.energy_nj, kMost - energy_nj);
  }
};

/// What the new records of one transaction add up to, so that each summary row is written once.
struct Summary {
  std::map<std::pair<std::uint64_t, std::int64_t>, Sums> minutes;
  std::map<std::uint64_t, Sums> nodes;
  struct Newest {
    const RecordRow* row = nullptr;
    std::int64_t record = 0;
  };
  std::map<std::tuple<std::uint64_t, std::uint64_t, std::uint8_t>, Newest> newest;
  std::uint64_t now_ms = 0;
  Millis window = kDefaultRollupWindow;
  std::uint64_t moved = 0;  // records that count in another minute than they claim

  void Add(const RecordRow& row, std::int64_t record) {
    const std::uint64_t node = row.header.key.node.value();
    const std::int64_t time_ms = row.header.time.time_since_epoch().count();
    const std::int64_t minute = RollupMinute(time_ms, row.received_ms, now_ms, window);
    moved += time_ms < minute || time_ms - minute >= 60'000 ? 1U : 0U;
    minutes[{node, minute}].Add(row);
    nodes[node].Add(row);
    // Per epoch, because which of two epochs is newer is the table's decision.
    Newest& best =
        newest[{node, row.header.key.epoch.value(), static_cast<std::uint8_t>(row.kind)}];
    if (best.row == nullptr || row.header.key > best.row->header.key) {
      best = {&row, record};
    }
  }
};

}  // namespace trib::cloud::store
