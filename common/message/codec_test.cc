#include "trib/common/message/codec.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "trib/common/message/wire.h"

namespace trib::message {
namespace {

RecordHeader Header() {
  RecordHeader header;
  header.key = {NodeId(7), EnrolmentEpoch(9), 1, 2};
  header.time = LogicalTime(Millis(1'700'000'000'000));
  header.tier = Tier::kTrigger;
  header.block = {1'700'000'000'000, 60'000};
  return header;
}

Record EventRecord() {
  Record record;
  record.header = Header();
  record.kind = RecordKind::kEvent;
  record.event.state = EventState::kOnset;
  record.event.severity = 4.5F;
  record.event.windows = 3;
  (void)record.event.top.push_back({5, -6.25F});
  return record;
}

Record SketchRecord(std::uint32_t count_in_every_bin) {
  Record record;
  record.header = Header();
  record.kind = RecordKind::kSketch;
  new (&record.sketch) Sketch{};
  record.sketch.windows = record.sketch.triggered = record.sketch.invalid = count_in_every_bin;
  for (std::uint32_t i = 0; i < kMaxHistograms; ++i) {
    Histogram histogram;
    histogram.feature = 0xFFFF - i;
    histogram.counts.fill(count_in_every_bin);
    EXPECT_TRUE(record.sketch.histograms.push_back(histogram));
  }
  record.sketch.exits.fill(count_in_every_bin);
  EXPECT_TRUE(record.sketch.labels.resize(kMaxLabels));
  std::fill(record.sketch.labels.begin(), record.sketch.labels.end(), count_in_every_bin);
  return record;
}

Reason ReasonOf(Status status) {
  EXPECT_EQ(status.code(), Code::kDataLoss);
  return static_cast<Reason>(status.reason());
}

class RecordCodec : public testing::Test {
 protected:
  std::span<const std::byte> Encode(const Record& record) {
    const auto size = EncodeRecord(record, memory_);
    EXPECT_TRUE(size.ok());
    return std::span(memory_).first(size.value_or(0U));
  }
  std::vector<std::byte> memory_ = std::vector<std::byte>(kMaxTransferBytes);
};

TEST_F(RecordCodec, GivesBackWhatWasEncoded) {
  const Record record = EventRecord();
  Record decoded;
  ASSERT_TRUE(DecodeRecord(Encode(record), decoded).ok());
  EXPECT_EQ(decoded.kind, RecordKind::kEvent);
  EXPECT_EQ(decoded.header, record.header);
  EXPECT_EQ(decoded.event, record.event);
}

TEST_F(RecordCodec, FullestSketchStaysWithinTheRecordLimit) {
  const Record record = SketchRecord(std::numeric_limits<std::uint32_t>::max());
  const auto bytes = Encode(record);
  EXPECT_LE(bytes.size(), kMaxRecordBytes);
  Record decoded;
  ASSERT_TRUE(DecodeRecord(bytes, decoded).ok());
  EXPECT_EQ(decoded.sketch, record.sketch);
}

TEST_F(RecordCodec, BorrowsTheActivationFromTheMessage) {
  std::vector<std::byte> payload(kMaxActivationBytes, std::byte{0x5A});
  Record record;
  record.header = Header();
  record.kind = RecordKind::kActivation;
  new (&record.activation) Activation{payload};
  const auto bytes = Encode(record);
  Record decoded;
  ASSERT_TRUE(DecodeRecord(bytes, decoded).ok());
  ASSERT_EQ(decoded.activation.payload.size(), payload.size());
  EXPECT_GE(decoded.activation.payload.data(), bytes.data());
  EXPECT_LE(decoded.activation.payload.data() + payload.size(), bytes.data() + bytes.size());
}

TEST_F(RecordCodec, RefusesToEncodeWhatNobodyWouldDecode) {
  Record record = EventRecord();
  record.event.severity = std::nanf("");
  EXPECT_EQ(EncodeRecord(record, memory_).status().code(), Code::kInvalidArgument);
  record = EventRecord();
  record.header.key.sequence = 0;
  EXPECT_EQ(EncodeRecord(record, memory_).status().code(), Code::kInvalidArgument);
  record = EventRecord();
  record.kind = RecordKind::kNone;
  EXPECT_EQ(EncodeRecord(record, memory_).status().code(), Code::kInvalidArgument);
}

TEST_F(RecordCodec, SaysWhenTheRoomIsTooSmall) {
  const std::size_t size = Encode(EventRecord()).size();
  for (std::size_t room = 0; room < size; ++room) {
    EXPECT_EQ(EncodeRecord(EventRecord(), std::span(memory_).first(room)).status().code(),
              Code::kResourceExhausted)
        << room;
  }
  EXPECT_TRUE(EncodeRecord(EventRecord(), std::span(memory_).first(size)).ok());
}

TEST_F(RecordCodec, RefusesEveryTruncation) {
  const auto bytes = Encode(EventRecord());
  Record decoded;
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(DecodeRecord(bytes.first(length), decoded).ok()) << length;
  }
}

TEST_F(RecordCodec, RefusesTrailingGarbage) {
  const auto bytes = Encode(EventRecord());
  std::vector<std::byte> longer(bytes.begin(), bytes.end());
  longer.push_back(std::byte{0});
  Record decoded;
  EXPECT_EQ(ReasonOf(DecodeRecord(longer, decoded)), Reason::kMalformed);
}

TEST_F(RecordCodec, SkipsAFieldFromTheFuture) {
  const auto bytes = Encode(EventRecord());
  std::vector<std::byte> longer(bytes.begin(), bytes.end());
  // Field 31, length-delimited, two bytes.
  for (const int byte : {0xFA, 0x01, 0x02, 0xAB, 0xCD}) {
    longer.push_back(static_cast<std::byte>(byte));
  }
  Record decoded;
  ASSERT_TRUE(DecodeRecord(longer, decoded).ok());
  EXPECT_EQ(decoded.event, EventRecord().event);
}

TEST_F(RecordCodec, KeepsTheSignOfZero) {
  Record record = EventRecord();
  record.event.severity = -0.0F;
  Record decoded;
  ASSERT_TRUE(DecodeRecord(Encode(record), decoded).ok());
  EXPECT_TRUE(std::signbit(decoded.event.severity));
}

TEST(RecordsEnvelope, FitsTheStatedOverheads) {
  std::vector<std::byte> payload(300, std::byte{1});
  const std::array<std::byte, kMacBytes> mac{};
  std::vector<SealedRecord> records;
  std::size_t bound = kEnvelopeOverheadBytes;
  std::array<std::byte, kMaxEnvelopeBytes> out;
  for (std::size_t i = 0; i < 11; ++i) {
    records.push_back(
        {payload, i % 2 == 0 ? std::span<const std::byte>(mac) : std::span<const std::byte>()});
    bound += EnvelopedBytes(records.back());
    const auto size = EncodeRecords(NodeId(1), records, out);
    ASSERT_TRUE(size.ok());
    EXPECT_LE(*size, bound);
  }
}

TEST(RecordsEnvelope, RefusesASealOfAnotherLength) {
  const std::array<std::byte, 4> record{};
  const std::array<std::byte, 15> mac{};
  const SealedRecord sealed{record, mac};
  std::array<std::byte, 64> out;
  EXPECT_EQ(EncodeRecords(NodeId(1), {&sealed, 1}, out).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(EncodeSealedRecord(sealed, out).status().code(), Code::kInvalidArgument);
}

TEST(Downlink, RefusesAnotherProtocolBeforeAnythingElse) {
  // protocol = 2, then bytes that are no protobuf at all.
  const std::array<std::byte, 4> bytes{
      std::byte{0x08}, std::byte{0x02}, std::byte{0xFF}, std::byte{0xFF}};
  Downlink out;
  EXPECT_EQ(ReasonOf(DecodeDownlink(bytes, out)), Reason::kWrongProtocol);
}

TEST(Downlink, RefusesWhatANodeWouldSend) {
  std::array<std::byte, 128> memory;
  Hello hello;
  hello.epoch = EnrolmentEpoch(3);
  const auto size = EncodeHello(NodeId(1), hello, memory);
  ASSERT_TRUE(size.ok());
  Downlink out;
  EXPECT_EQ(ReasonOf(DecodeDownlink(std::span(memory).first(*size), out)), Reason::kUnknownBody);
}

}  // namespace
}  // namespace trib::message
