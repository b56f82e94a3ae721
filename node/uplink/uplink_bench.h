#pragma once

// For this module's tests only.

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
#include "trib/node/uplink/uplink.h"
#include "trib/testing/allocation_guard.h"
#include "trib/testing/fake_clock.h"
#include "trib/testing/fake_flash.h"
#include "trib/testing/lossy_link.h"

/// What uplink tests share: a gateway that keeps the rules, and a node's uplink over a bad link.
namespace trib::node::uplink {

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

inline std::span<const std::byte> AsBytes(const std::string& text) {
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

}  // namespace trib::node::uplink
