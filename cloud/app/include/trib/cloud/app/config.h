#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "trib/cloud/drift/types.h"
#include "trib/cloud/store/retention.h"
#include "trib/cloud/tail/types.h"
#include "trib/common/base/time.h"
#include "trib/common/crypto/crypto.h"
#include "trib/common/status/status.h"

namespace trib::cloud {

/// Networks, so that the cloud decides what no gateway has. Without a directory deferred windows
/// wait, up to `keep`.
struct TailsConfig {
  std::filesystem::path directory;
  std::vector<crypto::PublicKey> package_keys;
  tail::Options options;
};

/// Looks for drift of the fleet: docs/decisions/0014-drift.md.
struct DriftConfig {
  bool enabled = true;
  Millis look{3'600'000};                 ///< between looks
  Millis grace{std::int64_t{7'200'000}};  ///< after a block's end, for sketches that come late
  /// Packages that give features and labels their names, beside those of [tails].
  std::filesystem::path packages;
  drift::Options options;
};

/// Reference blocks a node from which on one block alone can be an alarm of a node: with fewer the
/// resolution of a fleet of any size is too coarse for the budget.
std::uint64_t ReferenceBlocksNeeded(const drift::Options& options);

/// What deploy/cloud.toml says.
struct Config {
  std::filesystem::path key_file;
  std::filesystem::path ready_file;  ///< empty: none

  std::string south_bind;
  std::uint32_t credit = 8;  ///< batches a gateway may have unacknowledged

  std::string admin_bind;
  std::vector<crypto::PublicKey> operators;

  std::filesystem::path store_path;
  Millis commit_interval{10};
  std::uint32_t commit_rows = 10000;
  std::uint64_t max_bytes = 0;
  std::uint32_t wal_autocheckpoint_pages = 10000;
  std::uint64_t cache_bytes = std::uint64_t{64} << 20U;
  store::RetentionPolicy retention;
  TailsConfig tails;
  DriftConfig drift;
};

/// Reads `path` into `config`. `errors` gets one line per mistake, with file, line and what would
/// be right.
///
/// @returns kNotFound, kInvalidArgument
Status LoadConfig(const std::filesystem::path& path,
                  Config& config,
                  std::vector<std::string>& errors);

}  // namespace trib::cloud
