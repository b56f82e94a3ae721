// What Backlog::Open() finds in the flash; storing and acknowledging are in backlog.cc.
#include <algorithm>
#include <bit>

#include "backlog_layout.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/reader.h"
#include "trib/node/uplink/backlog.h"

namespace trib::node::uplink {
namespace {

// By majority, so that a single flipped bit neither hides records nor brings them back.
bool Marked(std::span<const std::byte> mark) {
  int cleared = 0;
  for (const std::byte b : mark) {
    cleared += 8 - std::popcount(static_cast<std::uint8_t>(b));
  }
  return cleared >= static_cast<int>(mark.size() * 4);
}

}  // namespace

bool Backlog::FitsFlash() {
  geometry_ = flash_.geometry();
  if (geometry_.program_unit_bytes == 0 || geometry_.program_unit_bytes > kMaxProgramUnitBytes ||
      geometry_.sector_bytes % geometry_.program_unit_bytes != 0 || region_.sectors < 3 ||
      region_.first.value() >= geometry_.sector_count ||
      region_.sectors > geometry_.sector_count - region_.first.value()) {
    return false;
  }
  header_bytes_ = RoundUp(kSectorHeaderBytes) + RoundUp(kMarkBytes);
  words_per_sector_ = static_cast<std::uint32_t>(BitmapWords(geometry_.sector_bytes));
  return geometry_.sector_bytes >= header_bytes_ + Footprint(1) &&
         memory_.sectors.size() >= region_.sectors &&
         memory_.acknowledged.size() >= std::size_t{region_.sectors} * words_per_sector_;
}

Status Backlog::ReadSectorHeader(std::uint32_t slot, SectorHeader& out) {
  out = {};
  std::array<std::byte, kSectorHeaderBytes> bytes;
  TRIB_TRY(flash_.Read(SectorOffset(slot), bytes));
  out.blank = Blank(bytes);
  ByteReader reader(bytes);
  const bool known = reader.U32() == kSectorMagic && reader.U16() == kFormatVersion;
  reader.Skip(2);
  out.sequence = reader.U32();
  out.gives_up = reader.U32();
  out.epoch = EnrolmentEpoch(reader.U64());
  for (std::uint32_t& count : out.dropped) {
    count = reader.U32();
  }
  const std::uint32_t sector_bytes = reader.U32();
  reader.Skip(4);
  out.valid = known && sector_bytes == geometry_.sector_bytes && out.sequence != 0 &&
              out.sequence != kNoSequence &&
              reader.U32() == Crc32c(std::span(bytes).first(kSectorHeaderBytes - 4));
  std::array<std::byte, kMarkBytes> mark;
  TRIB_TRY(flash_.Read(SectorOffset(slot) + RoundUp(kSectorHeaderBytes), mark));
  out.freed = Marked(mark);
  return {};
}

Result<std::uint32_t> Backlog::UsedEnd(std::uint32_t slot) {
  std::array<std::byte, kPieceBytes> piece;
  std::uint32_t end = geometry_.sector_bytes;
  while (end > header_bytes_) {
    const auto count = std::min<std::uint32_t>(kPieceBytes, end - header_bytes_);
    const auto bytes = std::span(piece).first(count);
    TRIB_TRY(flash_.Read(SectorOffset(slot) + end - count, bytes));
    if (!Blank(bytes)) {
      return end;
    }
    end -= count;
  }
  return end;
}

Status Backlog::RecoverSector(std::uint32_t slot, const SectorHeader& header, bool& clean_tail) {
  BacklogSector& sector = memory_.sectors[slot];
  sector.sequence = header.sequence;
  sector.epoch = header.epoch;
  sector.tail = header_bytes_;
  TRIB_TRY_ASSIGN(const std::uint32_t used_end, UsedEnd(slot));
  bool gap = false;
  std::uint32_t at = header_bytes_;
  while (at < used_end) {
    EntryHeader entry;
    if (!ReadEntry(slot, at, geometry_.sector_bytes, Check::kAll, entry)) {
      // UsedEnd() is coarse: blank bytes up to it are no damage.
      std::array<std::byte, kMaxProgramUnitBytes> memory;
      const auto unit = std::span(memory).first(geometry_.program_unit_bytes);
      TRIB_TRY(flash_.Read(SectorOffset(slot) + at, unit));
      if (!gap && !Blank(unit)) {
        gap = true;
        ++metrics_.entries_damaged;
      }
      at += geometry_.program_unit_bytes;
      continue;
    }
    sector.has_gaps = sector.has_gaps || at != sector.tail;
    gap = false;
    CountIn(sector, entry);
    ++metrics_.recovered;
    at += entry.footprint;
    sector.tail = at;
  }
  clean_tail = !gap;
  sector.state = sector.entries > 0 ? BacklogSector::State::kClosed : BacklogSector::State::kFree;
  return {};
}

Result<std::uint32_t> Backlog::ReadNewestHeader() {
  std::uint32_t newest = kNoSlot;
  for (std::uint32_t slot = 0; slot < region_.sectors; ++slot) {
    SectorHeader header;
    TRIB_TRY(ReadSectorHeader(slot, header));
    metrics_.sectors_unreadable += !header.valid && !header.blank ? 1 : 0;
    if (header.valid && header.sequence >= next_sequence_) {
      newest = slot;
      next_sequence_ = header.sequence + 1;
      metrics_.dropped = header.dropped;
    }
  }
  return newest;
}

Result<Backlog::Claim> Backlog::ClaimOf(std::uint32_t slot, const SectorHeader& header) {
  Claim claim = Claim::kStands;
  for (std::uint32_t other = 0; other < region_.sectors; ++other) {
    SectorHeader by;
    TRIB_TRY(ReadSectorHeader(other, by));
    if (by.valid && by.gives_up == header.sequence) {
      return Claim::kGivenUp;
    }
    if (other < slot && by.valid && by.sequence == header.sequence) {
      claim = Claim::kRepeats;
    }
  }
  return claim;
}

Status Backlog::Open(EnrolmentEpoch epoch) {
  open_ = false;
  if (!FitsFlash()) {
    return Code::kInvalidArgument;
  }
  metrics_ = {};
  epoch_ = epoch;
  current_ = kNoSlot;
  last_slot_ = region_.sectors - 1;
  last_boot_ = 0;
  last_sequence_ = 0;
  next_sequence_ = 1;
  std::ranges::fill(memory_.sectors, BacklogSector{});
  std::ranges::fill(memory_.acknowledged, 0U);

  TRIB_TRY_ASSIGN(const std::uint32_t newest, ReadNewestHeader());
  bool newest_is_clean = false;
  for (std::uint32_t slot = 0; slot < region_.sectors; ++slot) {
    SectorHeader header;
    TRIB_TRY(ReadSectorHeader(slot, header));
    if (!header.valid || header.freed) {
      continue;
    }
    TRIB_TRY_ASSIGN(const Claim claim, ClaimOf(slot, header));
    if (claim == Claim::kGivenUp) {
      MarkFreed(slot);
      continue;
    }
    if (claim == Claim::kRepeats) {
      ++metrics_.sectors_unreadable;
      continue;
    }
    bool clean_tail = false;
    TRIB_TRY(RecoverSector(slot, header, clean_tail));
    if (slot == newest) {
      newest_is_clean = clean_tail && header.epoch == epoch;
    }
  }
  if (newest != kNoSlot) {
    last_slot_ = newest;
    if (newest_is_clean) {
      current_ = newest;
      memory_.sectors[newest].state = BacklogSector::State::kOpen;
    }
  }
  metrics_.sectors_free = FreeSectors();
  open_ = true;
  return {};
}

}  // namespace trib::node::uplink
