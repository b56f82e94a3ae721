#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/host/recording/manifest.h"
#include "trib/common/status/result.h"

namespace trib::tools::adapters {

/// The names of the known dialects, e.g. "cwru".
std::vector<std::string> DialectNames();

/// Reads `folder`/manifest.csv as `dialect` writes it. The manifest's files are absolute; they are
/// not looked at: see host::recording::Measure().
///
/// @returns a manifest of our own format; or, after appending one-line texts to `errors`,
///   kNotFound         no such dialect, or no manifest.csv in the folder
///   kInvalidArgument  a column is missing, or a field is not what its column holds
Result<host::recording::Manifest> Import(std::string_view dialect,
                                         const std::filesystem::path& folder,
                                         std::vector<std::string>& errors);

}  // namespace trib::tools::adapters
