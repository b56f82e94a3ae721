#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "trib/common/message/types.h"

namespace trib::gateway::aggregate {

/// Sums over records.
struct Totals {
  std::uint64_t records = 0;
  std::uint64_t events = 0;
  std::uint64_t faults = 0;
  std::uint64_t windows = 0;  ///< that sketches cover
  std::uint64_t bytes = 0;    ///< of sealed records
  std::uint64_t energy_nj = 0;
};

struct NodeRollup {
  NodeId node;
  Totals minute;  ///< of the last minute that had records
  std::uint64_t minute_ms = 0;
  Totals total;                      ///< since the gateway started
  std::uint64_t last_record_ms = 0;  ///< gateway wall clock
  bool in_event = false;             ///< the last event was an onset or continues
  bool in_fault = false;             ///< the last fault was not a recovery
};

/// The sum of one minute's sketches of one package and recipe.
struct MergedSketch {
  PackageHash package_hash;
  RecipeId recipe_id;
  message::Sketch sketch;
  std::uint32_t nodes = 0;
};

/// One finished minute of the site.
struct MinuteRollup {
  std::uint64_t minute_ms = 0;
  Totals totals;
  std::uint32_t nodes_seen = 0;
  std::vector<MergedSketch> sketches;
};

}  // namespace trib::gateway::aggregate
