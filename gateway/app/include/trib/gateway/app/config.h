#pragma once

#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "trib/common/base/ids.h"
#include "trib/common/base/time.h"
#include "trib/common/crypto/crypto.h"
#include "trib/common/host/serial/endpoint.h"
#include "trib/common/status/status.h"
#include "trib/gateway/spool/types.h"
#include "trib/gateway/tail/types.h"

namespace trib::gateway {

/// Networks, so that the gateway finishes what nodes defer. Without a directory it passes all on.
struct TailsConfig {
  std::filesystem::path directory;
  std::vector<crypto::PublicKey> package_keys;
  tail::Options options;
};

/// Wires to nodes beside ZeroMQ: neither encrypted nor authenticated yet. Nobody may speak over one
/// unless named.
struct SerialConfig {
  std::vector<host::serial::Endpoint> endpoints;
  std::set<std::uint64_t> nodes;
};

/// What deploy/gateway.toml says; the meaning of each key is explained there.
struct Config {
  GatewayId id;
  std::filesystem::path key_file;
  std::filesystem::path ready_file;  ///< empty: none
  std::string south_bind = "tcp://127.0.0.1:7400";
  std::uint32_t credit_bytes = 64 * 1024;
  std::uint64_t memory_bytes = std::uint64_t{64} << 20U;
  SerialConfig serial;
  std::string north_endpoint;
  crypto::PublicKey cloud_key;
  std::string admin_bind = "tcp://127.0.0.1:7401";
  std::vector<crypto::PublicKey> operators;
  spool::Options spool;
  Millis commit_interval{10};
  TailsConfig tails;
};

/// @returns kNotFound or kInvalidArgument with one line per mistake in `errors`.
Status LoadConfig(const std::filesystem::path& path,
                  Config& config,
                  std::vector<std::string>& errors);

/// Adds endpoints of the command line. @returns kInvalidArgument with one line per mistake.
Status AddSerialEndpoints(std::span<const std::string> endpoints,
                          SerialConfig& serial,
                          std::vector<std::string>& errors);

}  // namespace trib::gateway
