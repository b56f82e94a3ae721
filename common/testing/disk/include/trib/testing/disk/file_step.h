#pragma once

#include <cstddef>
#include <cstdint>

namespace trib::testing::disk {

/// What a program asks the file system to keep.
enum class Step : std::uint8_t {
  kCreate = 1,      ///< a name for a new, empty file
  kWrite = 2,       ///< bytes at an offset
  kTruncate = 3,    ///< a new size
  kSync = 4,        ///< what was written to a file is durable at return
  kSyncFolder = 5,  ///< what happened to the names in a folder is durable at return
  kRename = 6,      ///< a name moves, and may replace another
  kLink = 7,        ///< a second name for a file
  kRemove = 8,      ///< a name goes
};

const char* NameOf(Step step);

/// One such request, as the C library got it. `path` is absolute; valid during the call only.
struct FileStep {
  Step step = Step::kWrite;
  const char* path = "";
  const char* to = "";  ///< kRename, kLink: the new name
  std::uint64_t offset = 0;
  std::uint64_t size = 0;           ///< kWrite: bytes; kTruncate: the new size
  const std::byte* data = nullptr;  ///< kWrite: `size` bytes
  std::uint64_t file = 0;           ///< inode number; 0 when it is not known (kCreate, names)
  int descriptor = -1;              ///< kWrite, kTruncate, kSync, kSyncFolder
};

// interpose.cc stands before the C library's file functions and calls these three around every
// step on a watched path. Whoever links it supplies them: kill_at.cc to die at a step, recorder.cc
// to keep them all. Every thread may call them; errno is saved around them.

/// Whether steps on this absolute path are wanted.
bool Watches(const char* path) noexcept;
/// The step is about to be made.
void BeforeStep(const FileStep& step) noexcept;
/// The step was made; `done` is false when it failed.
void AfterStep(const FileStep& step, bool done) noexcept;

/// Makes the linker keep interpose.cc.
void Interpose() noexcept;

}  // namespace trib::testing::disk
