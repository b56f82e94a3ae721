#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "trib/common/status/result.h"

/// Small files that must be whole: keys, packages, ready files.
///
/// Errors   Where `error` is not null it gets one line that starts with the path.
/// Threads  Re-entrant.
namespace trib::host::files {

/// A file descriptor, closed when this goes.
class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File();
  File(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] bool ok() const { return descriptor_ >= 0; }
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

struct OpenedFile {
  File file;
  std::uint64_t bytes = 0;
  unsigned permissions = 0;  ///< 0 .. 07777
};

/// Opens a regular file to be read; what is none, such as a pipe in its place, does not block.
///
/// @returns kNotFound, kPermissionDenied; kDataLoss when it is no regular file
Result<OpenedFile> Open(const std::filesystem::path& path, std::string* error);

/// Reads until `out` is full or the file ends. @returns how much that was.
///
/// @param path  for the error's text only
Result<std::size_t> Read(const File& file,
                         const std::filesystem::path& path,
                         std::span<std::byte> out,
                         std::string* error);

/// Makes a file that was not there before, not even as a link: all of it or nothing, also after a
/// kill or a power cut. The draft is `path`.newPID.
///
/// Durable  Content and name, when it returns kOk. Else the file is gone, except when only its
///          folder could not be synced.
/// @param mode  its permissions, less the umask
/// @returns kAlreadyExists, with the old file untouched; kUnavailable
Status WriteNew(const std::filesystem::path& path,
                unsigned mode,
                std::span<const std::byte> content,
                std::string* error);

/// Makes or replaces a file: whoever opens the path finds the old content or all of the new one,
/// also after a power cut. The draft is `path`.newPID.
///
/// Durable  Content and name, when it returns kOk.
/// @param mode  its permissions, less the umask
/// @returns kUnavailable
Status Replace(const std::filesystem::path& path,
               unsigned mode,
               std::span<const std::byte> content,
               std::string* error);

/// Makes the names in the folder of `path` durable. @returns kUnavailable
Status SyncFolderOf(const std::filesystem::path& path, std::string* error);

}  // namespace trib::host::files
