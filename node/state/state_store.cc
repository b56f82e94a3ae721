#include "trib/node/state/state_store.h"

#include <algorithm>
#include <array>
#include <bit>

#include "trib/common/base/check.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"

namespace trib::node::state {
namespace {

constexpr std::uint32_t kGroupMagic = 0x534E5254;  // "TRNS"
constexpr std::uint16_t kFormatVersion = 1;
constexpr std::size_t kGroupHeaderBytes = 20;
constexpr std::size_t kMarkBytes = 8;
constexpr std::uint16_t kEntryMagic = 0x5A7E;
constexpr std::uint16_t kRemoved = 1;  // Entry::flags
constexpr std::size_t kPieceBytes = 64;

// By majority, so that a single flipped bit neither retires a log nor revives one.
bool Marked(std::span<const std::byte> mark) {
  int cleared = 0;
  for (const std::byte b : mark) {
    cleared += 8 - std::popcount(static_cast<std::uint8_t>(b));
  }
  return cleared >= static_cast<int>(mark.size() * 4);
}

}  // namespace

StateStore::StateStore(Flash& flash, StateRegion region, std::span<std::byte> scratch)
    : flash_(flash), region_(region), scratch_(scratch) {
  TRIB_CHECK(scratch.size() >= kScratchBytes);
}

std::uint32_t StateStore::RoundUp(std::size_t bytes) const {
  const auto unit = geometry_.program_unit_bytes;
  return (static_cast<std::uint32_t>(bytes) + unit - 1) / unit * unit;
}

std::uint32_t StateStore::GroupOffset(std::uint32_t group) const {
  return region_.first.value() * geometry_.sector_bytes + group * group_bytes_;
}

std::uint32_t StateStore::GroupEnd(std::uint32_t group) const {
  return GroupOffset(group) + group_bytes_;
}

bool StateStore::FitsFlash() {
  geometry_ = flash_.geometry();
  if (geometry_.program_unit_bytes == 0 || geometry_.program_unit_bytes > kMaxProgramUnitBytes ||
      geometry_.sector_bytes % geometry_.program_unit_bytes != 0 ||
      region_.sectors_per_group == 0 || region_.first.value() >= geometry_.sector_count ||
      region_.sectors > geometry_.sector_count - region_.first.value()) {
    return false;
  }
  groups_ = region_.sectors / region_.sectors_per_group;
  group_bytes_ = region_.sectors_per_group * geometry_.sector_bytes;
  header_bytes_ = RoundUp(kGroupHeaderBytes) + RoundUp(kMarkBytes);
  return groups_ >= 2 && group_bytes_ >= header_bytes_ + RoundUp(kEntryHeaderBytes);
}

Result<std::uint32_t> StateStore::UsedEnd(std::uint32_t begin, std::uint32_t end) {
  std::array<std::byte, kPieceBytes> piece;
  while (end > begin) {
    const std::uint32_t count = std::min<std::uint32_t>(kPieceBytes, end - begin);
    const auto bytes = std::span(piece).first(count);
    TRIB_TRY(flash_.Read(end - count, bytes));
    for (std::uint32_t i = count; i > 0; --i) {
      if (bytes[i - 1] != std::byte{0xFF}) {
        return end - count + i;
      }
    }
    end -= count;
  }
  return begin;
}

Status StateStore::ReadGroup(std::uint32_t group, Group& out) {
  out = {};
  std::array<std::byte, kGroupHeaderBytes> bytes;
  TRIB_TRY(flash_.Read(GroupOffset(group), bytes));
  ByteReader reader(bytes);
  const bool known = reader.U32() == kGroupMagic && reader.U16() == kFormatVersion;
  reader.Skip(2);
  out.sequence = reader.U32();
  const std::uint32_t group_bytes = reader.U32();
  out.valid = known && group_bytes == group_bytes_ && out.sequence != kAnySequence &&
              reader.U32() == Crc32c(std::span(bytes).first(kGroupHeaderBytes - 4));
  std::array<std::byte, kMarkBytes> mark;
  TRIB_TRY(flash_.Read(GroupOffset(group) + RoundUp(kGroupHeaderBytes), mark));
  out.retired = Marked(mark);
  const std::uint32_t first = GroupOffset(group) + header_bytes_;
  TRIB_TRY_ASSIGN(const std::uint32_t used_end, UsedEnd(first, GroupEnd(group)));
  out.used = used_end > first;
  return {};
}

Result<bool> StateStore::ReadEntry(
    std::uint32_t offset, std::uint32_t end, std::uint32_t sequence, Check check, Entry& out) {
  if (offset > end || end - offset < kEntryHeaderBytes) {
    return false;
  }
  std::array<std::byte, kEntryHeaderBytes> header;
  TRIB_TRY(flash_.Read(offset, header));
  ByteReader reader(header);
  if (reader.U16() != kEntryMagic) {
    return false;
  }
  out.offset = offset;
  out.key = reader.U16();
  out.sub = reader.U32();
  out.length = reader.U16();
  out.flags = reader.U16();
  out.sequence = reader.U32();
  reader.Skip(4);
  const std::uint32_t stored_crc = reader.U32();
  out.footprint = RoundUp(kEntryHeaderBytes + out.length);
  if (out.length > kMaxValueBytes || out.footprint > end - offset ||
      (sequence != kAnySequence && out.sequence != sequence)) {
    return false;
  }
  if (check == Check::kHeader) {
    return true;
  }
  std::uint32_t crc = Crc32c(std::span(header).first(kEntryHeaderBytes - 4));
  std::array<std::byte, kPieceBytes> piece;
  for (std::uint32_t done = 0; done < out.length;) {
    const std::uint32_t count = std::min<std::uint32_t>(kPieceBytes, out.length - done);
    const auto bytes = std::span(piece).first(count);
    TRIB_TRY(flash_.Read(offset + static_cast<std::uint32_t>(kEntryHeaderBytes) + done, bytes));
    crc = Crc32c(bytes, crc);
    done += count;
  }
  return crc == stored_crc;
}

Status StateStore::Scan(std::uint32_t group, std::uint32_t sequence, Log& out) {
  out = {};
  std::uint32_t at = GroupOffset(group) + header_bytes_;
  out.tail = at;
  TRIB_TRY_ASSIGN(const std::uint32_t used_end, UsedEnd(at, GroupEnd(group)));
  bool gap = false;
  while (at < used_end) {
    Entry entry;
    TRIB_TRY_ASSIGN(const bool whole, ReadEntry(at, GroupEnd(group), sequence, Check::kAll, entry));
    if (!whole) {
      gap = true;
      at += geometry_.program_unit_bytes;
      continue;
    }
    out.gaps += gap ? 1 : 0;
    gap = false;
    at += entry.footprint;
    out.tail = at;
    ++out.entries;
  }
  out.torn = gap;
  return {};
}

Status StateStore::Open() {
  open_ = false;
  blank_ = false;
  torn_ = false;
  if (!FitsFlash()) {
    return Code::kInvalidArgument;
  }
  bool found = false;
  bool used = false;
  for (std::uint32_t group = 0; group < groups_; ++group) {
    Group header;
    TRIB_TRY(ReadGroup(group, header));
    used = used || header.used || header.valid;
    if (header.valid && !header.retired && (!found || header.sequence > sequence_)) {
      found = true;
      group_ = group;
      sequence_ = header.sequence;
    }
  }
  if (!found) {
    return OpenDamaged(used);
  }
  // A cut between the commit of a copy and the retirement of its source leaves both.
  for (std::uint32_t group = 0; group < groups_; ++group) {
    Group header;
    TRIB_TRY(ReadGroup(group, header));
    if (group != group_ && header.valid && !header.retired) {
      TRIB_TRY(Retire(group));
    }
  }
  Log log;
  TRIB_TRY(Scan(group_, sequence_, log));
  tail_ = log.tail;
  torn_ = log.torn;
  appendable_ = !log.torn;
  open_ = true;
  if (log.gaps == 0) {
    return {};
  }
  metrics_.entries_corrupt += log.gaps;
  ++metrics_.data_losses;
  if (const Status copied = Compact(nullptr, Check::kAll); !copied.ok()) {
    open_ = false;
    return copied;
  }
  return Code::kDataLoss;
}

Result<bool> StateStore::FindNewestEntry(std::uint32_t group, Entry& out) {
  bool found = false;
  const std::uint32_t end = GroupEnd(group);
  for (std::uint32_t at = GroupOffset(group) + header_bytes_; at < end;) {
    Entry entry;
    TRIB_TRY_ASSIGN(const bool whole, ReadEntry(at, end, kAnySequence, Check::kAll, entry));
    if (whole && (!found || entry.sequence > out.sequence)) {
      found = true;
      out = entry;
    }
    at += whole ? entry.footprint : geometry_.program_unit_bytes;
  }
  return found;
}

Status StateStore::OpenDamaged(bool used) {
  if (!used) {
    TRIB_TRY(Format(0, 1));
    blank_ = true;
    open_ = true;
    return {};
  }
  // Headers are gone but entries name their log: take the newest log that shows itself.
  bool found = false;
  sequence_ = 1;
  for (std::uint32_t group = 0; group < groups_; ++group) {
    Group header;
    TRIB_TRY(ReadGroup(group, header));
    if (header.retired) {
      sequence_ = found ? sequence_ : std::max(sequence_, header.valid ? header.sequence : 1);
      continue;
    }
    Entry newest;
    TRIB_TRY_ASSIGN(const bool any, FindNewestEntry(group, newest));
    if (any && (!found || newest.sequence > sequence_)) {
      found = true;
      group_ = group;
      sequence_ = newest.sequence;
    }
  }
  ++metrics_.data_losses;
  if (!found) {
    TRIB_TRY(Format(0, sequence_ + 1));
    open_ = true;
    return Code::kDataLoss;
  }
  Log log;
  TRIB_TRY(Scan(group_, sequence_, log));
  tail_ = log.tail;
  metrics_.entries_corrupt += log.gaps;
  TRIB_TRY(Compact(nullptr, Check::kAll));
  open_ = true;
  return Code::kDataLoss;
}

Status StateStore::WriteHeader(std::uint32_t group, std::uint32_t sequence) {
  std::array<std::byte, kGroupHeaderBytes + kMaxProgramUnitBytes> bytes;
  bytes.fill(std::byte{0xFF});
  ByteWriter writer{std::span(bytes).first(kGroupHeaderBytes)};
  writer.U32(kGroupMagic);
  writer.U16(kFormatVersion);
  writer.U16(0);
  writer.U32(sequence);
  writer.U32(group_bytes_);
  writer.U32(Crc32c(writer.written()));
  return flash_.Program(GroupOffset(group), std::span(bytes).first(RoundUp(kGroupHeaderBytes)));
}

Status StateStore::Format(std::uint32_t group, std::uint32_t sequence) {
  TRIB_TRY(flash_.Erase(SectorIndex(region_.first.value() + group * region_.sectors_per_group),
                        region_.sectors_per_group));
  TRIB_TRY(WriteHeader(group, sequence));
  group_ = group;
  sequence_ = sequence;
  tail_ = GroupOffset(group) + header_bytes_;
  appendable_ = true;
  return {};
}

Status StateStore::Retire(std::uint32_t group) {
  const std::uint32_t at = GroupOffset(group) + RoundUp(kGroupHeaderBytes);
  std::array<std::byte, kMaxProgramUnitBytes> mark;
  const auto bytes = std::span(mark).first(RoundUp(kMarkBytes));
  TRIB_TRY(flash_.Read(at, bytes));
  if (std::ranges::any_of(bytes, [](std::byte b) { return b != std::byte{0xFF}; })) {
    // A cut left half a mark, and units are programmed once: make the header unreadable instead.
    return flash_.Erase(SectorIndex(region_.first.value() + group * region_.sectors_per_group), 1);
  }
  std::ranges::fill(bytes, std::byte{0});
  return flash_.Program(at, bytes);
}

Result<bool> StateStore::FindLast(std::uint16_t key, std::uint32_t sub, Entry& out) {
  bool found = false;
  std::uint32_t at = GroupOffset(group_) + header_bytes_;
  while (at < tail_) {
    Entry entry;
    TRIB_TRY_ASSIGN(const bool readable, ReadEntry(at, tail_, sequence_, Check::kHeader, entry));
    if (!readable) {
      ++metrics_.entries_corrupt;
      return Code::kDataLoss;
    }
    if (entry.key == key && entry.sub == sub) {
      found = (entry.flags & kRemoved) == 0;
      out = entry;
    }
    at += entry.footprint;
  }
  return found;
}

Result<bool> StateStore::Superseded(const Entry& entry, Check check) {
  for (std::uint32_t at = entry.offset + entry.footprint; at < tail_;) {
    Entry later;
    TRIB_TRY_ASSIGN(const bool whole, ReadEntry(at, tail_, sequence_, check, later));
    if (whole && later.key == entry.key && later.sub == entry.sub) {
      return true;
    }
    at += whole ? later.footprint : geometry_.program_unit_bytes;
  }
  return false;
}

Result<bool> StateStore::Equals(const Entry& entry, std::span<const std::byte> value) {
  if (entry.length != value.size()) {
    return false;
  }
  Entry checked;
  TRIB_TRY_ASSIGN(const bool whole,
                  ReadEntry(entry.offset, tail_, sequence_, Check::kAll, checked));
  if (!whole) {
    return false;
  }
  const auto stored = scratch_.first(entry.length);
  TRIB_TRY(flash_.Read(entry.offset + static_cast<std::uint32_t>(kEntryHeaderBytes), stored));
  return std::ranges::equal(stored, value);
}

Result<std::size_t> StateStore::Get(StateKey key, std::uint32_t sub, std::span<std::byte> out) {
  if (!open_) {
    return Code::kFailedPrecondition;
  }
  Entry entry;
  TRIB_TRY_ASSIGN(const bool found, FindLast(static_cast<std::uint16_t>(key), sub, entry));
  if (!found) {
    return Code::kNotFound;
  }
  if (entry.length > out.size()) {
    return Code::kResourceExhausted;
  }
  TRIB_TRY_ASSIGN(const bool whole, ReadEntry(entry.offset, tail_, sequence_, Check::kAll, entry));
  if (!whole) {
    ++metrics_.entries_corrupt;
    return Code::kDataLoss;
  }
  TRIB_TRY(flash_.Read(entry.offset + static_cast<std::uint32_t>(kEntryHeaderBytes),
                       out.first(entry.length)));
  return std::size_t{entry.length};
}

Status StateStore::Put(StateKey key, std::uint32_t sub, std::span<const std::byte> value) {
  if (!open_) {
    return Code::kFailedPrecondition;
  }
  if (key == StateKey::kUnspecified || value.size() > kMaxValueBytes) {
    return Code::kInvalidArgument;
  }
  const Replacement entry{static_cast<std::uint16_t>(key), 0, sub, value};
  Entry stored;
  if (const auto found = FindLast(entry.key, sub, stored); found.ok() && *found) {
    TRIB_TRY_ASSIGN(const bool same, Equals(stored, value));
    if (same) {
      ++metrics_.puts_unchanged;
      return {};
    }
  }
  TRIB_TRY(Write(entry));
  ++metrics_.puts;
  return {};
}

Status StateStore::Remove(StateKey key, std::uint32_t sub) {
  if (!open_) {
    return Code::kFailedPrecondition;
  }
  const Replacement entry{static_cast<std::uint16_t>(key), kRemoved, sub, {}};
  Entry stored;
  TRIB_TRY_ASSIGN(const bool found, FindLast(entry.key, sub, stored));
  return found ? Write(entry) : Status();
}

Status StateStore::Append(std::uint32_t offset, std::uint32_t sequence, const Replacement& entry) {
  const std::uint32_t footprint = RoundUp(kEntryHeaderBytes + entry.value.size());
  ByteWriter writer(scratch_.first(kEntryHeaderBytes));
  writer.U16(kEntryMagic);
  writer.U16(entry.key);
  writer.U32(entry.sub);
  writer.U16(static_cast<std::uint16_t>(entry.value.size()));
  writer.U16(entry.flags);
  writer.U32(sequence);
  writer.U32(0);
  writer.U32(Crc32c(entry.value, Crc32c(writer.written())));
  const auto rest = scratch_.subspan(kEntryHeaderBytes, footprint - kEntryHeaderBytes);
  // While a log is copied the value already lies in the scratch, exactly here.
  if (entry.value.data() != rest.data()) {
    std::ranges::copy(entry.value, rest.begin());
  }
  std::ranges::fill(rest.subspan(entry.value.size()), std::byte{0xFF});
  return flash_.Program(offset, scratch_.first(footprint));
}

Status StateStore::Write(const Replacement& entry) {
  const std::uint32_t footprint = RoundUp(kEntryHeaderBytes + entry.value.size());
  if (appendable_ && footprint <= GroupEnd(group_) - tail_) {
    if (const Status appended = Append(tail_, sequence_, entry); !appended.ok()) {
      appendable_ = false;  // what the failed program left there is unknown
      return appended;
    }
    tail_ += footprint;
    return {};
  }
  TRIB_TRY_ASSIGN(const std::uint32_t living, LivingBytesWithout(entry.key, entry.sub));
  if (footprint > group_bytes_ - header_bytes_ - living) {
    return Code::kResourceExhausted;
  }
  return Compact(&entry, Check::kHeader);
}

Result<std::uint32_t> StateStore::LivingBytesWithout(std::uint16_t key, std::uint32_t sub) {
  std::uint32_t living = 0;
  for (std::uint32_t at = GroupOffset(group_) + header_bytes_; at < tail_;) {
    Entry entry;
    TRIB_TRY_ASSIGN(const bool readable, ReadEntry(at, tail_, sequence_, Check::kHeader, entry));
    if (!readable) {
      at += geometry_.program_unit_bytes;
      continue;
    }
    at += entry.footprint;
    if ((entry.key == key && entry.sub == sub) || (entry.flags & kRemoved) != 0) {
      continue;
    }
    TRIB_TRY_ASSIGN(const bool superseded, Superseded(entry, Check::kHeader));
    living += superseded ? 0 : entry.footprint;
  }
  return living;
}

Result<std::uint32_t> StateStore::CopyTo(std::uint32_t group,
                                         std::uint32_t sequence,
                                         const Replacement* replacement,
                                         Check check) {
  std::uint32_t to = GroupOffset(group) + header_bytes_;
  for (std::uint32_t at = GroupOffset(group_) + header_bytes_; at < tail_;) {
    Entry entry;
    TRIB_TRY_ASSIGN(const bool readable, ReadEntry(at, tail_, sequence_, check, entry));
    if (!readable) {
      at += geometry_.program_unit_bytes;
      continue;
    }
    at += entry.footprint;
    const bool replaced =
        replacement != nullptr && entry.key == replacement->key && entry.sub == replacement->sub;
    // Damage: what names the node is not carried over, see Open().
    const bool untrusted = check == Check::kAll && entry.key < kFirstPlainKey;
    if (replaced || untrusted || (entry.flags & kRemoved) != 0) {
      continue;
    }
    TRIB_TRY_ASSIGN(const bool superseded, Superseded(entry, check));
    if (superseded) {
      continue;
    }
    // A copy gets a new CRC, so the old one must hold or damage would become truth.
    TRIB_TRY_ASSIGN(const bool whole,
                    ReadEntry(entry.offset, tail_, sequence_, Check::kAll, entry));
    if (!whole) {
      ++metrics_.entries_corrupt;
      continue;
    }
    const auto value = scratch_.subspan(kEntryHeaderBytes, entry.length);
    TRIB_TRY(flash_.Read(entry.offset + static_cast<std::uint32_t>(kEntryHeaderBytes), value));
    TRIB_TRY(Append(to, sequence, {entry.key, entry.flags, entry.sub, value}));
    to += entry.footprint;
  }
  if (replacement != nullptr && (replacement->flags & kRemoved) == 0) {
    TRIB_TRY(Append(to, sequence, *replacement));
    to += RoundUp(kEntryHeaderBytes + replacement->value.size());
  }
  return to;
}

Status StateStore::Compact(const Replacement* replacement, Check check) {
  const std::uint32_t source = group_;
  Status failed = Code::kInternal;
  for (std::uint32_t step = 1; step < groups_; ++step) {
    const std::uint32_t target = (source + step) % groups_;
    const std::uint32_t sequence = sequence_ + 1;
    failed = flash_.Erase(SectorIndex(region_.first.value() + target * region_.sectors_per_group),
                          region_.sectors_per_group);
    if (!failed.ok()) {
      continue;  // a worn group is passed over while another is left
    }
    const auto copied = CopyTo(target, sequence, replacement, check);
    if (!copied.ok()) {
      failed = copied.status();
      continue;
    }
    // The header comes last: until it is whole, the source stays the log.
    if (const Status committed = WriteHeader(target, sequence); !committed.ok()) {
      open_ = false;  // only Open() can tell which of the two logs stands now
      return committed;
    }
    group_ = target;
    sequence_ = sequence;
    tail_ = *copied;
    appendable_ = true;
    ++metrics_.compactions;
    return Retire(source);
  }
  return failed;
}

}  // namespace trib::node::state
