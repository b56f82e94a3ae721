#include "trib/node/board/entropy_sector.h"

#include <algorithm>

#include "trib/common/base/check.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"

namespace trib::node::board {
namespace {

// "TRIBENT1" as a little-endian number.
constexpr std::uint64_t kMagic = 0x3154'4E45'4249'5254;

std::uint32_t Checksum(std::span<const std::byte> generation, std::span<const std::byte> seed) {
  return Crc32c(seed, Crc32c(generation));
}

bool IsUsed(std::span<const std::byte> unit) {
  return !std::ranges::all_of(unit, [](std::byte b) { return b == std::byte{0xFF}; });
}

}  // namespace

void EncodeEntropySector(std::uint32_t generation,
                         const crypto::SecretSeed& seed,
                         std::span<std::byte> sector) {
  TRIB_CHECK(sector.size() >= kEntropyUnitsAt);
  std::ranges::fill(sector, std::byte{0xFF});
  ByteWriter writer(sector);
  writer.U64(kMagic);
  writer.U32(generation);
  writer.U32(Checksum(sector.subspan(8, 4), seed.span()));
  writer.Bytes(seed.span());
}

Result<EntropySector> DecodeEntropySector(std::span<const std::byte> sector) {
  ByteReader reader(sector);
  EntropySector out;
  const std::uint64_t magic = reader.U64();
  out.generation = reader.U32();
  const std::uint32_t checksum = reader.U32();
  const auto seed = reader.Bytes(crypto::SecretSeed::kSize);
  if (!reader.ok() || sector.size() < kEntropyUnitsAt || magic != kMagic ||
      Checksum(sector.subspan(8, 4), seed) != checksum) {
    return Code::kDataLoss;
  }
  std::ranges::copy(seed, out.seed.bytes.begin());
  const auto units = sector.subspan(kEntropyUnitsAt);
  out.units = static_cast<std::uint32_t>(units.size() / kEntropyUnitBytes);
  while (out.units_used < out.units &&
         IsUsed(units.subspan(out.units_used * kEntropyUnitBytes, kEntropyUnitBytes))) {
    ++out.units_used;
  }
  return out;
}

}  // namespace trib::node::board
