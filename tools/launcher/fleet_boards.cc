// Nodes on emulated boards, and their twins on this machine.
#include "trib/tools/launcher/board.h"
#include "trib/tools/launcher/fleet.h"

namespace trib::tools::launcher {
bool Fleet::MakeBoardMemory(std::uint64_t id, const BoardRun& run) {
  const auto memory = BoardMemoryFile(id);
  if (std::filesystem::exists(memory)) {
    return true;
  }
  std::vector<std::string> arguments = {
      "board", "image", "--board", run.board, "--node", std::to_string(id), "-o", memory.string()};
  if (!run.package.empty()) {
    arguments.insert(arguments.end(),
                     {"--package", run.package, "--package-key", File("package.key.pub").string()});
  }
  arguments.insert(arguments.end(), run.arguments.begin(), run.arguments.end());
  return RunTrib(std::move(arguments));
}

bool Fleet::StartBoard(std::uint64_t id, const BoardRun& run) {
  auto& node = nodes_[id];
  const auto name = NodeName(id);
  const auto emulator = FindEmulator();
  if (!emulator) {
    return Fail("qemu-system-arm is not installed");
  }
  if (!std::filesystem::exists(run.image)) {
    return Fail(run.image.string() + " was not built");
  }
  if (!MakeBoardMemory(id, run)) {
    return false;
  }
  Process::Options options{
      .argv = EmulatorCommand(
          {.emulator = *emulator,
           .board = run.board,
           .image = run.image,
           .memory = BoardMemoryFile(id),
           .console = BoardConsole(id),
           .serial = run.serial.empty() ? gateway_serial(node.gateway) : run.serial}),
      .log = File(name + ".log"),
      .environment = environments_[name]};
  node.process = Process::Start(options, error_);
  return node.process.has_value();
}

bool Fleet::StartTwin(std::uint64_t id, const BoardRun& run) {
  if (!MakeBoardMemory(id, run)) {
    return false;
  }
  auto& node = nodes_[id];
  const auto name = NodeName(id);
  Process::Options options{
      .argv = {Program("trib-node"), "--board-memory", BoardMemoryFile(id).string(), "--json"},
      .log = File(name + ".log"),
      .capture_stdout = true,
      .environment = environments_[name]};
  const std::vector<std::string> way = WayToGateway(id, run.serial);
  options.argv.insert(options.argv.end(), way.begin(), way.end());
  node.process = Process::Start(options, error_);
  return node.process.has_value();
}

std::filesystem::path Fleet::BoardMemoryFile(std::uint64_t id) const {
  return File(NodeName(id) + ".img");
}

std::filesystem::path Fleet::BoardConsole(std::uint64_t id) const {
  return File(NodeName(id) + ".console");
}

}  // namespace trib::tools::launcher
