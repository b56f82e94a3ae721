#pragma once

#include <nlohmann/json_fwd.hpp>

#include "tail_loop.h"
#include "trib/cloud/ports/types.h"
#include "trib/cloud/registry/registry.h"
#include "trib/cloud/store/deferred_reader.h"
#include "trib/cloud/store/reader.h"

/// Results of control calls. Keys are stable: cloud/app/README.md lists them.
namespace trib::cloud {

const char* NameOf(DeviceKind kind);
const char* NameOf(DeviceState state);
const char* NameOf(message::RecordKind kind);

nlohmann::json ToJson(const store::NodeSummary& node);
nlohmann::json ToJson(const store::NodeDetail& node);
nlohmann::json ToJson(const store::GatewaySummary& gateway);
nlohmann::json ToJson(const store::NotableRecord& record);
nlohmann::json ToJson(const store::Stats& stats);
nlohmann::json ToJson(const registry::Outcome& outcome);
nlohmann::json ToJson(const store::StoredVerdict& verdict);
/// null when there is no tail.
nlohmann::json TailJson(const TailSnapshot& tail);

}  // namespace trib::cloud
