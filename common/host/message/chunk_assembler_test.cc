#include "trib/common/host/message/chunk_assembler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "convert.h"
#include "trib/common/base/random.h"
#include "trib/common/bytes/crc32c.h"

namespace trib::host::message {
namespace {

MonotonicTime At(std::int64_t ms) {
  return MonotonicTime(Millis(ms));
}

std::string RandomBytes(SplitMix64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(random.Next());
  }
  return bytes;
}

Uplink::ChunkData Piece(const std::string& whole,
                        std::size_t offset,
                        std::size_t size,
                        std::uint32_t transfer = 1) {
  Uplink::ChunkData chunk;
  chunk.boot = 3;
  chunk.transfer = transfer;
  chunk.total_bytes = static_cast<std::uint32_t>(whole.size());
  chunk.offset = static_cast<std::uint32_t>(offset);
  chunk.data = whole.substr(offset, size);
  chunk.crc32c = Crc32c(internal::AsBytes(whole));
  return chunk;
}

ChunkReason ReasonOf(const Result<std::string>& result) {
  return static_cast<ChunkReason>(result.status().reason());
}

class Assembly : public testing::Test {
 protected:
  Result<std::string> Deliver(const Uplink::ChunkData& chunk, std::int64_t ms = 0) {
    return assembler_.Add(NodeId(1), chunk, At(ms));
  }
  SplitMix64 random_{42};
  ChunkAssembler assembler_{
      {.transfers_per_node = 2, .total_bytes = 3000, .stale_after = Millis(1000)}};
};

TEST_F(Assembly, PutsOverlappingRepeatedPiecesInAnyOrderTogether) {
  for (int round = 0; round < 300; ++round) {
    const std::string whole = RandomBytes(random_, 1 + random_.Next() % 1500);
    std::vector<Uplink::ChunkData> pieces;
    for (std::size_t offset = 0; offset < whole.size();) {
      const std::size_t size =
          std::min<std::size_t>(1 + random_.Next() % 300, whole.size() - offset);
      const std::size_t back = std::min<std::size_t>(offset, random_.Next() % 50);
      pieces.push_back(Piece(whole, offset - back, size + back));
      pieces.push_back(pieces.back());
      offset += size;
    }
    for (std::size_t i = pieces.size(); i > 1; --i) {
      std::swap(pieces[i - 1], pieces[random_.Next() % i]);
    }
    std::string complete;
    for (const auto& piece : pieces) {
      const auto result = Deliver(piece);
      if (result.ok()) {
        complete = *result;
        break;
      }
      ASSERT_EQ(result.status().code(), Code::kUnavailable);
    }
    EXPECT_EQ(complete, whole);
    EXPECT_EQ(assembler_.held_bytes(), 0U);
    EXPECT_EQ(assembler_.transfers(), 0U);
  }
}

TEST_F(Assembly, RepeatOfAPieceChangesNothing) {
  const std::string whole = RandomBytes(random_, 100);
  EXPECT_EQ(Deliver(Piece(whole, 0, 60)).status().code(), Code::kUnavailable);
  EXPECT_EQ(Deliver(Piece(whole, 0, 60)).status().code(), Code::kUnavailable);
  EXPECT_EQ(Deliver(Piece(whole, 10, 20)).status().code(), Code::kUnavailable);
  EXPECT_EQ(assembler_.counters().repeated, 2U);
  EXPECT_EQ(Deliver(Piece(whole, 60, 40)).value_or(""), whole);
}

TEST_F(Assembly, DropsATransferWhosePiecesContradict) {
  const std::string whole = RandomBytes(random_, 100);
  (void)Deliver(Piece(whole, 0, 60));
  auto other = Piece(whole, 50, 50);
  other.data[0] = static_cast<char>(other.data[0] ^ 1);
  EXPECT_EQ(ReasonOf(Deliver(other)), ChunkReason::kInconsistent);
  EXPECT_EQ(assembler_.transfers(), 0U);
  EXPECT_EQ(assembler_.held_bytes(), 0U);
  (void)Deliver(Piece(whole, 0, 60));
  auto longer = Piece(whole, 60, 40);
  ++longer.total_bytes;
  EXPECT_EQ(ReasonOf(Deliver(longer)), ChunkReason::kInconsistent);
  EXPECT_EQ(assembler_.counters().dropped, 2U);
  EXPECT_EQ(assembler_.counters().refused, 2U);
}

TEST_F(Assembly, ChecksTheWholeWhenItIsComplete) {
  const std::string whole = RandomBytes(random_, 100);
  auto first = Piece(whole, 0, 60);
  auto second = Piece(whole, 60, 40);
  first.crc32c = second.crc32c = first.crc32c ^ 1U;
  (void)Deliver(first);
  EXPECT_EQ(ReasonOf(Deliver(second)), ChunkReason::kChecksum);
  EXPECT_EQ(assembler_.held_bytes(), 0U);
}

TEST_F(Assembly, RefusesPiecesBeyondTheirTotal) {
  const std::string whole = RandomBytes(random_, 100);
  auto piece = Piece(whole, 60, 40);
  piece.offset = 61;
  EXPECT_EQ(ReasonOf(Deliver(piece)), ChunkReason::kOutOfBounds);
  piece.offset = UINT32_MAX;
  EXPECT_EQ(ReasonOf(Deliver(piece)), ChunkReason::kOutOfBounds);
  piece = Piece(whole, 0, 10);
  piece.total_bytes = kMaxTransferBytes + 1;
  EXPECT_EQ(ReasonOf(Deliver(piece)), ChunkReason::kOutOfBounds);
  piece.data.clear();
  EXPECT_EQ(ReasonOf(Deliver(piece)), ChunkReason::kOutOfBounds);
  EXPECT_EQ(assembler_.counters().refused, 4U);
}

TEST_F(Assembly, BoundsTransfersPerNodeUntilOneIsStale) {
  const std::string whole = RandomBytes(random_, 100);
  (void)Deliver(Piece(whole, 0, 10, 1), 0);
  (void)Deliver(Piece(whole, 0, 10, 2), 500);
  const auto refused = Deliver(Piece(whole, 0, 10, 3), 999);
  EXPECT_EQ(refused.status().code(), Code::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), ChunkReason::kTooManyTransfers);
  // Another node is not affected.
  EXPECT_EQ(assembler_.Add(NodeId(2), Piece(whole, 0, 10), At(999)).status().code(),
            Code::kUnavailable);
  EXPECT_EQ(Deliver(Piece(whole, 0, 10, 3), 1000).status().code(), Code::kUnavailable);
  EXPECT_EQ(assembler_.counters().stale, 1U);
}

TEST_F(Assembly, BoundsTheBytesOfAllNodesTogether) {
  const std::string whole = RandomBytes(random_, 1400);
  for (std::uint64_t node = 1; node <= 2; ++node) {
    EXPECT_EQ(assembler_.Add(NodeId(node), Piece(whole, 0, 1), At(0)).status().code(),
              Code::kUnavailable);
  }
  const auto refused = assembler_.Add(NodeId(3), Piece(whole, 0, 1), At(0));
  EXPECT_EQ(refused.status().code(), Code::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), ChunkReason::kNoMemory);
  EXPECT_LE(assembler_.held_bytes(), 3000U);
  assembler_.Forget(NodeId(1));
  EXPECT_EQ(assembler_.Add(NodeId(3), Piece(whole, 0, 1), At(0)).status().code(),
            Code::kUnavailable);
}

TEST_F(Assembly, RepeatsDoNotKeepATransferAlive) {
  const std::string whole = RandomBytes(random_, 100);
  (void)Deliver(Piece(whole, 0, 10), 0);
  (void)Deliver(Piece(whole, 0, 10), 900);
  assembler_.Evict(At(1000));
  EXPECT_EQ(assembler_.transfers(), 0U);
}

TEST_F(Assembly, DropsATransferInTooManyPieces) {
  const std::string whole = RandomBytes(random_, 2500);
  std::size_t sent = 0;
  Result<std::string> last = Code::kUnavailable;
  for (std::size_t offset = 0; offset < whole.size() && assembler_.counters().dropped == 0;
       offset += 2) {
    last = Deliver(Piece(whole, offset, 1));
    ++sent;
  }
  EXPECT_EQ(sent, ChunkAssembler::kMaxPieces + 1);
  EXPECT_EQ(ReasonOf(last), ChunkReason::kScattered);
  EXPECT_EQ(assembler_.held_bytes(), 0U);
}

}  // namespace
}  // namespace trib::host::message
