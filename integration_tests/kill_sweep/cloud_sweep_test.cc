// kill -9 of the real cloud at each of its file steps.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sweep.h"
#include "trib/common/host/control/types.h"
#include "trib/common/host/sqlite/database.h"

namespace trib::integration {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class CloudSweep : public Sweep {
 protected:
  static constexpr std::uint64_t kOther = 777;

  void SetUp() override {
    Sweep::SetUp();
    ASSERT_FALSE(HasFatalFailure());
    StartRiver("cloud");
    MakeKeyFile(fleet(), "node-777");
  }

  void EnsureRunning() {
    if (VictimDied()) {
      StartVictim();
      Drain();
    }
  }
  void Flow(std::uint32_t messages) {
    for (std::uint32_t i = 0; i < messages && !VictimDied(); ++i) {
      SendNew(8);
      AwaitOrDeath([&] { return Drained(); });
    }
  }

  Phase Ingest(const std::string& name = "ingest commit") {
    return {.name = name, .prepare = [this] { EnsureRunning(); }, .provoke = [this] { Flow(3); }};
  }
  Phase Restart() {
    return {.name = "restart with a WAL",
            .prepare =
                [this] {
                  EnsureRunning();
                  KillVictim();
                },
            .provoke =
                [this] {
                  StartVictim();
                  if (!VictimDied()) {
                    Flow(1);
                  }
                }};
  }
  Phase Registry() {
    return {
        .name = "registry change",
        .prepare =
            [this] {
              EnsureRunning();
              before_ = Audited();
              promised_.clear();
            },
        .provoke =
            [this] {
              const json enrol = {{"id", kOther},
                                  {"kind", "node"},
                                  {"public_key", PublicHex(fleet(), "node-777")},
                                  {"gateway", kGateway},
                                  {"name", "other"}};
              Operate(
                  {{"enroll", enrol}, {"accept", {{"id", kOther}}}, {"revoke", {{"id", kOther}}}});
            },
        .check = [this] { ExpectRegistry(); }};
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

  /// The store as it is, but in a file of schema version 1, which the cloud has to bring up to
  /// date.
  Phase Migration() {
    return {.name = "migration from version 1",
            .prepare =
                [this] {
                  EnsureRunning();
                  current_ = SchemaVersion();
                  KillVictim();
                  ReplaceByVersion1();
                },
            .provoke =
                [this] {
                  StartVictim();
                  if (!VictimDied()) {
                    Flow(1);
                  }
                },
            .check = [this] { EXPECT_EQ(SchemaVersion(), current_); }};
  }
  std::string SchemaVersion() { return StoreText("SELECT user_version FROM pragma_user_version"); }
  void ReplaceByVersion1() {
    all_noted_ = false;
    const char* source = std::getenv("TRIB_SOURCE_DIR");
    ASSERT_NE(source, nullptr);
    std::ifstream in(fs::path(source) / "integration_tests/support/old/store_v1.sql");
    const std::string schema((std::istreambuf_iterator<char>(in)), {});
    const fs::path old = fleet().File("old.db");
    fs::remove(old);
    std::string error;
    {
      auto db = host::sqlite::Database::Open(old.string(), {}, &error);
      ASSERT_TRUE(db.ok()) << error;
      ASSERT_TRUE(db->Execute(schema).ok()) << db->last_error();
      ASSERT_TRUE(db->Execute("ATTACH '" + fleet().File("cloud.db").string() + "' AS now").ok());
      std::vector<std::string> copies;
      {
        auto tables = db->Prepare(
            "SELECT name, (SELECT group_concat(name) FROM pragma_table_info(t.name, 'main')) FROM "
            "main.sqlite_schema t WHERE type = 'table'");
        ASSERT_TRUE(tables.ok()) << db->last_error();
        for (auto row = tables->Step(); row.ok() && *row; row = tables->Step()) {
          const std::string name(tables->Text(0));
          const std::string columns(tables->Text(1));
          std::string copy("INSERT INTO main.");
          copy.append(name).append("(").append(columns).append(") SELECT ").append(columns);
          copies.push_back(copy.append(" FROM now.").append(name));
        }
      }
      ASSERT_GT(copies.size(), 10U);
      for (const auto& copy : copies) {
        ASSERT_TRUE(db->Execute(copy).ok()) << copy << ": " << db->last_error();
      }
      ASSERT_TRUE(db->Execute("DETACH now").ok()) << db->last_error();
    }
    for (const char* end : {"-wal", "-shm", ""}) {
      fs::remove(fleet().File(std::string("cloud.db") + end));
    }
    fs::rename(old, fleet().File("cloud.db"));
  }

  /// Calls the cloud as the operator, one call after the other, until it dies.
  void Operate(const std::vector<std::pair<std::string, json>>& calls) {
    RawPeer peer(fleet().cloud_admin(),
                 fleet().File("operator.key"),
                 fleet().File("cloud.key.pub"),
                 std::size_t{1} << 20U);
    std::uint64_t id = 0;
    for (const auto& [call, arguments] : calls) {
      const std::string request = json{
          {"v", host::control::kControlVersion},
          {"id", ++id},
          {"call", call},
          {"args", arguments}}.dump();
      AwaitOrDeath([&] { return peer.TrySend(request); });
      std::string answer;
      AwaitOrDeath([&] { return !(answer = peer.Poll()).empty(); });
      if (answer.empty()) {
        return;
      }
      const json reply = json::parse(answer, nullptr, false);
      ASSERT_TRUE(reply.is_object() && reply.value("ok", false)) << answer;
      promised_.push_back(call);
    }
  }
  std::uint64_t Audited() {
    return std::stoull(StoreText("SELECT count(*) FROM audit_log WHERE device = 777"));
  }
  /// What was answered is there; what was not answered is there whole or not at all.
  void ExpectRegistry() {
    const std::uint64_t made = Audited() - before_;
    EXPECT_GE(made, promised_.size());
    EXPECT_LE(made, promised_.size() + 1);
    // enroll, accept, revoke make it pending (1), accepted (2), revoked (3).
    if (made != 0) {
      EXPECT_EQ(StoreText("SELECT state FROM device WHERE id = 777"), std::to_string(made));
    }
    EXPECT_EQ(StoreText("SELECT count(*) FROM binding WHERE node = 777 AND until_ms IS NULL"),
              made == 2 ? "1" : "0");
    Operate({{"revoke", {{"id", kOther}}}});  // where the next round starts
  }

 private:
  std::string current_;
  std::uint64_t before_ = 0;
  std::vector<std::string> promised_;
};

/// Checkpoints after every commit, nearly.
class CloudCheckpointSweep : public CloudSweep {
 protected:
  void SetUp() override {
    options_.cloud_store = "wal_pages = 100\n";
    CloudSweep::SetUp();
  }
};

/// Each second record is a sketch, each of a block of its own, and a look follows at once.
class CloudDriftSweep : public CloudSweep {
 protected:
  static constexpr std::uint32_t kBlockMs = 1000;

  void SetUp() override {
    options_.cloud_drift =
        "block = \"1s\"\nlook = \"100ms\"\nweek = \"1s\"\nreference_blocks = 4\n";
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto days = std::chrono::duration_cast<std::chrono::hours>(now).count() / 24;
    begin_ms_ = static_cast<std::uint64_t>(days - 1) * 86'400'000;
    CloudSweep::SetUp();
  }
  [[nodiscard]] std::string SealedOther(std::uint32_t sequence) const override {
    const std::uint64_t begin_ms = begin_ms_ + std::uint64_t{sequence} * kBlockMs;
    return SealedSketch(kNode, kEpoch, kBoot, sequence, begin_ms, kBlockMs);
  }
  /// The newest block alone has not been looked at.
  bool Looked() { return StoreText("SELECT count(*) FROM drift_block WHERE look IS NULL") == "1"; }
  Phase Look() {
    return {.name = "look for drift",
            .prepare = [this] { EnsureRunning(); },
            .provoke =
                [this] {
                  Flow(1);
                  if (!VictimDied()) {
                    AwaitOrDeath([this] { return Looked(); });
                  }
                },
            .check = [this] { ExpectLooks(); }};
  }
  /// Every sketch is in one block, and every block in one look, whose numbers agree.
  void ExpectLooks() {
    AwaitOrDeath([this] { return Looked(); });
    const std::string sketches = StoreText("SELECT count(*) FROM record WHERE kind = 17");
    EXPECT_EQ(StoreText("SELECT sum(sketches) + sum(late) FROM drift_block"), sketches);
    EXPECT_EQ(StoreText("SELECT value FROM drift_total WHERE name = 'sketches'"), sketches);
    EXPECT_EQ(StoreText("SELECT count(*) FROM drift_block WHERE look NOT NULL"),
              StoreText("SELECT sum(blocks) FROM drift_look"));
    EXPECT_EQ(StoreText("SELECT count(*) FROM drift_look l WHERE blocks <> (SELECT count(*) FROM "
                        "drift_block b WHERE b.look = l.id)"),
              "0");
    EXPECT_EQ(StoreText("SELECT sum(learning) FROM drift_look"), "4") << "one reference, kept";
  }

 private:
  std::uint64_t begin_ms_ = 0;
};

/// A cloud that starts for the first time: no gateway, no store.
class FirstCloudSweep : public Sweep {
 protected:
  void SetUp() override {
    Sweep::SetUp();
    ASSERT_FALSE(HasFatalFailure());
    Choose("cloud");
  }
  Phase FirstStart() {
    return {.name = "first start",
            .prepare =
                [this] {
                  KillVictim();
                  for (const char* end : {"", "-wal", "-shm", "-journal", ".lock"}) {
                    fs::remove(fleet().File(std::string("cloud.db") + end));
                  }
                },
            .provoke = [this] { StartVictim(); }};
  }
  /// It takes operators' calls and keeps them.
  void Verify() override {
    ASSERT_TRUE(fleet().AdmitGateway(kGateway)) << fleet().error();
    ASSERT_TRUE(fleet().AdmitNode(kNode, kGateway)) << fleet().error();
    EXPECT_EQ(StoreText("SELECT group_concat(id || ' ' || state) FROM (SELECT * FROM device ORDER "
                        "BY id)"),
              "1 2,101 2");
    EXPECT_EQ(StoreText("SELECT count(*) FROM audit_log"), "4");
    EXPECT_EQ(StoreText("SELECT group_concat(integrity_check) FROM pragma_integrity_check"), "ok");
  }
};

TEST_F(FirstCloudSweep, EvenlySpread) {
  SweepPhase(FirstStart(), 4);
}

TEST_F(FirstCloudSweep, SlowEveryStep) {
  SweepPhase(FirstStart(), 150);
}

TEST_F(CloudSweep, EvenlySpread) {
  SweepPhase(Ingest(), 8);
  SweepPhase(Restart(), 3);
  SweepPhase(Registry(), 6);
  SweepPhase(CleanStop(), 3);
  SweepPhase(Migration(), 3);
  SweepRecovery(Ingest(), 2);
}

TEST_F(CloudSweep, SlowEveryStep) {
  SweepPhase(Ingest(), kEvery);
  SweepPhase(Restart(), kEvery);
  SweepPhase(Registry(), kEvery);
  SweepPhase(CleanStop(), 100);
  SweepPhase(Migration(), 100);
  SweepRecovery(Ingest(), 40);
}

TEST_F(CloudDriftSweep, EvenlySpread) {
  SweepPhase(Look(), 6);
}

TEST_F(CloudDriftSweep, SlowEveryStep) {
  SweepPhase(Look(), kEvery);
  SweepPhase(Restart(), kEvery);
  SweepRecovery(Look(), 40);
}

TEST_F(CloudCheckpointSweep, SlowEveryStep) {
  SweepPhase(Ingest("ingest and checkpoint"), kEvery);
}

}  // namespace
}  // namespace trib::integration
