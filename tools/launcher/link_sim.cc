#include "trib/tools/launcher/link_sim.h"

#include <utility>

namespace trib::tools::launcher {

using nlohmann::json;

std::optional<LinkSim> LinkSim::Start(const Options& options, std::string& error) {
  Process::Options run{.argv = {options.program, "--connect", options.connect, "--json"},
                       .log = options.log,
                       .capture_stdout = true};
  run.argv.insert(run.argv.end(), options.arguments.begin(), options.arguments.end());
  auto process = Process::Start(run, error);
  if (!process) {
    return std::nullopt;
  }
  std::vector<std::string> lines;
  WaitUntil(
      [&] {
        lines = process->ReadLines();
        return !lines.empty() || process->Poll();
      },
      options.start_limit);
  const json first = lines.empty() ? json() : json::parse(lines.front(), nullptr, false);
  if (!first.is_object() || !first.contains("listen")) {
    error = "trib-linksim: " + process->LastLogLine();
    return std::nullopt;
  }
  return LinkSim(*std::move(process), first["listen"].get<std::string>());
}

json LinkSim::Stop(std::chrono::milliseconds grace) {
  if (!process_.Stop(grace).clean()) {
    return nullptr;
  }
  const auto lines = process_.ReadLines();
  return lines.empty() ? json() : json::parse(lines.back(), nullptr, false);
}

}  // namespace trib::tools::launcher
