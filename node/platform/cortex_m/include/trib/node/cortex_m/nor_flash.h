#pragma once

#include <cstddef>
#include <span>

#include "trib/node/ports/flash.h"

namespace trib::node::cortex_m {

/// What keeps memory from being written but for a moment.
class WriteSwitch {
 public:
  virtual void SetWritable(bool writable) = 0;

 protected:
  ~WriteSwitch() = default;
};

/// Memory that keeps its contents, treated as NOR flash: erasing sets every bit, programming only
/// clears, and only where all were set.
///
/// Memory   Borrows `memory`, whole sectors of it, and the switch for life.
/// Threads  One caller at a time, never an interrupt.
/// State    A cut may leave a unit half programmed. A unit programmed with all ones may be
///          programmed again.
class NorFlash final : public Flash {
 public:
  /// Requires  memory.size() is that of the geometry, whose units divide its sectors.
  NorFlash(std::span<std::byte> memory, const Geometry& geometry, WriteSwitch& write_switch);

  [[nodiscard]] Geometry geometry() const override { return geometry_; }
  Status Erase(SectorIndex first, std::uint32_t count) override;
  Status Program(std::uint32_t offset, std::span<const std::byte> bytes) override;
  Status Read(std::uint32_t offset, std::span<std::byte> out) override;

 private:
  [[nodiscard]] bool Inside(std::uint32_t offset, std::size_t bytes) const {
    return offset <= memory_.size() && bytes <= memory_.size() - offset;
  }

  const std::span<std::byte> memory_;
  const Geometry geometry_;
  WriteSwitch& switch_;
};

}  // namespace trib::node::cortex_m
