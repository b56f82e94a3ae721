#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/status/status.h"

/// What the daemons' mains share.
namespace trib::host::cli {

/// Prints what is wrong with a configuration, a line each, and with `json` also {"ok", "errors"} to
/// stdout.
///
/// @returns the exit code: kExitOk without errors, else kExitUsage.
int ReportConfigErrors(std::string_view program, const std::vector<std::string>& errors, bool json);

/// Writes `content` as one line, so that a reader finds all of it or no file. For its owner
/// only: it tells endpoints.
Status WriteReadyFile(const std::filesystem::path& path, const nlohmann::json& content);

}  // namespace trib::host::cli
