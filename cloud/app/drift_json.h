#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "package_names.h"
#include "trib/cloud/drift/names.h"
#include "trib/cloud/drift/types.h"
#include "trib/cloud/store/drift.h"

/// Drift as JSON, for the store and for control calls: docs/formats/admin_calls.md.
namespace trib::cloud {

const char* NameOf(store::AlarmState state);
/// "node 17", "the fleet".
std::string TextOf(const drift::Subject& subject);

/// Without names: those are added when somebody asks, when the package may be known.
nlohmann::json ToJson(const drift::Evidence& evidence);
nlohmann::json ToJson(const drift::FamilyLook& family);
/// `facts` may be null.
nlohmann::json ToJson(const store::DriftAlarmRow& alarm, const PackageFacts* facts);
nlohmann::json ToJson(const store::DriftLookRow& look, const std::vector<std::int64_t>& alarms);
nlohmann::json ToJson(const drift::NodeStanding& standing, const PackageFacts* facts);
nlohmann::json ToJson(const drift::ErrorStanding& errors);
nlohmann::json ToJson(const store::StoredFlag& flag, const PackageFacts* facts);
/// Every histogram of a node or of several, then and now.
nlohmann::json HistogramsJson(const drift::Block& then,
                              const drift::Block& now,
                              const PackageFacts* facts);

/// Adds `name` to each piece of evidence whose name is known.
void AddNames(nlohmann::json& evidence, const PackageFacts* facts);
/// Text that the store kept; `fallback` for one that is damaged.
nlohmann::json Parsed(const std::string& text, nlohmann::json fallback);

/// The nodes of an alarm as the store keeps them, and back; what is damaged is left out.
std::string NodesText(const std::vector<NodeId>& nodes);
std::vector<NodeId> NodesOf(const store::DriftAlarmRow& alarm);

store::DriftAlarmRow RowOf(const drift::Alarm& alarm, std::uint64_t raised_ms);
store::DriftLookRow RowOf(const drift::Look& look);
drift::Subject SubjectOf(const store::DriftAlarmRow& alarm);
drift::Block BlockOf(const store::DriftBlock& stored);

}  // namespace trib::cloud
