#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "trib/common/status/result.h"
#include "trib/node/ports/flash.h"

namespace trib::node::sim {

/// Flash in a file, with NOR's rules checked: a unit is programmed once per erasure. Made full of
/// 0xFF when absent, whole or not at all. Held with a lock, so that two nodes cannot share one.
///
/// Durable  Erase() and Program() call fdatasync() unless `sync` is off: then a power cut of the
///          machine may lose what a kill of the process does not.
/// Threads  One caller at a time.
class FileFlash final : public Flash {
 public:
  struct Options {
    Geometry geometry{.sector_bytes = 8192, .sector_count = 64, .program_unit_bytes = 8};
    bool sync = true;
  };

  /// @returns kFailedPrecondition locked by another process, or of another size; kUnavailable the
  ///   system refused. The reason is in `error`.
  static Result<std::unique_ptr<FileFlash>> Open(const std::filesystem::path& path,
                                                 const Options& options,
                                                 std::string& error);
  ~FileFlash();
  FileFlash(const FileFlash&) = delete;
  FileFlash& operator=(const FileFlash&) = delete;

  [[nodiscard]] Geometry geometry() const override { return options_.geometry; }
  Status Erase(SectorIndex first, std::uint32_t count) override;
  Status Program(std::uint32_t offset, std::span<const std::byte> bytes) override;
  Status Read(std::uint32_t offset, std::span<std::byte> out) override;

  /// The file did not exist before.
  [[nodiscard]] bool created() const { return created_; }

 private:
  FileFlash(int fd, const Options& options, bool created)
      : fd_(fd), options_(options), created_(created) {}
  static Result<std::unique_ptr<FileFlash>> Create(const std::filesystem::path& path,
                                                   const Options& options,
                                                   std::string& error);
  Status Sync();
  [[nodiscard]] std::uint64_t size() const {
    return std::uint64_t{options_.geometry.sector_bytes} * options_.geometry.sector_count;
  }

  int fd_;
  Options options_;
  bool created_;
};

}  // namespace trib::node::sim
