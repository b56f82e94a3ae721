#include "trib/gateway/link/link.h"

#include <gtest/gtest.h>

#include <limits>
#include <span>

#include "trib/common/bytes/crc32c.h"
#include "tributary/v1/record.pb.h"

namespace trib::gateway::link {
namespace {

using message::RefusalReason;

constexpr std::uint64_t kEpoch = 0xABCD;

class LinkTest : public ::testing::Test {
 protected:
  LinkTest() { SetRoster({17, 18}); }

  void SetRoster(const std::vector<std::uint64_t>& ids) {
    std::vector<NodeId> nodes;
    for (const auto id : ids) {
      nodes.emplace_back(id);
    }
    link.SetRoster(nodes);
  }
  static message::Record FaultRecord(std::uint32_t sequence, std::uint64_t node = 17) {
    message::Record record;
    record.header.key = {NodeId(node), EnrolmentEpoch(kEpoch), 1, sequence};
    record.kind = message::RecordKind::kFault;
    record.fault = {};
    record.fault.code = message::FaultCode::kSensorStuck;
    return record;
  }
  static std::string Sealed(std::uint32_t sequence, std::uint64_t node = 17) {
    return host::message::EncodeSealedRecord(
        host::message::EncodeRecord(FaultRecord(sequence, node)));
  }
  Output Send(const std::string& bytes, const std::string& user = "17") {
    Output out;
    link.Receive("peer", user, bytes, now, out);
    return out;
  }
  Output SendRecords(const std::vector<std::string>& sealed) {
    return Send(host::message::EncodeRecords(NodeId(17), sealed));
  }
  Output SendHello() {
    message::Hello hello;
    hello.epoch = EnrolmentEpoch(kEpoch);
    hello.boot = 1;
    hello.max_message_bytes = 4096;
    return Send(host::message::EncodeHello(NodeId(17), hello));
  }
  Output SettleAll(const std::vector<Offered>& offered, bool durable = true) {
    std::vector<Settled> settled;
    for (const auto& record : offered) {
      settled.push_back({record.key, durable});
    }
    Output out;
    link.Settle(settled, now, out);
    return out;
  }
  static message::Downlink Decode(const Outgoing& outgoing) {
    message::Downlink down;
    EXPECT_TRUE(host::message::DecodeDownlink(outgoing.body, down).ok());
    return down;
  }
  static std::vector<message::AckRange> Ranges(const Output& out) {
    std::vector<message::AckRange> ranges;
    for (const auto& outgoing : out.send) {
      const auto down = Decode(outgoing);
      EXPECT_EQ(down.kind, message::Downlink::Kind::kAck);
      EXPECT_EQ(down.ack.epoch, EnrolmentEpoch(kEpoch));
      ranges.insert(ranges.end(), down.ack.ranges.begin(), down.ack.ranges.end());
    }
    return ranges;
  }
  static message::AckRange Range(std::uint32_t first,
                                 std::uint32_t last,
                                 RefusalReason refusal = RefusalReason::kUnspecified) {
    return {1, first, last, refusal};
  }

  Options options{.malformed_limit = 3, .penalty = Millis(1000)};
  Link link{options};
  Now now{MonotonicTime(Millis(1000)), 1'700'000'000'000};
};

TEST_F(LinkTest, AnswersHelloWithTimeAndCredit) {
  const Output out = SendHello();
  ASSERT_EQ(out.send.size(), 1U);
  EXPECT_EQ(out.send[0].routing_id, "peer");
  const auto down = Decode(out.send[0]);
  EXPECT_EQ(down.kind, message::Downlink::Kind::kTime);
  EXPECT_EQ(down.node, NodeId(17));
  EXPECT_EQ(down.time,
            (message::TimeSync{now.unix_ms, EnrolmentEpoch(kEpoch), 1, options.credit.most_bytes}));
}

TEST_F(LinkTest, AcknowledgesAfterSettlingAndNotBefore) {
  const Output out = SendRecords({Sealed(1), Sealed(2), Sealed(4)});
  EXPECT_TRUE(out.send.empty());
  ASSERT_EQ(out.offered.size(), 3U);
  EXPECT_EQ(out.offered[0].sealed, Sealed(1));
  EXPECT_EQ(out.offered[0].kind, message::RecordKind::kFault);
  EXPECT_EQ(out.offered[0].received_ms, now.unix_ms);
  EXPECT_EQ(link.pending(), 3U);
  EXPECT_EQ(Ranges(SettleAll(out.offered)), (std::vector{Range(1, 2), Range(4, 4)}));
  EXPECT_EQ(link.pending(), 0U);
}

TEST_F(LinkTest, WithoutDurabilityThereIsNoAckAndAResendIsOfferedAgain) {
  const Output first = SendRecords({Sealed(1)});
  EXPECT_TRUE(Ranges(SettleAll(first.offered, false)).empty());
  const Output again = SendRecords({Sealed(1)});
  EXPECT_EQ(again.offered.size(), 1U);
  EXPECT_EQ(link.metrics().unsettled, 1U);
}

TEST_F(LinkTest, AResendBeforeSettlingIsHeldAndAfterItAcknowledgedAgain) {
  const Output first = SendRecords({Sealed(1)});
  const Output early = SendRecords({Sealed(1)});
  EXPECT_TRUE(early.offered.empty());
  EXPECT_TRUE(Ranges(early).empty());
  SettleAll(first.offered);
  const Output late = SendRecords({Sealed(1)});
  EXPECT_TRUE(late.offered.empty());
  EXPECT_EQ(Ranges(late), std::vector{Range(1, 1)});
  EXPECT_EQ(link.metrics().duplicates, 1U);
  EXPECT_EQ(link.metrics().pending_again, 1U);
}

TEST_F(LinkTest, ManyGapsMakeSeveralAcks) {
  std::vector<Offered> offered;
  for (std::uint32_t i = 0; i < 40; ++i) {
    auto out = SendRecords({Sealed(2 * i + 1)});
    offered.insert(offered.end(), out.offered.begin(), out.offered.end());
  }
  const Output acks = SettleAll(offered);
  EXPECT_EQ(acks.send.size(), 3U);
  EXPECT_EQ(Ranges(acks).size(), 40U);
}

TEST_F(LinkTest, ARecordOfAnotherNodeIsRefusedByKey) {
  const Output out = SendRecords({Sealed(5, 18), Sealed(6)});
  EXPECT_EQ(Ranges(out), std::vector{Range(5, 5, RefusalReason::kKeyMismatch)});
  EXPECT_EQ(out.offered.size(), 1U);
}

TEST_F(LinkTest, AnUnlawfulRecordIsRefusedByKey) {
  tributary::v1::Record record;
  ASSERT_TRUE(record.ParseFromString(host::message::EncodeRecord(FaultRecord(9))));
  record.mutable_fault()->set_value(std::numeric_limits<float>::quiet_NaN());
  const Output out =
      SendRecords({host::message::EncodeSealedRecord(record.SerializeAsString()), Sealed(10)});
  EXPECT_EQ(Ranges(out), std::vector{Range(9, 9, RefusalReason::kMalformed)});
  EXPECT_EQ(out.offered.size(), 1U);
}

TEST_F(LinkTest, GarbageForARecordIsCountedAndTheOthersCount) {
  const Output out = SendRecords({host::message::EncodeSealedRecord("\xff\xff\xff"), Sealed(10)});
  EXPECT_TRUE(out.send.empty());
  EXPECT_EQ(out.offered.size(), 1U);
  EXPECT_EQ(link.metrics().unnamed, 1U);
}

TEST_F(LinkTest, AnEnvelopeInAnothersNameIsDropped) {
  const Output out =
      Send(host::message::EncodeRecords(NodeId(18), std::vector{Sealed(1, 18)}), "17");
  EXPECT_TRUE(out.offered.empty());
  EXPECT_TRUE(out.send.empty());
  EXPECT_EQ(link.metrics().identity_mismatch, 1U);
}

TEST_F(LinkTest, WhoIsNotInTheRosterIsDroppedEvenOnALiveConnection) {
  const Output first = SendRecords({Sealed(1)});
  SetRoster({18});
  EXPECT_TRUE(SendRecords({Sealed(2)}).offered.empty());
  EXPECT_EQ(link.metrics().not_in_roster, 1U);
  EXPECT_TRUE(SettleAll(first.offered).send.empty());
  EXPECT_EQ(link.pending(), 0U);
  for (const char* user : {"", "0", "x", "17x", "-17", "99999999999999999999999", "operator"}) {
    EXPECT_TRUE(Send(host::message::EncodeRecords(NodeId(17), std::vector{Sealed(3)}), user)
                    .offered.empty());
  }
  EXPECT_EQ(link.metrics().not_in_roster, 8U);
}

TEST_F(LinkTest, RepeatedAbuseClosesTheSessionUntilHelloAfterThePenalty) {
  for (int i = 0; i < 3; ++i) {
    Send("\xff garbage");
  }
  EXPECT_EQ(link.metrics().malformed, 3U);
  EXPECT_EQ(link.metrics().closed_malformed, 1U);
  EXPECT_TRUE(SendHello().send.empty()) << "too early";
  now.monotonic += Millis(1000);
  EXPECT_TRUE(SendRecords({Sealed(1)}).offered.empty()) << "no Hello yet";
  EXPECT_EQ(link.metrics().penalised, 2U);
  EXPECT_EQ(SendHello().send.size(), 1U);
  EXPECT_EQ(SendRecords({Sealed(1)}).offered.size(), 1U);
}

TEST_F(LinkTest, SingleMistakesBetweenGoodMessagesDoNotClose) {
  for (std::uint32_t i = 1; i < 20; ++i) {
    Send("garbage");
    EXPECT_EQ(SendRecords({Sealed(i)}).offered.size(), 1U);
  }
  EXPECT_EQ(link.metrics().closed_malformed, 0U);
}

TEST_F(LinkTest, ARecordLargerThanTheCreditIsTakenAlone) {
  options.credit = {.most_bytes = 10, .least_bytes = 10};
  link = Link(options);
  SetRoster({17});
  ASSERT_GT(Sealed(1).size(), 2U * options.credit.most_bytes);
  const auto first = SendRecords({Sealed(1)});
  ASSERT_EQ(first.offered.size(), 1U);
  EXPECT_EQ(SendRecords({Sealed(2)}).offered.size(), 0U);
  SettleAll(first.offered);
  EXPECT_EQ(SendRecords({Sealed(2)}).offered.size(), 1U);
}

TEST_F(LinkTest, WhatExceedsTheCreditIsNotTaken) {
  options.credit = {.most_bytes = 100, .least_bytes = 100};
  link = Link(options);
  SetRoster({17});
  std::vector<Offered> offered;
  for (std::uint32_t i = 1; i < 50; ++i) {
    auto out = SendRecords({Sealed(i)});
    offered.insert(offered.end(), out.offered.begin(), out.offered.end());
  }
  EXPECT_GT(link.metrics().over_credit, 0U);
  EXPECT_EQ(offered.size() + link.metrics().over_credit, 49U);
  SettleAll(offered);
  EXPECT_EQ(SendRecords({Sealed(49)}).offered.size(), 1U) << "there is room again";
}

TEST_F(LinkTest, AFullSpoolPausesAndRoomEndsThePauseUnasked) {
  SendHello();
  const Output first = SendRecords({Sealed(1)});
  link.SetRoom(0);
  const Output refused = SettleAll(first.offered, false);
  ASSERT_EQ(refused.send.size(), 1U);
  EXPECT_TRUE(Decode(refused.send[0]).ack.ranges.empty());
  EXPECT_EQ(Decode(refused.send[0]).ack.credit, 0U);
  EXPECT_EQ(link.metrics().pauses, 1U);
  Output still;
  link.Tick(now, still);
  EXPECT_TRUE(still.send.empty());
  link.SetRoom(CreditBook::kUnlimited);
  Output granted;
  link.Tick(now, granted);
  ASSERT_EQ(granted.send.size(), 1U);
  EXPECT_EQ(Decode(granted.send[0]).ack.credit, options.credit.most_bytes);
  EXPECT_EQ(link.metrics().grants, 1U);
  EXPECT_EQ(SendRecords({Sealed(1)}).offered.size(), 1U);
}

TEST_F(LinkTest, APausedNodeThatMissedItsGrantAsksByHello) {
  link.SetRoom(0);
  EXPECT_EQ(Decode(SendHello().send[0]).time.credit, 0U);
  link.SetRoom(CreditBook::kUnlimited);
  Output lost;
  link.Tick(now, lost);
  EXPECT_GT(Decode(SendHello().send[0]).time.credit, 0U);
}

TEST_F(LinkTest, AnAckTellsTheCreditThatFitsTheRoomThen) {
  SendHello();
  const Output first = SendRecords({Sealed(1)});
  link.SetRoom(10'000);
  EXPECT_EQ(Decode(SettleAll(first.offered).send[0]).ack.credit, 10'000U);
}

TEST_F(LinkTest, WhoGoesOnBeyondItsCreditIsToldThenClosedAndOthersAreServed) {
  options.credit = {.most_bytes = 4096, .least_bytes = 4096};
  options.over_credit_limit = 20;
  link = Link(options);
  SetRoster({17, 18});
  SendHello();
  std::uint32_t sequence = 0;
  std::size_t taken = 0;
  std::size_t told = 0;
  while (link.metrics().closed_over_credit == 0) {
    ASSERT_LT(sequence, 1000U);
    const Output out = SendRecords({Sealed(++sequence)});
    taken += out.offered.size();
    told += out.send.size();
  }
  EXPECT_LE(link.pending_bytes(), 4096U);
  EXPECT_EQ(link.pending(), taken);
  EXPECT_EQ(link.metrics().over_credit, 20U);
  EXPECT_EQ(sequence, taken + 20);
  EXPECT_EQ(told, 1U) << "its credit, once a second";
  EXPECT_TRUE(SendRecords({Sealed(++sequence)}).offered.empty());
  EXPECT_EQ(link.metrics().penalised, 1U);
  EXPECT_EQ(Send(host::message::EncodeRecords(NodeId(18), std::vector{Sealed(1, 18)}), "18")
                .offered.size(),
            1U);
  now.monotonic += options.penalty;
  EXPECT_EQ(SendHello().send.size(), 1U);
}

TEST_F(LinkTest, NowAndThenBeyondTheCreditDoesNotClose) {
  options.credit = {.most_bytes = 100, .least_bytes = 100};
  options.over_credit_limit = 20;
  link = Link(options);
  SetRoster({17});
  SendHello();
  SendRecords({Sealed(1)});
  for (std::uint32_t second = 0; second < 100; ++second) {
    for (std::uint32_t i = 0; i < 8; ++i) {
      SendRecords({Sealed(2 + i)});
    }
    Output out;
    now.monotonic += Millis(1000);
    link.Tick(now, out);
  }
  EXPECT_GT(link.metrics().over_credit, 500U);
  EXPECT_EQ(link.metrics().closed_over_credit, 0U);
}

TEST_F(LinkTest, APeerThatReadsNoAnswersIsClosed) {
  SendHello();
  for (std::uint32_t i = 0; i + 1 < options.unread_limit; ++i) {
    link.Sent(NodeId(17), Code::kResourceExhausted, now);
  }
  link.Sent(NodeId(17), {}, now);
  for (std::uint32_t i = 0; i + 1 < options.unread_limit; ++i) {
    link.Sent(NodeId(17), Code::kResourceExhausted, now);
  }
  EXPECT_EQ(link.metrics().closed_unread, 0U);
  link.Sent(NodeId(17), Code::kResourceExhausted, now);
  EXPECT_EQ(link.metrics().closed_unread, 1U);
  EXPECT_TRUE(SendRecords({Sealed(1)}).offered.empty());
  EXPECT_EQ(link.credit().committed(), 0U) << "nothing is promised to it";
}

TEST_F(LinkTest, WhenTheyBecomeManyTheFirstGiveWay) {
  options.credit = {.most_bytes = 65'536, .least_bytes = 4096, .memory_bytes = 65'536};
  link = Link(options);
  SetRoster({17, 18});
  EXPECT_EQ(Decode(SendHello().send[0]).time.credit, 64U * 1024);
  message::Hello hello;
  hello.epoch = EnrolmentEpoch(kEpoch);
  hello.boot = 1;
  hello.max_message_bytes = 4096;
  const Output second = Send(host::message::EncodeHello(NodeId(18), hello), "18");
  EXPECT_EQ(Decode(second.send[0]).time.credit, 0U);
  Output out;
  link.Tick(now, out);
  ASSERT_EQ(out.send.size(), 2U);
  EXPECT_EQ(Decode(out.send[0]).node, NodeId(17));
  EXPECT_EQ(Decode(out.send[0]).ack.credit, 32U * 1024);
  EXPECT_EQ(Decode(out.send[1]).node, NodeId(18));
  EXPECT_EQ(Decode(out.send[1]).ack.credit, 32U * 1024);
}

TEST_F(LinkTest, ChunksBecomeOneRecord) {
  message::Record record;
  record.header.key = {NodeId(17), EnrolmentEpoch(kEpoch), 1, 77};
  record.kind = message::RecordKind::kActivation;
  std::vector<std::byte> payload(5000, std::byte{7});
  record.activation = {payload};
  const std::string sealed = host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
  std::vector<Offered> offered;
  for (std::uint32_t offset = 0; offset < sealed.size(); offset += 1000) {
    host::message::Uplink::ChunkData chunk;
    chunk.boot = 1;
    chunk.transfer = 77;
    chunk.total_bytes = static_cast<std::uint32_t>(sealed.size());
    chunk.offset = offset;
    chunk.data = sealed.substr(offset, 1000);
    chunk.crc32c = Crc32c(std::as_bytes(std::span(sealed)));
    const Output out = Send(host::message::EncodeChunk(NodeId(17), chunk));
    offered.insert(offered.end(), out.offered.begin(), out.offered.end());
  }
  ASSERT_EQ(offered.size(), 1U);
  EXPECT_EQ(offered[0].sealed, sealed);
  EXPECT_EQ(Ranges(SettleAll(offered)), std::vector{Range(77, 77)});
}

TEST_F(LinkTest, SessionsAreBounded) {
  options.max_sessions = 1;
  link = Link(options);
  SetRoster({17, 18});
  SendHello();
  Send(host::message::EncodeRecords(NodeId(18), std::vector{Sealed(1, 18)}), "18");
  EXPECT_EQ(link.metrics().too_many_sessions, 1U);
}

TEST_F(LinkTest, PassesDownlinkToTheSessionOnly) {
  Output out;
  EXPECT_EQ(link.SendDown(NodeId(17), "x", out).code(), Code::kNotFound);
  SendHello();
  ASSERT_TRUE(link.SendDown(NodeId(17), "x", out).ok());
  ASSERT_EQ(out.send.size(), 1U);
  EXPECT_EQ(out.send[0].routing_id, "peer");
  EXPECT_EQ(link.metrics().undeliverable, 1U);
}

TEST_F(LinkTest, DownlinkForAnotherEpochIsNotPassed) {
  SendHello();
  const auto sessions = link.sessions();
  ASSERT_EQ(sessions.size(), 1U);
  const EnrolmentEpoch epoch = sessions[0].epoch;
  Output out;
  EXPECT_EQ(link.SendDown(NodeId(17), "x", out, EnrolmentEpoch(epoch.value() + 1)).code(),
            Code::kNotFound);
  EXPECT_TRUE(out.send.empty());
  ASSERT_TRUE(link.SendDown(NodeId(17), "x", out, epoch).ok());
  ASSERT_EQ(out.send.size(), 1U);
  EXPECT_TRUE(out.send[0].best_effort);
  EXPECT_EQ(link.metrics().undeliverable, 1U);
}

}  // namespace
}  // namespace trib::gateway::link
