#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/ids.h"
#include "trib/common/status/status.h"

namespace trib::node {

using SectorIndex = StrongId<struct SectorIndexTag, std::uint32_t>;

/// NOR-like memory: erasing a sector sets every bit, programming clears bits.
class Flash {
 public:
  struct Geometry {
    std::uint32_t sector_bytes = 0;
    std::uint32_t sector_count = 0;
    /// Program() takes whole units at offsets that are multiples of it; each unit once per erase.
    std::uint32_t program_unit_bytes = 0;
  };

  [[nodiscard]] virtual Geometry geometry() const = 0;
  /// Durable  The sectors read 0xFF after power loss. A cut in between leaves them undefined.
  virtual Status Erase(SectorIndex first, std::uint32_t count) = 0;
  /// Durable  The bytes are there after power loss. A cut in between leaves any prefix of units.
  /// @returns kInvalidArgument unaligned or outside; kFailedPrecondition not erased.
  virtual Status Program(std::uint32_t offset, std::span<const std::byte> bytes) = 0;
  virtual Status Read(std::uint32_t offset, std::span<std::byte> out) = 0;

 protected:
  ~Flash() = default;
};

}  // namespace trib::node
