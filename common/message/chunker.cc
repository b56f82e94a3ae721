#include "trib/common/message/chunker.h"

#include <algorithm>

#include "trib/common/base/check.h"
#include "trib/common/bytes/crc32c.h"

namespace trib::message {
namespace {

std::size_t VarintBytes(std::uint64_t value) {
  std::size_t bytes = 1;
  for (; value >= 0x80U; value >>= 7U) {
    ++bytes;
  }
  return bytes;
}

// Envelope bytes around the data of a chunk that fills `mtu_bytes`, its offset at the widest.
std::size_t OverheadBytes(const Chunk& chunk, std::size_t mtu_bytes) {
  constexpr std::size_t kProtocolNodeAndChecksum = 2 + 9 + 5;
  const std::size_t length_prefixed = 1 + VarintBytes(mtu_bytes);
  return kProtocolNodeAndChecksum + 2 * length_prefixed + 1 + VarintBytes(chunk.boot) + 1 +
         VarintBytes(chunk.transfer) + 2 * (1 + VarintBytes(chunk.total_bytes));
}

}  // namespace

Result<Chunker> Chunker::Create(std::uint32_t boot,
                                std::uint32_t sequence,
                                std::span<const std::byte> sealed,
                                std::size_t mtu_bytes) {
  if (mtu_bytes < kMinMtuBytes || sealed.empty() || sealed.size() > kMaxTransferBytes ||
      sequence == 0) {
    return Code::kInvalidArgument;
  }
  Chunk first;
  first.boot = boot;
  first.transfer = sequence;
  first.total_bytes = static_cast<std::uint32_t>(sealed.size());
  first.crc32c = Crc32c(sealed);
  return Chunker(
      first, sealed, std::min(mtu_bytes - OverheadBytes(first, mtu_bytes), kMaxChunkDataBytes));
}

std::size_t Chunker::count() const {
  return (sealed_.size() + data_bytes_ - 1) / data_bytes_;
}

Chunk Chunker::At(std::size_t index) const {
  TRIB_DCHECK(index < count());
  Chunk chunk = first_;
  const std::size_t offset = index * data_bytes_;
  chunk.offset = static_cast<std::uint32_t>(offset);
  chunk.data = sealed_.subspan(offset, std::min(data_bytes_, sealed_.size() - offset));
  return chunk;
}

}  // namespace trib::message
