#include "trib/tools/launcher/board.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace trib::tools::launcher {
namespace {

constexpr std::string_view kTcp = "tcp://";

bool IsM55(std::string_view board) {
  return board == "mps3-an547";
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

}  // namespace trib::tools::launcher
