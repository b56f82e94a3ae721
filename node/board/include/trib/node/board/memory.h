#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "trib/common/package/types.h"

/// The map of a board's non-volatile memory. The law: docs/formats/board_memory.md.
namespace trib::node::board {

/// A part of the memory, from its beginning.
struct Area {
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;
};

inline constexpr std::size_t kMemoryBytes = std::size_t{16} << 20U;

inline constexpr Area kIdentityArea{0x01'0000, 4096};
inline constexpr Area kEntropyArea{0x02'0000, 8192};
inline constexpr Area kPackageArea{0x30'0000, 512U << 10U};
inline constexpr Area kSensorArea{0x80'0000, 8U << 20U};

// A sector holds the record of the longest activation.
inline constexpr std::uint32_t kFlashSectorBytes = 20'480;
inline constexpr std::uint32_t kStateSectors = 2;
inline constexpr std::uint32_t kBacklogSectors = 100;  // 2 MB: days of events and sketches
inline constexpr std::uint32_t kProgramUnitBytes = 8;
inline constexpr Area kFlashArea{0x40'0000, (kStateSectors + kBacklogSectors) * kFlashSectorBytes};
inline constexpr std::uint32_t kEntropySectorBytes = 4096;

/// How a board's memory lies in the file that stands for it.
struct MemoryFile {
  package::HardwareClass board = package::HardwareClass::kAny;
  std::uint64_t bytes = 0;   ///< of the file; each board has another
  std::uint64_t offset = 0;  ///< where the memory begins
};
inline constexpr std::array kMemoryFiles = {
    MemoryFile{package::HardwareClass::kMps2An386, std::uint64_t{16} << 20U, 0},
    MemoryFile{
        package::HardwareClass::kMps3An547, std::uint64_t{2} << 30U, std::uint64_t{256} << 20U}};

static_assert(kFlashArea.offset + kFlashArea.bytes <= kSensorArea.offset);
static_assert(kSensorArea.offset + kSensorArea.bytes <= kMemoryBytes);

}  // namespace trib::node::board
