// kill -9 of the real gateway at each of its file steps.
#include <csignal>

#include "sweep.h"
#include "trib/common/host/sqlite/database.h"
#include "trib/gateway/spool/spool.h"

namespace trib::integration {
namespace {

namespace fs = std::filesystem;

class GatewaySweep : public Sweep {
 protected:
  static constexpr std::uint64_t kOther = 777;

  void SetUp() override {
    // Deferred windows wait for a tail, which knows no network: their outcome is to be let go.
    options_.gateway_tails = "directory = \"tails\"\ndeadline = \"0ms\"\n";
    Sweep::SetUp();
    ASSERT_FALSE(HasFatalFailure());
    StartRiver("gateway-1");
  }

  void EnsureRunning() {
    if (VictimDied()) {
      StartVictim();
      Drain();
    }
  }
  /// Records through the gateway, in several groups.
  void Flow(std::uint32_t messages) {
    for (std::uint32_t i = 0; i < messages && !VictimDied(); ++i) {
      SendNew(8);
      AwaitOrDeath([&] { return Unacknowledged().empty(); });
    }
    AwaitOrDeath([&] { return Drained(); });
  }
  void FlowAfterStart() {
    StartVictim();
    if (!VictimDied()) {
      AwaitOrDeath([&] { return SpoolText("SELECT count(*) FROM roster") != "0"; });
      AwaitOrDeath([&] { return Greeted(); });
      Flow(1);
    }
  }

  Phase Records() {
    return {.name = "group commit, forward, delete",
            .prepare = [this] { EnsureRunning(); },
            .provoke = [this] { Flow(2); }};
  }
  Phase FirstStart() {
    return {.name = "first start",
            .prepare =
                [this] {
                  KillVictim();
                  for (const char* end : {"", "-wal", "-shm", "-journal", ".lock"}) {
                    fs::remove(fleet().File(std::string("gateway-1.spool") + end));
                  }
                },
            .provoke = [this] { FlowAfterStart(); },
            .check = [this] { ExpectRoster(); }};
  }
  Phase Restart() {
    return {.name = "restart with a WAL",
            .prepare =
                [this] {
                  EnsureRunning();
                  KillVictim();
                },
            .provoke = [this] { FlowAfterStart(); },
            .check = [this] { ExpectRoster(); }};
  }
  Phase Roster() {
    return {.name = "roster change",
            .prepare = [this] { EnsureRunning(); },
            .provoke =
                [this] {
                  ToggleOther();
                  AwaitOrDeath([this] { return RosterIsCurrent(); });
                },
            .check = [this] { ExpectRoster(); }};
  }
  Phase Checkpoint() {
    return {.name = "checkpoint of a full WAL",
            .prepare =
                [this] {
                  KillVictim();
                  RestoreFullWal();
                },
            .provoke = [this] { FlowAfterStart(); }};
  }
  Phase CleanStop() {
    return {.name = "clean stop",
            .prepare =
                [this] {
                  EnsureRunning();
                  Flow(1);
                },
            .provoke =
                [this] {
                  Victim()->Signal(SIGTERM);
                  AwaitOrDeath([] { return false; });
                }};
  }

  Phase Migration() {
    return {.name = "migration from version 1",
            .prepare =
                [this] {
                  EnsureRunning();
                  KillVictim();
                  TurnIntoVersion1();
                },
            .provoke = [this] { FlowAfterStart(); },
            .check =
                [this] {
                  ExpectRoster();
                  EXPECT_EQ(SpoolText("SELECT user_version FROM pragma_user_version"), "2");
                }};
  }
  /// Takes off what the migration adds: the file is drained, so that nothing is in it.
  void TurnIntoVersion1() {
    auto spool = host::sqlite::Database::Open(fleet().File("gateway-1.spool").string());
    ASSERT_TRUE(spool.ok());
    ASSERT_TRUE(spool
                    ->Execute("DROP INDEX deferred_open; DROP TABLE deferred; "
                              "PRAGMA user_version = 1")
                    .ok())
        << spool->last_error();
  }

  /// Another node joins the roster, or leaves it.
  void ToggleOther() {
    joined_ = !joined_;
    if (joined_) {
      ASSERT_TRUE(fleet().AdmitNode(kOther, kGateway)) << fleet().error();
    } else {
      ASSERT_FALSE(fleet().CallCloud("revoke", {{"id", kOther}}).is_null()) << fleet().error();
    }
  }
  bool RosterIsCurrent() {
    return SpoolText("SELECT value FROM counter WHERE name = 'roster_version'") ==
           StoreText("SELECT version FROM roster WHERE gateway = 1");
  }
  void ExpectRoster() {
    AwaitOrDeath([this] { return RosterIsCurrent(); });
    EXPECT_EQ(SpoolText("SELECT group_concat(node || hex(public_key)) FROM (SELECT * FROM roster "
                        "ORDER BY node)"),
              StoreText("SELECT group_concat(id || hex(public_key)) FROM (SELECT * FROM device "
                        "WHERE gateway = 1 AND state = 2 ORDER BY id)"));
  }

  /// Fills a copy of the spool's WAL to just below the page count at which SQLite empties it.
  void MakeFullWal() {
    constexpr std::uintmax_t kPages = 4000 - 6;
    constexpr std::uintmax_t kFrameBytes = 4096 + 24;
    ASSERT_TRUE(Victim()->Stop(std::chrono::seconds(60)).clean());
    const fs::path base = fleet().File("full.spool");
    fs::copy_file(fleet().File("gateway-1.spool"), base);
    std::string error;
    gateway::spool::Options options;
    options.path = base;
    auto spool = gateway::spool::Spool::Open(options, error);
    ASSERT_TRUE(spool.ok()) << error;
    std::uint32_t sequence = 0;
    const fs::path wal = fleet().File("full.spool-wal");
    while (fs::file_size(wal) < kPages * kFrameBytes) {
      std::vector<gateway::spool::Item> items;
      for (int i = 0; i < 20; ++i) {
        items.push_back({{NodeId(kNode), EnrolmentEpoch(1), 1, ++sequence},
                         message::Priority::kEvent,
                         1,
                         std::string(600, 'x')});
      }
      ASSERT_TRUE((*spool)->Append(items).ok());
      std::vector<std::int64_t> ids;
      const auto stored = (*spool)->Peek(0, 100, 1 << 20);
      ASSERT_TRUE(stored.ok());
      for (const auto& record : *stored) {
        ids.push_back(record.id);
      }
      ASSERT_TRUE((*spool)->Delete(ids).ok());
    }
    // As a kill would leave them: closing would empty the WAL.
    fs::copy_file(base, fleet().File("kept.spool"));
    fs::copy_file(wal, fleet().File("kept.spool-wal"));
    StartVictim();
    Drain();
  }
  void RestoreFullWal() {
    fs::remove(fleet().File("gateway-1.spool-shm"));
    constexpr auto kOver = fs::copy_options::overwrite_existing;
    fs::copy_file(fleet().File("kept.spool"), fleet().File("gateway-1.spool"), kOver);
    fs::copy_file(fleet().File("kept.spool-wal"), fleet().File("gateway-1.spool-wal"), kOver);
  }

 private:
  bool joined_ = false;
};

TEST_F(GatewaySweep, EvenlySpread) {
  SweepPhase(Records(), 8);
  SweepPhase(FirstStart(), 6);
  SweepPhase(Restart(), 2);
  SweepPhase(Roster(), 3);
  SweepPhase(CleanStop(), 4);
  SweepPhase(Migration(), 3);
  SweepRecovery(Records(), 2);
}

TEST_F(GatewaySweep, SlowEveryStep) {
  SweepPhase(Records(), kEvery);
  SweepPhase(FirstStart(), kEvery);
  SweepPhase(Restart(), kEvery);
  SweepPhase(Roster(), kEvery);
  SweepPhase(CleanStop(), 120);
  SweepPhase(Migration(), kEvery);
  MakeFullWal();
  SweepPhase(Checkpoint(), kEvery);
  SweepRecovery(Records(), 40);
}

}  // namespace
}  // namespace trib::integration
