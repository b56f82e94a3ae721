#include "trib/node/uplink/uplink.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "trib/common/bytes/crc32c.h"
#include "trib/common/host/message/codec.h"
#include "trib/testing/allocation_guard.h"
#include "trib/testing/fake_clock.h"
#include "trib/testing/fake_flash.h"
#include "trib/testing/lossy_link.h"

namespace trib::node::uplink {
namespace {

using message::Record;
using message::RecordKey;
using testing::AllocationGuard;
using testing::FakeClock;
using testing::FakeFlash;
using testing::LossyLink;
namespace wire = trib::host::message;

constexpr NodeId kNode{42};
constexpr EnrolmentEpoch kEpoch{0xE90C};
constexpr std::uint64_t kWallMs = 1'780'000'000'000;

std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

/// The other end, on the host's codec: keeps records by key and acknowledges when asked to.
class Gateway {
 public:
  explicit Gateway(Link& link) : link_(link), memory_(link.max_message_bytes()) {}

  void Poll() {
    while (true) {
      const auto got = link_.Receive(memory_);
      if (!got.ok()) {
        return;
      }
      const std::string bytes(reinterpret_cast<const char*>(memory_.data()), *got);
      const auto uplink = wire::DecodeUplink(bytes);
      ASSERT_TRUE(uplink.ok());
      ASSERT_EQ(uplink->node, kNode);
      switch (uplink->kind) {
        case wire::Uplink::Kind::kHello:
          hello_ = uplink->hello;
          ++hellos_;
          if (answers_) {
            SendTime();
          }
          break;
        case wire::Uplink::Kind::kRecords:
          for (const auto& record : uplink->records) {
            Take(record.sealed);
          }
          break;
        case wire::Uplink::Kind::kChunk:
          TakeChunk(uplink->chunk);
          break;
      }
      if (acknowledges_) {
        Acknowledge();
      }
    }
  }

  void SendTime() {
    message::Downlink down;
    down.node = kNode;
    down.kind = message::Downlink::Kind::kTime;
    down.time = {.unix_ms = kWallMs, .epoch = hello_.epoch, .boot = hello_.boot, .credit = credit_};
    Send(down);
  }
  /// Names everything that arrived since the last time, refused or not.
  void Acknowledge(message::RefusalReason refusal = message::RefusalReason::kUnspecified) {
    while (!unanswered_.empty()) {
      message::Downlink down;
      down.node = kNode;
      down.kind = message::Downlink::Kind::kAck;
      down.ack = message::Ack{};
      down.ack.epoch = unanswered_.begin()->epoch;
      down.ack.credit = credit_;
      while (!unanswered_.empty() && !down.ack.ranges.full() &&
             unanswered_.begin()->epoch == down.ack.epoch) {
        const RecordKey key = *unanswered_.begin();
        unanswered_.erase(unanswered_.begin());
        down.ack.ranges.push_back({key.boot, key.sequence, key.sequence, refusal});
      }
      Send(down);
    }
  }
  void Send(const message::Downlink& down) {
    const std::string bytes = wire::EncodeDownlink(down);
    (void)link_.Send(AsBytes(bytes));
  }

  void SetCredit(std::uint32_t credit) { credit_ = credit; }
  void SetAnswers(bool answers) { answers_ = answers; }
  void SetAcknowledges(bool acknowledges) { acknowledges_ = acknowledges; }
  [[nodiscard]] const std::map<RecordKey, std::string>& stored() const { return stored_; }
  [[nodiscard]] std::uint32_t copies() const { return copies_; }
  [[nodiscard]] std::size_t unanswered_bytes() const {
    std::size_t bytes = 0;
    for (const RecordKey& key : unanswered_) {
      bytes += stored_.at(key).size();
    }
    return bytes;
  }
  [[nodiscard]] int hellos() const { return hellos_; }
  [[nodiscard]] const message::Hello& hello() const { return hello_; }

 private:
  void Take(const std::string& sealed) {
    const auto opened = wire::OpenSealedRecord(sealed);
    ASSERT_TRUE(opened.ok());
    Record record;
    ASSERT_TRUE(wire::DecodeRecord(opened->record, record).ok());
    const auto [at, fresh] = stored_.emplace(record.header.key, sealed);
    EXPECT_EQ(at->second, sealed) << "a key must always name the same bytes";
    ++copies_;
    unanswered_.insert(record.header.key);
  }
  void TakeChunk(const wire::Uplink::ChunkData& chunk) {
    auto& parts = transfers_[{chunk.boot, chunk.transfer}];
    parts[chunk.offset] = chunk.data;
    std::string whole;
    for (const auto& [offset, data] : parts) {
      if (offset != whole.size()) {
        return;
      }
      whole += data;
    }
    if (whole.size() == chunk.total_bytes) {
      EXPECT_EQ(Crc32c(AsBytes(whole)), chunk.crc32c);
      transfers_.erase({chunk.boot, chunk.transfer});
      Take(whole);
    }
  }

  Link& link_;
  std::vector<std::byte> memory_;
  message::Hello hello_;
  std::map<RecordKey, std::string> stored_;
  std::set<RecordKey> unanswered_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::map<std::uint32_t, std::string>>
      transfers_;
  std::uint32_t credit_ = 20'000;
  std::uint32_t copies_ = 0;
  int hellos_ = 0;
  bool answers_ = true;
  bool acknowledges_ = true;
};

class Handler final : public DownlinkHandler {
 public:
  void OnConfiguration(const message::Configuration& configuration) override {
    configuration_ = configuration;
  }
  void OnVerdict(const message::Verdict&) override { ++verdicts_; }
  void OnUpdateChunk(const message::UpdateChunk& chunk) override {
    chunk_bytes_ += chunk.data.size();
  }
  message::Configuration configuration_;
  int verdicts_ = 0;
  std::size_t chunk_bytes_ = 0;
};

class UplinkTest : public ::testing::Test {
 protected:
  static constexpr Flash::Geometry kGeometry{4096, 16, 8};
  using Storage = BacklogStorage<16, 4096, 3700>;

  UplinkTest() { Connect(4096, {}); }

  void Connect(std::size_t max_message, LossyLink::Faults faults) {
    uplink_.reset();
    link_ = std::make_unique<LossyLink>(max_message, faults);
    gateway_ = std::make_unique<Gateway>(link_->b());
  }
  void Boot(const crypto::MacKey* mac_key = nullptr) {
    ++boot_;
    sequence_ = 0;
    flash_.Reboot();
    clock_.Reboot();
    storage_ = std::make_unique<Storage>();
    backlog_ =
        std::make_unique<Backlog>(flash_, BacklogRegion{SectorIndex(0), 16}, storage_->memory());
    ASSERT_TRUE(backlog_->Open(kEpoch).ok());
    uplink_ = std::make_unique<Uplink>(
        link_->a(), clock_, *backlog_, handler_, config_, message_, mac_key);
    message::Hello hello;
    hello.epoch = kEpoch;
    hello.boot = boot_;
    uplink_->Introduce(hello);
  }
  void Wipe() {
    ASSERT_TRUE(flash_.Erase(SectorIndex(0), kGeometry.sector_count).ok());
    appended_.clear();
  }
  Record MakeEvent() {
    Record record;
    record.header.key = {kNode, kEpoch, boot_, ++sequence_};
    record.kind = message::RecordKind::kEvent;
    record.event.state = message::EventState::kOnset;
    record.event.severity = 4.5F;
    record.event.windows = sequence_;
    return record;
  }
  void Append(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      ASSERT_TRUE(uplink_->Append(MakeEvent()).ok());
      appended_.push_back({kNode, kEpoch, boot_, sequence_});
    }
  }
  /// One step of the node without heap, then the gateway's turn, then time passes.
  void Turn(Millis by = Millis(500)) {
    {
      const AllocationGuard guard;
      uplink_->Step(clock_.Monotonic());
      allocations_ += guard.allocations();
    }
    gateway_->Poll();
    clock_.Advance(by);
  }
  void Turns(int count, Millis by = Millis(500)) {
    for (int i = 0; i < count; ++i) {
      Turn(by);
    }
  }
  void RunUntilDone(int most = 20'000) {
    for (int i = 0; i < most && backlog_->metrics().records > 0; ++i) {
      Turn();
    }
  }
  void ExpectAllStored() {
    EXPECT_EQ(backlog_->metrics().records, 0U);
    for (const RecordKey& key : appended_) {
      EXPECT_TRUE(gateway_->stored().contains(key)) << key.boot << "/" << key.sequence;
    }
    EXPECT_EQ(gateway_->stored().size(), appended_.size());
  }
  void TearDown() override {
    EXPECT_EQ(flash_.violations(), 0U);
    if (AllocationGuard::enforced()) {
      EXPECT_EQ(allocations_, 0U) << "Step() used the heap";
    } else {
      std::cout << "NOT TESTED: heap use of Step(); a sanitizer owns the heap\n";
    }
  }

  UplinkConfig config_{.node = kNode};
  FakeFlash flash_{kGeometry};
  FakeClock clock_;
  Handler handler_;
  std::unique_ptr<LossyLink> link_;
  std::unique_ptr<Gateway> gateway_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<Backlog> backlog_;
  std::unique_ptr<Uplink> uplink_;
  std::array<std::byte, Uplink::kMessageBytes> message_{};
  std::vector<RecordKey> appended_;
  std::uint32_t boot_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint64_t allocations_ = 0;
};

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
