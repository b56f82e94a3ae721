#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "trib/common/status/result.h"
#include "trib/node/board/memory.h"
#include "trib/node/ports/flash.h"

namespace trib::node::sim {

/// The file that holds a board's non-volatile memory, as the board sees it: docs/formats/
/// board_memory.md. Held with a lock, so that two nodes cannot share one.
///
/// Memory   Maps board::kMemoryBytes of the file.
/// Threads  One caller at a time.
class BoardFile {
 public:
  /// The board is known by the file's size.
  ///
  /// @returns kNotFound; kFailedPrecondition locked by another process, or of no board's size;
  ///   kUnavailable the system refused. The reason is in `error`.
  static Result<std::unique_ptr<BoardFile>> Open(const std::filesystem::path& path,
                                                 std::string& error);
  ~BoardFile();
  BoardFile(const BoardFile&) = delete;
  BoardFile& operator=(const BoardFile&) = delete;

  [[nodiscard]] package::HardwareClass board() const { return board_; }
  [[nodiscard]] std::span<const std::byte> memory() const { return memory_; }
  [[nodiscard]] std::span<const std::byte> area(const board::Area& area) const {
    return memory().subspan(area.offset, area.bytes);
  }
  [[nodiscard]] std::span<std::byte> writable(const board::Area& area) {
    return memory_.subspan(area.offset, area.bytes);
  }

 private:
  BoardFile(int fd, package::HardwareClass board, std::span<std::byte> memory)
      : fd_(fd), board_(board), memory_(memory) {}

  int fd_;
  package::HardwareClass board_;
  std::span<std::byte> memory_;
};

/// NOR flash in mapped memory, with its rules checked as FileFlash checks them.
///
/// Memory   Borrows `memory`, sectors x their bytes, for life.
/// Durable  A kill of the process loses nothing; a power cut of the machine may.
/// Threads  One caller at a time.
class MappedFlash final : public Flash {
 public:
  MappedFlash(std::span<std::byte> memory, const Geometry& geometry)
      : memory_(memory), geometry_(geometry) {}

  [[nodiscard]] Geometry geometry() const override { return geometry_; }
  Status Erase(SectorIndex first, std::uint32_t count) override;
  Status Program(std::uint32_t offset, std::span<const std::byte> bytes) override;
  Status Read(std::uint32_t offset, std::span<std::byte> out) override;

  /// Nothing was ever programmed, or all was erased.
  [[nodiscard]] bool blank() const;

 private:
  std::span<std::byte> memory_;
  Geometry geometry_;
};

}  // namespace trib::node::sim
