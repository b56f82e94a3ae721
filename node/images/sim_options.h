#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trib/common/host/cli/program.h"

namespace trib::node::images {

/// What trib-node is told, by flags or by a file; a flag stands above the file.
struct SimOptions {
  host::cli::CommonOptions common;
  std::string config;
  bool check_config = false;
  std::uint64_t id = 0;
  std::string key;
  std::string gateway;
  std::string gateway_key;
  std::string serial;
  std::uint16_t serial_mtu = 256;
  std::string package;
  std::vector<std::string> package_keys;
  std::string state;
  bool no_sync = false;
  std::string replay;
  std::string board_memory;  ///< the file that says all but the gateway
  bool loop = false;
  std::optional<std::uint64_t> generate;
  std::string machine;
  std::optional<std::string> phases;
  std::vector<std::string> inject;
  std::string time_scale = "1";
  double pace = 1;  ///< from time_scale; 0 = max
  std::uint64_t seed = 0;
  bool exit_when_done = false;
  double drain_timeout_s = 30;
  double report_s = 0;
  bool json = false;

  /// Whether there is a gateway to talk to.
  [[nodiscard]] bool connected() const { return !gateway.empty() || !serial.empty(); }
};

/// Parses and checks the command line and the file it names.
/// @returns the exit code to end with, or nullopt to go on.
std::optional<int> ParseSimOptions(int argc, const char* const* argv, SimOptions& options);

}  // namespace trib::node::images
