// trib-gateway: link, aggregate, spool and forward in one process.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "trib/common/host/cli/daemon.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/cli/stop_signal.h"
#include "trib/common/host/logging/log.h"
#include "trib/gateway/app/config.h"
#include "trib/gateway/app/gateway.h"

namespace {

using namespace trib;  // NOLINT(google-build-using-namespace)
using host::logging::Level;
using host::logging::Log;

constexpr const char* kProgram = "trib-gateway";

int Serve(const gateway::Config& config, bool json) {
  const host::cli::StopSignal stop;
  std::string error;
  const auto started = gateway::Gateway::Start(config, error);
  if (!started.ok()) {
    host::cli::PrintError(kProgram, error);
    return host::cli::kExitFailed;
  }
  const gateway::Endpoints& endpoints = (*started)->endpoints();
  if (!config.ready_file.empty() &&
      !host::cli::WriteReadyFile(config.ready_file,
                                 {{"south", endpoints.south}, {"admin", endpoints.admin}})
           .ok()) {
    host::cli::PrintError(kProgram, config.ready_file.string() + ": cannot be written");
    return host::cli::kExitFailed;
  }
  Log(Level::kInfo,
      "gateway",
      "ready: south ",
      endpoints.south,
      ", admin ",
      endpoints.admin,
      ", spool ",
      config.spool.path.string());
  if (json) {
    host::cli::PrintJson({{"south", endpoints.south},
                          {"admin", endpoints.admin},
                          {"spool", config.spool.path.string()}});
    (void)std::fflush(stdout);
  }
  stop.Wait(-1);
  Log(Level::kInfo,
      "gateway",
      "stopping: committing what was received; the rest will be sent again");
  (*started)->Stop();
  if (!config.ready_file.empty()) {
    std::error_code ignored;
    std::filesystem::remove(config.ready_file, ignored);
  }
  Log(Level::kInfo, "gateway", "stopped");
  return host::cli::kExitOk;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  CLI::App app(
      "Tributary's gateway: takes the records of a site's nodes, keeps them on disk and "
      "forwards them to the cloud.",
      kProgram);
  std::string config_path;
  bool check_config = false;
  bool json = false;
  host::cli::CommonOptions common;
  app.add_option("--config", config_path, "Configuration file (see deploy/gateway.toml)")
      ->type_name("FILE")
      ->required();
  app.add_flag("--check-config", check_config, "Check the configuration and end");
  app.add_flag("--json", json, "Print JSON to stdout");
  host::cli::AddCommonOptions(app, common);
  if (const auto exit = host::cli::ParseArguments(app, argc, argv)) {
    return *exit;
  }
  host::logging::Configure(common.logging);
  gateway::Config config;
  std::vector<std::string> errors;
  const Status loaded = gateway::LoadConfig(config_path, config, errors);
  if (!loaded.ok() || check_config) {
    return host::cli::ReportConfigErrors(kProgram, errors, json);
  }
  return Serve(config, json);
}
