#include "trib/node/board/identity_page.h"

#include <algorithm>
#include <array>

#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"
#include "trib/node/board/memory.h"

namespace trib::node::board {
namespace {

// "TRIBBRD1" as a little-endian number.
constexpr std::uint64_t kMagic = 0x3144'5242'4249'5254;
constexpr std::size_t kKeysAt = 48;
constexpr std::size_t kChecksumBytes = 4;

// The year 4000: whatever a node adds to it fits its numbers.
constexpr Millis kMostStart{64'060'588'800'000};

constexpr std::uint32_t kOwnTime = 1;
constexpr std::uint32_t kHoldForVerdicts = 2;
constexpr std::uint32_t kFullSpeed = 4;
constexpr std::uint32_t kAllFlags = kOwnTime | kHoldForVerdicts | kFullSpeed;

constexpr std::size_t LengthWith(std::size_t keys) {
  return kKeysAt + keys * crypto::PublicKey::kSize + kChecksumBytes;
}

Status Refused(PageReason reason) {
  return {reason == PageReason::kBlank ? Code::kNotFound : Code::kDataLoss, reason};
}

bool Possible(const IdentityPage& page) {
  const Millis start = page.start.time_since_epoch();
  return page.node.value() != 0 && start >= Millis(page.own_time ? 1 : 0) && start <= kMostStart &&
         page.package_bytes <= kPackageArea.bytes && page.mtu >= kLeastMtu && page.mtu <= kMostMtu;
}

std::uint32_t FlagsOf(const IdentityPage& page) {
  return (page.own_time ? kOwnTime : 0U) | (page.hold_for_verdicts ? kHoldForVerdicts : 0U) |
         (page.full_speed ? kFullSpeed : 0U);
}

}  // namespace

Result<IdentityPage> DecodeIdentity(std::span<const std::byte> area) {
  ByteReader reader(area);
  if (reader.U64() != kMagic) {
    return Refused(PageReason::kBlank);
  }
  const std::uint32_t length = reader.U32();
  if (length < LengthWith(0) || length > LengthWith(kMostPackageKeys) || length > area.size()) {
    return Refused(PageReason::kLength);
  }
  if (Crc32c(area.first(length - kChecksumBytes)) !=
      ByteReader(area.subspan(length - kChecksumBytes)).U32()) {
    return Refused(PageReason::kChecksum);
  }
  const std::uint32_t flags = reader.U32();
  IdentityPage page;
  page.node = NodeId(reader.U64());
  page.seed = reader.U64();
  page.start = LogicalTime(Millis(static_cast<std::int64_t>(reader.U64())));
  page.package_bytes = reader.U32();
  page.mtu = reader.U16();
  const std::uint16_t keys = reader.U16();
  if (keys > kMostPackageKeys || length != LengthWith(keys)) {
    return Refused(PageReason::kLength);
  }
  for (std::uint16_t i = 0; i < keys; ++i) {
    crypto::PublicKey key;
    std::ranges::copy(reader.Bytes(crypto::PublicKey::kSize), key.bytes.begin());
    (void)page.package_keys.push_back(key);
  }
  page.own_time = (flags & kOwnTime) != 0;
  page.hold_for_verdicts = (flags & kHoldForVerdicts) != 0;
  page.full_speed = (flags & kFullSpeed) != 0;
  if ((flags & ~kAllFlags) != 0 || !Possible(page)) {
    return Refused(PageReason::kValue);
  }
  return page;
}

Result<std::size_t> EncodeIdentity(const IdentityPage& page, std::span<std::byte> area) {
  const std::size_t length = LengthWith(page.package_keys.size());
  if (!Possible(page) || area.size() < length) {
    return Code::kInvalidArgument;
  }
  ByteWriter writer(area);
  writer.U64(kMagic);
  writer.U32(static_cast<std::uint32_t>(length));
  writer.U32(FlagsOf(page));
  writer.U64(page.node.value());
  writer.U64(page.seed);
  writer.U64(static_cast<std::uint64_t>(page.start.time_since_epoch().count()));
  writer.U32(page.package_bytes);
  writer.U16(page.mtu);
  writer.U16(static_cast<std::uint16_t>(page.package_keys.size()));
  for (const crypto::PublicKey& key : page.package_keys) {
    writer.Bytes(key.span());
  }
  writer.U32(Crc32c(writer.written()));
  return writer.position();
}

}  // namespace trib::node::board
