#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "trib/testing/disk/file_step.h"

namespace trib::testing::disk {

/// What lies in a folder: file name -> content.
using Disk = std::map<std::string, std::string>;

/// A file step as it was made, with its bytes. Names are without the folder.
struct Recorded {
  Step step = Step::kWrite;
  std::string name;
  std::string to;
  std::uint64_t file = 0;  ///< which file, over renaming; never used twice in a recording
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::string bytes;
};

/// Everything that this process does to the files of one folder, from construction on. Memory maps
/// are not seen: SQLite's -shm is left out, and so are lock files, which keep nothing.
///
/// Threads  Those that work on the folder, one at a time. One Recorder at a time.
class Recorder {
 public:
  explicit Recorder(const std::filesystem::path& folder);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// What was in the folder at the start.
  [[nodiscard]] const Disk& start() const { return start_; }
  [[nodiscard]] const std::vector<Recorded>& steps() const { return steps_; }

  // For the file functions.
  [[nodiscard]] bool Wants(const char* path) const;
  void Hold(const FileStep& step);  ///< it is about to be made
  void Add(const FileStep& step);   ///< the one held was made

 private:
  [[nodiscard]] std::uint64_t FileOf(const FileStep& step) const;

  std::string folder_;
  Disk start_;
  std::vector<Recorded> steps_;
  std::map<std::uint64_t, std::uint64_t> files_;  // inode -> file
  std::uint64_t next_file_ = 1;
  Recorded held_;
};

/// What of the unsynced steps a power cut leaves.
enum class Fate {
  kSynced,   ///< nothing
  kWritten,  ///< everything: also what a kill -9 leaves
  kTorn,     ///< everything but the end of the last write, which is cut at a 512-byte sector
  kSome,     ///< of each file, random writes with random sectors missing; a prefix of the names
  kAny,      ///< the same, but names are lost in any combination too
};
inline constexpr Fate kFates[] = {
    Fate::kSynced, Fate::kWritten, Fate::kTorn, Fate::kSome, Fate::kAny};
const char* NameOf(Fate fate);

/// Plays a recording forward and tells what would lie on the disk after a power cut.
///
/// Rules  A file's content is durable after its fsync or fdatasync, a name after its folder's.
/// Before
///        that anything may be there, in units of a 512-byte sector and of one name.
class PowerCut {
 public:
  PowerCut(const Disk& start, const std::vector<Recorded>& steps);
  /// Plays one more step. @returns false when there is none.
  bool Advance();
  [[nodiscard]] std::size_t position() const { return position_; }
  /// How many steps are not durable yet.
  [[nodiscard]] std::size_t pending() const;
  [[nodiscard]] Disk Image(Fate fate, std::uint64_t seed) const;

 private:
  struct File {
    std::string durable;
    std::vector<const Recorded*> pending;
  };
  const std::vector<Recorded>& steps_;
  std::size_t position_ = 0;
  std::map<std::uint64_t, File> files_;
  std::map<std::string, std::uint64_t> names_;  // durable ones
  std::vector<const Recorded*> pending_names_;
};

/// Makes the folder hold exactly this.
void WriteDisk(const std::filesystem::path& folder, const Disk& disk);

}  // namespace trib::testing::disk
