#include "trib/testing/disk/recorder.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>

#include "trib/common/base/check.h"

namespace trib::testing::disk {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSectorBytes = 512;

std::atomic<Recorder*> active{nullptr};

bool KeepsNothing(std::string_view name) {
  return name.ends_with("-shm") || name.ends_with(".lock");
}

std::string BaseName(const char* path) {
  const char* slash = std::strrchr(path, '/');
  return slash != nullptr ? slash + 1 : path;
}

std::uint64_t InodeOf(const char* path) {
  struct stat info {};
  return ::stat(path, &info) == 0 ? info.st_ino : 0U;
}

void Resize(std::string& content, std::uint64_t size) {
  content.resize(static_cast<std::size_t>(size), '\0');
}

void Put(std::string& content, std::uint64_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) {
    Resize(content, offset + bytes.size());
  }
  std::memcpy(content.data() + offset, bytes.data(), bytes.size());
}

void Apply(std::string& content, const Recorded& step) {
  if (step.step == Step::kTruncate) {
    Resize(content, step.size);
  } else {
    Put(content, step.offset, step.bytes);
  }
}

/// The parts of a write between the disk's sector boundaries; each is there or not.
template <typename Keep>
void ApplySectors(std::string& content, const Recorded& step, Keep keep) {
  std::uint64_t at = step.offset;
  std::string_view rest = step.bytes;
  while (!rest.empty()) {
    const std::size_t part = std::min<std::size_t>(
        rest.size(), kSectorBytes - static_cast<std::size_t>(at % kSectorBytes));
    if (keep()) {
      Put(content, at, rest.substr(0, part));
    }
    at += part;
    rest.remove_prefix(part);
  }
}

void ApplyName(std::map<std::string, std::uint64_t>& names, const Recorded& step) {
  switch (step.step) {
    case Step::kCreate:
      names[step.name] = step.file;
      break;
    case Step::kRename:
      names.erase(step.name);
      names[step.to] = step.file;
      break;
    case Step::kLink:
      names[step.to] = step.file;
      break;
    default:
      names.erase(step.name);
      break;
  }
}

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  std::size_t Below(std::size_t bound) { return random_() % bound; }
  bool Of(unsigned percent) { return Below(100) < percent; }

 private:
  std::mt19937_64 random_;
};

/// What a cut leaves of a step that was not synced.
void Leave(std::string& content, const Recorded& step, Fate fate, bool last, Chance& chance) {
  const bool whole = step.step == Step::kTruncate;
  switch (fate) {
    case Fate::kSynced:
      return;
    case Fate::kWritten:
      Apply(content, step);
      return;
    case Fate::kTorn:
      if (whole || !last) {
        Apply(content, step);
      } else {
        std::size_t sectors = chance.Below(step.bytes.size() / kSectorBytes + 1);
        ApplySectors(content, step, [&] { return sectors > 0 && sectors-- > 0; });
      }
      return;
    case Fate::kSome:
    case Fate::kAny:
      if (!chance.Of(60)) {
        return;
      }
      if (whole) {
        Apply(content, step);
      } else {
        ApplySectors(content, step, [&] { return chance.Of(80); });
      }
      return;
  }
}

}  // namespace

bool Watches(const char* path) noexcept {
  const Recorder* recorder = active;
  return recorder != nullptr && recorder->Wants(path);
}

void BeforeStep(const FileStep& step) noexcept {
  if (Recorder* recorder = active) {
    recorder->Hold(step);
  }
}

void AfterStep(const FileStep& step, bool done) noexcept {
  Recorder* recorder = active;
  if (recorder != nullptr && done) {
    recorder->Add(step);
  }
}

Recorder::Recorder(const fs::path& folder) : folder_(fs::canonical(folder).string()) {
  Interpose();
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && !KeepsNothing(name)) {
      std::ifstream in(entry.path(), std::ios::binary);
      start_[name] = {std::istreambuf_iterator<char>(in), {}};
    }
  }
  // PowerCut numbers the files of the start in the order of their names, too.
  for (const auto& [name, content] : start_) {
    files_[InodeOf((folder_ + "/" + name).c_str())] = next_file_++;
  }
  Recorder* none = nullptr;
  TRIB_CHECK(active.compare_exchange_strong(none, this));
}

Recorder::~Recorder() {
  active = nullptr;
}

bool Recorder::Wants(const char* path) const {
  const std::string_view name(path);
  return name.starts_with(folder_) &&
         (name.size() == folder_.size() || name[folder_.size()] == '/') && !KeepsNothing(name);
}

void Recorder::Hold(const FileStep& step) {
  held_ = {};
  held_.step = step.step;
  held_.name = BaseName(step.path);
  held_.to = BaseName(step.to);
  held_.offset = step.offset;
  held_.size = step.size;
  if (step.data != nullptr) {
    held_.bytes.assign(reinterpret_cast<const char*>(step.data), step.size);
  }
  // A file is known by its name as long as it has one; a new one has none yet.
  held_.file = FileOf(step);
}

void Recorder::Add(const FileStep& step) {
  if (step.step == Step::kCreate) {
    files_[InodeOf(step.path)] = next_file_++;  // an inode number may return
    held_.file = FileOf(step);
  }
  steps_.push_back(std::move(held_));
}

std::uint64_t Recorder::FileOf(const FileStep& step) const {
  const auto found = files_.find(step.file != 0 ? step.file : InodeOf(step.path));
  return found != files_.end() ? found->second : 0U;
}

const char* NameOf(Fate fate) {
  switch (fate) {
    case Fate::kSynced:
      return "only what was synced";
    case Fate::kWritten:
      return "all that was written";
    case Fate::kTorn:
      return "last write torn";
    case Fate::kSome:
      return "some sectors";
    case Fate::kAny:
      return "some sectors, any names";
  }
  return "?";
}

PowerCut::PowerCut(const Disk& start, const std::vector<Recorded>& steps) : steps_(steps) {
  std::uint64_t file = 1;
  for (const auto& [name, content] : start) {
    names_[name] = file;
    files_[file++].durable = content;
  }
}

bool PowerCut::Advance() {
  if (position_ == steps_.size()) {
    return false;
  }
  const Recorded& step = steps_[position_++];
  switch (step.step) {
    case Step::kWrite:
    case Step::kTruncate:
      files_[step.file].pending.push_back(&step);
      break;
    case Step::kSync: {
      File& file = files_[step.file];
      for (const Recorded* written : file.pending) {
        Apply(file.durable, *written);
      }
      file.pending.clear();
      break;
    }
    case Step::kSyncFolder:
      for (const Recorded* changed : pending_names_) {
        ApplyName(names_, *changed);
      }
      pending_names_.clear();
      break;
    case Step::kCreate:
    case Step::kRename:
    case Step::kLink:
    case Step::kRemove:
      pending_names_.push_back(&step);
      break;
  }
  return true;
}

std::size_t PowerCut::pending() const {
  std::size_t sum = pending_names_.size();
  for (const auto& [id, file] : files_) {
    sum += file.pending.size();
  }
  return sum;
}

Disk PowerCut::Image(Fate fate, std::uint64_t seed) const {
  Chance chance(seed);
  std::map<std::string, std::uint64_t> names = names_;
  const std::size_t prefix = chance.Below(pending_names_.size() + 1);
  for (std::size_t i = 0; i < pending_names_.size(); ++i) {
    const bool kept = fate == Fate::kWritten || fate == Fate::kTorn ||
                      (fate == Fate::kSome && i < prefix) || (fate == Fate::kAny && chance.Of(50));
    if (kept) {
      ApplyName(names, *pending_names_[i]);
    }
  }
  Disk disk;
  for (const auto& [name, id] : names) {
    const auto found = files_.find(id);
    std::string& content = disk[name];
    if (found == files_.end()) {
      continue;
    }
    content = found->second.durable;
    for (const Recorded* step : found->second.pending) {
      Leave(content, *step, fate, step == &steps_[position_ - 1], chance);
    }
  }
  return disk;
}

void WriteDisk(const fs::path& folder, const Disk& disk) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& [name, content] : disk) {
    const fs::path path = folder / name;
    std::ofstream out(path, std::ios::binary);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    out.close();
    TRIB_CHECK(static_cast<bool>(out));
    fs::permissions(path, fs::perms(0600));
  }
}

}  // namespace trib::testing::disk
