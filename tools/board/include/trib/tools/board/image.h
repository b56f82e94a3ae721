#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "trib/common/crypto/crypto.h"
#include "trib/common/package/types.h"
#include "trib/common/status/status.h"
#include "trib/node/board/identity_page.h"
#include "trib/node/sim/source.h"

namespace trib::tools::board {

/// What a board is to find in its memory.
struct ImageRequest {
  package::HardwareClass board = package::HardwareClass::kMps2An386;
  node::board::IdentityPage identity;  ///< package_bytes is filled in
  std::string package;                 ///< file; empty: none
  node::sim::SourceRequest source;     ///< `loop`: the memory does it
  std::vector<node::sim::InjectedFault> faults;
  std::vector<node::sim::InjectedDrift> drifts;
  std::optional<double> seconds;  ///< of the source at most; a source without end needs it
  crypto::SecretSeed entropy;
};

/// Names of boards, as in `--board`.
std::vector<std::string> BoardNames();
std::optional<package::HardwareClass> ParseBoard(std::string_view name);

/// Makes the file, which must not exist: whole or not at all, with holes where the board has memory
/// that is nobody's.
///
/// @returns after appending one-line texts to `errors`
///   kInvalidArgument   an option, the package or the source is wrong, or does not fit
///   kAlreadyExists     the file is there: it may hold a node's state
///   kUnavailable       it cannot be written
Status MakeImage(const ImageRequest& request,
                 const std::filesystem::path& path,
                 std::vector<std::string>& errors);

/// What lies in the file, for people and programs; null after one line in `error`. Changes nothing.
nlohmann::ordered_json Inspect(const std::filesystem::path& path, std::string& error);

}  // namespace trib::tools::board
