#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

/// What the calls drift.* answer, as text for people. An answer of another shape gives dashes.
namespace trib::tools::trib_cli {

/// `now_ms`: what the operator's clock says, used where the answer has no clock of the cloud.
std::string DriftStatusText(const nlohmann::json& status, std::int64_t now_ms, bool color);

/// Of an alarm or of a node's standing: the numbers that decided, without the plots.
std::string DriftExplainText(const nlohmann::json& explained, std::int64_t now_ms, bool color);

std::string DriftHistoryText(const nlohmann::json& history, bool color);

/// One line: "alarm 7 (node 17): silenced until 2026-01-31 12:00:00.000Z".
std::string DriftAlarmLine(const nlohmann::json& alarm);

/// "node 17", "site of gateway 2", "firmware 3", "the fleet", "the model".
std::string DriftSubject(const nlohmann::json& alarm);

}  // namespace trib::tools::trib_cli
