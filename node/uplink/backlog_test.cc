#include "trib/node/uplink/backlog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "trib/testing/fake_flash.h"

namespace trib::node::uplink {
namespace {

using message::Priority;
using testing::FakeFlash;
using Bytes = std::vector<std::byte>;
using Key = std::tuple<std::uint64_t, std::uint32_t, std::uint32_t>;  // epoch, boot, sequence
using Listing = std::map<Key, StoredRecord>;

constexpr Flash::Geometry kGeometry{512, 6, 8};
constexpr BacklogRegion kRegion{SectorIndex(1), 5};
constexpr EnrolmentEpoch kEpoch{77};

/// Contents that tell which record they are; half of it looks like erased flash.
Bytes Payload(const Key& key, std::size_t size) {
  SplitMix64 random(std::get<0>(key) * 1000003 + std::get<1>(key) * 1009 + std::get<2>(key));
  Bytes out(size);
  std::ranges::generate(out, [&] {
    return random.Next() % 2 == 0 ? std::byte{0xFF} : static_cast<std::byte>(random.Next());
  });
  return out;
}

std::size_t SizeOf(const Key& key) {
  return 20 + (std::get<2>(key) * 37) % 150;
}

class Node {
 public:
  explicit Node(FakeFlash& flash, BacklogRegion region = kRegion)
      : storage_(std::make_unique<BacklogStorage<8, 512, 400>>()),
        backlog_(flash, region, storage_->memory()) {}

  Status Open(EnrolmentEpoch epoch = kEpoch) { return backlog_.Open(epoch); }
  Status Append(std::uint32_t boot,
                std::uint32_t sequence,
                Priority priority = Priority::kEvent,
                std::size_t size = 0) {
    const Key key{backlog_.epoch().value(), boot, sequence};
    const Bytes payload = Payload(key, size == 0 ? SizeOf(key) : size);
    std::ranges::copy(payload, backlog_.record_memory().begin());
    return backlog_.Append(boot, sequence, priority, payload.size());
  }
  /// Everything unacknowledged; checks order and contents.
  Listing List() {
    Listing out;
    Backlog::Cursor cursor;
    StoredRecord record;
    std::uint32_t last_sector = 0;
    while (backlog_.Next(cursor, record)) {
      EXPECT_GE(record.sector_sequence, last_sector);
      last_sector = record.sector_sequence;
      const Key key{record.epoch.value(), record.boot, record.sequence};
      Bytes got(record.bytes);
      EXPECT_TRUE(backlog_.Holds(record));
      EXPECT_TRUE(backlog_.Verify(record).ok());
      EXPECT_TRUE(backlog_.Read(record, 0, got).ok());
      EXPECT_EQ(got, Payload(key, record.bytes));
      EXPECT_TRUE(out.emplace(key, record).second) << "listed twice";
    }
    EXPECT_EQ(backlog_.metrics().records, out.size());
    return out;
  }
  [[nodiscard]] std::uint32_t dropped() const {
    const auto& counts = backlog_.metrics().dropped;
    return std::accumulate(counts.begin(), counts.end(), 0U);
  }
  Backlog* operator->() { return &backlog_; }

 private:
  std::unique_ptr<BacklogStorage<8, 512, 400>> storage_;
  Backlog backlog_;
};

TEST(Backlog, KeepsRecordsOverARestartUntilTheyAreAcknowledged) {
  FakeFlash flash(kGeometry);
  {
    Node node(flash);
    ASSERT_TRUE(node.Open().ok());
    for (std::uint32_t i = 1; i <= 10; ++i) {
      ASSERT_TRUE(node.Append(1, i).ok());
    }
    EXPECT_EQ(node->Acknowledge(kEpoch, 1, 3, 5), 3U);
    EXPECT_EQ(node->Acknowledge(kEpoch, 1, 3, 5), 0U);
    EXPECT_EQ(node->Acknowledge(EnrolmentEpoch(78), 1, 1, 10), 0U);
    EXPECT_EQ(node->Acknowledge(kEpoch, 2, 1, 10), 0U);
    EXPECT_EQ(node.List().size(), 7U);
  }
  Node node(flash);
  ASSERT_TRUE(node.Open().ok());
  const auto listing = node.List();
  for (const std::uint32_t i : {1U, 2U, 6U, 7U, 8U, 9U, 10U}) {
    EXPECT_TRUE(listing.contains({77, 1, i})) << i;
  }
  // The next boot's records follow under their own key, and a key never goes back.
  EXPECT_TRUE(node.Append(2, 1).ok());
  EXPECT_EQ(node.Append(2, 1).code(), Code::kInvalidArgument);
  EXPECT_EQ(node.Append(1, 11).code(), Code::kInvalidArgument);
  EXPECT_TRUE(node.List().contains({77, 2, 1}));
  EXPECT_EQ(node->Acknowledge(kEpoch, 1, 0, 0xFFFFFFFF), listing.size());
  EXPECT_EQ(node.List().size(), 1U);
  EXPECT_EQ(flash.erases(SectorIndex(0)), 0U);
  EXPECT_EQ(flash.violations(), 0U);
}

TEST(Backlog, ForgetsAWholeSectorForGood) {
  FakeFlash flash(kGeometry);
  {
    Node node(flash);
    ASSERT_TRUE(node.Open().ok());
    for (std::uint32_t i = 1; i <= 9; ++i) {
      ASSERT_TRUE(node.Append(1, i, Priority::kFault, 100).ok());  // three per sector
    }
    EXPECT_EQ(node->Acknowledge(kEpoch, 1, 1, 4), 4U);
  }
  Node node(flash);
  ASSERT_TRUE(node.Open().ok());
  const auto listing = node.List();
  EXPECT_FALSE(listing.contains({77, 1, 3}));
  EXPECT_TRUE(listing.contains({77, 1, 4})) << "its sector was not done";
  EXPECT_EQ(listing.size(), 6U);
}

TEST(Backlog, KeepsRecordsOfAnEarlierEnrolmentUnderTheirOwnKey) {
  FakeFlash flash(kGeometry);
  {
    Node node(flash);
    ASSERT_TRUE(node.Open(EnrolmentEpoch(5)).ok());
    ASSERT_TRUE(node.Append(9, 1).ok());
  }
  Node node(flash);
  ASSERT_TRUE(node.Open(EnrolmentEpoch(6)).ok());
  ASSERT_TRUE(node.Append(1, 1).ok());
  const auto listing = node.List();
  EXPECT_TRUE(listing.contains({5, 9, 1}));
  EXPECT_TRUE(listing.contains({6, 1, 1}));
  EXPECT_EQ(node->Acknowledge(EnrolmentEpoch(5), 9, 1, 1), 1U);
  EXPECT_EQ(node.List().size(), 1U);
}

TEST(Backlog, RefusesWhatMattersLessFirstAndCountsIt) {
  FakeFlash flash(kGeometry);
  Node node(flash);
  ASSERT_TRUE(node.Open().ok());
  // Four sectors of 448 bytes hold 56 entries of 32; the reserves are 537, 358, 179, 89 and 0
  // bytes.
  const std::array<std::uint32_t, message::kPriorityCount> expected = {3, 3, 6, 5, 39};
  std::uint32_t sequence = 0;
  PriorityCounts refused{};
  for (const int p : {4, 3, 2, 1, 0}) {
    std::uint32_t taken = 0;
    for (int i = 0; i < 60 && node->metrics().records < 56; ++i) {
      const Status stored = node.Append(1, ++sequence, static_cast<Priority>(p), 4);
      ASSERT_TRUE(stored.ok() || stored == Code::kResourceExhausted);
      ++(stored.ok() ? taken : refused[static_cast<std::size_t>(p)]);
    }
    EXPECT_EQ(taken, expected[static_cast<std::size_t>(p)]) << "priority " << p;
  }
  EXPECT_EQ(node->metrics().dropped, refused);
  EXPECT_EQ(refused, (PriorityCounts{0, 57, 54, 55, 21}));
  // One more event costs the oldest sector: fourteen frames.
  ASSERT_TRUE(node.Append(1, ++sequence, Priority::kEvent, 4).ok());
  refused[4] += 14;
  EXPECT_EQ(node->metrics().dropped, refused);
  EXPECT_EQ(node.List().size(), 56U + 1 - 14);
}

TEST(Backlog, GivesUpTheOldestSectorForAnEventAndTheCountIsDurable) {
  FakeFlash flash(kGeometry);
  std::uint32_t sequence = 0;
  std::uint32_t dropped = 0;
  std::size_t kept = 0;
  {
    Node node(flash);
    ASSERT_TRUE(node.Open().ok());
    for (int i = 0; i < 40; ++i) {
      const auto priority = i < 4 ? Priority::kSketch : Priority::kEvent;
      ASSERT_TRUE(node.Append(1, ++sequence, priority, 100).ok());
    }
    EXPECT_EQ(node->metrics().dropped[3], 4U);
    dropped = node.dropped();
    const auto listing = node.List();
    kept = listing.size();
    EXPECT_EQ(kept + dropped, 40U);
    EXPECT_TRUE(listing.contains({77, 1, 40}));
    EXPECT_FALSE(listing.contains({77, 1, 1}));
  }
  Node node(flash);
  ASSERT_TRUE(node.Open().ok());
  EXPECT_EQ(node.dropped(), dropped);
  EXPECT_EQ(node.List().size(), kept);
  EXPECT_EQ(flash.violations(), 0U);
}

struct Step {
  std::uint32_t acknowledge_first = 0;  // 0: append
  std::uint32_t acknowledge_last = 0;
};

/// Fills faster than it acknowledges, with holes, so that freeing and giving up both happen.
std::vector<Step> Script() {
  SplitMix64 random(11);
  std::vector<Step> script;
  std::uint32_t sequence = 0;
  for (int i = 0; i < 70; ++i) {
    if (sequence > 4 && random.Next() % 4 == 0) {
      const auto first = static_cast<std::uint32_t>(1 + random.Next() % sequence);
      script.push_back({first, first + static_cast<std::uint32_t>(random.Next() % 8)});
    } else {
      script.push_back({});
      ++sequence;
    }
  }
  return script;
}

class Sweep {
 public:
  explicit Sweep(std::uint64_t seed)
      : flash_(kGeometry, seed), node_(std::make_unique<Node>(flash_)) {}

  FakeFlash& flash() { return flash_; }
  Node& node() { return *node_; }

  /// Runs the script from boot `boot` until the power goes.
  void Run(const std::vector<Step>& script, std::uint32_t boot) {
    std::uint32_t sequence = 0;
    for (const Step& step : script) {
      pending_.reset();
      dropped_ = node_->dropped();
      if (step.acknowledge_first != 0) {
        std::erase_if(must_hold_, [&](const Key& key) {
          return std::get<1>(key) == boot && std::get<2>(key) >= step.acknowledge_first &&
                 std::get<2>(key) <= step.acknowledge_last;
        });
        node_->operator->()->Acknowledge(
            kEpoch, boot, step.acknowledge_first, step.acknowledge_last);
      } else {
        pending_ = Key{kEpoch.value(), boot, ++sequence};
        known_.push_back(*pending_);
        const Status stored = node_->Append(boot, sequence);
        if (stored.ok()) {
          must_hold_.push_back(*pending_);
          given_up_ = given_up_ || node_->dropped() > dropped_;
          Settle(node_->List(), "running");
          pending_.reset();
        } else {
          ASSERT_FALSE(flash_.powered());
        }
      }
      if (!flash_.powered()) {
        return;
      }
    }
  }

  void Reboot(const std::string& where) {
    flash_.Reboot();
    node_ = std::make_unique<Node>(flash_);
    const Status opened = node_->Open();
    if (!flash_.powered()) {
      return;  // cut again; the caller boots once more
    }
    ASSERT_TRUE(opened.ok()) << where;
    Settle(node_->List(), where);
  }
  [[nodiscard]] bool given_up() const { return given_up_; }

 private:
  /// Nothing that Append() confirmed is gone but what the drop count owns up to.
  void Settle(const Listing& listing, const std::string& where) {
    const auto before = must_hold_.size();
    std::erase_if(must_hold_, [&](const Key& key) { return !listing.contains(key); });
    EXPECT_EQ(node_->dropped() - dropped_, before - must_hold_.size()) << where;
    for (const auto& [key, record] : listing) {
      EXPECT_TRUE(std::ranges::find(known_, key) != known_.end()) << where;
    }
    // What came back after a restart waits for its acknowledgement again.
    must_hold_.clear();
    for (const auto& [key, record] : listing) {
      must_hold_.push_back(key);
    }
    dropped_ = node_->dropped();
  }

  FakeFlash flash_;
  std::unique_ptr<Node> node_;
  std::vector<Key> must_hold_;
  std::vector<Key> known_;
  std::optional<Key> pending_;
  std::uint32_t dropped_ = 0;
  bool given_up_ = false;
};

TEST(Backlog, PowerCutAtEveryOperationLosesNothingConfirmed) {
  const auto script = Script();
  std::uint64_t total = 0;
  {
    Sweep sweep(1);
    ASSERT_TRUE(sweep.node().Open().ok());
    sweep.Run(script, 1);
    total = sweep.flash().operations();
    ASSERT_TRUE(sweep.given_up());
    ASSERT_GT(sweep.node()->metrics().sectors_given_up, 3U);
  }
  std::uint64_t cuts = 0;
  for (std::uint64_t cut = 1; cut <= total; ++cut) {
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      for (std::uint64_t second = 0; second <= 5; ++second) {
        const std::string where = "cut " + std::to_string(cut) + " seed " + std::to_string(seed) +
                                  " second cut " + std::to_string(second);
        Sweep sweep(seed);
        ASSERT_TRUE(sweep.node().Open().ok());
        sweep.flash().CutPowerAt(cut);
        sweep.Run(script, 1);
        ASSERT_FALSE(sweep.flash().powered()) << where;
        ++cuts;
        std::uint32_t boot = 2;
        if (second > 0) {
          // Again in recovery or in the next boot's first writes.
          sweep.flash().Reboot();
          sweep.flash().CutPowerAt(second);
          const auto node = std::make_unique<Node>(sweep.flash());
          (void)node->Open();
          if (sweep.flash().powered()) {
            sweep.Reboot(where);
            sweep.flash().CutPowerAt(second);
            sweep.Run(script, boot++);
          }
        }
        sweep.Reboot(where);
        sweep.Run(script, boot);
        ASSERT_EQ(sweep.flash().violations(), 0U) << where;
        if (HasFailure()) {
          return;
        }
      }
    }
  }
  std::cout << "swept " << total << " operations, " << cuts << " cuts\n";
}

TEST(Backlog, StepsOverDamageAndKeepsTheRest) {
  FakeFlash flash(kGeometry);
  {
    Node node(flash);
    ASSERT_TRUE(node.Open().ok());
    for (std::uint32_t i = 1; i <= 6; ++i) {
      ASSERT_TRUE(node.Append(1, i, Priority::kFault, 100).ok());
    }
  }
  flash.Corrupt(512 + 64 + 128 + 50, std::byte{4});  // second record of the first sector
  Node node(flash);
  ASSERT_TRUE(node.Open().ok());
  EXPECT_EQ(node->metrics().entries_damaged, 1U);
  const auto listing = node.List();
  EXPECT_EQ(listing.size(), 5U);
  EXPECT_FALSE(listing.contains({77, 1, 2}));
  EXPECT_EQ(node->Acknowledge(kEpoch, 1, 1, 3), 2U);
  EXPECT_EQ(node.List().size(), 3U);
}

TEST(Backlog, OpensOverGarbage) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    FakeFlash flash(kGeometry);
    SplitMix64 random(seed);
    for (std::uint32_t at = 0; at < 6 * 512; ++at) {
      flash.Corrupt(at, static_cast<std::byte>(random.Next()));
    }
    Node node(flash);
    ASSERT_TRUE(node.Open().ok());
    EXPECT_EQ(node->metrics().sectors_unreadable, 5U);
    EXPECT_TRUE(node.List().empty());
    EXPECT_TRUE(node.Append(1, 1).ok());
    EXPECT_EQ(node.List().size(), 1U);
  }
}

TEST(Backlog, GoesOnInAnotherSectorWhenTheFlashFails) {
  FakeFlash flash(kGeometry);
  Node node(flash);
  ASSERT_TRUE(node.Open().ok());
  ASSERT_TRUE(node.Append(1, 1).ok());
  flash.FailAt(1);
  ASSERT_TRUE(node.Append(1, 2).ok());
  flash.WearOut(SectorIndex(3));
  for (std::uint32_t i = 3; i < 40; ++i) {
    ASSERT_TRUE(node.Append(1, i).ok()) << i;
    EXPECT_EQ(node->Acknowledge(kEpoch, 1, i - 2, i - 2), 1U);
  }
  EXPECT_EQ(node.List().size(), 2U);
  EXPECT_GE(node->metrics().flash_errors, 2U);
}

TEST(Backlog, RefusesWrongRegionsAndSizes) {
  FakeFlash flash(kGeometry);
  for (const BacklogRegion region : {BacklogRegion{SectorIndex(0), 2},
                                     BacklogRegion{SectorIndex(2), 5},
                                     BacklogRegion{SectorIndex(9), 3}}) {
    Node node(flash, region);
    EXPECT_EQ(node.Open().code(), Code::kInvalidArgument);
    EXPECT_EQ(node.Append(1, 1).code(), Code::kFailedPrecondition);
  }
  Node node(flash);
  ASSERT_TRUE(node.Open().ok());
  EXPECT_EQ(node->Append(1, 1, Priority::kEvent, 0).code(), Code::kInvalidArgument);
  EXPECT_EQ(node->Append(1, 1, Priority::kEvent, 401).code(), Code::kInvalidArgument);
}

TEST(Backlog, AMebibyteHoldsTheStatedNumberOfRecords) {
  // docs/formats/node_backlog.md: events of 100 bytes, 4 KiB sectors, 8-byte units.
  FakeFlash flash({4096, 256, 8});
  auto storage = std::make_unique<BacklogStorage<256, 4096, 3608>>();
  Backlog backlog(flash, {SectorIndex(0), 256}, storage->memory());
  ASSERT_TRUE(backlog.Open(kEpoch).ok());
  std::uint32_t stored = 0;
  while (backlog.metrics().sectors_given_up == 0) {
    ASSERT_TRUE(backlog.Append(1, ++stored, Priority::kEvent, 100).ok());
  }
  EXPECT_EQ(stored - 1, 255U * 31U);
}

TEST(Backlog, WritesTheBytesOfTheFormatsWorkedExample) {
  const std::array<std::uint8_t, 104> golden = {
      0x42, 0x4c, 0x4f, 0x47, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x00, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
      0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x82, 0xfc, 0x7a, 0x42, 0xff, 0xff, 0xff, 0xff,
      0xff, 0xff, 0xff, 0xff, 0x0c, 0xb1, 0x01, 0x00, 0x05, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00,
      0x00, 0x09, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf9, 0xbe,
      0x37, 0x11, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  FakeFlash flash({512, 3, 8});
  Node node(flash, {SectorIndex(0), 3});
  ASSERT_TRUE(node.Open(EnrolmentEpoch(0x1122334455667788)).ok());
  const std::array<std::uint8_t, 5> record = {10, 11, 12, 13, 14};
  std::ranges::copy(std::as_bytes(std::span(record)), node->record_memory().begin());
  ASSERT_TRUE(node->Append(3, 9, Priority::kFault, record.size()).ok());
  EXPECT_TRUE(
      std::ranges::equal(flash.contents().first(golden.size()), std::as_bytes(std::span(golden))));
}

}  // namespace
}  // namespace trib::node::uplink
