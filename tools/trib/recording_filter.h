#pragma once

#include <string>
#include <vector>

#include "trib/common/host/recording/manifest.h"

namespace trib::tools::trib_cli {

/// Leaves the recordings that every KEY=PATTERN takes: label, file or a condition, with * ? [abc].
///
/// @returns false, with one line in `error`, when a filter is none, or nothing is left.
bool FilterRecordings(const std::vector<std::string>& filters,
                      host::recording::Manifest& manifest,
                      std::string& error);

}  // namespace trib::tools::trib_cli
