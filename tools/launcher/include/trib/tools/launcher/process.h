#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace trib::tools::launcher {

/// How a child process ended.
struct Exit {
  int code = 0;    ///< exit code, or -1 when a signal ended it
  int signal = 0;  ///< the signal, or 0
  [[nodiscard]] bool clean() const { return code == 0; }
  /// "exit code 1" or "signal 9 (Killed)".
  [[nodiscard]] std::string Describe() const;
};

/// A child process that cannot outlive us: the kernel kills it when this process dies, and the
/// destructor kills and reaps it.
///
/// Threads  One caller at a time.
class Process {
 public:
  struct Options {
    std::vector<std::string> argv;              ///< argv[0] is the program's path
    std::filesystem::path log;                  ///< standard error (and output, unless captured)
    bool capture_stdout = false;                ///< ReadLines() then gives its standard output
    std::vector<std::string> environment = {};  ///< "NAME=VALUE", added to this process's own
  };

  /// Starts the child. @returns nullopt with `error` set when it could not be started.
  static std::optional<Process> Start(const Options& options, std::string& error);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// How it ended, once it has; never blocks.
  std::optional<Exit> Poll();
  void Signal(int signal);
  /// Waits for the end. @returns nullopt when it still runs after `limit`.
  std::optional<Exit> Wait(std::chrono::milliseconds limit);
  /// SIGTERM, then after `grace` SIGKILL; reaps.
  Exit Stop(std::chrono::milliseconds grace);
  /// kill -9, reaps.
  void Kill();
  /// Complete lines of captured standard output that came since the last call. Never blocks.
  std::vector<std::string> ReadLines();
  /// Last line of the log file, for an error message.
  [[nodiscard]] std::string LastLogLine() const;

 private:
  Process() = default;
  void Release();

  pid_t pid_ = -1;
  int stdout_fd_ = -1;
  std::string partial_;
  std::filesystem::path log_;
  std::optional<Exit> exit_;
};

/// Calls `condition` until it is true or `limit` has passed. @returns its last value.
bool WaitUntil(const std::function<bool()>& condition, std::chrono::milliseconds limit);

}  // namespace trib::tools::launcher
