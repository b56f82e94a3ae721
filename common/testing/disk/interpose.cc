// Stands before the C library's file functions: in a program that links this, or in one that runs
// with it in LD_PRELOAD. Only functions that SQLite and our own code use to change files; each
// makes the system call itself, so nothing has to be looked up and no other library's state is
// touched.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstring>
#include <string>

#include "trib/testing/disk/file_step.h"

namespace trib::testing::disk {

void Interpose() noexcept {}

namespace {

using Path = std::array<char, PATH_MAX>;

/// The absolute form of `name`. @returns false when it does not fit.
bool Absolute(int folder, const char* name, Path& out) {
  std::size_t used = 0;
  if (name[0] != '/') {
    Path link{};
    if (folder == AT_FDCWD) {
      std::snprintf(link.data(), link.size(), "/proc/self/cwd");
    } else {
      std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", folder);
    }
    const auto got = ::syscall(SYS_readlink, link.data(), out.data(), out.size() - 1);
    if (got <= 0) {
      return false;
    }
    used = static_cast<std::size_t>(got);
    out[used++] = '/';
  }
  const std::size_t more = std::strlen(name);
  if (used + more >= out.size()) {
    return false;
  }
  std::memcpy(out.data() + used, name, more + 1);
  return true;
}

/// Absolute path and inode of what is open as `descriptor`, when it is watched.
bool Watched(int descriptor, Path& path, struct stat& info) {
  std::array<char, 32> link{};
  std::snprintf(link.data(), link.size(), "/proc/self/fd/%d", descriptor);
  const auto got = ::syscall(SYS_readlink, link.data(), path.data(), path.size() - 1);
  if (got <= 0 || path[0] != '/') {
    return false;
  }
  path[static_cast<std::size_t>(got)] = '\0';
  return Watches(path.data()) && ::syscall(SYS_fstat, descriptor, &info) == 0;
}

template <typename Call>
auto Make(const FileStep& step, Call call) {
  const int before = errno;
  BeforeStep(step);
  errno = before;
  const auto result = call();
  const int after = errno;
  AfterStep(step, result >= 0);
  errno = after;
  return result;
}

template <typename Call>
auto OnDescriptor(int descriptor, FileStep step, Call call) {
  const int before = errno;
  Path path;
  struct stat info {};
  const bool watched = Watched(descriptor, path, info);
  errno = before;
  if (!watched) {
    return call();
  }
  step.path = path.data();
  step.descriptor = descriptor;
  step.file = info.st_ino;
  if (step.step == Step::kSync && S_ISDIR(info.st_mode)) {
    step.step = Step::kSyncFolder;
  }
  return Make(step, call);
}

std::uint64_t WriteOffset(int descriptor) {
  const auto flags = ::syscall(SYS_fcntl, descriptor, F_GETFL);
  struct stat info {};
  if ((flags & O_APPEND) != 0 && ::syscall(SYS_fstat, descriptor, &info) == 0) {
    return static_cast<std::uint64_t>(info.st_size);
  }
  const auto at = ::syscall(SYS_lseek, descriptor, 0, SEEK_CUR);
  return at > 0 ? static_cast<std::uint64_t>(at) : 0U;
}

template <typename Call>
auto OnNames(
    Step step, int from_folder, const char* from, int to_folder, const char* to, Call call) {
  Path path;
  Path other;
  const int before = errno;
  other[0] = '\0';
  const bool watched = Absolute(from_folder, from, path) && Watches(path.data()) &&
                       (to == nullptr || Absolute(to_folder, to, other));
  errno = before;
  if (!watched) {
    return call();
  }
  return Make({.step = step, .path = path.data(), .to = other.data()}, call);
}

int Open(int folder, const char* name, int flags, mode_t mode) {
  const auto call = [&] {
    return static_cast<int>(::syscall(SYS_openat, folder, name, flags, mode));
  };
  if ((flags & (O_CREAT | O_TRUNC)) == 0) {
    return call();
  }
  const int before = errno;
  const bool there = ::syscall(SYS_faccessat, folder, name, F_OK) == 0;
  errno = before;
  if (there ? (flags & O_TRUNC) == 0 : (flags & O_CREAT) == 0) {
    return call();
  }
  // Emptying a file that is there and making one are both about a name here.
  return OnNames(there ? Step::kTruncate : Step::kCreate, folder, name, AT_FDCWD, nullptr, call);
}

ssize_t PositionedWrite(int descriptor, const void* data, size_t size, off64_t offset) {
  return OnDescriptor(descriptor,
                      {.step = Step::kWrite,
                       .offset = static_cast<std::uint64_t>(offset),
                       .size = size,
                       .data = static_cast<const std::byte*>(data)},
                      [&] { return ::syscall(SYS_pwrite64, descriptor, data, size, offset); });
}

ssize_t Write(int descriptor, const void* data, size_t size) {
  return OnDescriptor(descriptor,
                      {.step = Step::kWrite,
                       .offset = WriteOffset(descriptor),
                       .size = size,
                       .data = static_cast<const std::byte*>(data)},
                      [&] { return ::syscall(SYS_write, descriptor, data, size); });
}

int Truncate(int descriptor, off64_t size) {
  return OnDescriptor(descriptor,
                      {.step = Step::kTruncate, .size = static_cast<std::uint64_t>(size)},
                      [&] { return static_cast<int>(::syscall(SYS_ftruncate, descriptor, size)); });
}

int Sync(int descriptor, long number) {
  return OnDescriptor(descriptor, {.step = Step::kSync}, [&] {
    return static_cast<int>(::syscall(number, descriptor));
  });
}

int Remove(int folder, const char* name, int flags) {
  return OnNames(Step::kRemove, folder, name, AT_FDCWD, nullptr, [&] {
    return static_cast<int>(::syscall(SYS_unlinkat, folder, name, flags));
  });
}

int Rename(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  return OnNames(Step::kRename, from_folder, from, to_folder, to, [&] {
    return static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
  });
}

int Link(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  return OnNames(Step::kLink, from_folder, from, to_folder, to, [&] {
    return static_cast<int>(::syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
  });
}

mode_t ModeOf(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace
}  // namespace trib::testing::disk

namespace disk = trib::testing::disk;

// The names below are the C library's.
// NOLINTBEGIN(readability-identifier-naming,cert-dcl50-cpp)
extern "C" {

__attribute__((visibility("default"))) int open(const char* name, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = disk::ModeOf(flags, arguments);
  va_end(arguments);
  return disk::Open(AT_FDCWD, name, flags, mode);
}
__attribute__((visibility("default"))) int open64(const char* name, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = disk::ModeOf(flags, arguments);
  va_end(arguments);
  return disk::Open(AT_FDCWD, name, flags, mode);
}
__attribute__((visibility("default"))) int openat(int folder, const char* name, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = disk::ModeOf(flags, arguments);
  va_end(arguments);
  return disk::Open(folder, name, flags, mode);
}
__attribute__((visibility("default"))) ssize_t write(int descriptor,
                                                     const void* data,
                                                     size_t size) {
  return disk::Write(descriptor, data, size);
}
__attribute__((visibility("default"))) ssize_t pwrite(int descriptor,
                                                      const void* data,
                                                      size_t size,
                                                      off_t offset) {
  return disk::PositionedWrite(descriptor, data, size, offset);
}
__attribute__((visibility("default"))) ssize_t pwrite64(int descriptor,
                                                        const void* data,
                                                        size_t size,
                                                        off64_t offset) {
  return disk::PositionedWrite(descriptor, data, size, offset);
}
__attribute__((visibility("default"))) int ftruncate(int descriptor, off_t size) noexcept {
  return disk::Truncate(descriptor, size);
}
__attribute__((visibility("default"))) int ftruncate64(int descriptor, off64_t size) noexcept {
  return disk::Truncate(descriptor, size);
}
__attribute__((visibility("default"))) int fsync(int descriptor) {
  return disk::Sync(descriptor, SYS_fsync);
}
__attribute__((visibility("default"))) int fdatasync(int descriptor) {
  return disk::Sync(descriptor, SYS_fdatasync);
}
__attribute__((visibility("default"))) int unlink(const char* name) noexcept {
  return disk::Remove(AT_FDCWD, name, 0);
}
__attribute__((visibility("default"))) int unlinkat(int folder,
                                                    const char* name,
                                                    int flags) noexcept {
  return disk::Remove(folder, name, flags);
}
__attribute__((visibility("default"))) int remove(const char* name) noexcept {
  const int status = disk::Remove(AT_FDCWD, name, 0);
  return status != 0 && errno == EISDIR ? disk::Remove(AT_FDCWD, name, AT_REMOVEDIR) : status;
}
__attribute__((visibility("default"))) int rename(const char* from, const char* to) noexcept {
  return disk::Rename(AT_FDCWD, from, AT_FDCWD, to, 0);
}
__attribute__((visibility("default"))) int renameat(int from_folder,
                                                    const char* from,
                                                    int to_folder,
                                                    const char* to) noexcept {
  return disk::Rename(from_folder, from, to_folder, to, 0);
}
__attribute__((visibility("default"))) int renameat2(
    int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
  return disk::Rename(from_folder, from, to_folder, to, flags);
}
__attribute__((visibility("default"))) int link(const char* from, const char* to) noexcept {
  return disk::Link(AT_FDCWD, from, AT_FDCWD, to, 0);
}
__attribute__((visibility("default"))) int linkat(
    int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
  return disk::Link(from_folder, from, to_folder, to, flags);
}

}  // extern "C"
// NOLINTEND(readability-identifier-naming,cert-dcl50-cpp)
