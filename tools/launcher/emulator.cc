#include "trib/tools/launcher/emulator.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "trib/node/board/memory.h"

namespace trib::tools::launcher {
namespace {

namespace fs = std::filesystem;
using node::board::kMemoryFiles;

constexpr std::array kBoards = {
    EmulatedBoard{"mps2-an386", "node-m4", kMemoryFiles[0].bytes, kMemoryFiles[0].offset},
    EmulatedBoard{"mps3-an547", "node-m55", kMemoryFiles[1].bytes, kMemoryFiles[1].offset},
};
static_assert(kMemoryFiles[0].board == package::HardwareClass::kMps2An386);
static_assert(kMemoryFiles[1].board == package::HardwareClass::kMps3An547);

fs::path FindEmulator() {
  const char* const folders = std::getenv("PATH");
  const std::string path = folders == nullptr ? "" : folders;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const fs::path file = fs::path(path.substr(begin, end - begin)) / "qemu-system-arm";
    if (::access(file.c_str(), X_OK) == 0) {
      return file;
    }
    begin = end + 1;
  }
  return {};
}

std::string Failure(const fs::path& file) {
  return file.string() + ": " + std::strerror(errno);
}

}  // namespace

std::span<const EmulatedBoard> EmulatedBoards() {
  return kBoards;
}

fs::path ImageOf(const EmulatedBoard& board, std::string_view name) {
  const char* const source = std::getenv("TRIB_SOURCE_DIR");
  return fs::path(source == nullptr ? "." : source) / "build" / board.preset / "bin" /
         (std::string(name) + ".bin");
}

std::string MissingFor(const fs::path& image) {
  if (FindEmulator().empty()) {
    return "no qemu-system-arm to run a board";
  }
  if (!fs::exists(image)) {
    return "no image " + image.string() + " (./dev test builds it)";
  }
  return "";
}

std::vector<std::string> EmulatorArguments(const EmulatorOptions& options) {
  const std::string bytes = std::to_string(options.board.memory_bytes);
  std::vector<std::string> out = {
      FindEmulator().string(),
      "-M",
      std::string(options.board.name) + ",memory-backend=memory",
      "-object",
      "memory-backend-file,id=memory,share=on,size=" + bytes +
          ",mem-path=" + options.memory.string(),
      "-display",
      "none",
      "-monitor",
      "none",
      "-serial",
      "file:" + options.console.string(),
  };
  const auto add = [&](std::initializer_list<std::string> more) { out.insert(out.end(), more); };
  if (options.link_port != 0) {
    add({"-chardev",
         "socket,id=link,host=127.0.0.1,nodelay=on,reconnect=1,port=" +
             std::to_string(options.link_port),
         "-serial",
         "chardev:link"});
  }
  if (options.semihosting) {
    add({"-semihosting-config", "enable=on,target=native"});
  }
  out.insert(out.end(), options.more.begin(), options.more.end());
  add({"-kernel", options.image.string()});
  return out;
}

bool MakeBlankMemory(const EmulatedBoard& board, const fs::path& file, std::string& error) {
  // Nothing but the part that the page names is ever looked at: the rest stays a hole.
  {
    const std::ofstream out(file, std::ios::binary | std::ios::trunc);
    if (!out) {
      error = Failure(file);
      return false;
    }
  }
  std::error_code failed;
  fs::resize_file(file, board.memory_bytes, failed);
  if (failed) {
    error = file.string() + ": " + failed.message();
    return false;
  }
  const std::vector<std::byte> blank(node::board::kMemoryBytes, std::byte{0xFF});
  return WriteMemory(board, file, 0, blank, error);
}

bool WriteMemory(const EmulatedBoard& board,
                 const fs::path& file,
                 std::uint32_t offset,
                 std::span<const std::byte> bytes,
                 std::string& error) {
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(board.memory_offset + offset));
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  out.flush();
  if (!out) {
    error = Failure(file);
    return false;
  }
  return true;
}

std::vector<std::byte> ReadMemory(const EmulatedBoard& board,
                                  const fs::path& file,
                                  std::uint32_t offset,
                                  std::size_t bytes) {
  std::vector<std::byte> out(bytes);
  std::ifstream in(file, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(board.memory_offset + offset));
  in.read(reinterpret_cast<char*>(out.data()), static_cast<std::streamsize>(bytes));
  out.resize(static_cast<std::size_t>(in.gcount()));
  return out;
}

}  // namespace trib::tools::launcher
