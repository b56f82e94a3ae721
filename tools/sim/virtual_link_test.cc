#include "virtual_link.h"

#include <gtest/gtest.h>

#include <deque>

#include "trib/common/host/message/codec.h"
#include "trib/common/message/chunker.h"
#include "trib/common/message/codec.h"

namespace trib::tools::sim {
namespace {

using message::Downlink;

constexpr NodeId kNode{7};
constexpr EnrolmentEpoch kEpoch{99};
constexpr LinkModel kFixed{.latency = Millis(100), .spread = Millis(0)};

/// A gateway that answers when the test says so.
class FakeTransport final : public Transport {
 public:
  bool Send(std::string_view message) override {
    if (full) {
      return false;
    }
    sent.emplace_back(message);
    return true;
  }
  std::optional<std::string> Receive() override {
    if (waiting.empty()) {
      return std::nullopt;
    }
    std::string message = std::move(waiting.front());
    waiting.pop_front();
    return message;
  }
  void Acknowledge(std::uint32_t first, std::uint32_t last) {
    Downlink down;
    down.node = kNode;
    down.kind = Downlink::Kind::kAck;
    down.ack.epoch = kEpoch;
    down.ack.credit = 5000;
    (void)down.ack.ranges.push_back({1, first, last, {}});
    waiting.push_back(host::message::EncodeDownlink(down));
  }
  void GrantCredit(std::uint32_t credit) {
    Downlink down;
    down.node = kNode;
    down.kind = Downlink::Kind::kAck;
    down.ack.epoch = kEpoch;
    down.ack.credit = credit;
    waiting.push_back(host::message::EncodeDownlink(down));
  }
  void SayTime() {
    Downlink down;
    down.node = kNode;
    down.kind = Downlink::Kind::kTime;
    down.time = {.unix_ms = 123, .epoch = kEpoch, .boot = 1, .credit = 4000};
    waiting.push_back(host::message::EncodeDownlink(down));
  }

  bool full = false;
  std::vector<std::string> sent;
  std::deque<std::string> waiting;
};

std::string HelloMessage() {
  return host::message::EncodeHello(kNode, {.epoch = kEpoch, .boot = 1, .max_message_bytes = 4096});
}

std::string RecordsMessage(std::initializer_list<std::uint32_t> sequences) {
  std::vector<std::string> sealed;
  for (const std::uint32_t sequence : sequences) {
    message::Record record;
    record.kind = message::RecordKind::kFault;
    record.header.key = {kNode, kEpoch, 1, sequence};
    record.fault = {};
    record.fault.code = message::FaultCode::kSensorStuck;
    sealed.push_back(host::message::EncodeSealedRecord(host::message::EncodeRecord(record)));
  }
  return host::message::EncodeRecords(kNode, sealed);
}

class VirtualLinkTest : public ::testing::Test {
 protected:
  void Make(const LinkModel& model, std::vector<DeadTime> dead = {}) {
    link_.emplace(kNode, model, 3, std::move(dead), transport_);
  }
  Status Send(const std::string& message) { return link_->Send(std::as_bytes(std::span(message))); }
  /// What the node hears at `now`, if anything.
  std::optional<Downlink> Hear(Millis now) {
    link_->SetNow(now);
    const auto got = link_->Receive(memory_);
    if (!got.ok()) {
      return std::nullopt;
    }
    Downlink down;
    EXPECT_TRUE(
        host::message::DecodeDownlink({reinterpret_cast<const char*>(memory_.data()), *got}, down)
            .ok());
    return down;
  }
  void Introduce() {
    ASSERT_TRUE(Send(HelloMessage()).ok());
    ASSERT_TRUE(link_->SendArrived(Millis(100)));
    transport_.SayTime();
    link_->Drain();
    ASSERT_TRUE(Hear(Millis(200)).has_value());
  }

  FakeTransport transport_;
  std::optional<VirtualLink> link_;
  std::array<std::byte, 4096> memory_{};
};

TEST_F(VirtualLinkTest, MessagesReachTheGatewayAfterTheirLatency) {
  Make(kFixed);
  ASSERT_TRUE(Send(HelloMessage()).ok());
  EXPECT_EQ(link_->NextEvent(), Millis(100));
  ASSERT_TRUE(link_->SendArrived(Millis(99)));
  EXPECT_TRUE(transport_.sent.empty());
  ASSERT_TRUE(link_->SendArrived(Millis(100)));
  EXPECT_EQ(transport_.sent.size(), 1U);
  EXPECT_EQ(link_->NextEvent(), Millis(200)) << "the answer's moment";
}

TEST_F(VirtualLinkTest, TheNodeWaitsForTheRealAnswerAtItsVirtualMoment) {
  Make(kFixed);
  ASSERT_TRUE(Send(HelloMessage()).ok());
  ASSERT_TRUE(link_->SendArrived(Millis(100)));
  EXPECT_FALSE(link_->Awaits(Millis(199)));
  EXPECT_TRUE(link_->Awaits(Millis(200)));
  EXPECT_FALSE(Hear(Millis(200)).has_value());
  transport_.SayTime();
  link_->Drain();
  EXPECT_FALSE(link_->Awaits(Millis(200)));
  EXPECT_FALSE(Hear(Millis(199)).has_value()) << "it came early, and is not heard early";
  const auto time = Hear(Millis(200));
  ASSERT_TRUE(time.has_value());
  EXPECT_EQ(time->time.credit, 4000U);
}

TEST_F(VirtualLinkTest, AnAnswerNamesTheRecordsOfItsMessageHoweverTheGatewayGroupsThem) {
  Make(kFixed);
  Introduce();
  ASSERT_TRUE(Send(RecordsMessage({1, 2})).ok());
  ASSERT_TRUE(Send(RecordsMessage({3, 5})).ok());
  ASSERT_TRUE(link_->SendArrived(Millis(300)));
  transport_.Acknowledge(1, 1);
  link_->Drain();
  EXPECT_TRUE(link_->Awaits(Millis(400))) << "half of the first message";
  transport_.Acknowledge(2, 3);
  transport_.Acknowledge(5, 5);
  link_->Drain();
  const auto first = Hear(Millis(400));
  const auto second = Hear(Millis(400));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->ack.ranges.size(), 1U);
  EXPECT_EQ(first->ack.ranges[0], (message::AckRange{1, 1, 2, {}}));
  ASSERT_EQ(second->ack.ranges.size(), 2U);
  EXPECT_EQ(second->ack.ranges[1], (message::AckRange{1, 5, 5, {}}));
  EXPECT_EQ(second->ack.credit, 5000U);
  EXPECT_TRUE(link_->acknowledged()[5]);
  EXPECT_FALSE(link_->acknowledged()[4]);
}

TEST_F(VirtualLinkTest, CreditAloneIsHeardAtOnceOnlyByANodeWithoutAny) {
  Make(kFixed);
  Introduce();
  transport_.GrantCredit(7000);
  link_->Drain();
  EXPECT_FALSE(Hear(Millis(300)).has_value()) << "it has 4,000";
  ASSERT_TRUE(Send(RecordsMessage({1})).ok());
  ASSERT_TRUE(link_->SendArrived(Millis(400)));
  transport_.Acknowledge(1, 1);
  transport_.GrantCredit(0);
  link_->Drain();
  ASSERT_TRUE(Hear(Millis(500)).has_value());
  transport_.GrantCredit(9000);
  link_->Drain();
  const auto credit = Hear(Millis(500));
  ASSERT_TRUE(credit.has_value());
  EXPECT_EQ(credit->ack.credit, 9000U);
}

TEST_F(VirtualLinkTest, WhatTheGatewayKnowsAlreadyIsAnsweredWithoutIt) {
  Make(kFixed);
  Introduce();
  ASSERT_TRUE(Send(RecordsMessage({1})).ok());
  ASSERT_TRUE(link_->SendArrived(Millis(300)));
  transport_.Acknowledge(1, 1);
  link_->Drain();
  ASSERT_TRUE(Hear(Millis(400)).has_value());
  ASSERT_TRUE(Send(RecordsMessage({1})).ok());
  ASSERT_TRUE(link_->SendArrived(Millis(500)));
  EXPECT_FALSE(link_->Awaits(Millis(600)));
  EXPECT_TRUE(Hear(Millis(600)).has_value());
  EXPECT_EQ(link_->counts().records[1], 1U) << "one record, sent twice";
}

TEST_F(VirtualLinkTest, LossAndDuplicationFollowTheirProbabilitiesAndTheSeed) {
  const auto run = [this] {
    FakeTransport transport;
    VirtualLink link(
        kNode, {.loss = 0.2, .duplicate = 0.1, .latency = Millis(1)}, 3, {}, transport);
    const std::string hello = HelloMessage();
    for (int i = 0; i < 5000; ++i) {
      EXPECT_TRUE(link.Send(std::as_bytes(std::span(hello))).ok());
    }
    EXPECT_TRUE(link.SendArrived(Millis(1000)));
    EXPECT_EQ(transport.sent.size(), 5000 - link.counts().lost_up + link.counts().duplicated);
    return link.counts();
  };
  const LinkCounts a = run();
  const LinkCounts b = run();
  EXPECT_EQ(a.lost_up, b.lost_up);
  EXPECT_EQ(a.duplicated, b.duplicated);
  EXPECT_NEAR(static_cast<double>(a.lost_up), 1000, 120);  // 4 sigma
  EXPECT_NEAR(static_cast<double>(a.duplicated), 400, 80);
  EXPECT_NEAR(static_cast<double>(a.lost_down), 880, 120);
}

TEST_F(VirtualLinkTest, NothingGetsThroughWhileTheSiteIsDead) {
  Make(kFixed, {{Millis(1000), Millis(2000)}});
  link_->SetNow(Millis(950));
  EXPECT_TRUE(Send(HelloMessage()).ok());  // would arrive at 1,050
  link_->SetNow(Millis(1500));
  EXPECT_EQ(Send(HelloMessage()).code(), Code::kUnavailable);
  ASSERT_TRUE(link_->SendArrived(Millis(3000)));
  EXPECT_TRUE(transport_.sent.empty());
  EXPECT_EQ(link_->counts().lost_up, 1U);
}

TEST_F(VirtualLinkTest, AKilledGatewaysAnswersAreLost) {
  Make(kFixed);
  Introduce();
  ASSERT_TRUE(Send(RecordsMessage({1})).ok());
  ASSERT_TRUE(link_->SendArrived(Millis(300)));
  link_->CutAnswers(Millis(350));
  transport_.Acknowledge(1, 1);  // it had got that far
  link_->Drain();
  EXPECT_FALSE(link_->Awaits(Millis(1000)));
  EXPECT_FALSE(Hear(Millis(1000)).has_value());
  EXPECT_TRUE(link_->acknowledged()[1]) << "the promise was given all the same";
}

TEST_F(VirtualLinkTest, AMessageThatCannotBeTakenNowIsTakenLater) {
  Make(kFixed);
  transport_.full = true;
  ASSERT_TRUE(Send(HelloMessage()).ok());
  EXPECT_FALSE(link_->SendArrived(Millis(100)));
  transport_.full = false;
  EXPECT_TRUE(link_->SendArrived(Millis(100)));
  EXPECT_EQ(transport_.sent.size(), 1U);
}

TEST_F(VirtualLinkTest, ARecordInChunksIsAnsweredOnceItIsWhole) {
  Make(kFixed);
  Introduce();
  const std::vector<std::byte> payload(2500, std::byte{0x5A});
  message::Record record;
  record.kind = message::RecordKind::kActivation;
  record.header.key = {kNode, kEpoch, 1, 4};
  record.activation = {payload};
  const std::string sealed = host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
  const auto chunker = message::Chunker::Create(1, 4, std::as_bytes(std::span(sealed)), 1000);
  ASSERT_TRUE(chunker.ok());
  ASSERT_GT(chunker->count(), 2U);
  link_->SetNow(Millis(200));
  for (std::size_t i = 0; i < chunker->count(); ++i) {
    std::vector<std::byte> bytes(1000);
    const auto size = message::EncodeChunk(kNode, chunker->At(i), bytes);
    ASSERT_TRUE(size.ok());
    EXPECT_FALSE(link_->Awaits(Millis(400))) << "before chunk " << i;
    ASSERT_TRUE(link_->Send(std::span(bytes).first(*size)).ok());
    ASSERT_TRUE(link_->SendArrived(Millis(300)));
  }
  EXPECT_EQ(transport_.sent.size(), 1 + chunker->count());
  EXPECT_TRUE(link_->Awaits(Millis(400)));
  transport_.Acknowledge(4, 4);
  link_->Drain();
  EXPECT_FALSE(link_->Awaits(Millis(400)));
  const auto heard = Hear(Millis(400));
  ASSERT_TRUE(heard.has_value());
  ASSERT_EQ(heard->ack.ranges.size(), 1U);
  EXPECT_EQ(heard->ack.ranges[0].first, 4U);
  EXPECT_FALSE(Hear(Millis(500)).has_value()) << "one answer for all chunks";
  EXPECT_EQ(link_->counts().records[static_cast<std::size_t>(message::Priority::kFrame)], 1U);
}

}  // namespace
}  // namespace trib::tools::sim
