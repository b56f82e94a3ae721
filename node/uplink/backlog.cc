#include "trib/node/uplink/backlog.h"

#include <algorithm>

#include "backlog_layout.h"
#include "trib/common/base/check.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"

namespace trib::node::uplink {
namespace {

constexpr std::uint64_t KeyOrder(std::uint32_t boot, std::uint32_t sequence) {
  return (std::uint64_t{boot} << 32U) | sequence;
}

}  // namespace

Backlog::Backlog(Flash& flash, BacklogRegion region, BacklogMemory memory, BacklogReserve reserve)
    : flash_(flash), region_(region), memory_(memory), reserve_(reserve) {
  TRIB_CHECK(memory.entry.size() > kEntryHeaderBytes + kMaxProgramUnitBytes);
  TRIB_CHECK(std::ranges::is_sorted(reserve_) && reserve_.back() <= 1000);
}

std::uint32_t Backlog::RoundUp(std::size_t bytes) const {
  const auto unit = geometry_.program_unit_bytes;
  return (static_cast<std::uint32_t>(bytes) + unit - 1) / unit * unit;
}

std::uint32_t Backlog::Footprint(std::size_t bytes) const {
  return RoundUp(std::max(kEntryHeaderBytes + bytes, kMinEntryBytes));
}

std::uint32_t Backlog::SectorOffset(std::uint32_t slot) const {
  return (region_.first.value() + slot) * geometry_.sector_bytes;
}

std::uint32_t Backlog::usable_bytes() const {
  return geometry_.sector_bytes - header_bytes_;
}

std::uint64_t Backlog::capacity_bytes() const {
  return std::uint64_t{region_.sectors - 1} * usable_bytes();
}

bool Backlog::Acked(std::uint32_t slot, std::uint32_t index) const {
  return ((memory_.acknowledged[slot * words_per_sector_ + index / 32] >> (index % 32)) & 1U) != 0;
}

void Backlog::SetAcked(std::uint32_t slot, std::uint32_t index) {
  memory_.acknowledged[slot * words_per_sector_ + index / 32] |= 1U << (index % 32);
}

void Backlog::ClearAcked(std::uint32_t slot) {
  const std::size_t first = std::size_t{slot} * words_per_sector_;
  std::ranges::fill(memory_.acknowledged.subspan(first, words_per_sector_), 0U);
}

std::uint32_t Backlog::FindSector(std::uint32_t at_least) const {
  std::uint32_t found = kNoSlot;
  for (std::uint32_t slot = 0; slot < region_.sectors; ++slot) {
    const BacklogSector& sector = memory_.sectors[slot];
    const bool used = sector.state == BacklogSector::State::kOpen ||
                      sector.state == BacklogSector::State::kClosed;
    if (used && sector.sequence >= at_least &&
        (found == kNoSlot || sector.sequence < memory_.sectors[found].sequence)) {
      found = slot;
    }
  }
  return found;
}

std::uint32_t Backlog::FreeSectors() const {
  return static_cast<std::uint32_t>(std::ranges::count(
      memory_.sectors.first(region_.sectors), BacklogSector::State::kFree, &BacklogSector::state));
}

std::uint64_t Backlog::FreeBytes() const {
  const std::uint32_t free = FreeSectors();
  const std::uint64_t rest =
      current_ == kNoSlot ? 0 : geometry_.sector_bytes - memory_.sectors[current_].tail;
  return rest + (free > 1 ? std::uint64_t{free - 1} * usable_bytes() : 0);
}

bool Backlog::FitsCurrent(std::uint32_t footprint) const {
  return current_ != kNoSlot &&
         footprint <= geometry_.sector_bytes - memory_.sectors[current_].tail;
}

bool Backlog::ReadEntry(
    std::uint32_t slot, std::uint32_t at, std::uint32_t end, Check check, EntryHeader& out) {
  if (at > end || end - at < kEntryHeaderBytes) {
    return false;
  }
  std::array<std::byte, kEntryHeaderBytes> header;
  if (!flash_.Read(SectorOffset(slot) + at, header).ok()) {
    ++metrics_.flash_errors;
    return false;
  }
  ByteReader reader(header);
  const bool known = reader.U16() == kEntryMagic;
  const std::uint8_t priority = reader.U8();
  reader.Skip(1);
  out.bytes = reader.U32();
  out.boot = reader.U32();
  out.sequence = reader.U32();
  const bool ours = reader.U32() == memory_.sectors[slot].sequence;
  reader.Skip(4);
  const std::uint32_t stored_crc = reader.U32();
  if (!known || !ours || priority >= message::kPriorityCount || out.bytes == 0 ||
      out.bytes > end - at - kEntryHeaderBytes) {
    return false;
  }
  out.priority = static_cast<message::Priority>(priority);
  out.footprint = Footprint(out.bytes);
  if (out.footprint > end - at) {
    return false;
  }
  if (check == Check::kHeader) {
    return true;
  }
  std::uint32_t crc = Crc32c(std::span(header).first(kEntryHeaderBytes - 4));
  std::array<std::byte, kPieceBytes> piece;
  for (std::uint32_t done = 0; done < out.bytes;) {
    const auto count = std::min<std::uint32_t>(kPieceBytes, out.bytes - done);
    const auto bytes = std::span(piece).first(count);
    const std::uint32_t from = at + static_cast<std::uint32_t>(kEntryHeaderBytes) + done;
    if (!flash_.Read(SectorOffset(slot) + from, bytes).ok()) {
      ++metrics_.flash_errors;
      return false;
    }
    crc = Crc32c(bytes, crc);
    done += count;
  }
  return crc == stored_crc;
}

bool Backlog::WalkTo(std::uint32_t slot, std::uint32_t& at, EntryHeader& out) {
  const BacklogSector& sector = memory_.sectors[slot];
  at = std::max(at, header_bytes_);
  if (!sector.has_gaps) {
    return at < sector.tail && ReadEntry(slot, at, sector.tail, Check::kHeader, out);
  }
  for (; at < sector.tail; at += geometry_.program_unit_bytes) {
    if (ReadEntry(slot, at, sector.tail, Check::kAll, out)) {
      return true;
    }
  }
  return false;
}

void Backlog::CountIn(BacklogSector& sector, const EntryHeader& entry) {
  if (sector.entries == 0) {
    sector.first_boot = entry.boot;
    sector.first_sequence = entry.sequence;
  }
  sector.last_boot = entry.boot;
  sector.last_sequence = entry.sequence;
  ++sector.entries;
  ++metrics_.records;
  metrics_.record_bytes += entry.bytes;
  if (sector.epoch == epoch_ &&
      KeyOrder(entry.boot, entry.sequence) > KeyOrder(last_boot_, last_sequence_)) {
    last_boot_ = entry.boot;
    last_sequence_ = entry.sequence;
  }
}

std::span<std::byte> Backlog::record_memory() {
  return memory_.entry.subspan(kEntryHeaderBytes,
                               memory_.entry.size() - kEntryHeaderBytes - kMaxProgramUnitBytes);
}

Status Backlog::OpenSector(std::uint32_t gives_up) {
  Status failed = Code::kResourceExhausted;
  for (std::uint32_t step = 1; step <= region_.sectors; ++step) {
    const std::uint32_t slot = (last_slot_ + step) % region_.sectors;
    BacklogSector& sector = memory_.sectors[slot];
    if (sector.state != BacklogSector::State::kFree) {
      continue;
    }
    const std::uint32_t sequence = next_sequence_++;
    std::array<std::byte, kSectorHeaderBytes + kMaxProgramUnitBytes> bytes;
    bytes.fill(std::byte{0xFF});
    ByteWriter writer{std::span(bytes).first(kSectorHeaderBytes)};
    writer.U32(kSectorMagic);
    writer.U16(kFormatVersion);
    writer.U16(0);
    writer.U32(sequence);
    writer.U32(gives_up);
    writer.U64(epoch_.value());
    for (const std::uint32_t count : metrics_.dropped) {
      writer.U32(count);
    }
    writer.U32(geometry_.sector_bytes);
    writer.U32(0);
    writer.U32(Crc32c(writer.written()));
    failed = flash_.Erase(SectorIndex(region_.first.value() + slot), 1);
    if (failed.ok()) {
      failed =
          flash_.Program(SectorOffset(slot), std::span(bytes).first(RoundUp(kSectorHeaderBytes)));
    }
    if (!failed.ok()) {
      ++metrics_.flash_errors;
      sector.state = BacklogSector::State::kBad;
      continue;
    }
    sector = {};
    sector.state = BacklogSector::State::kOpen;
    sector.sequence = sequence;
    sector.epoch = epoch_;
    sector.tail = header_bytes_;
    ClearAcked(slot);
    current_ = slot;
    last_slot_ = slot;
    metrics_.sectors_free = FreeSectors();
    return {};
  }
  return failed;
}

Status Backlog::GiveUpOldest() {
  const std::uint32_t victim = FindSector(0);
  if (victim == kNoSlot || victim == current_) {
    return Code::kResourceExhausted;
  }
  const PriorityCounts dropped_before = metrics_.dropped;
  std::uint32_t at = 0;
  EntryHeader entry;
  std::uint32_t lost = 0;
  std::uint32_t lost_bytes = 0;
  for (std::uint32_t index = 0; WalkTo(victim, at, entry); ++index, at += entry.footprint) {
    if (!Acked(victim, index)) {
      ++metrics_.dropped[static_cast<std::size_t>(entry.priority)];
      ++lost;
      lost_bytes += entry.bytes;
    }
  }
  // The header of the new sector is the one write that both counts the loss and makes it so.
  if (const Status opened = OpenSector(memory_.sectors[victim].sequence); !opened.ok()) {
    metrics_.dropped = dropped_before;
    return opened;
  }
  metrics_.records -= lost;
  metrics_.record_bytes -= lost_bytes;
  ++metrics_.sectors_given_up;
  Free(victim);
  return {};
}

Status Backlog::MakeRoom(message::Priority priority, std::uint32_t footprint) {
  const std::uint64_t free = FreeBytes();
  const std::uint64_t reserve =
      capacity_bytes() * reserve_[static_cast<std::size_t>(priority)] / 1000;
  if (priority != message::Priority::kEvent && (free < footprint || free - footprint < reserve)) {
    return Code::kResourceExhausted;
  }
  if (FitsCurrent(footprint)) {
    return {};
  }
  CloseCurrent();
  if (FreeSectors() >= 2) {
    return OpenSector(0);
  }
  return priority == message::Priority::kEvent ? GiveUpOldest() : Status(Code::kResourceExhausted);
}

Status Backlog::ProgramEntry(std::uint32_t boot,
                             std::uint32_t sequence,
                             message::Priority priority,
                             std::size_t bytes) {
  BacklogSector& sector = memory_.sectors[current_];
  EntryHeader entry;
  entry.bytes = static_cast<std::uint32_t>(bytes);
  entry.boot = boot;
  entry.sequence = sequence;
  entry.footprint = Footprint(bytes);
  entry.priority = priority;
  ByteWriter writer(memory_.entry.first(kEntryHeaderBytes));
  writer.U16(kEntryMagic);
  writer.U8(static_cast<std::uint8_t>(priority));
  writer.U8(0);
  writer.U32(entry.bytes);
  writer.U32(boot);
  writer.U32(sequence);
  writer.U32(sector.sequence);
  writer.U32(0);
  writer.U32(Crc32c(memory_.entry.subspan(kEntryHeaderBytes, bytes), Crc32c(writer.written())));
  const std::size_t used = kEntryHeaderBytes + bytes;
  std::ranges::fill(memory_.entry.subspan(used, entry.footprint - used), std::byte{0xFF});
  TRIB_TRY(
      flash_.Program(SectorOffset(current_) + sector.tail, memory_.entry.first(entry.footprint)));
  CountIn(sector, entry);
  sector.tail += entry.footprint;
  return {};
}

Status Backlog::Append(std::uint32_t boot,
                       std::uint32_t sequence,
                       message::Priority priority,
                       std::size_t bytes) {
  if (!open_) {
    return Code::kFailedPrecondition;
  }
  if (bytes == 0 || bytes > record_memory().size() || Footprint(bytes) > usable_bytes() ||
      static_cast<std::size_t>(priority) >= message::kPriorityCount ||
      KeyOrder(boot, sequence) <= KeyOrder(last_boot_, last_sequence_)) {
    return Code::kInvalidArgument;
  }
  Status stored;
  for (int attempt = 0; attempt < 2; ++attempt) {
    stored = MakeRoom(priority, Footprint(bytes));
    if (!stored.ok()) {
      break;
    }
    stored = ProgramEntry(boot, sequence, priority, bytes);
    if (stored.ok()) {
      ++metrics_.appended;
      return {};
    }
    // What the failed program left behind the tail is unknown: go on in another sector.
    ++metrics_.flash_errors;
    CloseCurrent();
  }
  ++metrics_.dropped[static_cast<std::size_t>(priority)];
  return stored;
}

void Backlog::CloseCurrent() {
  if (current_ == kNoSlot) {
    return;
  }
  const std::uint32_t slot = current_;
  current_ = kNoSlot;
  BacklogSector& sector = memory_.sectors[slot];
  sector.state = BacklogSector::State::kClosed;
  if (sector.acknowledged == sector.entries) {
    Free(slot);
  }
}

void Backlog::Free(std::uint32_t slot) {
  memory_.sectors[slot].state = BacklogSector::State::kFree;
  MarkFreed(slot);
  metrics_.sectors_free = FreeSectors();
}

void Backlog::MarkFreed(std::uint32_t slot) {
  const std::uint32_t at = SectorOffset(slot) + RoundUp(kSectorHeaderBytes);
  std::array<std::byte, kMaxProgramUnitBytes> memory;
  const auto mark = std::span(memory).first(RoundUp(kMarkBytes));
  // Without the mark its records are sent once more after a restart; nothing worse.
  if (!flash_.Read(at, mark).ok() || !Blank(mark)) {
    return;
  }
  std::ranges::fill(mark, std::byte{0});
  metrics_.flash_errors += flash_.Program(at, mark).ok() ? 0 : 1;
}

bool Backlog::Next(Cursor& cursor, StoredRecord& out) {
  while (true) {
    const std::uint32_t slot = FindSector(cursor.sector_sequence);
    if (slot == kNoSlot) {
      return false;
    }
    const BacklogSector& sector = memory_.sectors[slot];
    if (sector.sequence != cursor.sector_sequence) {
      cursor = {sector.sequence, 0, 0};
    }
    EntryHeader entry;
    while (WalkTo(slot, cursor.offset, entry)) {
      const std::uint32_t at = cursor.offset;
      const std::uint32_t index = cursor.index++;
      cursor.offset += entry.footprint;
      if (!Acked(slot, index)) {
        out = {.epoch = sector.epoch,
               .boot = entry.boot,
               .sequence = entry.sequence,
               .priority = entry.priority,
               .index = static_cast<std::uint16_t>(index),
               .slot = slot,
               .sector_sequence = sector.sequence,
               .offset = SectorOffset(slot) + at + static_cast<std::uint32_t>(kEntryHeaderBytes),
               .bytes = entry.bytes};
        return true;
      }
    }
    if (sector.state == BacklogSector::State::kOpen) {
      return false;  // what is appended next will be found from here
    }
    cursor = {sector.sequence + 1, 0, 0};
  }
}

bool Backlog::Holds(const StoredRecord& record) const {
  const BacklogSector& sector = memory_.sectors[record.slot];
  return sector.sequence == record.sector_sequence &&
         (sector.state == BacklogSector::State::kOpen ||
          sector.state == BacklogSector::State::kClosed) &&
         record.index < sector.entries && !Acked(record.slot, record.index);
}

Status Backlog::Read(const StoredRecord& record, std::uint32_t from, std::span<std::byte> out) {
  if (from > record.bytes || out.size() > record.bytes - from) {
    return Code::kInvalidArgument;
  }
  return flash_.Read(record.offset + from, out);
}

Status Backlog::Verify(const StoredRecord& record) {
  EntryHeader entry;
  const std::uint32_t at =
      record.offset - SectorOffset(record.slot) - static_cast<std::uint32_t>(kEntryHeaderBytes);
  const bool whole = ReadEntry(record.slot, at, geometry_.sector_bytes, Check::kAll, entry);
  return whole && entry.bytes == record.bytes ? Status() : Status(Code::kDataLoss);
}

void Backlog::Forget(std::uint32_t slot, std::uint32_t index, std::uint32_t bytes) {
  SetAcked(slot, index);
  ++memory_.sectors[slot].acknowledged;
  --metrics_.records;
  metrics_.record_bytes -= bytes;
}

void Backlog::GiveUp(const StoredRecord& record) {
  if (!Holds(record)) {
    return;
  }
  ++metrics_.dropped[static_cast<std::size_t>(record.priority)];
  ++metrics_.entries_damaged;
  Forget(record.slot, record.index, record.bytes);
  const BacklogSector& sector = memory_.sectors[record.slot];
  if (sector.state == BacklogSector::State::kClosed && sector.acknowledged == sector.entries) {
    Free(record.slot);
  }
}

std::uint32_t Backlog::Acknowledge(EnrolmentEpoch epoch,
                                   std::uint32_t boot,
                                   std::uint32_t first,
                                   std::uint32_t last,
                                   PriorityCounts* forgotten) {
  std::uint32_t count = 0;
  for (std::uint32_t slot = 0; slot < region_.sectors && open_; ++slot) {
    BacklogSector& sector = memory_.sectors[slot];
    if ((sector.state != BacklogSector::State::kOpen &&
         sector.state != BacklogSector::State::kClosed) ||
        sector.epoch != epoch || sector.acknowledged == sector.entries ||
        KeyOrder(sector.last_boot, sector.last_sequence) < KeyOrder(boot, first) ||
        KeyOrder(sector.first_boot, sector.first_sequence) > KeyOrder(boot, last)) {
      continue;
    }
    std::uint32_t at = 0;
    EntryHeader entry;
    for (std::uint32_t index = 0; WalkTo(slot, at, entry); ++index, at += entry.footprint) {
      if (entry.boot != boot || entry.sequence < first || entry.sequence > last ||
          Acked(slot, index)) {
        continue;
      }
      Forget(slot, index, entry.bytes);
      ++count;
      if (forgotten != nullptr) {
        ++(*forgotten)[static_cast<std::size_t>(entry.priority)];
      }
    }
    if (sector.state == BacklogSector::State::kClosed && sector.acknowledged == sector.entries) {
      Free(slot);
    }
  }
  return count;
}

}  // namespace trib::node::uplink
