// trib-gateway: link, aggregate, spool and forward in one process.
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trib/common/host/cli/daemon.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/logging/log.h"
#include "trib/gateway/app/config.h"
#include "trib/gateway/app/gateway.h"

namespace {

using namespace trib;  // NOLINT(google-build-using-namespace)

constexpr host::cli::DaemonNames kNames = {"trib-gateway", "gateway", "spool"};

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  CLI::App app(
      "Tributary's gateway: takes the records of a site's nodes, keeps them on disk and "
      "forwards them to the cloud.",
      std::string(kNames.program));
  host::cli::DaemonOptions options;
  host::cli::AddDaemonOptions(app, "deploy/gateway.toml", options);
  std::vector<std::string> serial;
  std::vector<std::uint64_t> serial_nodes;
  app.add_option("--serial",
                 serial,
                 "Also take nodes over a wire: a device, or TCP of this machine only, as it is not "
                 "encrypted yet; repeatable, besides [serial] endpoints")
      ->type_name("/dev/NAME[?baud=N]|tcp://127.0.0.1:PORT");
  app.add_option("--serial-node",
                 serial_nodes,
                 "A node that may speak over a wire; nobody else may; repeatable, besides [serial] "
                 "nodes")
      ->type_name("ID")
      ->check(CLI::Range(std::uint64_t{1}, UINT64_MAX, "ID"));
  app.footer(
      "Runs until SIGINT or SIGTERM, then commits what was received and ends. Logs go to stderr.\n"
      "Exit codes:\n"
      "  0  stopped, or the configuration is good\n"
      "  1  could not start: a key, a port or the spool cannot be used; one line says which\n"
      "  2  wrong usage or configuration; a line for each mistake\n"
      "Files:\n"
      "  deploy/gateway.toml  an example of the configuration with every key and its default\n"
      "  key                  this gateway's secret key file, made by trib key new\n"
      "  [spool] path         SQLite database of the records that the cloud does not have yet\n"
      "  ready_file           endpoints as one line of JSON, there while the sockets are open\n"
      "Examples:\n"
      "  trib-gateway --config gateway.toml --check-config\n"
      "  trib-gateway --config gateway.toml\n"
      "  trib-gateway --config gateway.toml --serial /dev/ttyUSB0?baud=115200 --serial-node 17");
  if (const auto code = host::cli::ParseArguments(app, argc, argv)) {
    return *code;
  }
  host::logging::Configure(options.common.logging);

  gateway::Config config;
  std::vector<std::string> errors;
  Status loaded = gateway::LoadConfig(options.config_path, config, errors);
  if (const Status added = gateway::AddSerialEndpoints(serial, config.serial, errors);
      loaded.ok() && !added.ok()) {
    loaded = added;
  }
  config.serial.nodes.insert(serial_nodes.begin(), serial_nodes.end());
  if (loaded.ok() && options.check_config) {
    // The file that it names must do as well; a start would find out too.
    std::string error;
    if (!host::identity::LoadKeyPair(config.key_file, &error).ok()) {
      errors.push_back(error);
    }
  }
  if (!loaded.ok() || options.check_config) {
    return host::cli::ReportConfigErrors(kNames.program, errors, options.json);
  }
  std::unique_ptr<gateway::Gateway> gateway;
  const auto start = [&](std::string& error) -> std::optional<host::cli::RunningDaemon> {
    auto started = gateway::Gateway::Start(config, error);
    if (!started.ok()) {
      return std::nullopt;
    }
    gateway = *std::move(started);
    const gateway::Endpoints& endpoints = gateway->endpoints();
    return host::cli::RunningDaemon{endpoints.south,
                                    endpoints.admin,
                                    config.spool.path,
                                    [&] { gateway->Stop(); },
                                    endpoints.serial};
  };
  return host::cli::Serve(kNames, config.ready_file, options.json, start);
}
