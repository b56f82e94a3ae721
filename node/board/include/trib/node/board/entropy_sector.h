#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/crypto/crypto.h"
#include "trib/common/status/result.h"

namespace trib::node::board {

/// A sector of the entropy area: docs/formats/board_memory.md, section 3.
struct EntropySector {
  std::uint32_t generation = 0;
  crypto::SecretSeed seed;
  std::uint32_t units_used = 0;  ///< boots that drew on it
  std::uint32_t units = 0;       ///< that it has
};

inline constexpr std::size_t kEntropyUnitsAt = 64;
inline constexpr std::size_t kEntropyUnitBytes = 8;

/// Writes a sector that no boot has drawn on. Requires  `sector` of at least kEntropyUnitsAt bytes.
void EncodeEntropySector(std::uint32_t generation,
                         const crypto::SecretSeed& seed,
                         std::span<std::byte> sector);

/// @returns kDataLoss when the sector is blank or damaged.
Result<EntropySector> DecodeEntropySector(std::span<const std::byte> sector);

}  // namespace trib::node::board
