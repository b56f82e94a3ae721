// Power cuts at every file step of the gateway's spool.
#include "power_cut.h"
#include "trib/gateway/spool/spool.h"

namespace trib::integration {
namespace {

using gateway::spool::Item;
using gateway::spool::Options;
using gateway::spool::Outcome;
using gateway::spool::Roster;
using gateway::spool::Spool;
using message::Priority;

class SpoolPowerCut : public PowerCutTest {
 protected:
  using Thing = std::function<void(Spool&)>;

  static Options OptionsFor(const std::filesystem::path& folder) {
    Options options;
    options.path = folder / "spool.db";
    options.max_records = 60;
    options.policy = gateway::spool::FullPolicy::kDropLowPriority;
    // A few commits each, so that checkpoints and new rounds of the WAL are swept as well.
    options.wal_autocheckpoint_pages = 40;
    return options;
  }
  static std::unique_ptr<Spool> Open(const std::filesystem::path& folder) {
    std::string error;
    auto spool = Spool::Open(OptionsFor(folder), error);
    EXPECT_TRUE(spool.ok()) << error;
    return spool.ok() ? *std::move(spool) : nullptr;
  }
  void Reopen(const std::filesystem::path& folder) override {
    if (const auto spool = Open(folder)) {
      EXPECT_TRUE(spool->LoadRoster().ok());
    }
  }
  std::string StateOf(const std::filesystem::path& folder) override {
    return Rows(
        folder / "spool.db",
        {"SELECT id || ' ' || node || ' ' || epoch || ' ' || boot || ' ' || sequence || ' ' "
         "|| priority || ' ' || received_ms || ' ' || hex(sealed) FROM queue ORDER BY id",
         "SELECT name || ' ' || value FROM counter WHERE name <> 'run' ORDER BY name",
         "SELECT reason || ' ' || priority || ' ' || total FROM dropped",
         "SELECT node || ' ' || hex(public_key) FROM roster ORDER BY node",
         "SELECT id || ' ' || ifnull(hex(verdict), 'waits') FROM deferred ORDER BY id",
         "SELECT count(*) = (SELECT value FROM counter WHERE name = 'records') FROM queue"});
  }
  bool Repeat(std::size_t number, const std::filesystem::path& folder) override {
    const auto found = repeatable_.find(number);
    if (found == repeatable_.end()) {
      return false;
    }
    if (const auto spool = Open(folder)) {
      found->second(*spool);
    }
    return true;
  }

  void Step(const std::string& name, const Thing& thing, bool repeatable = true) {
    ++number_;
    if (repeatable) {
      repeatable_[number_] = thing;
    }
    Do(name, [&] { thing(*spool_); });
  }
  void OpenLive() {
    ++number_;
    Do("opening", [this] { spool_ = Open(live()); });
  }
  void CloseLive() {
    ++number_;
    Do("closing", [this] { spool_.reset(); });
  }

  static Item Made(std::uint32_t sequence, Priority priority) {
    return {{NodeId(17), EnrolmentEpoch(0xF000000000000001U), 1, sequence},
            priority,
            1000 + sequence,
            std::string(40 + sequence * 37 % 400, static_cast<char>('a' + sequence % 26))};
  }
  /// `deferred`: every second one waits for the tail.
  void Append(std::uint32_t count, Priority priority, bool fits = true, bool deferred = false) {
    std::vector<Item> items;
    for (std::uint32_t i = 0; i < count; ++i) {
      items.push_back(Made(++sequence_, priority));
      items.back().deferred = deferred && i % 2 == 0;
    }
    Step(
        "append " + std::to_string(count),
        [items](Spool& spool) {
          const auto outcomes = spool.Append(items);
          ASSERT_TRUE(outcomes.ok()) << spool.last_error();
          for (const Outcome outcome : *outcomes) {
            EXPECT_NE(outcome, Outcome::kRefused);
          }
        },
        fits);
  }
  /// Outcomes of the first `count` that wait, every third without a verdict, with `more` records.
  void Decide(std::size_t count, std::uint32_t more) {
    const auto waiting = spool_->PeekDeferred(0, count, std::size_t{1} << 20U);
    ASSERT_TRUE(waiting.ok());
    ASSERT_EQ(waiting->size(), count);
    std::vector<gateway::spool::Decided> decided;
    for (std::size_t i = 0; i < count; ++i) {
      decided.push_back({(*waiting)[i].id, i % 3 == 2 ? "" : std::string(90, 'v')});
    }
    std::vector<Item> items;
    for (std::uint32_t i = 0; i < more; ++i) {
      items.push_back(Made(++sequence_, Priority::kEvent));
    }
    Step("decide " + std::to_string(count), [decided, items](Spool& spool) {
      EXPECT_TRUE(spool.Append(items, decided).ok()) << spool.last_error();
    });
  }
  void Forget(std::size_t count, bool rejected) {
    const auto records = spool_->Peek(0, count, std::size_t{1} << 20U);
    ASSERT_TRUE(records.ok());
    std::vector<std::int64_t> ids;
    for (const auto& record : *records) {
      ids.push_back(record.id);
    }
    Step(rejected ? "discard" : "delete", [ids, rejected](Spool& spool) {
      EXPECT_TRUE((rejected ? spool.Discard(ids) : spool.Delete(ids)).ok());
    });
  }
  void StoreRoster(std::uint64_t version, std::uint64_t nodes) {
    Roster roster;
    roster.version = version;
    for (std::uint64_t node = 1; node <= nodes; ++node) {
      roster.members.push_back({NodeId(node), {static_cast<std::byte>(node + version)}});
    }
    Step("roster", [roster](Spool& spool) { EXPECT_TRUE(spool.StoreRoster(roster).ok()); });
  }

  /// Everything that a gateway does to its spool.
  void Live() {
    Record();
    OpenLive();
    StoreRoster(1, 3);
    Append(1, Priority::kEvent);
    Append(12, Priority::kFault);
    Append(20, Priority::kFrame);
    Forget(10, false);
    Forget(3, true);
    StoreRoster(2, 5);
    Append(30, Priority::kSketch);
    Append(20, Priority::kEvent, false);  // over the bound: the least important go
    Append(5, Priority::kFrame, false);
    CloseLive();
    OpenLive();
    Forget(20, false);
    Append(10, Priority::kStatus);
    StoreRoster(3, 1);
    Forget(60, false);
    Append(4, Priority::kEvent);
    Append(12, Priority::kEvent, true, true);
    Decide(4, 2);
    Decide(1, 0);
    CloseLive();
    OpenLive();
    Forget(8, false);
    Decide(1, 3);
    Forget(8, true);
    CloseLive();
  }

 private:
  std::unique_ptr<Spool> spool_;
  std::map<std::size_t, Thing> repeatable_;
  std::size_t number_ = 0;
  std::uint32_t sequence_ = 0;
};

TEST_F(SpoolPowerCut, KeepsWhatItPromised) {
  Live();
  CutEverywhere({.seeds = 1, .recoveries = 2, .every = 2});
}

TEST_F(SpoolPowerCut, SlowKeepsWhatItPromised) {
  Live();
  CutEverywhere({.seeds = 4, .recoveries = 25});
}

}  // namespace
}  // namespace trib::integration
