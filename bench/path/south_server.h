#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "bare_curve.h"
#include "measure.h"

namespace trib::bench::path {

/// The gateway's south thread in a process of its own, as trib-gateway composes it, with every
/// record called durable as soon as it was offered.
class SouthServer {
 public:
  SouthServer(const Run& run, const std::string& name, std::uint64_t first, std::size_t nodes);
  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  [[nodiscard]] std::string endpoint() const;
  [[nodiscard]] KeyBytes key() const { return state_->public_key; }

 private:
  SharedState state_;
  std::optional<tools::launcher::Process> process_;
};

/// Body of the process; runs until it is killed.
[[noreturn]] void ServeSouth(std::uint64_t first,
                             std::size_t nodes,
                             const std::filesystem::path& state_file);

}  // namespace trib::bench::path
