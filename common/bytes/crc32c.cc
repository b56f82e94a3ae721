#include "trib/common/bytes/crc32c.h"

#include <array>

namespace trib {
namespace {

// Sixteen entries: a nibble at a time costs 64 bytes of flash instead of a kilobyte.
constexpr std::array<std::uint32_t, 16> MakeTable() {
  std::array<std::uint32_t, 16> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 4; ++bit) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
    }
    table[i] = crc;
  }
  return table;
}
constexpr auto kTable = MakeTable();

}  // namespace

std::uint32_t Crc32c(std::span<const std::byte> bytes, std::uint32_t seed) {
  std::uint32_t crc = ~seed;
  for (const std::byte b : bytes) {
    crc ^= static_cast<std::uint32_t>(b);
    crc = (crc >> 4U) ^ kTable[crc & 15U];
    crc = (crc >> 4U) ^ kTable[crc & 15U];
  }
  return ~crc;
}

}  // namespace trib
