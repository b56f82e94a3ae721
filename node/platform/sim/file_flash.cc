#include "trib/node/sim/file_flash.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "trib/common/host/files/files.h"
#include "trib/common/status/result.h"

namespace trib::node::sim {
namespace {

constexpr const char* kInUse = "in use by another process";

bool WriteAll(int fd, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return false;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return true;
}

bool ReadAll(int fd, std::span<std::byte> out, std::uint64_t offset) {
  while (!out.empty()) {
    const ssize_t count = pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return false;
    }
    out = out.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return true;
}

bool WriteBlank(int fd, std::uint64_t offset, std::uint64_t bytes) {
  const std::vector<std::byte> blank(static_cast<std::size_t>(bytes), std::byte{0xFF});
  return WriteAll(fd, blank, offset);
}

}  // namespace

Result<std::unique_ptr<FileFlash>> FileFlash::Open(const std::filesystem::path& path,
                                                   const Options& options,
                                                   std::string& error) {
  const auto fail = [&](Code code, const std::string& text) -> Status {
    error = path.string() + ": " + text;
    return code;
  };
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) {
    return errno == ENOENT
               ? Create(path, options, error)
               : Result<std::unique_ptr<FileFlash>>(fail(Code::kUnavailable, std::strerror(errno)));
  }
  auto flash = std::unique_ptr<FileFlash>(new FileFlash(fd, options, false));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return fail(Code::kFailedPrecondition, kInUse);
  }
  struct stat info {};
  if (fstat(fd, &info) != 0) {
    return fail(Code::kUnavailable, std::strerror(errno));
  }
  if (info.st_size == 0) {
    return Create(path, options, error);
  }
  if (static_cast<std::uint64_t>(info.st_size) != flash->size()) {
    return fail(Code::kFailedPrecondition,
                "is " + std::to_string(info.st_size) + " bytes, a node's flash is " +
                    std::to_string(flash->size()) + "; remove it to start blank");
  }
  return flash;
}

Result<std::unique_ptr<FileFlash>> FileFlash::Create(const std::filesystem::path& path,
                                                     const Options& options,
                                                     std::string& error) {
  const auto fail = [&](Code code, const std::string& text) -> Status {
    error = path.string() + ": " + text;
    return code;
  };
  // A kill at any moment leaves either no file of that name or a whole one. The lock is the file's,
  // not the name's: it holds on after the renaming.
  const std::string draft = path.string() + ".new";
  const int fd = open(draft.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    return fail(Code::kUnavailable, std::strerror(errno));
  }
  auto flash = std::unique_ptr<FileFlash>(new FileFlash(fd, options, true));
  struct stat locked {};
  struct stat named {};
  // Another process may have made the file between our looks: then the draft's name is gone, or a
  // file with content has the flash's.
  if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &locked) != 0 ||
      stat(draft.c_str(), &named) != 0 || locked.st_ino != named.st_ino ||
      (stat(path.c_str(), &named) == 0 && named.st_size != 0)) {
    return fail(Code::kFailedPrecondition, kInUse);
  }
  if (ftruncate(fd, 0) != 0 || !WriteBlank(fd, 0, flash->size()) || fsync(fd) != 0 ||
      rename(draft.c_str(), path.c_str()) != 0) {
    return fail(Code::kUnavailable, std::strerror(errno));
  }
  // Without it a power cut loses the name; a blank flash is then made again.
  (void)host::files::SyncFolderOf(path, nullptr);
  return flash;
}

FileFlash::~FileFlash() {
  close(fd_);
}

Status FileFlash::Sync() {
  return !options_.sync || fdatasync(fd_) == 0 ? Status() : Status(Code::kUnavailable);
}

Status FileFlash::Erase(SectorIndex first, std::uint32_t count) {
  const Geometry& g = options_.geometry;
  if (first.value() > g.sector_count || count > g.sector_count - first.value()) {
    return Code::kInvalidArgument;
  }
  if (!WriteBlank(fd_,
                  std::uint64_t{first.value()} * g.sector_bytes,
                  std::uint64_t{count} * g.sector_bytes)) {
    return Code::kUnavailable;
  }
  return Sync();
}

Status FileFlash::Program(std::uint32_t offset, std::span<const std::byte> bytes) {
  const std::uint32_t unit = options_.geometry.program_unit_bytes;
  if (offset % unit != 0 || bytes.size() % unit != 0 || offset > size() ||
      bytes.size() > size() - offset) {
    return Code::kInvalidArgument;
  }
  std::vector<std::byte> present(bytes.size());
  if (!ReadAll(fd_, present, offset)) {
    return Code::kUnavailable;
  }
  // A unit that was programmed with all ones looks erased; programming it again does no harm.
  if (!std::all_of(
          present.begin(), present.end(), [](std::byte b) { return b == std::byte{0xFF}; })) {
    return Code::kFailedPrecondition;
  }
  if (!WriteAll(fd_, bytes, offset)) {
    return Code::kUnavailable;
  }
  return Sync();
}

Status FileFlash::Read(std::uint32_t offset, std::span<std::byte> out) {
  if (offset > size() || out.size() > size() - offset) {
    return Code::kInvalidArgument;
  }
  return ReadAll(fd_, out, offset) ? Status() : Status(Code::kUnavailable);
}

}  // namespace trib::node::sim
