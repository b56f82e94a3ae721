#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "trib/tools/launcher/process.h"

namespace trib::tools::launcher {

/// A running trib-linksim: a bad wire between nodes and a gateway's serial endpoint.
///
/// Errors   One line for a person in `error`.
/// Threads  One caller.
/// State    The destructor kills it.
class LinkSim {
 public:
  struct Options {
    std::string program;                      ///< its path, e.g. Fleet::Program("trib-linksim")
    std::string connect;                      ///< e.g. Fleet::gateway_serial(1)
    std::vector<std::string> arguments = {};  ///< what it does to frames, e.g. "--loss", "20"
    std::filesystem::path log;
    std::chrono::milliseconds start_limit{60'000};
  };

  /// Returns when it listens; nullopt when it does not.
  static std::optional<LinkSim> Start(const Options& options, std::string& error);

  /// Where nodes, or an emulator's character device, connect: "tcp://127.0.0.1:PORT".
  [[nodiscard]] const std::string& endpoint() const { return endpoint_; }
  [[nodiscard]] Process& process() { return process_; }
  /// Ends it. @returns its counters: "up" and "down" with "frames", "dropped" and so on; null when
  ///   it had to be killed or failed.
  nlohmann::json Stop(std::chrono::milliseconds grace);

 private:
  LinkSim(Process process, std::string endpoint)
      : process_(std::move(process)), endpoint_(std::move(endpoint)) {}

  Process process_;
  std::string endpoint_;
};

}  // namespace trib::tools::launcher
