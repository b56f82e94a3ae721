#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "drift_loop.h"
#include "package_names.h"
#include "store_loop.h"
#include "trib/cloud/app/config.h"
#include "trib/cloud/drift/types.h"
#include "trib/cloud/store/drift_reader.h"
#include "trib/common/host/control/registry.h"

namespace trib::cloud {

/// The calls drift.*: docs/formats/admin_calls.md.
///
/// Threads  The admin thread's.
class DriftAdmin {
 public:
  /// `loop` is null where drift is not enabled: what the store has is told all the same.
  DriftAdmin(const DriftConfig& config,
             std::unique_ptr<store::DriftReader> reader,
             StoreLoop& store,
             const DriftLoop* loop,
             const PackageNames& names);

  void AddCalls(host::control::Registry& calls);
  /// For `stats`.
  nlohmann::json Stats();
  /// For `doctor`.
  void AddChecks(nlohmann::json& checks);

 private:
  using Json = nlohmann::json;
  using Outcome = host::control::Outcome;

  Outcome ShowStatus();
  Outcome Explain(const Json& args);
  Outcome ExplainAlarm(std::int64_t id);
  Outcome ExplainNode(NodeId node);
  Outcome History(const Json& args);
  Outcome Change(const Json& args, store::AlarmChange::Action action);
  Outcome Shift(const Json& args);
  Outcome ShiftOf(const std::vector<NodeId>& nodes, PackageHash package, std::uint64_t begin_ms);

  /// Of one package, or of all.
  Json ErrorsJson(std::optional<PackageHash> package = std::nullopt) const;
  Json NewestFlagsJson();
  Json FamiliesJson(const std::vector<store::DriftLookRow>& week, std::uint64_t watched) const;
  Json NodesJson(const std::vector<drift::NodeStanding>& standings, std::uint64_t since_ms);
  Json FlagsJson(const std::vector<NodeId>& nodes);
  [[nodiscard]] std::vector<drift::NodeStanding> Standings() const;
  [[nodiscard]] std::optional<drift::NodeStanding> StandingOf(NodeId node) const;
  /// A newest one that is not resolved and names the node.
  Result<std::optional<store::DriftAlarmRow>> AlarmOf(NodeId node);
  [[nodiscard]] Outcome ReadFailed(Status status) const;
  [[nodiscard]] Json WithNames(const store::DriftAlarmRow& alarm) const;

  const DriftConfig config_;
  const std::unique_ptr<store::DriftReader> reader_;
  StoreLoop& store_;
  const DriftLoop* loop_;
  const PackageNames& names_;
  const std::uint64_t started_ms_;
};

}  // namespace trib::cloud
