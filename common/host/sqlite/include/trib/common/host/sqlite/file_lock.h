#pragma once

#include <string>
#include <utility>

#include "trib/common/status/result.h"

namespace trib::host::sqlite {

/// The right to be the only program that works on a database, for as long as the object lives.
/// SQLite itself admits several writers, each with a queue and counters of its own in memory.
///
/// Held on `path` + ".lock", which stays behind, empty: removing it would let two programs each
/// lock a file of that name. The kernel gives the lock back when the process ends, however it ends.
class FileLock {
 public:
  /// @returns with a line in `error` that names the file:
  ///   kFailedPrecondition  another process, or another FileLock of this one, holds it
  ///   kUnavailable         the lock file cannot be opened
  static Result<FileLock> Take(const std::string& path, std::string* error = nullptr);

  FileLock() = default;
  FileLock(FileLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int file) : file_(file) {}
  int file_ = -1;
};

}  // namespace trib::host::sqlite
