#include "trib/node/sim/board_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace trib::node::sim {
namespace {

bool IsErased(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0xFF}; });
}

}  // namespace

Result<std::unique_ptr<BoardFile>> BoardFile::Open(const std::filesystem::path& path,
                                                   std::string& error) {
  const auto fail = [&](Code code, const std::string& text) -> Status {
    error = path.string() + ": " + text;
    return code;
  };
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    return fail(errno == ENOENT ? Code::kNotFound : Code::kUnavailable, std::strerror(errno));
  }
  auto file = std::unique_ptr<BoardFile>(new BoardFile(fd, package::HardwareClass::kAny, {}));
  struct stat info {};
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return fail(Code::kFailedPrecondition, "in use by another process");
  }
  if (fstat(fd, &info) != 0) {
    return fail(Code::kUnavailable, std::strerror(errno));
  }
  const auto* layout = std::ranges::find(
      board::kMemoryFiles, static_cast<std::uint64_t>(info.st_size), &board::MemoryFile::bytes);
  if (layout == board::kMemoryFiles.end()) {
    return fail(Code::kFailedPrecondition,
                "is " + std::to_string(info.st_size) + " bytes; no board's memory is that long");
  }
  void* mapped = mmap(nullptr,
                      board::kMemoryBytes,
                      PROT_READ | PROT_WRITE,
                      MAP_SHARED,
                      fd,
                      static_cast<off_t>(layout->offset));
  if (mapped == MAP_FAILED) {
    return fail(Code::kUnavailable, std::strerror(errno));
  }
  file->board_ = layout->board;
  file->memory_ = {static_cast<std::byte*>(mapped), board::kMemoryBytes};
  return file;
}

BoardFile::~BoardFile() {
  if (!memory_.empty()) {
    munmap(memory_.data(), memory_.size());
  }
  close(fd_);
}

Status MappedFlash::Erase(SectorIndex first, std::uint32_t count) {
  if (first.value() > geometry_.sector_count || count > geometry_.sector_count - first.value()) {
    return Code::kInvalidArgument;
  }
  std::ranges::fill(memory_.subspan(std::size_t{first.value()} * geometry_.sector_bytes,
                                    std::size_t{count} * geometry_.sector_bytes),
                    std::byte{0xFF});
  return {};
}

Status MappedFlash::Program(std::uint32_t offset, std::span<const std::byte> bytes) {
  const std::uint32_t unit = geometry_.program_unit_bytes;
  if (offset % unit != 0 || bytes.size() % unit != 0 || offset > memory_.size() ||
      bytes.size() > memory_.size() - offset) {
    return Code::kInvalidArgument;
  }
  const auto place = memory_.subspan(offset, bytes.size());
  // A unit that was programmed with all ones looks erased; programming it again does no harm.
  if (!IsErased(place)) {
    return Code::kFailedPrecondition;
  }
  std::ranges::copy(bytes, place.begin());
  return {};
}

Status MappedFlash::Read(std::uint32_t offset, std::span<std::byte> out) {
  if (offset > memory_.size() || out.size() > memory_.size() - offset) {
    return Code::kInvalidArgument;
  }
  std::ranges::copy(memory_.subspan(offset, out.size()), out.begin());
  return {};
}

bool MappedFlash::blank() const {
  return IsErased(memory_);
}

}  // namespace trib::node::sim
