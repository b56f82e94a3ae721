#include "trib/common/host/cli/daemon.h"

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>
#include <system_error>

#include "trib/common/host/cli/output.h"
#include "trib/common/host/cli/stop_signal.h"
#include "trib/common/host/files/files.h"
#include "trib/common/host/logging/log.h"

namespace trib::host::cli {

using logging::Level;
using logging::Log;

void AddDaemonOptions(CLI::App& app, std::string_view example, DaemonOptions& options) {
  app.add_option("--config",
                 options.config_path,
                 "Configuration file; " + std::string(example) + " has every key with its default")
      ->type_name("FILE")
      ->required();
  app.add_flag("--check-config",
               options.check_config,
               "Read the configuration and the key file that it names, say all mistakes, and end");
  app.add_flag("--json",
               options.json,
               "Print the endpoints when they are open, or what --check-config found, as JSON");
  AddCommonOptions(app, options.common);
}

int ReportConfigErrors(std::string_view program,
                       const std::vector<std::string>& errors,
                       bool json) {
  for (const std::string& error : errors) {
    PrintError(program, error);
  }
  if (json) {
    PrintJson({{"ok", errors.empty()}, {"errors", errors}});
  }
  return errors.empty() ? kExitOk : kExitUsage;
}

std::uint64_t RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
    (void)::getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

int Serve(const DaemonNames& names,
          const std::filesystem::path& ready_file,
          bool json,
          const std::function<std::optional<RunningDaemon>(std::string& error)>& start) {
  (void)RaiseFileLimit();
  const StopSignal stop;  // first, so that a signal during the start ends it in flow order
  std::string error;
  const std::optional<RunningDaemon> running = start(error);
  if (!running) {
    PrintError(names.program, error);
    return kExitFailed;
  }
  nlohmann::json place = {{"south", running->south}, {"admin", running->admin}};
  if (!running->serial.empty()) {
    place["serial"] = running->serial;
  }
  if (!ready_file.empty()) {
    const std::string line = place.dump() + "\n";
    if (!files::Replace(ready_file, 0600, std::as_bytes(std::span(line)), &error).ok()) {
      running->stop();
      PrintError(names.program, error);
      return kExitFailed;
    }
  }
  const std::string data = running->data.string();
  Log(Level::kInfo,
      names.tag,
      "ready: south ",
      running->south,
      ", admin ",
      running->admin,
      ", ",
      names.data,
      " ",
      data);
  if (json) {
    place[std::string(names.data)] = data;
    PrintJson(place);
    (void)std::fflush(stdout);
  }
  stop.Wait(-1);
  Log(Level::kInfo,
      names.tag,
      "stopping: committing what was received; the rest will be sent again");
  running->stop();
  if (!ready_file.empty()) {
    std::error_code ignored;
    std::filesystem::remove(ready_file, ignored);
  }
  Log(Level::kInfo, names.tag, "stopped");
  return kExitOk;
}

}  // namespace trib::host::cli
