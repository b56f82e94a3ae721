#include "trib/common/package/package.h"

#include <algorithm>

#include "layout.h"
#include "trib/common/base/check.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/reader.h"

namespace trib::package {
namespace {

using layout::AlignUp;

struct Header {
  std::uint16_t version = 0;
  std::uint16_t section_count = 0;
  std::uint32_t total_bytes = 0;
  std::uint32_t table_offset = 0;
  std::uint32_t trailer_offset = 0;
  std::uint32_t table_crc = 0;
  std::uint32_t header_crc = 0;
};

struct Entry {
  std::uint16_t type = 0;
  std::uint16_t flags = 0;
  std::uint32_t target = 0;
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t crc = 0;
  std::uint32_t reserved = 0;

  /// Sections stand in the table in rising order of this.
  [[nodiscard]] std::uint64_t rank() const {
    return (static_cast<std::uint64_t>(type) << 32U) | target;
  }
};

Status Require(bool good, Reason reason) {
  return good ? Status() : Status(Code::kDataLoss, reason);
}

bool StartsWith(std::span<const std::byte> bytes, std::string_view text) {
  return bytes.size() >= text.size() &&
         std::equal(text.begin(), text.end(), bytes.begin(), [](char c, std::byte b) {
           return static_cast<std::byte>(c) == b;
         });
}

bool AllZero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

Header ReadHeader(std::span<const std::byte> file) {
  ByteReader in(file.first(kHeaderBytes));
  in.Skip(layout::kMagic.size());
  Header out;
  out.version = in.U16();
  out.section_count = in.U16();
  out.total_bytes = in.U32();
  out.table_offset = in.U32();
  out.trailer_offset = in.U32();
  out.table_crc = in.U32();
  out.header_crc = in.U32();
  return out;
}

Entry ReadEntry(std::span<const std::byte> file, std::size_t index) {
  ByteReader in(file.subspan(kHeaderBytes + index * kTableEntryBytes, kTableEntryBytes));
  Entry out;
  out.type = in.U16();
  out.flags = in.U16();
  out.target = in.U32();
  out.offset = in.U32();
  out.length = in.U32();
  out.crc = in.U32();
  out.reserved = in.U32();
  return out;
}

Status CheckHeader(std::span<const std::byte> file, const Header& header) {
  TRIB_TRY(Require(Crc32c(file.first(layout::kHeaderCrcOffset)) == header.header_crc,
                   Reason::kHeaderCrc));
  TRIB_TRY(Require(header.total_bytes <= kMaxPackageBytes, Reason::kTooLarge));
  TRIB_TRY(Require(file.size() >= header.total_bytes, Reason::kTruncated));
  TRIB_TRY(Require(file.size() == header.total_bytes && header.total_bytes >= kTrailerBytes &&
                       header.trailer_offset == header.total_bytes - kTrailerBytes,
                   Reason::kSizeMismatch));
  TRIB_TRY(Require(header.section_count <= kMaxSections, Reason::kTooManySections));
  const std::size_t table_bytes = header.section_count * kTableEntryBytes;
  TRIB_TRY(Require(header.table_offset == kHeaderBytes && header.section_count > 0 &&
                       header.trailer_offset >= AlignUp(kHeaderBytes + table_bytes),
                   Reason::kBadTable));
  return Require(Crc32c(file.subspan(kHeaderBytes, table_bytes)) == header.table_crc,
                 Reason::kTableCrc);
}

/// What the table says about one section's meaning.
Status CheckKind(const Entry& entry) {
  TRIB_TRY(Require((entry.flags & ~layout::kCritical) == 0, Reason::kBadFlags));
  const bool critical = (entry.flags & layout::kCritical) != 0;
  const auto* rule = layout::FindRule(static_cast<SectionType>(entry.type));
  if (rule == nullptr) {
    return critical ? Status(Code::kUnimplemented, Reason::kUnknownCriticalSection) : Status();
  }
  TRIB_TRY(Require(critical == rule->critical, Reason::kBadFlags));
  return Require(rule->targeted || entry.target == 0, Reason::kBadTarget);
}

/// Where one section lies: right behind `end` of the previous one, aligned, zero bytes between.
Status CheckPlace(std::span<const std::byte> file,
                  const Entry& entry,
                  std::size_t end,
                  std::size_t limit) {
  TRIB_TRY(Require(entry.length != 0, Reason::kEmptySection));
  TRIB_TRY(Require(entry.offset % kSectionAlignment == 0, Reason::kMisaligned));
  TRIB_TRY(Require(entry.offset >= end, Reason::kOverlap));
  TRIB_TRY(
      Require(entry.offset <= limit && entry.length <= limit - entry.offset, Reason::kOutOfBounds));
  TRIB_TRY(Require(entry.offset == AlignUp(end), Reason::kGap));
  TRIB_TRY(Require(AllZero(file.subspan(end, entry.offset - end)), Reason::kPaddingNotZero));
  return Require(Crc32c(file.subspan(entry.offset, entry.length)) == entry.crc,
                 Reason::kSectionCrc);
}

Status CheckSections(std::span<const std::byte> file, const Header& header) {
  std::size_t end = kHeaderBytes + header.section_count * kTableEntryBytes;
  std::uint64_t previous_rank = 0;
  for (std::size_t i = 0; i < header.section_count; ++i) {
    const Entry entry = ReadEntry(file, i);
    TRIB_TRY(Require(entry.reserved == 0 && entry.type != 0, Reason::kBadTable));
    TRIB_TRY(Require(entry.rank() != previous_rank, Reason::kDuplicateSection));
    TRIB_TRY(Require(entry.rank() > previous_rank, Reason::kSectionOrder));
    previous_rank = entry.rank();
    TRIB_TRY(CheckPlace(file, entry, end, header.trailer_offset));
    TRIB_TRY(CheckKind(entry));
    end = entry.offset + entry.length;
  }
  TRIB_TRY(Require(header.trailer_offset == AlignUp(end), Reason::kGap));
  return Require(AllZero(file.subspan(end, header.trailer_offset - end)), Reason::kPaddingNotZero);
}

/// @returns the number of signatures.
Result<std::size_t> CheckTrailer(std::span<const std::byte> trailer) {
  ByteReader in(trailer);
  in.Skip(layout::kTrailerMagic.size());
  const std::size_t count = in.U16();
  const auto reserved = in.Bytes(layout::kSlotsOffset - in.position());
  if (!StartsWith(trailer, layout::kTrailerMagic) || count > kMaxSignatures || !AllZero(reserved)) {
    return Status(Code::kDataLoss, Reason::kBadTrailer);
  }
  const auto slots = trailer.subspan(layout::kSlotsOffset);
  bool good = AllZero(slots.subspan(count * layout::kSlotBytes));
  if (count == kMaxSignatures) {
    const auto first = slots.first(layout::kKeyIdBytes);
    const auto second = slots.subspan(layout::kSlotBytes, layout::kKeyIdBytes);
    good = good && !std::equal(first.begin(), first.end(), second.begin());
  }
  if (!good) {
    return Status(Code::kDataLoss, Reason::kBadTrailer);
  }
  return count;
}

}  // namespace

PackageHash HashOf(const Digest& digest) {
  return PackageHash(ByteReader(digest).U64());
}

RecipeId RecipeIdOf(std::span<const std::byte> recipe) {
  const crypto::Digest digest = crypto::Sha512(recipe);
  return RecipeId(ByteReader(digest.bytes).U32());
}

Result<PackageView> PackageView::Open(std::span<const std::byte> file) {
  TRIB_TRY(Require(file.size() < layout::kMagic.size() || StartsWith(file, layout::kMagic),
                   Reason::kBadMagic));
  TRIB_TRY(Require(file.size() >= kHeaderBytes, Reason::kTruncated));
  TRIB_TRY(Require(file.size() <= kMaxPackageBytes, Reason::kTooLarge));
  const Header header = ReadHeader(file);
  if (header.version != kFormatVersion) {
    return Status(Code::kUnimplemented, Reason::kBadVersion);
  }
  TRIB_TRY(CheckHeader(file, header));
  TRIB_TRY(CheckSections(file, header));

  PackageView view;
  view.file_ = file;
  view.section_count_ = header.section_count;
  TRIB_TRY_ASSIGN(view.signature_count_, CheckTrailer(file.last(kTrailerBytes)));
  view.full_digest_ = crypto::Sha512(file.first(header.trailer_offset));
  std::copy_n(view.full_digest_.bytes.begin(), view.digest_.size(), view.digest_.begin());
  return view;
}

SectionInfo PackageView::section(std::size_t index) const {
  TRIB_CHECK(index < section_count_);
  const Entry entry = ReadEntry(file_, index);
  return {.type = static_cast<SectionType>(entry.type),
          .target = static_cast<Target>(entry.target),
          .critical = (entry.flags & layout::kCritical) != 0,
          .bytes = file_.subspan(entry.offset, entry.length)};
}

std::span<const std::byte> PackageView::Find(SectionType type, Target target) const {
  for (std::size_t i = 0; i < section_count_; ++i) {
    const SectionInfo info = section(i);
    if (info.type == type && info.target == target) {
      return info.bytes;
    }
  }
  return {};
}

PackageSignature PackageView::signature(std::size_t index) const {
  TRIB_CHECK(index < signature_count_);
  const auto slot =
      file_.last(kTrailerBytes)
          .subspan(layout::kSlotsOffset + index * layout::kSlotBytes, layout::kSlotBytes);
  PackageSignature out;
  std::copy_n(slot.begin(), layout::kKeyIdBytes, out.key.bytes.begin());
  std::copy(slot.begin() + layout::kKeyIdBytes, slot.end(), out.signature.bytes.begin());
  return out;
}

}  // namespace trib::package
