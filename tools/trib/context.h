#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/host/cli/program.h"
#include "trib/common/status/status.h"

namespace CLI {
class App;
}

namespace trib::tools::trib_cli {

/// Where the cloud is and who asks, as given on the command line. Empty: from the file.
struct ConnectionOptions {
  std::string config;
  std::string server;
  std::string server_key;
  std::string key;
  std::vector<std::string> labels;
};

/// What all commands share. A command's callback sets `run`; main() calls it once parsing is over.
struct Context {
  host::cli::CommonOptions common;
  bool json = false;
  ConnectionOptions connection;
  std::function<int()> run;

  [[nodiscard]] bool color() const;
};

/// Prints one line per text to stderr and, with --json, {"error":{"code","message"}} to stdout.
/// Gives `exit_code`, to be returned.
int Fail(const Context& context, int exit_code, Code code, const std::vector<std::string>& texts);
int Fail(const Context& context, int exit_code, Code code, const std::string& text);

// Each adds the commands of one noun.
void AddKeyCommands(CLI::App& app, Context& context);
void AddEnrolmentCommands(CLI::App& app, Context& context);
void AddPackageCommands(CLI::App& app, Context& context);
void AddBoardCommands(CLI::App& app, Context& context);
void AddModelCommands(CLI::App& app, Context& context);
/// One command of the noun `model`.
void AddModelEvaluation(CLI::App& noun, Context& context);
void AddFleetCommands(CLI::App& app, Context& context);
void AddEventCommands(CLI::App& app, Context& context);
void AddDriftCommands(CLI::App& app, Context& context);
/// One command of the noun `drift`.
void AddDriftRecalibration(CLI::App& noun, Context& context);
void AddDoctorCommand(CLI::App& app, Context& context);
void AddRecordingCommands(CLI::App& app, Context& context);
void AddWorkloadCommands(CLI::App& app, Context& context);
void AddCompletionCommand(CLI::App& app, Context& context);

}  // namespace trib::tools::trib_cli
