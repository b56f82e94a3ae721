#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "trib/gateway/aggregate/metrics.h"
#include "trib/gateway/aggregate/types.h"

namespace trib::gateway::aggregate {

/// Per-minute rollups of the site and its nodes, by the gateway's time of receipt. Takes each
/// record once, after it became durable.
///
/// Memory   One NodeRollup (200 B) per node since the last Keep(), one open minute, at most
/// kMaxPackages sketches. Threads  One caller at a time. State    In memory only: a restart begins
/// new rollups; the cloud's own, made from records, are the
///          lasting ones.
class Aggregate {
 public:
  static constexpr std::size_t kMaxPackages = 64;

  /// `sealed` is the record as the spool stored it: link has judged it, so this does not again.
  void Add(std::string_view sealed, std::uint64_t received_ms);

  /// Forgets the rollups of all other nodes; their part in the totals stays.
  void Keep(const std::set<NodeId>& nodes);

  /// @returns the open minute when `now_ms` is past it: call about once a second.
  std::optional<MinuteRollup> TakeFinished(std::uint64_t now_ms);

  [[nodiscard]] std::vector<NodeRollup> nodes() const;
  [[nodiscard]] const Totals& total() const { return total_; }
  [[nodiscard]] Metrics metrics() const;

 private:
  struct PackageKey {
    PackageHash package_hash;
    RecipeId recipe_id;
    friend auto operator<=>(const PackageKey&, const PackageKey&) = default;
  };
  struct Sum {
    message::Sketch sketch;
    std::set<NodeId> nodes;
  };
  struct Minute {
    std::uint64_t begin_ms = 0;
    Totals totals;
    std::set<NodeId> nodes;
    std::map<PackageKey, Sum> sketches;
  };
  MinuteRollup Finish();

  std::map<NodeId, NodeRollup> nodes_;
  std::optional<Minute> minute_;
  std::optional<MinuteRollup> finished_;
  Totals total_;
  Metrics metrics_;
};

}  // namespace trib::gateway::aggregate
