// trib-cloud: ingest, store, registry and the admin socket in one process.
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "trib/cloud/app/cloud.h"
#include "trib/cloud/app/config.h"
#include "trib/common/host/cli/daemon.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/logging/log.h"

namespace {

using namespace trib;  // NOLINT(google-build-using-namespace)

constexpr host::cli::DaemonNames kNames = {"trib-cloud", "cloud", "store"};

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  CLI::App app("Tributary's cloud: stores what gateways deliver, once, and keeps the registry.",
               std::string(kNames.program));
  host::cli::DaemonOptions options;
  host::cli::AddDaemonOptions(app, "deploy/cloud.toml", options);
  app.footer(
      "Runs until SIGINT or SIGTERM, then commits what was received and ends. Logs go to stderr.\n"
      "Exit codes:\n"
      "  0  stopped, or the configuration is good\n"
      "  1  could not start: a key, a port or the store cannot be used; one line says which\n"
      "  2  wrong usage or configuration; a line for each mistake\n"
      "Files:\n"
      "  deploy/cloud.toml  an example of the configuration with every key and its default\n"
      "  key                the cloud's secret key file, made by trib key new\n"
      "  [store] path       SQLite database of records, totals and the registry: back it up\n"
      "  ready_file         endpoints as one line of JSON, there while the sockets are open\n"
      "Examples:\n"
      "  trib-cloud --config cloud.toml --check-config\n"
      "  trib-cloud --config cloud.toml");
  if (const auto code = host::cli::ParseArguments(app, argc, argv)) {
    return *code;
  }
  host::logging::Configure(options.common.logging);

  cloud::Config config;
  std::vector<std::string> errors;
  const Status loaded = cloud::LoadConfig(options.config_path, config, errors);
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
  std::unique_ptr<cloud::Cloud> cloud;
  const auto start = [&](std::string& error) -> std::optional<host::cli::RunningDaemon> {
    auto started = cloud::Cloud::Start(config, error);
    if (!started.ok()) {
      return std::nullopt;
    }
    cloud = *std::move(started);
    const cloud::Endpoints& endpoints = cloud->endpoints();
    return host::cli::RunningDaemon{
        endpoints.south, endpoints.admin, config.store_path, [&] { cloud->Stop(); }};
  };
  return host::cli::Serve(kNames, config.ready_file, options.json, start);
}
