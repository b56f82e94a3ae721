// trib-cloud: ingest, store, registry and the admin socket in one process.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "trib/cloud/app/cloud.h"
#include "trib/cloud/app/config.h"
#include "trib/common/host/cli/daemon.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/cli/stop_signal.h"
#include "trib/common/host/logging/log.h"

namespace {

using namespace trib;  // NOLINT(google-build-using-namespace)
using host::logging::Level;
using host::logging::Log;

constexpr const char* kProgram = "trib-cloud";

int Serve(const cloud::Config& config, bool json) {
  const host::cli::StopSignal stop;  // before any thread, so that threads inherit the mask
  std::string error;
  Result<std::unique_ptr<cloud::Cloud>> started = cloud::Cloud::Start(config, error);
  if (!started.ok()) {
    host::cli::PrintError(kProgram, error);
    return host::cli::kExitFailed;
  }
  const cloud::Endpoints& endpoints = (*started)->endpoints();
  if (!config.ready_file.empty() &&
      !host::cli::WriteReadyFile(config.ready_file,
                                 {{"south", endpoints.south}, {"admin", endpoints.admin}})
           .ok()) {
    host::cli::PrintError(kProgram, config.ready_file.string() + ": cannot be written");
    return host::cli::kExitFailed;
  }
  Log(Level::kInfo,
      "cloud",
      "ready: south ",
      endpoints.south,
      ", admin ",
      endpoints.admin,
      ", store ",
      config.store_path.string());
  if (json) {
    host::cli::PrintJson({{"south", endpoints.south},
                          {"admin", endpoints.admin},
                          {"store", config.store_path.string()}});
    (void)std::fflush(stdout);
  }
  stop.Wait(-1);
  Log(Level::kInfo, "cloud", "stopping: committing what was received; the rest will be sent again");
  (*started)->Stop();
  if (!config.ready_file.empty()) {
    std::error_code ignored;
    std::filesystem::remove(config.ready_file, ignored);
  }
  Log(Level::kInfo, "cloud", "stopped");
  return host::cli::kExitOk;
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  CLI::App app("Tributary's cloud: stores what gateways deliver, once, and keeps the registry.",
               kProgram);
  std::string config_path;
  bool check_config = false;
  bool json = false;
  host::cli::CommonOptions common;
  app.add_option("--config", config_path, "configuration file (see deploy/cloud.toml)")->required();
  app.add_flag("--check-config", check_config, "only check the configuration file");
  app.add_flag("--json", json, "print results as JSON on standard output");
  host::cli::AddCommonOptions(app, common);
  if (const auto code = host::cli::ParseArguments(app, argc, argv)) {
    return *code;
  }
  host::logging::Configure(common.logging);

  cloud::Config config;
  std::vector<std::string> errors;
  const Status loaded = cloud::LoadConfig(config_path, config, errors);
  if (!loaded.ok() || check_config) {
    return host::cli::ReportConfigErrors(kProgram, errors, json);
  }
  return Serve(config, json);
}
