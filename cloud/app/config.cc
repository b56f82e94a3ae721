#include "trib/cloud/app/config.h"

#include <algorithm>
#include <cmath>

#include "trib/common/host/config/config_file.h"
#include "trib/common/host/identity/identity.h"

namespace trib::cloud {
namespace {

using host::config::ConfigFile;

/// Public keys that CURVE and signatures can use; notes an error for each that is none.
std::vector<crypto::PublicKey> ReadKeys(ConfigFile& file,
                                        std::string_view name,
                                        std::string_view whose) {
  std::vector<crypto::PublicKey> keys;
  for (const std::string& hex : file.Strings(name)) {
    const Result<crypto::PublicKey> key = host::identity::ParsePublicKeyHex(hex);
    if (key.ok() && host::identity::ToCurve(*key).ok()) {
      keys.push_back(*key);
    } else {
      file.Fail(name,
                "\"" + hex.substr(0, 80) + "\" is no public key; give the 64 hex digits of " +
                    std::string(whose) + " .pub file");
    }
  }
  return keys;
}

void ReadTails(ConfigFile& file, Config& config) {
  TailsConfig& tails = config.tails;
  tails.package_keys = ReadKeys(file, "tails.package_keys", "a package key's");
  if (!file.String("tails.directory", "").empty()) {
    tails.directory = file.Path("tails.directory");
    if (file.Strings("tails.package_keys").empty()) {
      file.Fail("tails.directory",
                "needs tails.package_keys: the public keys whose packages are trusted");
    }
  }
  tail::Options& options = tails.options;
  options.batch = static_cast<std::size_t>(
      file.Int("tails.batch", static_cast<std::int64_t>(options.batch), {1, 256}));
  options.deadline = file.Duration("tails.deadline", options.deadline, {Millis(0), Millis(10'000)});
  constexpr Millis kWeek{std::int64_t{7} * 86'400'000};
  constexpr Millis kLongest{std::int64_t{100} * 366 * 86'400'000};
  config.retention.undecided = file.Duration("tails.keep", kWeek, {Millis(60'000), kLongest});
}

void ReadDrift(ConfigFile& file, Config& config) {
  constexpr Millis kDay{86'400'000};
  DriftConfig& drift = config.drift;
  drift::Options& options = drift.options;
  drift.enabled = file.Bool("drift.enabled", drift.enabled);
  options.block = file.Duration("drift.block", options.block, {Millis(1'000), 31 * kDay});
  drift.look = file.Duration("drift.look", drift.look, {Millis(100), 7 * kDay});
  drift.grace = file.Duration("drift.grace", drift.grace, {Millis(0), 31 * kDay});
  options.week = file.Duration("drift.week", options.week, {Millis(1'000), 366 * kDay});
  options.budget_per_week =
      file.Double("drift.budget_per_week", options.budget_per_week, {0.001, 1000});
  options.reference_blocks = static_cast<std::uint32_t>(
      file.Int("drift.reference_blocks", options.reference_blocks, {4, 400}));
  options.min_windows = static_cast<std::uint32_t>(
      file.Int("drift.min_windows", options.min_windows, {1, 1'000'000'000}));
  options.min_psi = file.Double("drift.min_psi", options.min_psi, {0, 10});
  options.sum_part = file.Double("drift.sum_part", options.sum_part, {0, 0.9});
  options.embedding_part = file.Double("drift.embedding_part", options.embedding_part, {0, 1});
  if (options.week < options.block) {
    file.Fail("drift.week", "must be at least as long as drift.block");
  }
  if (!file.String("drift.packages", "").empty()) {
    drift.packages = file.Path("drift.packages");
    if (file.Strings("tails.package_keys").empty()) {
      file.Fail("drift.packages",
                "needs tails.package_keys: the public keys whose packages are trusted");
    }
  }
  constexpr Millis kLongest{std::int64_t{100} * 366 * 86'400'000};
  config.retention.drift = file.Duration("retention.drift", Millis(0), {Millis(0), kLongest});
}

}  // namespace

std::uint64_t ReferenceBlocksNeeded(const drift::Options& options) {
  // One block of n nodes' is rejected when its p, 1 / (1 + n x blocks) at the least, is not above
  // share x budget x block / week / n.
  const double alpha = options.shares.node * (1 - options.sum_part) * options.budget_per_week *
                       static_cast<double>(options.block.count()) /
                       static_cast<double>(options.week.count());
  return static_cast<std::uint64_t>(std::ceil(1 / std::min(alpha, 1.0) - 1e-9));
}

Status LoadConfig(const std::filesystem::path& path,
                  Config& config,
                  std::vector<std::string>& errors) {
  ConfigFile file = ConfigFile::Load(path);
  config.key_file = file.Path("key");
  config.ready_file = file.Path("ready_file", std::filesystem::path());

  config.south_bind = file.String("south.bind", "tcp://127.0.0.1:7410");
  config.credit = static_cast<std::uint32_t>(file.Int("south.credit", 8, {1, 64}));

  config.admin_bind = file.String("admin.bind", "tcp://127.0.0.1:7411");
  config.operators = ReadKeys(file, "admin.operators", "an operator's");

  config.store_path = file.Path("store.path");
  config.commit_interval =
      file.Duration("store.commit_interval", Millis(10), {Millis(0), Millis(1000)});
  config.commit_rows =
      static_cast<std::uint32_t>(file.Int("store.commit_rows", 10000, {1, 1'000'000}));
  config.max_bytes = file.Size("store.max_size", 0, {0, std::uint64_t{1} << 44U});
  config.wal_autocheckpoint_pages =
      static_cast<std::uint32_t>(file.Int("store.wal_pages", 10000, {100, 1'000'000}));
  config.cache_bytes = file.Size(
      "store.cache", config.cache_bytes, {std::uint64_t{1} << 20U, std::uint64_t{16} << 30U});
  constexpr Millis kLongest{std::int64_t{100} * 366 * 86'400'000};
  store::RetentionPolicy& retention = config.retention;
  retention.records = file.Duration("retention.records", Millis(0), {Millis(0), kLongest});
  retention.rollups = file.Duration("retention.minutes", Millis(0), {Millis(0), kLongest});
  retention.reports = file.Duration("retention.reports", Millis(0), {Millis(0), kLongest});
  retention.audit = file.Duration("retention.audit", Millis(0), {Millis(0), kLongest});
  retention.max_records =
      static_cast<std::uint64_t>(file.Int("retention.max_records", 0, {0, std::int64_t{1} << 50U}));
  retention.max_bytes = file.Size("retention.max_size", 0, {0, std::uint64_t{1} << 44U});
  ReadTails(file, config);
  ReadDrift(file, config);
  const Status status = file.Finish();
  errors = file.errors();
  return status;
}

}  // namespace trib::cloud
