#include "trib/tools/board/image.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "sensor_area.h"
#include "trib/common/host/files/files.h"
#include "trib/common/host/package/package.h"
#include "trib/node/app/loaded_package.h"
#include "trib/node/board/entropy_sector.h"
#include "trib/node/board/memory.h"
#include "trib/node/board/room.h"
#include "trib/node/board/sensor_memory.h"

namespace trib::tools::board {
namespace {

using node::board::Area;
using Bytes = std::vector<std::byte>;

std::span<std::byte> AreaOf(Bytes& memory, const Area& area) {
  return std::span(memory).subspan(area.offset, area.bytes);
}

const node::board::MemoryFile& FileOf(package::HardwareClass board) {
  return *std::ranges::find(node::board::kMemoryFiles, board, &node::board::MemoryFile::board);
}

/// @returns the length of the package, which may be 0.
Result<std::uint32_t> PutPackage(const ImageRequest& request,
                                 Bytes& memory,
                                 std::vector<std::string>& errors) {
  if (request.package.empty()) {
    return 0U;
  }
  std::string error;
  const auto file = host::package::ReadPackageFile(request.package, &error);
  if (!file.ok()) {
    errors.push_back("--package: " + error);
    return Code::kInvalidArgument;
  }
  if (file->size() > node::board::kPackageArea.bytes) {
    errors.push_back("--package: " + request.package + " is " + std::to_string(file->size()) +
                     " bytes, a slot has " + std::to_string(node::board::kPackageArea.bytes));
    return Code::kInvalidArgument;
  }
  std::ranges::copy(*file, AreaOf(memory, node::board::kPackageArea).begin());
  return static_cast<std::uint32_t>(file->size());
}

/// Asks what the board will: signature, contents, platform, sensor.
Status CheckPackage(const ImageRequest& request,
                    const node::board::IdentityPage& identity,
                    Bytes& memory,
                    std::vector<std::string>& errors) {
  const auto table = node::board::SensorTable::Open(AreaOf(memory, node::board::kSensorArea));
  if (identity.package_bytes == 0 || !table.ok()) {
    return table.status();
  }
  const auto loaded = std::make_unique<node::app::LoadedPackage>();
  const Status status = node::app::LoadPackage(
      AreaOf(memory, node::board::kPackageArea).first(identity.package_bytes),
      {identity.package_keys.data(), identity.package_keys.size()},
      request.board,
      {table->sample_rate_hz(), table->channels()},
      {.window_samples = node::board::kWindowSamples,
       .network_bytes = node::board::kNetworkBytes,
       .activation_bytes = node::board::kActivationBytes},
      *loaded);
  if (!status.ok()) {
    errors.push_back("--package: " + request.package +
                     ": the board would refuse it: " + host::package::DescribeRefusal(status));
    return Code::kInvalidArgument;
  }
  return {};
}

bool WriteAt(int fd, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
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

Status WriteFile(const node::board::MemoryFile& layout,
                 const Bytes& memory,
                 const std::filesystem::path& path,
                 std::vector<std::string>& errors) {
  const auto fail = [&](Code code, const std::string& text) -> Status {
    errors.push_back(path.string() + ": " + text);
    return code;
  };
  const std::string draft = path.string() + ".new" + std::to_string(::getpid());
  const host::files::File file(
      ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.ok()) {
    return fail(Code::kUnavailable, std::strerror(errno));
  }
  const bool written = ::ftruncate(file.get(), static_cast<off_t>(layout.bytes)) == 0 &&
                       WriteAt(file.get(), memory, layout.offset) && ::fsync(file.get()) == 0;
  // A link fails where a renaming would put the new file in the old one's place.
  const bool named = written && ::link(draft.c_str(), path.c_str()) == 0;
  const int reason = errno;
  ::unlink(draft.c_str());
  if (named) {
    return host::files::SyncFolderOf(path, nullptr);
  }
  return reason == EEXIST ? fail(Code::kAlreadyExists,
                                 "exists already and may hold a node's state; remove it first")
                          : fail(Code::kUnavailable, std::strerror(reason));
}

}  // namespace

std::vector<std::string> BoardNames() {
  std::vector<std::string> names;
  for (const node::board::MemoryFile& layout : node::board::kMemoryFiles) {
    names.emplace_back(package::HardwareClassName(layout.board));
  }
  return names;
}

std::optional<package::HardwareClass> ParseBoard(std::string_view name) {
  for (const node::board::MemoryFile& layout : node::board::kMemoryFiles) {
    if (package::HardwareClassName(layout.board) == name) {
      return layout.board;
    }
  }
  return std::nullopt;
}

Status MakeImage(const ImageRequest& request,
                 const std::filesystem::path& path,
                 std::vector<std::string>& errors) {
  if (std::filesystem::exists(path)) {
    errors.push_back(path.string() +
                     ": exists already and may hold a node's state; remove it first");
    return Code::kAlreadyExists;
  }
  Bytes memory(node::board::kMemoryBytes, std::byte{0xFF});
  node::board::IdentityPage identity = request.identity;
  TRIB_TRY_ASSIGN(identity.package_bytes, PutPackage(request, memory, errors));
  if (!node::board::EncodeIdentity(identity, AreaOf(memory, node::board::kIdentityArea)).ok()) {
    errors.emplace_back(
        "the identity is not possible: a node id above 0, an MTU of 51 to 1024, a start time up to "
        "the "
        "year 4000, and one at all where the node keeps its own");
    return Code::kInvalidArgument;
  }
  node::board::EncodeEntropySector(
      1,
      request.entropy,
      AreaOf(memory, node::board::kEntropyArea).first(node::board::kEntropySectorBytes));
  TRIB_TRY(PutSensor(request, AreaOf(memory, node::board::kSensorArea), errors));
  TRIB_TRY(CheckPackage(request, identity, memory, errors));
  return WriteFile(FileOf(request.board), memory, path, errors);
}

}  // namespace trib::tools::board
