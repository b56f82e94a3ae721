#include "trib/gateway/app/config.h"

#include <algorithm>
#include <limits>

#include "trib/common/host/config/config_file.h"
#include "trib/common/host/identity/identity.h"

namespace trib::gateway {
namespace {

/// A key that CURVE can use; notes an error otherwise.
bool ParseKey(host::config::ConfigFile& file,
              std::string_view name,
              const std::string& hex,
              crypto::PublicKey& key) {
  const auto parsed = host::identity::ParsePublicKeyHex(hex);
  if (!parsed.ok() || !host::identity::ToCurve(*parsed).ok()) {
    file.Fail(
        name,
        "\"" + hex.substr(0, 80) + "\" is no public key; give the 64 hex digits of a .pub file");
    return false;
  }
  key = *parsed;
  return true;
}

void ReadTails(host::config::ConfigFile& file, TailsConfig& tails) {
  for (const std::string& hex : file.Strings("tails.package_keys")) {
    crypto::PublicKey key;
    if (ParseKey(file, "tails.package_keys", hex, key)) {
      tails.package_keys.push_back(key);
    }
  }
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
  options.patience =
      file.Duration("tails.patience", options.patience, {Millis(100), Millis(86'400'000)});
}

/// @returns what is wrong with it, or an empty text.
std::string AddEndpoint(const std::string& text, SerialConfig& serial) {
  std::string error;
  const auto endpoint = host::serial::ParseEndpoint(text, host::serial::Use::kListen, error);
  if (!endpoint.ok()) {
    return error;
  }
  const auto& known = serial.endpoints;
  if (endpoint->kind == host::serial::Endpoint::Kind::kDevice &&
      std::any_of(known.begin(), known.end(), [&](const auto& other) {
        return other.path == endpoint->path;
      })) {
    return "\"" + text + "\" is named twice";
  }
  serial.endpoints.push_back(*endpoint);
  return {};
}

void ReadSerial(host::config::ConfigFile& file, SerialConfig& serial) {
  for (const std::string& text : file.Strings("serial.endpoints")) {
    if (const std::string wrong = AddEndpoint(text, serial); !wrong.empty()) {
      file.Fail("serial.endpoints", wrong);
    }
  }
  for (const std::int64_t node :
       file.Ints("serial.nodes", {1, std::numeric_limits<std::int64_t>::max()})) {
    serial.nodes.insert(static_cast<std::uint64_t>(node));
  }
}

}  // namespace

Status AddSerialEndpoints(std::span<const std::string> endpoints,
                          SerialConfig& serial,
                          std::vector<std::string>& errors) {
  const std::size_t before = errors.size();
  for (const std::string& text : endpoints) {
    if (const std::string wrong = AddEndpoint(text, serial); !wrong.empty()) {
      errors.push_back("--serial: " + wrong);
    }
  }
  return errors.size() == before ? Status() : Status(Code::kInvalidArgument);
}

Status LoadConfig(const std::filesystem::path& path,
                  Config& config,
                  std::vector<std::string>& errors) {
  host::config::ConfigFile file = host::config::ConfigFile::Load(path);
  config.id = GatewayId(
      static_cast<std::uint64_t>(file.Int("id", {1, std::numeric_limits<std::int64_t>::max()})));
  config.key_file = file.Path("key");
  config.ready_file = file.Path("ready_file", std::filesystem::path());

  config.south_bind = file.String("south.bind", config.south_bind);
  config.credit_bytes = static_cast<std::uint32_t>(
      file.Size("south.credit", config.credit_bytes, {4096, std::uint64_t{16} << 20U}));
  config.memory_bytes = file.Size(
      "south.memory", config.memory_bytes, {std::uint64_t{1} << 20U, std::uint64_t{1} << 34U});

  ReadSerial(file, config.serial);

  config.north_endpoint = file.String("north.endpoint");
  if (file.Has("north.cloud_key")) {
    ParseKey(file, "north.cloud_key", file.String("north.cloud_key"), config.cloud_key);
  } else {
    (void)file.String("north.cloud_key");  // notes that it is missing
  }

  config.admin_bind = file.String("admin.bind", config.admin_bind);
  for (const std::string& hex : file.Strings("admin.operators")) {
    crypto::PublicKey key;
    if (ParseKey(file, "admin.operators", hex, key)) {
      config.operators.push_back(key);
    }
  }

  config.spool.path = file.Path("spool.path");
  config.spool.max_bytes =
      file.Size("spool.max_bytes", config.spool.max_bytes, {65'536, std::uint64_t{1} << 44U});
  config.spool.max_records =
      static_cast<std::uint64_t>(file.Int("spool.max_records",
                                          static_cast<std::int64_t>(config.spool.max_records),
                                          {1, std::int64_t{1} << 40U}));
  constexpr std::string_view kPolicies[] = {"reject", "drop_low_priority"};
  config.spool.policy = file.Enum("spool.policy", kPolicies[0], kPolicies) == kPolicies[0]
                            ? spool::FullPolicy::kReject
                            : spool::FullPolicy::kDropLowPriority;
  config.commit_interval =
      file.Duration("spool.commit_interval", config.commit_interval, {Millis(0), Millis(1000)});
  ReadTails(file, config.tails);
  const Status status = file.Finish();
  errors = file.errors();
  return status;
}

}  // namespace trib::gateway
