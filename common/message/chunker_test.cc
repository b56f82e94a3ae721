#include "trib/common/message/chunker.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <vector>

#include "trib/common/bytes/crc32c.h"
#include "trib/common/message/codec.h"

namespace trib::message {
namespace {

constexpr std::uint32_t kWidest = std::numeric_limits<std::uint32_t>::max();

TEST(Chunker, CoversEveryByteOnceWithinEveryMtu) {
  std::vector<std::byte> sealed(kMaxTransferBytes);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    sealed[i] = static_cast<std::byte>(i * 31 + i / 256);
  }
  for (const std::size_t mtu :
       {kMinMtuBytes, std::size_t{115}, std::size_t{242}, kMaxEnvelopeBytes}) {
    const auto chunker = Chunker::Create(kWidest, kWidest, sealed, mtu);
    ASSERT_TRUE(chunker.ok());
    std::vector<std::byte> joined;
    for (std::size_t i = 0; i < chunker->count(); ++i) {
      const Chunk chunk = chunker->At(i);
      EXPECT_EQ(chunk.offset, joined.size());
      EXPECT_EQ(chunk.total_bytes, sealed.size());
      EXPECT_EQ(chunk.crc32c, Crc32c(sealed));
      joined.insert(joined.end(), chunk.data.begin(), chunk.data.end());
      std::array<std::byte, kMaxEnvelopeBytes> out;
      const auto size = EncodeChunk(NodeId(UINT64_MAX), chunk, std::span(out).first(mtu));
      ASSERT_TRUE(size.ok()) << "mtu " << mtu << " chunk " << i;
      EXPECT_LE(*size - chunk.data.size(), kChunkOverheadBytes);
    }
    EXPECT_EQ(joined, sealed);
  }
}

TEST(Chunker, RefusesWhatCannotBeCut) {
  const std::vector<std::byte> sealed(kMaxTransferBytes + 1);
  const std::span<const std::byte> some = std::span(sealed).first(10);
  EXPECT_FALSE(Chunker::Create(1, 1, some, kMinMtuBytes - 1).ok());
  EXPECT_FALSE(Chunker::Create(1, 1, {}, kMinMtuBytes).ok());
  EXPECT_FALSE(Chunker::Create(1, 1, sealed, kMinMtuBytes).ok());
  EXPECT_FALSE(Chunker::Create(1, 0, some, kMinMtuBytes).ok());
  EXPECT_TRUE(Chunker::Create(1, 1, some, kMinMtuBytes).ok());
}

}  // namespace
}  // namespace trib::message
