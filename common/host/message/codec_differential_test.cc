// The node's codec (nanopb) and the host's (libprotobuf) must be one codec: equal bytes, equal
// values, equal refusals. Seeds are fixed and shown on failure.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "convert.h"
#include "test_messages.h"
#include "trib/common/host/message/codec.h"

namespace trib::host::message {
namespace {

using internal::AsBytes;
using test::Generator;
using test::NodeEncode;
using test::Same;

constexpr int kRounds = 6000;
constexpr int kMutations = 60000;

// Runs both decoders. @returns whether both accepted.
bool DecodeBoth(const std::string& bytes, Record& out) {
  Record by_node;
  Record by_host;
  const Status node = trib::message::DecodeRecord(AsBytes(bytes), by_node);
  const Status host = DecodeRecord(bytes, by_host);
  EXPECT_EQ(node, host);
  if (node.ok() && host.ok()) {
    EXPECT_TRUE(Same(by_node, by_host));
    out = by_host;
    return true;
  }
  EXPECT_EQ(node.code(), Code::kDataLoss);
  EXPECT_NE(node.reason(), 0);
  return false;
}

TEST(CodecDifferential, RecordsHaveTheSameBytesAndValues) {
  Generator generator(1001);
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    const Record record = generator.NextRecord();
    const std::string bytes = EncodeRecord(record);
    ASSERT_EQ(NodeEncode(record), bytes);
    Record decoded;
    ASSERT_TRUE(DecodeBoth(bytes, decoded));
    ASSERT_TRUE(Same(decoded, record));
  }
}

TEST(CodecDifferential, MutatedRecordsMeetTheSameDecision) {
  Generator generator(1002);
  int accepted = 0;
  std::string other = EncodeRecord(generator.NextRecord(RecordKind::kFault));
  for (int round = 0; round < kMutations; ++round) {
    SCOPED_TRACE(round);
    const auto kind = static_cast<RecordKind>(round % 8 == 0 ? 16 + round / 8 % 6 : 16);
    std::string original = NodeEncode(generator.NextRecord(kind));
    const std::string bytes = generator.Mutate(original, other);
    Record decoded;
    if (DecodeBoth(bytes, decoded)) {
      ++accepted;
      const std::string again = EncodeRecord(decoded);
      ASSERT_EQ(NodeEncode(decoded), again);
      // Equal length means that no unknown field was in it: lawful bytes are canonical.
      ASSERT_TRUE(again.size() < bytes.size() || again == bytes);
    }
    ASSERT_FALSE(HasFailure());
    other = std::move(original);
  }
  // Neither everything nor nothing: the mutations reach both sides of the law.
  EXPECT_GT(accepted, kMutations / 100);
  EXPECT_LT(accepted, kMutations - kMutations / 10);
}

TEST(CodecDifferential, SketchesAloneHaveTheSameBytesAndValues) {
  Generator generator(1003);
  std::string room(kMaxRecordBytes, '\0');
  for (int round = 0; round < kRounds / 10; ++round) {
    const Record record = generator.NextRecord(RecordKind::kSketch);
    const std::string bytes = EncodeSketch(record.sketch);
    const auto size =
        trib::message::EncodeSketch(record.sketch, std::as_writable_bytes(std::span(room)));
    ASSERT_TRUE(size.ok());
    ASSERT_EQ(room.substr(0, *size), bytes);
    Sketch by_node;
    Sketch by_host;
    ASSERT_TRUE(trib::message::DecodeSketch(AsBytes(bytes), by_node).ok());
    ASSERT_TRUE(DecodeSketch(bytes, by_host).ok());
    ASSERT_EQ(by_node, record.sketch);
    ASSERT_EQ(by_host, record.sketch);
  }
}

TEST(CodecDifferential, HellosAndChunksHaveTheSameBytesAndArriveWhole) {
  Generator generator(1004);
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    const NodeId node(1 + generator.Below(UINT64_MAX));
    const Hello hello = generator.NextHello();
    ASSERT_EQ(NodeEncode(node, hello), EncodeHello(node, hello));
    const auto arrived = DecodeUplink(EncodeHello(node, hello));
    ASSERT_TRUE(arrived.ok());
    ASSERT_EQ(arrived->node, node);
    ASSERT_EQ(arrived->hello, hello);

    const Uplink::ChunkData data = generator.NextChunk();
    Chunk chunk{data.boot, data.transfer, data.total_bytes, data.offset, AsBytes(data.data), 0};
    chunk.crc32c = data.crc32c;
    const std::string bytes = EncodeChunk(node, data);
    ASSERT_EQ(NodeEncode(node, chunk), bytes);
    const auto part = DecodeUplink(bytes);
    ASSERT_TRUE(part.ok());
    ASSERT_EQ(part->chunk.data, data.data);
    ASSERT_EQ(part->chunk.offset, data.offset);
    ASSERT_EQ(part->chunk.crc32c, data.crc32c);
  }
}

TEST(CodecDifferential, BatchesHaveTheSameBytesAndKeepTheirRecordsUntouched) {
  Generator generator(1005);
  for (int round = 0; round < kRounds / 4; ++round) {
    SCOPED_TRACE(round);
    std::vector<std::string> sealed;
    std::vector<SealedRecord> parts;
    for (std::uint64_t i = generator.Below(10); i > 0; --i) {
      sealed.push_back(generator.NextSealed());
    }
    for (const std::string& one : sealed) {
      const auto opened = OpenSealedRecord(one);
      ASSERT_TRUE(opened.ok());
      parts.push_back({AsBytes(opened->record), AsBytes(opened->mac)});
    }
    const std::string bytes = EncodeRecords(NodeId(5), sealed);
    ASSERT_EQ(NodeEncode(NodeId(5), parts), bytes);
    const auto arrived = DecodeUplink(bytes);
    ASSERT_TRUE(arrived.ok());
    ASSERT_EQ(arrived->records.size(), sealed.size());
    for (std::size_t i = 0; i < sealed.size(); ++i) {
      ASSERT_EQ(arrived->records[i].sealed, sealed[i]);
    }
  }
}

TEST(CodecDifferential, ForwardsSealFieldsItDoesNotKnow) {
  Generator generator(1006);
  const std::string sealed = generator.NextSealed() + std::string("\xFA\x01\x01\x7F", 4);
  ASSERT_TRUE(OpenSealedRecord(sealed).ok());
  const auto arrived = DecodeUplink(EncodeRecords(NodeId(5), std::array{sealed}));
  ASSERT_TRUE(arrived.ok());
  ASSERT_EQ(arrived->records.size(), 1U);
  EXPECT_EQ(arrived->records[0].sealed, sealed);
}

TEST(CodecDifferential, DownlinksArriveOnTheNodeAsTheyWereSent) {
  Generator generator(1007);
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(round);
    const Downlink sent = generator.NextDownlink();
    const std::string bytes = EncodeDownlink(sent);
    Downlink by_node;
    Downlink by_host;
    ASSERT_TRUE(trib::message::DecodeDownlink(AsBytes(bytes), by_node).ok());
    ASSERT_TRUE(DecodeDownlink(bytes, by_host).ok());
    ASSERT_TRUE(Same(by_node, sent));
    ASSERT_TRUE(Same(by_host, sent));
  }
}

TEST(CodecDifferential, MutatedDownlinksMeetTheSameDecision) {
  Generator generator(1008);
  int accepted = 0;
  std::string other = EncodeDownlink(generator.NextDownlink());
  for (int round = 0; round < kMutations; ++round) {
    SCOPED_TRACE(round);
    std::string original = EncodeDownlink(generator.NextDownlink());
    const std::string bytes = generator.Mutate(original, other);
    Downlink by_node;
    Downlink by_host;
    const Status node = trib::message::DecodeDownlink(AsBytes(bytes), by_node);
    ASSERT_EQ(node, DecodeDownlink(bytes, by_host));
    if (node.ok()) {
      ++accepted;
      ASSERT_TRUE(Same(by_node, by_host));
    }
    other = std::move(original);
  }
  EXPECT_GT(accepted, kMutations / 100);
  EXPECT_LT(accepted, kMutations - kMutations / 10);
}

}  // namespace
}  // namespace trib::host::message
