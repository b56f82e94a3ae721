#include "trib/tools/launcher/board_memory.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "trib/node/board/memory.h"

namespace trib::tools::launcher {
namespace {

namespace fs = std::filesystem;

std::string Failure(const fs::path& file) {
  return file.string() + ": " + std::strerror(errno);
}

}  // namespace

bool MakeBlankMemory(const EmulatedBoard& board, const fs::path& file, std::string& error) {
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
