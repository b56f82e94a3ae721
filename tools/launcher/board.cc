#include "trib/tools/launcher/board.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace trib::tools::launcher {
namespace {

constexpr std::string_view kTcp = "tcp://";

bool IsM55(std::string_view board) {
  return board == "mps3-an547";
}

bool IsStatus(std::string_view line) {
  return line.starts_with("status ") || line.starts_with("ended ") || line.starts_with("done ");
}

/// Words in pairs, a name and its value.
nlohmann::json ParseStatus(const std::string& line) {
  std::istringstream words(line);
  nlohmann::json out;
  std::string name;
  std::string value;
  words >> value;
  out["progress"] = value;
  while (words >> name >> value) {
    const bool number = value.find_first_not_of("0123456789") == std::string::npos;
    out[name] = number ? nlohmann::json(std::stoull(value)) : nlohmann::json(value);
  }
  for (const char* tier : {"trigger", "classifier", "gateway", "cloud"}) {
    out["exits"][tier] = out.value(tier, std::uint64_t{0});
    out.erase(tier);
  }
  return out;
}

}  // namespace

std::vector<std::string> EmulatorCommand(const BoardMachine& machine) {
  const std::string address =
      machine.serial.starts_with(kTcp) ? machine.serial.substr(kTcp.size()) : machine.serial;
  const std::size_t colon = address.rfind(':');
  const std::string host = address.substr(0, colon);
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  // The memory's size is the board's, exactly; a board without it does not start.
  return {machine.emulator,
          "-machine",
          machine.board + ",memory-backend=nvm",
          "-object",
          "memory-backend-file,id=nvm,mem-path=" + machine.memory.string() +
              ",size=" + (IsM55(machine.board) ? "2G" : "16M") + ",share=on",
          "-display",
          "none",
          "-monitor",
          "none",
          "-chardev",
          "file,id=console,append=on,path=" + machine.console.string(),
          "-serial",
          "chardev:console",
          "-chardev",
          "socket,id=link,host=" + host + ",port=" + port + ",nodelay=on,reconnect=1",
          "-serial",
          "chardev:link",
          "-kernel",
          machine.image.string()};
}

std::optional<std::string> FindEmulator() {
  const char* path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "/usr/bin" : path;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const std::string program = std::string(rest.substr(0, colon)) + "/qemu-system-arm";
    rest.remove_prefix(std::min(colon + 1, rest.size()));
    if (::access(program.c_str(), X_OK) == 0) {
      return program;
    }
  }
  return std::nullopt;
}

std::filesystem::path ImagePath(const std::filesystem::path& bin,
                                std::string_view name,
                                std::string_view board) {
  const auto builds = std::filesystem::absolute(bin).parent_path().parent_path();
  return builds / (IsM55(board) ? "node-m55" : "node-m4") / "bin" /
         (std::string(name) + "-" + std::string(board) + ".bin");
}

nlohmann::json BoardReport(const std::filesystem::path& console) {
  std::ifstream in(console);
  nlohmann::json newest = nlohmann::json::object();
  // A line that is not whole yet ends the file, and not the line.
  for (std::string line; std::getline(in, line) && !in.eof();) {
    if (IsStatus(line)) {
      newest = ParseStatus(line);
    }
  }
  return newest;
}

}  // namespace trib::tools::launcher
