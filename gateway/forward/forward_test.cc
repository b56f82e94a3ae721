#include "trib/gateway/forward/forward.h"

#include <gtest/gtest.h>

#include "tributary/v1/site.pb.h"

namespace trib::gateway::forward {
namespace {

namespace v1 = tributary::v1;

class ForwardTest : public ::testing::Test {
 protected:
  static std::vector<Record> Records(std::int64_t first, std::int64_t last) {
    std::vector<Record> records;
    for (std::int64_t id = first; id <= last; ++id) {
      records.push_back({id, 5000, "record " + std::to_string(id)});
    }
    return records;
  }
  std::vector<v1::SiteEnvelope> Sent() {
    std::vector<v1::SiteEnvelope> sent;
    for (const auto& bytes : out.send) {
      EXPECT_TRUE(sent.emplace_back().ParseFromString(bytes));
      EXPECT_EQ(sent.back().protocol(), message::kProtocolVersion);
    }
    out.send.clear();
    return sent;
  }
  std::vector<std::uint64_t> SentBatches() {
    std::vector<std::uint64_t> ids;
    for (const auto& envelope : Sent()) {
      if (envelope.has_batch()) {
        ids.push_back(envelope.batch().batch_id());
      }
    }
    return ids;
  }
  void Connect() {
    forward.SetConnected(true, now);
    forward.Tick(now, out);
  }
  void Offer(std::int64_t first, std::int64_t last) {
    ASSERT_TRUE(forward.Want().has_value());
    forward.Offer(Records(first, last), {}, now, out);
  }
  void Receive(v1::SiteEnvelope envelope) {
    envelope.set_protocol(message::kProtocolVersion);
    forward.Receive(envelope.SerializeAsString(), now, out);
  }
  void Ack(std::uint64_t batch,
           std::uint32_t stored,
           std::uint32_t credit = 4,
           std::uint32_t duplicates = 0,
           const std::vector<std::uint32_t>& rejected = {}) {
    v1::SiteEnvelope envelope;
    auto& ack = *envelope.mutable_batch_ack();
    ack.set_batch_id(batch);
    ack.set_stored(stored);
    ack.set_duplicates(duplicates);
    ack.set_credit(credit);
    for (const auto index : rejected) {
      ack.add_rejected()->set_index(index);
    }
    Receive(envelope);
  }
  void Advance(Millis by) {
    now += by;
    forward.Tick(now, out);
  }

  Options options{.gateway = GatewayId(1001), .software_version = "test"};
  Forward forward{options, 5, 42};
  MonotonicTime now{Millis(1'000'000)};
  Output out;
};

TEST_F(ForwardTest, SaysHelloWhenConnectedAndAgainAfterReconnecting) {
  forward.Tick(now, out);
  EXPECT_TRUE(out.send.empty());
  Connect();
  const auto sent = Sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].hello().gateway(), 1001U);
  EXPECT_EQ(sent[0].hello().roster_version(), 5U);
  forward.SetConnected(false, now);
  Connect();
  EXPECT_EQ(Sent().size(), 1U);
}

TEST_F(ForwardTest, DeletesAfterTheAckAndNotBefore) {
  Connect();
  Sent();
  const Drop drop{message::Priority::kFrame, "spool_full", 7};
  ASSERT_TRUE(forward.Want().has_value());
  EXPECT_FALSE(forward.Want().has_value()) << "one question at a time";
  forward.Offer(Records(1, 3), std::span(&drop, 1), now, out);
  const auto sent = Sent();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].batch().records_size(), 3);
  EXPECT_EQ(sent[0].batch().records(1).sealed_record(), "record 2");
  EXPECT_EQ(sent[0].batch().records(1).received_ms(), 5000U);
  EXPECT_EQ(sent[0].batch().drops(0).total(), 7U);
  EXPECT_TRUE(out.stored.empty());
  Ack(1, 2, 4, 1);
  EXPECT_EQ(out.stored, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(forward.open_batches(), 0U);
  EXPECT_EQ(forward.metrics().forwarded, 3U);
  EXPECT_EQ(forward.metrics().cloud_duplicates, 1U);
  const auto next = forward.Want();
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->after, 3);
}

TEST_F(ForwardTest, AnAckOfAnEarlierRunDeletesNothing) {
  Connect();
  Offer(1, 3);
  const auto before = SentBatches();
  options.first_batch = 7000;
  forward = Forward(options, 5, 42);
  out = {};
  Connect();
  Offer(4, 6);
  EXPECT_EQ(SentBatches(), std::vector<std::uint64_t>{7000});
  Ack(before.at(0), 3);
  EXPECT_TRUE(out.stored.empty());
  EXPECT_EQ(forward.metrics().acks_unknown, 1U);
  Ack(7000, 3);
  EXPECT_EQ(out.stored, (std::vector<std::int64_t>{4, 5, 6}));
}

TEST_F(ForwardTest, RejectedRecordsAreNamedApart) {
  Connect();
  Offer(1, 3);
  Ack(1, 2, 4, 0, {1});
  EXPECT_EQ(out.stored, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(out.rejected, std::vector<std::int64_t>{2});
}

TEST_F(ForwardTest, AnAckThatDoesNotAccountForEveryRecordDeletesNothing) {
  Connect();
  Offer(1, 3);
  Ack(1, 2);
  Ack(1, 2, 4, 0, {7});
  Ack(1, 1, 4, 0, {0, 0});
  Ack(9, 3);
  EXPECT_TRUE(out.stored.empty());
  EXPECT_TRUE(out.rejected.empty());
  EXPECT_EQ(forward.metrics().malformed, 3U);
  EXPECT_EQ(forward.metrics().acks_unknown, 1U);
  EXPECT_EQ(forward.open_batches(), 1U);
}

TEST_F(ForwardTest, TheWindowFollowsTheCredit) {
  Connect();
  Offer(1, 1);
  EXPECT_FALSE(forward.Want().has_value()) << "one batch until the cloud grants more";
  Ack(1, 1, 2);
  Offer(2, 2);
  Offer(3, 3);
  EXPECT_FALSE(forward.Want().has_value());
  Ack(2, 1, 1'000'000);
  for (std::int64_t id = 4; forward.open_batches() < options.max_window; ++id) {
    Offer(id, id);
  }
  EXPECT_FALSE(forward.Want().has_value());
}

TEST_F(ForwardTest, CreditZeroPausesAndALaterGrantEndsThePause) {
  Connect();
  Offer(1, 3);
  ASSERT_EQ(SentBatches(), std::vector<std::uint64_t>{1});
  Ack(0, 0, 0);
  EXPECT_EQ(forward.metrics().pauses, 1U);
  EXPECT_EQ(forward.open_batches(), 1U) << "batch 0 acknowledges nothing";
  EXPECT_FALSE(forward.Want().has_value());
  std::size_t hellos = 0;
  for (int second = 0; second < 120; ++second) {
    Advance(Millis(1000));
    for (const auto& envelope : Sent()) {
      ASSERT_TRUE(envelope.has_hello()) << "not even a batch again";
      ++hellos;
    }
  }
  EXPECT_EQ(hellos, 4U) << "each asks for credit";
  Ack(0, 0, 4);
  EXPECT_EQ(forward.metrics().grants, 2U);
  EXPECT_TRUE(forward.Want().has_value());
  Advance(options.resend + options.resend / 2);
  EXPECT_EQ(SentBatches(), std::vector<std::uint64_t>{1}) << "unanswered, so again";
}

TEST_F(ForwardTest, ANewConnectionBeginsWithOneBatchWhateverWasGrantedBefore) {
  Connect();
  Offer(1, 3);
  Ack(0, 0, 0);
  SentBatches();
  forward.SetConnected(false, now);
  Connect();
  EXPECT_EQ(SentBatches(), std::vector<std::uint64_t>{1});
  EXPECT_FALSE(forward.Want().has_value());
}

TEST_F(ForwardTest, ResendsWithGrowingPauses) {
  Connect();
  Offer(1, 2);
  EXPECT_EQ(SentBatches(), std::vector<std::uint64_t>{1});
  Advance(options.resend - Millis(1));
  EXPECT_TRUE(SentBatches().empty());
  std::vector<std::int64_t> pauses;
  MonotonicTime last = now;
  while (pauses.size() < 6) {
    Advance(Millis(50));
    if (!SentBatches().empty()) {
      pauses.push_back((now - last).count());
      last = now;
    }
  }
  EXPECT_GE(pauses[1], 2 * options.resend.count());
  EXPECT_GE(pauses[5], options.resend_max.count());
  EXPECT_LE(pauses[5], options.resend_max.count() * 3 / 2 + 100);
  EXPECT_EQ(forward.metrics().retransmissions, 6U);
  Ack(1, 2);
  EXPECT_EQ(out.stored.size(), 2U) << "whichever copy it answers";
}

TEST_F(ForwardTest, SendsNothingWhileAwayAndAllOpenBatchesOnReturn) {
  Connect();
  Offer(1, 1);
  Ack(1, 1, 4);
  Offer(2, 2);
  Offer(3, 3);
  Sent();
  forward.SetConnected(false, now);
  Advance(Millis(3'600'000));
  EXPECT_TRUE(out.send.empty());
  EXPECT_FALSE(forward.Want().has_value());
  Connect();
  EXPECT_EQ(SentBatches(), (std::vector<std::uint64_t>{2, 3}));
}

TEST_F(ForwardTest, AsksAnEmptySpoolAgainWhenNudgedOrLater) {
  Connect();
  ASSERT_TRUE(forward.Want().has_value());
  forward.Offer({}, {}, now, out);
  EXPECT_FALSE(forward.Want().has_value());
  forward.Nudge();
  ASSERT_TRUE(forward.Want().has_value());
  forward.Offer({}, {}, now, out);
  Advance(Millis(1000));
  EXPECT_TRUE(forward.Want().has_value());
}

TEST_F(ForwardTest, TakesOnlyNewerAndWholeRosters) {
  v1::SiteEnvelope envelope;
  auto& roster = *envelope.mutable_roster();
  roster.set_version(5);
  Receive(envelope);
  EXPECT_FALSE(out.roster.has_value());
  EXPECT_EQ(forward.metrics().rosters_stale, 1U);
  roster.set_version(6);
  auto& member = *roster.add_members();
  member.set_node(17);
  member.set_public_key("short");
  Receive(envelope);
  EXPECT_FALSE(out.roster.has_value());
  member.set_public_key(std::string(32, 'k'));
  Receive(envelope);
  ASSERT_TRUE(out.roster.has_value());
  EXPECT_EQ(out.roster->members[0].node, NodeId(17));
  EXPECT_EQ(out.roster->members[0].public_key[31], std::byte{'k'});
  *roster.add_members() = member;
  roster.mutable_members(1)->set_node(18);
  out.roster.reset();
  Receive(envelope);
  EXPECT_FALSE(out.roster.has_value()) << "two nodes with one key";
  forward.SetRosterVersion(6);
  Connect();
  EXPECT_EQ(Sent().front().hello().roster_version(), 6U);
}

TEST_F(ForwardTest, PassesDownlinkAndRefusesOversized) {
  v1::SiteEnvelope envelope;
  envelope.mutable_downlink()->set_node(17);
  envelope.mutable_downlink()->set_envelope("bytes");
  Receive(envelope);
  ASSERT_EQ(out.downlinks.size(), 1U);
  envelope.mutable_downlink()->set_envelope(std::string(message::kMaxEnvelopeBytes + 1, 'x'));
  Receive(envelope);
  EXPECT_EQ(out.downlinks.size(), 1U);
  forward.Receive("\xff\xff", now, out);
  forward.Receive("", now, out);
  EXPECT_EQ(forward.metrics().malformed, 3U);
}

TEST_F(ForwardTest, ADownlinkMayBeForOneEpochAlone) {
  v1::SiteEnvelope envelope;
  envelope.mutable_downlink()->set_node(17);
  envelope.mutable_downlink()->set_envelope("bytes");
  envelope.mutable_downlink()->set_epoch(5);
  Receive(envelope);
  ASSERT_EQ(out.downlinks.size(), 1U);
  EXPECT_EQ(out.downlinks[0].node, NodeId(17));
  EXPECT_EQ(out.downlinks[0].epoch, EnrolmentEpoch(5));
  EXPECT_EQ(out.downlinks[0].envelope, "bytes");
}

TEST_F(ForwardTest, VerdictsGoWithTheirRecords) {
  v1::TierVerdict verdict;
  verdict.set_tier(4);
  verdict.set_label(3);
  Connect();
  (void)Sent();
  std::vector<Record> records = Records(1, 3);
  records[1].verdict = verdict.SerializeAsString();
  ASSERT_TRUE(forward.Want().has_value());
  forward.Offer(std::move(records), {}, now, out);
  const auto sent = Sent();
  ASSERT_EQ(sent.size(), 1U);
  const v1::Batch& batch = sent[0].batch();
  ASSERT_EQ(batch.records_size(), 3);
  EXPECT_FALSE(batch.records(0).has_verdict());
  ASSERT_TRUE(batch.records(1).has_verdict());
  EXPECT_EQ(batch.records(1).verdict().label(), 3U);
  EXPECT_FALSE(batch.records(2).has_verdict());
  EXPECT_EQ(forward.metrics().verdicts, 1U);
}

TEST_F(ForwardTest, RecordsThatWereHeldBackDoNotMakeItReadOthersAgain) {
  Connect();
  Offer(5, 9);
  Ack(SentBatches().front(), 5);
  ASSERT_TRUE(forward.Want().has_value());
  forward.Offer(Records(2, 3), {}, now, out);  // deferred before, decided only now
  const auto wanted = forward.Want();
  ASSERT_TRUE(wanted.has_value());
  EXPECT_EQ(wanted->after, 9);
}

TEST_F(ForwardTest, ReportsWaitForTheConnectionBounded) {
  v1::SiteReport report;
  for (std::size_t i = 0; i < Forward::kMaxReports + 2; ++i) {
    report.set_minute_ms(60'000 * (i + 1));
    forward.Report(report.SerializeAsString());
  }
  EXPECT_EQ(forward.metrics().reports_dropped, 2U);
  Connect();
  const auto sent = Sent();
  ASSERT_EQ(sent.size(), 1 + Forward::kMaxReports);
  EXPECT_EQ(sent[1].report().minute_ms(), 180'000U) << "the oldest went";
}

}  // namespace
}  // namespace trib::gateway::forward
