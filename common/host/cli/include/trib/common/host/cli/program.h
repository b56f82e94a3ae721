#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trib/common/host/logging/log.h"

namespace CLI {
class App;
}

namespace trib::host::cli {

/// What every program of Tributary ends with.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,    ///< tried, and could not: unreachable, corrupt, a check found something
  kExitUsage = 2,     ///< the command line or a configuration file is wrong; nothing was tried
  kExitRefused = 3,   ///< the other side answered no: not found, exists already, not permitted
  kExitDegraded = 4,  ///< done, but not as asked: trib-node ran without the package it was given
};

/// "0.1.0 (a1b2c3d)": the version and the commit, when that was known at configure time.
std::string_view Version();

/// Options that every program has.
struct CommonOptions {
  logging::Options logging;
  bool no_color = false;
};

/// Adds --version, --log-level, --log-json and --no-color to `app`; parsing fills `options`, which
/// must outlive `app`.
void AddCommonOptions(CLI::App& app, CommonOptions& options);

/// Parses the command line. --help and --version print to stdout; a mistake prints one line to
/// stderr that names it, what was probably meant, and where help is.
///
/// @returns the exit code to end with, or nullopt when the program is to go on.
std::optional<int> ParseArguments(CLI::App& app, int argc, const char* const* argv);

/// Prints "program: text" to stderr as one line.
void PrintError(std::string_view program, std::string_view text);

/// Whether to colour what goes to `fd`: a terminal, NO_COLOR unset or empty, --no-color not given.
bool UseColor(bool no_color, int fd);

/// `text` without control characters, so that what a peer or a file says cannot steer a terminal.
std::string Clean(std::string_view text);

}  // namespace trib::host::cli
