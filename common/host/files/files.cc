#include "trib/common/host/files/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace trib::host::files {
namespace {

namespace fs = std::filesystem;

Status Fail(Code code, std::string* error, const fs::path& path, const std::string& text) {
  if (error != nullptr) {
    *error = path.string() + ": " + text;
  }
  return code;
}

std::string SystemText(int number) {
  return std::generic_category().message(number);
}

/// @returns false with the reason in errno
bool WriteAll(const File& file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto wrote = ::write(file.get(), bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) {
      continue;
    }
    if (wrote <= 0) {
      return false;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return true;
}

fs::path DraftOf(const fs::path& path) {
  fs::path draft = path;
  draft += ".new" + std::to_string(::getpid());
  return draft;
}

/// Writes and syncs the draft of `path`. Leaves none behind when it fails.
///
/// @returns 0 or the errno
int WriteDraft(const fs::path& path, unsigned mode, std::span<const std::byte> content) {
  const fs::path draft = DraftOf(path);
  (void)::unlink(draft.c_str());  // of a killed process that had our number
  const File file(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.ok()) {
    return errno;
  }
  if (!WriteAll(file, content) || ::fsync(file.get()) != 0) {
    const int reason = errno;
    (void)::unlink(draft.c_str());
    return reason;
  }
  return 0;
}

/// Gives a draft its name, which must be free. @returns 0 or the errno
int NameDraft(const fs::path& draft, const fs::path& path) {
  if (::renameat2(AT_FDCWD, draft.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) {
    return 0;
  }
  if (errno != EINVAL && errno != ENOSYS) {
    return errno;
  }
  // A file system without that (NFS) has links.
  const int reason = ::link(draft.c_str(), path.c_str()) == 0 ? 0 : errno;
  if (reason == 0) {
    (void)::unlink(draft.c_str());
  }
  return reason;
}

}  // namespace

File::~File() {
  if (ok()) {
    (void)::close(descriptor_);
  }
}

File::File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

Result<OpenedFile> Open(const fs::path& path, std::string* error) {
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.ok()) {
    const Code code =
        errno == ENOENT || errno == ENOTDIR ? Code::kNotFound : Code::kPermissionDenied;
    return Fail(code, error, path, "cannot be read: " + SystemText(errno));
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return Fail(Code::kDataLoss, error, path, "not a regular file");
  }
  return OpenedFile{
      std::move(file), static_cast<std::uint64_t>(info.st_size), info.st_mode & 07777U};
}

Result<std::size_t> Read(const File& file,
                         const fs::path& path,
                         std::span<std::byte> out,
                         std::string* error) {
  std::size_t size = 0;
  while (size < out.size()) {
    const auto got = ::read(file.get(), out.data() + size, out.size() - size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Fail(Code::kUnavailable, error, path, "cannot be read: " + SystemText(errno));
    }
    if (got == 0) {
      break;
    }
    size += static_cast<std::size_t>(got);
  }
  return size;
}

Status WriteNew(const fs::path& path,
                unsigned mode,
                std::span<const std::byte> content,
                std::string* error) {
  int reason = WriteDraft(path, mode, content);
  if (reason == 0) {
    // The name comes last: a kill before it leaves nothing that stands in the way of another try.
    const fs::path draft = DraftOf(path);
    reason = NameDraft(draft, path);
    if (reason != 0) {
      (void)::unlink(draft.c_str());
    }
  }
  if (reason == EEXIST) {
    return Fail(Code::kAlreadyExists, error, path, "exists already and is never overwritten");
  }
  if (reason != 0) {
    return Fail(Code::kUnavailable, error, path, "cannot be written: " + SystemText(reason));
  }
  return SyncFolderOf(path, error);
}

Status Replace(const fs::path& path,
               unsigned mode,
               std::span<const std::byte> content,
               std::string* error) {
  if (const int reason = WriteDraft(path, mode, content); reason != 0) {
    return Fail(Code::kUnavailable, error, path, "cannot be written: " + SystemText(reason));
  }
  const fs::path draft = DraftOf(path);
  if (::rename(draft.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    (void)::unlink(draft.c_str());
    return Fail(Code::kUnavailable, error, path, "cannot be written: " + SystemText(reason));
  }
  return SyncFolderOf(path, error);
}

Status SyncFolderOf(const fs::path& path, std::string* error) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const File file(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!file.ok() || ::fsync(file.get()) != 0) {
    return Fail(Code::kUnavailable, error, folder, "cannot be synced: " + SystemText(errno));
  }
  return {};
}

}  // namespace trib::host::files
