#include <algorithm>
#include <system_error>

#include "trib/common/host/identity/identity.h"
#include "trib/common/host/package/package.h"
#include "trib/common/host/tail/tail.h"

namespace trib::host::tail {
namespace {

namespace fs = std::filesystem;
using trib::package::PackageView;
using trib::package::SectionType;

constexpr const char* kExtension = ".trib";

}  // namespace

TailStore::TailStore(StoreOptions options) : options_(std::move(options)) {}

TailStore::Report TailStore::Rescan() {
  Report report;
  ReadFolder(report);
  for (auto& [path, file] : files_) {
    if (file.state == State::kHead || file.state == State::kWaiting) {
      Join(path, file, report);
    }
  }
  Bound(report);
  const std::lock_guard lock(mutex_);
  report.networks = entries_.size();
  return report;
}

void TailStore::ReadFolder(Report& report) {
  for (auto& [path, file] : files_) {
    file.seen = false;
  }
  std::error_code failed;
  fs::directory_iterator folder(options_.folder, failed);
  if (failed) {
    // Without the folder nothing is known about its files: what was good stays.
    if (!folder_failed_) {
      report.lines.push_back(options_.folder.string() + ": cannot be read: " + failed.message());
    }
    folder_failed_ = true;
    return;
  }
  folder_failed_ = false;
  for (; folder != fs::directory_iterator(); folder.increment(failed)) {
    const fs::path path = folder->path();
    if (path.extension() != kExtension) {
      continue;
    }
    std::error_code gone;
    const Stamp stamp{fs::last_write_time(path, gone), fs::file_size(path, gone)};
    if (gone) {
      continue;  // taken away in between, or no regular file
    }
    const auto [found, is_new] = files_.try_emplace(path);
    File& file = found->second;
    file.seen = true;
    if (is_new || !(file.stamp == stamp)) {
      file = File();
      file.stamp = stamp;
      file.seen = true;
      ReadFile(path, file, report);
    }
  }
  if (!failed) {
    std::erase_if(files_, [](const auto& entry) { return !entry.second.seen; });
  }
  // A head that was taken out takes its network with it; one that turned bad does not.
  const std::lock_guard lock(mutex_);
  const auto gone = std::erase_if(
      entries_, [&](const Entry& entry) { return !files_.contains(entry.head_path); });
  report.dropped += gone;
  for (auto& [path, file] : files_) {
    file.state = gone != 0 && file.state == State::kLeftOut ? State::kHead : file.state;
  }
}

void TailStore::ReadFile(const fs::path& path, File& file, Report& report) {
  std::string error;
  const auto bytes = package::ReadPackageFile(path, &error);
  if (!bytes.ok()) {
    report.lines.push_back(error);
    return;
  }
  const auto refuse = [&](const std::string& reason) {
    report.lines.push_back(path.string() + ": " + reason);
  };
  const auto view = PackageView::Open(*bytes);
  if (!view.ok()) {
    refuse(package::DescribeRefusal(view.status()));
    return;
  }
  file.digest = view->digest();
  const auto split_bytes = view->Find(SectionType::kSplitPoints);
  if (split_bytes.empty()) {
    return;  // a tail, or a package without a network
  }
  if (!options_.accept_unsigned) {
    if (const Status status = CheckSignature(*view, options_.keys); !status.ok()) {
      refuse(package::DescribeRefusal(status));
      return;
    }
  }
  trib::package::SplitPoints split;
  Status status = CheckContents(*view);
  status = status.ok() ? Decode(split_bytes, split) : status;
  if (!status.ok()) {
    refuse(package::DescribeRefusal(status));
    return;
  }
  file.tail = split.tail_digest;
  file.state = State::kHead;
}

void TailStore::Join(const fs::path& path, File& file, Report& report) {
  if (Find(trib::package::HashOf(file.digest)) != nullptr) {
    return;  // a copy of one that is held; if that one goes, this one is asked again
  }
  const auto tail = std::find_if(files_.begin(), files_.end(), [&](const auto& entry) {
    return entry.second.digest == file.tail;
  });
  if (tail == files_.end()) {
    if (file.state != State::kWaiting) {
      report.lines.push_back(path.string() + ": its tail " +
                             identity::ToHex(file.tail).substr(0, 16) + " is not in the folder");
    }
    file.state = State::kWaiting;
    return;
  }
  std::string error;
  auto head_bytes = package::ReadPackageFile(path, &error);
  auto tail_bytes = package::ReadPackageFile(tail->first, &error);
  if (!head_bytes.ok() || !tail_bytes.ok()) {
    report.lines.push_back(error);
    return;
  }
  auto network = Network::Join(*std::move(head_bytes), *std::move(tail_bytes), error);
  if (network.ok() && (*network)->head().digest() != file.digest) {
    return;  // replaced in between: the next scan sees its new stamp, and asks who signed it
  }
  if (!network.ok()) {
    file.state = State::kRefused;
    report.lines.push_back(path.string() + ": " + error);
    return;
  }
  file.state = State::kJoined;
  ++report.added;
  const std::lock_guard lock(mutex_);
  entries_.push_back({path, file.stamp.time, *std::move(network)});
}

/// The newest stay, as many as there may be.
void TailStore::Bound(Report& report) {
  const std::lock_guard lock(mutex_);
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return a.time > b.time;
  });
  std::uint64_t bytes = 0;
  std::vector<Entry> kept;
  for (Entry& entry : entries_) {
    bytes += entry.network->bytes();
    if (kept.size() < options_.max_networks && bytes <= options_.max_bytes) {
      kept.push_back(std::move(entry));
      continue;
    }
    bytes -= entry.network->bytes();
    ++report.dropped;
    if (const auto file = files_.find(entry.head_path); file != files_.end()) {
      file->second.state = State::kLeftOut;
    }
    report.lines.push_back(entry.head_path.string() + ": left out: at most " +
                           std::to_string(options_.max_networks) + " networks and " +
                           std::to_string(options_.max_bytes) + " bytes are held, newest first");
  }
  entries_ = std::move(kept);
}

std::shared_ptr<const Network> TailStore::Find(PackageHash head) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.network->hash() == head;
  });
  return found == entries_.end() ? nullptr : found->network;
}

std::vector<std::shared_ptr<const Network>> TailStore::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const Network>> out;
  for (const Entry& entry : entries_) {
    out.push_back(entry.network);
  }
  return out;
}

}  // namespace trib::host::tail
