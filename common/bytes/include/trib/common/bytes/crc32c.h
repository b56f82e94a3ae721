#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trib {

/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, RFC 3720 appendix B.4). Pass the previous
/// result as `seed` to continue over several pieces.
std::uint32_t Crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0);

}  // namespace trib
