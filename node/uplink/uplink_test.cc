#include "uplink_bench.h"

namespace trib::node::uplink {
namespace {

TEST_F(UplinkTest, SaysHelloTakesTheTimeAndDelivers) {
  Boot();
  Append(100);
  Turns(4, Millis(1000));
  EXPECT_TRUE(uplink_->in_session());
  EXPECT_TRUE(clock_.synchronised());
  EXPECT_GE(clock_.Now(), LogicalTime(Millis(kWallMs)));
  EXPECT_EQ(gateway_->hello().boot, 1U);
  EXPECT_EQ(gateway_->hello().max_message_bytes, 4096U);
  RunUntilDone();
  ExpectAllStored();
  EXPECT_EQ(gateway_->copies(), 100U) << "nothing is sent twice on a perfect link";
  EXPECT_EQ(uplink_->metrics().records_sent, 100U);
  EXPECT_EQ(uplink_->metrics().retransmissions, 0U);
  EXPECT_EQ(uplink_->metrics().acknowledged, 100U);
  EXPECT_LT(uplink_->metrics().messages_sent, 10U) << "records travel in batches";
  EXPECT_EQ(uplink_->in_flight_bytes(), 0U);
}

TEST_F(UplinkTest, DeliversEverythingOverALinkThatLosesRepeatsAndReorders) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Connect(
        512,
        {.loss_permille = 300, .duplicate_permille = 200, .reorder_permille = 300, .seed = seed});
    Wipe();
    Boot();
    for (int i = 0; i < 20; ++i) {
      Append(15);
      Turns(3);
    }
    RunUntilDone();
    ExpectAllStored();
    EXPECT_GT(uplink_->metrics().retransmissions, 0U);
    EXPECT_GT(link_->lost(), 0U);
  }
}

TEST_F(UplinkTest, SurvivesPowerCutsInTheMiddle) {
  Connect(1024, {.loss_permille = 200, .duplicate_permille = 100, .reorder_permille = 100});
  SplitMix64 random(5);
  for (int boot = 0; boot < 30; ++boot) {
    Boot();
    flash_.CutPowerAt(1 + random.Next() % 40);
    for (int i = 0; i < 30; ++i) {
      const Record record = MakeEvent();
      if (uplink_->Append(record).ok()) {
        appended_.push_back(record.header.key);
      }
      Turn();
    }
  }
  Boot();
  RunUntilDone();
  EXPECT_EQ(backlog_->metrics().records, 0U);
  // Unconfirmed appends may or may not have made it; a confirmed one always has.
  for (const RecordKey& key : appended_) {
    EXPECT_TRUE(gateway_->stored().contains(key)) << key.boot << "/" << key.sequence;
  }
  EXPECT_GT(appended_.size(), 300U);
}

TEST_F(UplinkTest, NeverHasMoreUnacknowledgedThanTheCredit) {
  gateway_->SetAcknowledges(false);
  gateway_->SetCredit(400);
  Boot();
  Append(50);
  for (int i = 0; i < 100; ++i) {
    Turn();
    EXPECT_LE(gateway_->unanswered_bytes(), 400U);
    EXPECT_LE(uplink_->in_flight_bytes(), 400U);
  }
  EXPECT_GT(gateway_->unanswered_bytes(), 300U) << "and uses what it has";
  // Credit 0: silence, also no retransmissions.
  gateway_->SetCredit(0);
  gateway_->Acknowledge();
  Turn();
  const auto sent = uplink_->metrics().messages_sent;
  Turns(100);
  EXPECT_EQ(uplink_->metrics().messages_sent, sent);
  // It asks again by itself when nothing is heard, and goes on with the new credit.
  gateway_->SetCredit(10'000);
  gateway_->SetAcknowledges(true);
  RunUntilDone();
  ExpectAllStored();
}

TEST_F(UplinkTest, ANodeThatSaysLittleKeepsItsSession) {
  Boot();
  Append(1);
  RunUntilDone();
  for (int i = 0; i < 5; ++i) {
    Turn(Millis(900'000));  // nothing to say and nothing heard
    Append(1);
    RunUntilDone();
  }
  ExpectAllStored();
  EXPECT_EQ(uplink_->metrics().sessions, 1U);
  EXPECT_EQ(gateway_->hellos(), 1);
}

TEST_F(UplinkTest, ARecordLargerThanTheCreditTravelsAlone) {
  gateway_->SetCredit(10);
  Boot();
  Append(3);
  RunUntilDone();
  ExpectAllStored();
}

TEST_F(UplinkTest, BacksOffWhileNobodyAnswers) {
  gateway_->SetAnswers(false);
  Boot();
  Append(1);
  Turns(3600, Millis(1000));
  // 1, 2, 4 ... 60 s, each shortened by up to half: 60 to 130 in an hour, not 3,600.
  EXPECT_GE(gateway_->hellos(), 60);
  EXPECT_LE(gateway_->hellos(), 130);
  EXPECT_EQ(uplink_->metrics().records_sent, 0U);
  gateway_->SetAnswers(true);
  RunUntilDone();
  ExpectAllStored();
}

TEST_F(UplinkTest, WaitsForALinkWithoutBackingOff) {
  link_->SetDown(true);
  Boot();
  Append(1);
  Turns(7200, Millis(500));  // an hour in which nobody can be asked
  EXPECT_EQ(gateway_->hellos(), 0);
  link_->SetDown(false);
  Turns(4, Millis(500));
  EXPECT_TRUE(uplink_->in_session());
  RunUntilDone();
  ExpectAllStored();
}

TEST_F(UplinkTest, StartsANewSessionWhenTheLinkWentAway) {
  Boot();
  Append(5);
  RunUntilDone();
  link_->SetDown(true);
  Append(5);
  Turns(100);
  EXPECT_FALSE(uplink_->in_session());
  EXPECT_GE(uplink_->metrics().link_losses, 1U);
  link_->SetDown(false);
  RunUntilDone();
  ExpectAllStored();
  EXPECT_EQ(uplink_->metrics().sessions, 2U);
}

TEST_F(UplinkTest, WaitsWhenTheLinkIsFull) {
  link_->SetQueueLimit(1);
  Boot();
  Append(200);
  RunUntilDone();
  ExpectAllStored();
}

TEST_F(UplinkTest, ForgetsWhatIsRefusedForGoodAndCountsIt) {
  gateway_->SetAcknowledges(false);
  Boot();
  Append(7);
  Turns(10);
  gateway_->Acknowledge(message::RefusalReason::kMalformed);
  Turn();
  EXPECT_EQ(backlog_->metrics().records, 0U);
  EXPECT_EQ(uplink_->metrics().refused[0], 7U);
  EXPECT_EQ(uplink_->metrics().acknowledged, 0U);
}

TEST_F(UplinkTest, CutsRecordsIntoChunksOnANarrowLink) {
  for (const std::size_t mtu : {message::kMinMtuBytes, std::size_t{200}}) {
    Connect(mtu, {});
    Wipe();
    Boot();
    if (mtu == message::kMinMtuBytes) {
      // A Hello needs more than the narrowest link has; the platform of such a link opens the
      // session itself.
      message::Downlink down;
      down.node = kNode;
      down.kind = message::Downlink::Kind::kTime;
      down.time = {.unix_ms = kWallMs, .epoch = kEpoch, .boot = boot_, .credit = 20'000};
      gateway_->Send(down);
    }
    Append(3);
    Record sketch;
    sketch.header.key = {kNode, kEpoch, boot_, ++sequence_};
    sketch.kind = message::RecordKind::kSketch;
    sketch.sketch = message::Sketch{};
    sketch.sketch.windows = 100;
    for (std::uint32_t i = 0; i < 20; ++i) {
      message::Histogram histogram;
      histogram.feature = i;
      histogram.counts.fill(1000 + i);
      ASSERT_TRUE(sketch.sketch.histograms.push_back(histogram));
    }
    ASSERT_TRUE(uplink_->Append(sketch).ok());
    appended_.push_back(sketch.header.key);
    RunUntilDone();
    ExpectAllStored();
  }
}

TEST_F(UplinkTest, SealsEveryRecordWithTheNodesKey) {
  crypto::MacKey key;
  key.bytes.fill(std::byte{9});
  Boot(&key);
  Append(3);
  RunUntilDone();
  ExpectAllStored();
  for (const auto& [_, sealed] : gateway_->stored()) {
    const auto opened = wire::OpenSealedRecord(sealed);
    ASSERT_TRUE(opened.ok());
    const auto record = std::as_bytes(std::span(opened->record));
    EXPECT_TRUE(crypto::VerifyMac16(key, record, std::as_bytes(std::span(opened->mac))));
  }
}

TEST_F(UplinkTest, HandsOverWhatIsNotItsOwnBusiness) {
  Boot();
  message::Downlink down;
  down.node = kNode;
  down.kind = message::Downlink::Kind::kConfiguration;
  down.configuration = {.version = 3, .status_interval_ms = 5000, .audit_permille = 20};
  gateway_->Send(down);
  down.kind = message::Downlink::Kind::kVerdict;
  down.verdict = message::Verdict{};
  down.verdict.boot = 1;
  down.verdict.sequence = 1;
  down.verdict.tier = message::Tier::kGateway;
  gateway_->Send(down);
  const std::vector<std::byte> data(100);
  down.kind = message::Downlink::Kind::kUpdateChunk;
  down.update_chunk = message::UpdateChunk{};
  down.update_chunk.total_bytes = 100;
  down.update_chunk.data = data;
  down.update_chunk.artifact = 1;
  gateway_->Send(down);
  Turn();
  EXPECT_EQ(handler_.configuration_.version, 3U);
  EXPECT_EQ(handler_.verdicts_, 1);
  EXPECT_EQ(handler_.chunk_bytes_, 100U);
  EXPECT_EQ(uplink_->metrics().malformed, 0U);
}

TEST_F(UplinkTest, CountsAndSurvivesHostileMessages) {
  Boot();
  gateway_->SetAcknowledges(false);
  Append(20);
  Turns(5);
  ASSERT_TRUE(uplink_->in_session());
  // For another node; for another boot; an acknowledgement of another enrolment.
  message::Downlink down;
  down.node = NodeId(43);
  down.kind = message::Downlink::Kind::kAck;
  down.ack = message::Ack{};
  down.ack.epoch = kEpoch;
  down.ack.ranges.push_back({1, 1, 1000});
  gateway_->Send(down);
  down.node = kNode;
  down.ack.epoch = EnrolmentEpoch(1);
  gateway_->Send(down);
  down.kind = message::Downlink::Kind::kTime;
  down.time = {.unix_ms = 5, .epoch = kEpoch, .boot = 99, .credit = 1};
  gateway_->Send(down);
  Turn();
  EXPECT_EQ(uplink_->metrics().misaddressed, 1U);
  EXPECT_EQ(uplink_->metrics().stale, 2U);
  EXPECT_EQ(backlog_->metrics().records, 20U);
  EXPECT_GE(clock_.Now(), LogicalTime(Millis(kWallMs)));

  // Random bytes, and lawful messages with flipped bits or cut short.
  SplitMix64 random(3);
  down.kind = message::Downlink::Kind::kTime;
  down.time = {.unix_ms = kWallMs, .epoch = kEpoch, .boot = 1, .credit = 20'000};
  const std::string lawful = wire::EncodeDownlink(down);
  for (int i = 0; i < 5000; ++i) {
    std::string bytes = lawful;
    if (i % 2 == 0) {
      bytes.resize(random.Next() % 200);
      std::ranges::generate(bytes, [&] { return static_cast<char>(random.Next()); });
    } else {
      bytes[random.Next() % bytes.size()] ^= static_cast<char>(1 << (random.Next() % 8));
      bytes.resize(random.Next() % (bytes.size() + 1));
    }
    (void)link_->b().Send(AsBytes(bytes));
    Turn(Millis(1));
  }
  EXPECT_GT(uplink_->metrics().malformed, 4000U);
  EXPECT_EQ(backlog_->metrics().records, 20U) << "nothing was forgotten";
  gateway_->SetAcknowledges(true);
  RunUntilDone();
  ExpectAllStored();
}

TEST_F(UplinkTest, RefusesRecordsThatAreNotItsOwn) {
  Boot();
  Record record = MakeEvent();
  record.header.key.node = NodeId(7);
  EXPECT_EQ(uplink_->Append(record).code(), Code::kInvalidArgument);
  record = MakeEvent();
  record.header.key.epoch = EnrolmentEpoch(7);
  EXPECT_EQ(uplink_->Append(record).code(), Code::kInvalidArgument);
  record = MakeEvent();
  record.kind = message::RecordKind::kNone;
  EXPECT_EQ(uplink_->Append(record).code(), Code::kInvalidArgument);
  EXPECT_EQ(uplink_->metrics().unencodable, 3U);
}

TEST_F(UplinkTest, GivesUpARecordThatRottedInFlash) {
  Boot();
  Append(3);
  // The first entry begins behind the sector's header and mark (64 bytes) and its own header.
  flash_.Corrupt(64 + 28 + 10, std::byte{1});
  RunUntilDone();
  EXPECT_EQ(backlog_->metrics().records, 0U);
  EXPECT_EQ(backlog_->metrics().dropped[0], 1U);
  EXPECT_EQ(gateway_->stored().size(), 2U);
}

TEST_F(UplinkTest, SaysWhenItHasSomethingToDo) {
  Boot();
  EXPECT_LE(uplink_->next_due(), clock_.Monotonic());
  RunUntilDone();
  Turns(4);
  ASSERT_TRUE(uplink_->in_session());
  EXPECT_EQ(uplink_->next_due(), MonotonicTime::max());
  gateway_->SetAcknowledges(false);
  Append(1);
  EXPECT_LE(uplink_->next_due(), clock_.Monotonic());
  Turn(Millis(0));
  EXPECT_GT(uplink_->next_due(), clock_.Monotonic());
  EXPECT_LE(uplink_->next_due(), clock_.Monotonic() + config_.retransmit_first);
}

}  // namespace
}  // namespace trib::node::uplink
