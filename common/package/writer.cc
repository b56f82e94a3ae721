#include "trib/common/bytes/writer.h"

#include <algorithm>

#include "layout.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/package/package.h"

namespace trib::package {
namespace {

using layout::AlignUp;

std::span<std::byte> Slot(std::span<std::byte> file, std::size_t index) {
  return file.last(kTrailerBytes)
      .subspan(layout::kSlotsOffset + index * layout::kSlotBytes, layout::kSlotBytes);
}

void WriteTrailerHead(std::span<std::byte> file, std::size_t count) {
  ByteWriter out(file.last(kTrailerBytes));
  out.Bytes(std::as_bytes(std::span(layout::kTrailerMagic)));
  out.U16(static_cast<std::uint16_t>(count));
}

std::uint16_t FlagsOf(const SectionInput& section) {
  const auto* rule = layout::FindRule(section.type);
  return (rule != nullptr ? rule->critical : section.critical) ? layout::kCritical : 0;
}

void WriteTable(std::span<const SectionInput> sections, std::span<std::byte> out) {
  ByteWriter to(out);
  std::size_t end = kHeaderBytes + out.size();
  for (const SectionInput& section : sections) {
    to.U16(static_cast<std::uint16_t>(section.type));
    to.U16(FlagsOf(section));
    to.U32(static_cast<std::uint32_t>(section.target));
    to.U32(static_cast<std::uint32_t>(AlignUp(end)));
    to.U32(static_cast<std::uint32_t>(section.bytes.size()));
    to.U32(Crc32c(section.bytes));
    to.U32(0);
    end = AlignUp(end) + section.bytes.size();
  }
}

}  // namespace

std::size_t PackageBytes(std::span<const SectionInput> sections) {
  std::size_t end = kHeaderBytes + sections.size() * kTableEntryBytes;
  for (const SectionInput& section : sections) {
    end = AlignUp(end) + section.bytes.size();
  }
  return AlignUp(end) + kTrailerBytes;
}

Result<std::size_t> WritePackage(std::span<const SectionInput> sections, std::span<std::byte> out) {
  const std::size_t total = PackageBytes(sections);
  if (sections.size() > kMaxSections) {
    return Status(Code::kInvalidArgument, Reason::kTooManySections);
  }
  if (total > kMaxPackageBytes) {
    return Status(Code::kInvalidArgument, Reason::kTooLarge);
  }
  if (out.size() < total) {
    return Status(Code::kResourceExhausted, Reason::kNoRoom);
  }
  const auto file = out.first(total);
  const auto table = file.subspan(kHeaderBytes, sections.size() * kTableEntryBytes);
  std::fill(file.begin(), file.end(), std::byte{0});
  WriteTable(sections, table);

  ByteWriter header(file.first(kHeaderBytes));
  header.Bytes(std::as_bytes(std::span(layout::kMagic)));
  header.U16(kFormatVersion);
  header.U16(static_cast<std::uint16_t>(sections.size()));
  header.U32(static_cast<std::uint32_t>(total));
  header.U32(static_cast<std::uint32_t>(kHeaderBytes));
  header.U32(static_cast<std::uint32_t>(total - kTrailerBytes));
  header.U32(Crc32c(table));
  header.U32(Crc32c(header.written()));

  std::size_t end = kHeaderBytes + table.size();
  for (const SectionInput& section : sections) {
    ByteWriter(file.subspan(AlignUp(end))).Bytes(section.bytes);
    end = AlignUp(end) + section.bytes.size();
  }
  WriteTrailerHead(file, 0);
  // The reader is the law: what it refuses is not written.
  if (const auto view = PackageView::Open(file); !view.ok()) {
    return Status(Code::kInvalidArgument, view.status().reason());
  }
  return total;
}

Status SignPackage(std::span<std::byte> file, const crypto::SecretSeed& seed) {
  TRIB_TRY_ASSIGN(const PackageView view, PackageView::Open(file));
  const crypto::KeyId key = crypto::KeyIdOf(crypto::Ed25519KeyPairFromSeed(seed).public_key);
  std::size_t index = 0;
  while (index < view.signature_count() && !(view.signature(index).key == key)) {
    ++index;
  }
  if (index == kMaxSignatures) {
    return Status(Code::kResourceExhausted, Reason::kTrailerFull);
  }
  const auto signature = crypto::Ed25519Sign(seed, layout::MessageToSign(view.signed_digest()));
  const auto slot = Slot(file, index);
  std::copy(key.bytes.begin(), key.bytes.end(), slot.begin());
  std::copy(signature.bytes.begin(), signature.bytes.end(), slot.begin() + layout::kKeyIdBytes);
  WriteTrailerHead(file, std::max(view.signature_count(), index + 1));
  return {};
}

Status StripSignatures(std::span<std::byte> file) {
  TRIB_TRY(PackageView::Open(file).status());
  const auto trailer = file.last(kTrailerBytes);
  std::fill(trailer.begin(), trailer.end(), std::byte{0});
  WriteTrailerHead(file, 0);
  return {};
}

}  // namespace trib::package
