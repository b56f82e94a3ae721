#include "trib/node/board/seeded_entropy.h"

#include <algorithm>

#include "trib/common/bytes/writer.h"

namespace trib::node::board {
namespace {

constexpr std::uint32_t kSectors = 2;

void Update(crypto::Sha512Stream& hash, std::uint32_t value) {
  std::array<std::byte, 4> bytes{};
  ByteWriter(bytes).U32(value);
  hash.Update(bytes);
}

}  // namespace

Status SeededEntropy::ReadSector(std::uint32_t sector, EntropySector& out) {
  const std::uint32_t begin = sector * flash_.geometry().sector_bytes;
  std::array<std::byte, kEntropyUnitsAt> head{};
  TRIB_TRY(flash_.Read(begin, head));
  TRIB_TRY_ASSIGN(out, DecodeEntropySector(head));
  out.units = static_cast<std::uint32_t>((flash_.geometry().sector_bytes - kEntropyUnitsAt) /
                                         kEntropyUnitBytes);
  for (out.units_used = 0; out.units_used < out.units; ++out.units_used) {
    std::array<std::byte, kEntropyUnitBytes> unit{};
    TRIB_TRY(flash_.Read(begin + static_cast<std::uint32_t>(kEntropyUnitsAt) +
                             out.units_used * static_cast<std::uint32_t>(kEntropyUnitBytes),
                         unit));
    // A unit that a power cut left half written is used up, too.
    if (std::ranges::all_of(unit, [](std::byte b) { return b == std::byte{0xFF}; })) {
      break;
    }
  }
  return {};
}

Status SeededEntropy::BeginNextGeneration() {
  crypto::Sha512Stream hash;
  constexpr std::array kNext = {std::byte{'n'}, std::byte{'e'}, std::byte{'x'}, std::byte{'t'}};
  hash.Update(kNext);
  hash.Update(sector_.seed.span());
  Update(hash, sector_.generation);
  const crypto::Digest digest = hash.Finish();
  crypto::SecretSeed seed;
  std::copy_n(digest.bytes.begin(), seed.bytes.size(), seed.bytes.begin());
  std::array<std::byte, kEntropyUnitsAt> head{};
  EncodeEntropySector(sector_.generation + 1, seed, head);
  const std::uint32_t other = 1 - sector_index_;
  const std::uint32_t begin = other * flash_.geometry().sector_bytes;
  TRIB_TRY(flash_.Erase(SectorIndex(other), 1));
  // The seed first: without its head, magic and checksum, the sector does not count.
  constexpr std::size_t kHead = 16;
  constexpr std::size_t kWritten = kHead + crypto::SecretSeed::kSize;
  TRIB_TRY(flash_.Program(begin + kHead, std::span(head).subspan(kHead, kWritten - kHead)));
  TRIB_TRY(flash_.Program(begin, std::span(head).first(kHead)));
  sector_index_ = other;
  return ReadSector(other, sector_);
}

Status SeededEntropy::CountBoot() {
  bool found = false;
  for (std::uint32_t i = 0; i < kSectors; ++i) {
    EntropySector sector;
    const Status read = ReadSector(i, sector);
    if (read.ok() && (!found || sector.generation > sector_.generation)) {
      sector_ = sector;
      sector_index_ = i;
      found = true;
    } else if (!read.ok() && read.code() != Code::kDataLoss) {
      return read;
    }
  }
  if (!found) {
    return Code::kFailedPrecondition;
  }
  if (sector_.units_used == sector_.units) {
    TRIB_TRY(BeginNextGeneration());
  }
  constexpr std::array<std::byte, kEntropyUnitBytes> kUsed{};
  const auto at =
      sector_index_ * flash_.geometry().sector_bytes +
      static_cast<std::uint32_t>(kEntropyUnitsAt + sector_.units_used * kEntropyUnitBytes);
  TRIB_TRY(flash_.Program(at, kUsed));
  ++sector_.units_used;
  counted_ = true;
  return {};
}

void SeededEntropy::DrawBlock() {
  crypto::Sha512Stream hash;
  hash.Update(sector_.seed.span());
  Update(hash, sector_.generation);
  Update(hash, sector_.units_used);
  Update(hash, counter_);
  block_ = hash.Finish();
  ++counter_;
  taken_ = 0;
}

Status SeededEntropy::Fill(std::span<std::byte> out) {
  if (!counted_) {
    TRIB_TRY(CountBoot());
  }
  for (std::byte& byte : out) {
    if (taken_ == block_.bytes.size()) {
      DrawBlock();
    }
    byte = block_.bytes[taken_];
    block_.bytes[taken_] = {};  // given once
    ++taken_;
  }
  return {};
}

}  // namespace trib::node::board
