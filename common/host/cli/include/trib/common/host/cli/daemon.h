#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/host/cli/program.h"
#include "trib/common/status/status.h"

/// What the daemons' mains share.
namespace trib::host::cli {

struct DaemonOptions {
  std::string config_path;
  bool check_config = false;
  bool json = false;
  CommonOptions common;
};

/// Adds --config, --check-config, --json and the common options to `app`; parsing fills `options`,
/// which must outlive `app`. `example` is the configuration file that --help points to.
void AddDaemonOptions(CLI::App& app, std::string_view example, DaemonOptions& options);

/// Prints what is wrong with a configuration, a line each, and with `json` also {"ok", "errors"} to
/// stdout.
///
/// @returns the exit code: kExitOk without errors, else kExitUsage.
int ReportConfigErrors(std::string_view program, const std::vector<std::string>& errors, bool json);

/// Raises this process's limit of open files to the most that it may: each peer takes one.
/// @returns the limit then.
std::uint64_t RaiseFileLimit();

/// A daemon that was started.
struct RunningDaemon {
  std::string south;
  std::string admin;
  std::filesystem::path data;
  std::function<void()> stop;            ///< ends it in flow order; blocks until it has ended
  std::vector<std::string> serial = {};  ///< endpoints of wires, if any
};

/// How Serve() names a daemon.
struct DaemonNames {
  std::string_view program;  ///< trib-cloud
  std::string_view tag;      ///< of its log lines: cloud
  std::string_view data;     ///< what it keeps its data in: store
};

/// Starts a daemon and runs it until SIGINT or SIGTERM, then stops it. While it runs its endpoints
/// stand in `ready_file`, one line of JSON that is whole or absent and for its owner only, unless
/// that path is empty; with `json` also on stdout, there with the data's path.
///
/// Threads  The main one; no StopSignal may exist.
/// @param start  gives nothing, and one line in its argument, when it could not
/// @returns the exit code
int Serve(const DaemonNames& names,
          const std::filesystem::path& ready_file,
          bool json,
          const std::function<std::optional<RunningDaemon>(std::string& error)>& start);

}  // namespace trib::host::cli
