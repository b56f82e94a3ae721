#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "context.h"
#include "labels.h"
#include "trib/common/base/time.h"
#include "trib/common/host/control/types.h"

namespace trib::tools::trib_cli {

/// The options of the command line over those of the configuration file.
struct Settings {
  std::optional<std::filesystem::path> file;  ///< the configuration file that was read
  std::string server;                         ///< e.g. "tcp://127.0.0.1:7411"
  std::string server_key;                     ///< 64 hex digits, or the path of a public key file
  std::filesystem::path key;                  ///< the operator's secret key file
  std::vector<std::string> labels;            ///< package files
  Millis timeout{5'000};
};

/// The file that is read: --config, else $TRIB_CONFIG, else tributary/trib.toml in the user's
/// configuration folder if it is there.
std::optional<std::filesystem::path> ConfigPath(const ConnectionOptions& options);

/// @returns what is to be used; or, after appending one-line texts to `errors`, kNotFound or
///   kInvalidArgument for the file. Absent settings stay empty.
Status ReadSettings(const ConnectionOptions& options,
                    Settings& settings,
                    std::vector<std::string>& errors);

/// One operator's connection to the cloud's admin socket.
class Connection {
 public:
  /// Reads keys and connects; the first Call() finds out whether somebody is there.
  ///
  /// @returns the connection, or nullptr after filling `error`; kInvalidArgument means that a
  ///   setting is missing or wrong.
  static std::unique_ptr<Connection> Open(const Settings& settings,
                                          host::control::ControlError& error);
  ~Connection();

  /// As ControlClient::Call().
  host::control::Outcome Call(std::string_view name, const nlohmann::json& args);

 private:
  struct Impl;
  explicit Connection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The exit code for what a call answered.
int ExitCodeFor(Code code);

/// Reads settings, connects and opens; on failure reports and sets `exit_code`.
std::unique_ptr<Connection> Connect(const Context& context, int& exit_code);

/// Reads the packages whose label names are to be shown; on failure reports and sets `exit_code`.
bool ReadLabels(const Context& context, LabelNames& labels, int& exit_code);

/// Connects, calls once and names labels. @returns kExitOk with `result`; else it was reported.
int CallAndTake(const Context& context,
                std::string_view call,
                const nlohmann::json& args,
                nlohmann::json& result);

/// Connects, calls once, names labels, and gives the result to `show` (or prints it with --json).
int CallAndShow(const Context& context,
                std::string_view call,
                const nlohmann::json& args,
                const std::function<void(const nlohmann::json& result)>& show);

}  // namespace trib::tools::trib_cli
