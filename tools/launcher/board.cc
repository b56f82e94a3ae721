#include "trib/tools/launcher/board.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "trib/node/board/memory.h"

namespace trib::tools::launcher {
namespace {

using node::board::kMemoryFiles;

constexpr std::string_view kTcp = "tcp://";

constexpr std::array kBoards = {
    EmulatedBoard{"mps2-an386", "node-m4", kMemoryFiles[0].bytes, kMemoryFiles[0].offset},
    EmulatedBoard{"mps3-an547", "node-m55", kMemoryFiles[1].bytes, kMemoryFiles[1].offset},
};
static_assert(kMemoryFiles[0].board == package::HardwareClass::kMps2An386);
static_assert(kMemoryFiles[1].board == package::HardwareClass::kMps3An547);

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

std::span<const EmulatedBoard> EmulatedBoards() {
  return kBoards;
}

const EmulatedBoard* FindBoard(std::string_view name) {
  const auto* const found = std::ranges::find(kBoards, name, &EmulatedBoard::name);
  return found == kBoards.end() ? nullptr : found;
}

std::vector<std::string> EmulatorCommand(const BoardMachine& machine) {
  const EmulatedBoard* const board = FindBoard(machine.board);
  // The memory's size is the board's, exactly; a board without it does not start.
  const std::string bytes = std::to_string(board == nullptr ? 0 : board->memory_bytes);
  std::vector<std::string> command = {machine.emulator,
                                      "-machine",
                                      machine.board + ",memory-backend=nvm",
                                      "-object",
                                      "memory-backend-file,id=nvm,mem-path=" +
                                          machine.memory.string() + ",size=" + bytes + ",share=on",
                                      "-display",
                                      "none",
                                      "-monitor",
                                      "none",
                                      "-chardev",
                                      "file,id=console,append=on,path=" + machine.console.string(),
                                      "-serial",
                                      "chardev:console",
                                      "-kernel",
                                      machine.image.string()};
  const auto add = [&](std::initializer_list<std::string> more) {
    command.insert(command.end(), more);
  };
  if (!machine.serial.empty()) {
    const std::string address =
        machine.serial.starts_with(kTcp) ? machine.serial.substr(kTcp.size()) : machine.serial;
    const std::size_t colon = address.rfind(':');
    const std::string host = address.substr(0, colon);
    const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
    add({"-chardev",
         "socket,id=link,host=" + host + ",port=" + port + ",nodelay=on,reconnect=1",
         "-serial",
         "chardev:link"});
  }
  if (machine.semihosting) {
    add({"-semihosting-config", "enable=on,target=native"});
  }
  if (machine.counted_time) {
    add({"-icount", "shift=4"});
  }
  command.insert(command.end(), machine.more.begin(), machine.more.end());
  return command;
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
  const EmulatedBoard* const known = FindBoard(board);
  const auto builds = std::filesystem::absolute(bin).parent_path().parent_path();
  return builds / (known == nullptr ? board : known->preset) / "bin" /
         (std::string(name) + "-" + std::string(board) + ".bin");
}

std::string MissingFor(const std::filesystem::path& image) {
  if (!FindEmulator()) {
    return "no qemu-system-arm to run a board";
  }
  if (!std::filesystem::exists(image)) {
    return "no image " + image.string() + " (./dev test builds it)";
  }
  return "";
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
