// Power cuts at every file step of the cloud's store and of the registry in it.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "power_cut.h"
#include "trib/cloud/registry/registry.h"
#include "trib/cloud/store/deferred_reader.h"
#include "trib/cloud/store/drift_reader.h"
#include "trib/cloud/store/reader.h"
#include "trib/cloud/store/writer.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/host/sqlite/database.h"

namespace trib::integration {
namespace {

using cloud::Batch;
using cloud::DeviceKind;
using cloud::RecordRow;
using cloud::registry::EnrollRequest;
using cloud::registry::Registry;
using cloud::store::Writer;

constexpr std::uint64_t kGateway = 9;
constexpr std::uint64_t kNow_ms = 1'750'000'000'000;
constexpr std::uint64_t kDay_ms = 86'400'000;

struct Store {
  std::unique_ptr<Writer> writer;
  std::unique_ptr<Registry> registry;
};

class StorePowerCut : public PowerCutTest {
 protected:
  using Thing = std::function<void(Store&)>;

  static std::unique_ptr<Store> Open(const std::filesystem::path& folder) {
    std::string error;
    auto writer =
        Writer::Open((folder / "cloud.db").string(), {.wal_autocheckpoint_pages = 60}, &error);
    EXPECT_TRUE(writer.ok()) << error;
    if (!writer.ok()) {
      return nullptr;
    }
    auto store = std::make_unique<Store>();
    store->writer = *std::move(writer);
    store->registry = std::make_unique<Registry>(*store->writer);
    EXPECT_TRUE(store->registry->Load().ok());
    return store;
  }
  void Reopen(const std::filesystem::path& folder) override { Open(folder); }
  std::string StateOf(const std::filesystem::path& folder) override {
    return StateSinceVersion1(folder) +
           Rows(
               folder / "cloud.db",
               {"SELECT record || ' ' || tier || ' ' || label || ' ' || hex(scores) FROM verdict "
                "ORDER BY record, tier",
                "SELECT record || ' ' || package_hash FROM undecided ORDER BY record",
                "SELECT name || ' ' || value FROM verdict_total ORDER BY name",
                "SELECT id || ' ' || node || ' ' || begin_ms || ' ' || sketches || ' ' || windows "
                "|| ' ' || late || ' ' || hex(counts) || ' ' || role || ' ' || coalesce(look, "
                "'open') FROM drift_block ORDER BY id",
                "SELECT id || ' ' || blocks || ' ' || families FROM drift_look ORDER BY id",
                "SELECT id || ' ' || look || ' ' || state || ' ' || subject || ' ' || note || ' ' "
                "|| relearn FROM drift_alarm ORDER BY id",
                "SELECT node || ' ' || channel || ' ' || idx || ' ' || at_ms FROM drift_flag ORDER "
                "BY 1",
                "SELECT name || ' ' || value FROM drift_total ORDER BY name"});
  }
  /// Of what every version has.
  std::string StateSinceVersion1(const std::filesystem::path& folder) {
    const auto all = [](const char* table, const char* columns) {
      return std::string("SELECT ") + columns + " FROM " + table + " ORDER BY 1";
    };
    return Rows(
        folder / "cloud.db",
        {all("record",
             "id || ' ' || node || ' ' || epoch || ' ' || boot || ' ' || sequence || ' ' || kind "
             "|| "
             "' ' || gateway || ' ' || stored_ms || ' ' || hex(sealed)"),
         all("rollup_minute",
             "node || ' ' || minute_ms || ' ' || records || ' ' || events || ' ' || faults || ' ' "
             "|| windows || ' ' || bytes || ' ' || energy_nj"),
         all("node_total",
             "node || ' ' || records || ' ' || events || ' ' || faults || ' ' || windows || ' ' || "
             "bytes || ' ' || energy_nj"),
         all("latest", "node || ' ' || kind || ' ' || record || ' ' || boot || ' ' || sequence"),
         all("latest_status", "node || ' ' || boot || ' ' || sequence || ' ' || windows"),
         // A repeated batch is a batch more, and its records are duplicates: that is counted.
         all("gateway_total", "gateway || ' ' || stored || ' ' || events || ' ' || bytes"),
         all("gateway_drop", "gateway || ' ' || priority || ' ' || reason || ' ' || total"),
         all("site_report", "gateway || ' ' || minute_ms || ' ' || records || ' ' || hex(report)"),
         all("device",
             "id || ' ' || kind || ' ' || state || ' ' || name || ' ' || hex(public_key) || ' ' || "
             "gateway"),
         all("binding", "node || ' ' || gateway || ' ' || coalesce(until_ms, 'open')"),
         all("roster", "gateway || ' ' || version"),
         all("audit_log", "id || ' ' || action || ' ' || device || ' ' || detail"),
         "SELECT (SELECT count(*) FROM record) - (SELECT coalesce(sum(records), 0) FROM "
         "rollup_minute)"});
  }
  bool Repeat(std::size_t number, const std::filesystem::path& folder) override {
    const auto found = repeatable_.find(number);
    if (found == repeatable_.end()) {
      return false;
    }
    if (const auto store = Open(folder)) {
      found->second(*store);
    }
    return true;
  }

  void Step(const std::string& name, const Thing& thing, bool repeatable = true) {
    ++number_;
    if (repeatable) {
      repeatable_[number_] = thing;
    }
    Do(name, [&] { thing(*store_); });
  }
  void OpenLive() {
    ++number_;
    Do("opening", [this] { store_ = Open(live()); });
  }
  void CloseLive() {
    ++number_;
    Do("closing", [this] { store_.reset(); });
  }

  static EnrollRequest Request(std::uint64_t id, std::uint64_t gateway, std::uint64_t key) {
    EnrollRequest request;
    request.id = id;
    request.kind = gateway == 0 ? DeviceKind::kGateway : DeviceKind::kNode;
    request.public_key[0] = static_cast<std::byte>(key);
    request.gateway = GatewayId(gateway);
    request.replace = true;
    return request;
  }
  void Enroll(std::uint64_t id, std::uint64_t gateway, std::uint64_t key) {
    Step("enroll", [=](Store& store) {
      const auto outcome = store.registry->Enroll(Request(id, gateway, key), kNow_ms, "operator");
      EXPECT_TRUE(outcome.status.ok()) << outcome.error;
    });
  }
  void EnrollMany(std::uint64_t first, std::uint64_t count) {
    Step("enroll many", [=](Store& store) {
      std::vector<EnrollRequest> requests;
      for (std::uint64_t id = first; id < first + count; ++id) {
        requests.push_back(Request(id, kGateway, id));
      }
      const auto outcome = store.registry->EnrollMany(requests, true, kNow_ms, "operator");
      EXPECT_TRUE(outcome.status.ok()) << outcome.error;
    });
  }
  void Accept(std::uint64_t id) {
    Step("accept", [=](Store& store) {
      EXPECT_TRUE(store.registry->Accept(id, kNow_ms, "operator").status.ok());
    });
  }
  void Revoke(std::uint64_t id) {
    Step("revoke", [=](Store& store) {
      EXPECT_TRUE(store.registry->Revoke(id, kNow_ms, "operator").status.ok());
    });
  }

  static cloud::Verdict Said(message::Tier tier) {
    cloud::Verdict verdict;
    verdict.tier = tier;
    verdict.package_hash = PackageHash(0xD0);
    verdict.label = 2;
    verdict.confidence = 0.5F;
    (void)verdict.scores.push_back(0.5F);
    verdict.final = true;
    return verdict;
  }
  /// The cloud's answers about the first `count` that wait, every third damaged.
  void Decide(std::size_t count) {
    std::string error;
    auto reader = cloud::store::DeferredReader::Open((live() / "cloud.db").string(), &error);
    ASSERT_TRUE(reader.ok()) << error;
    const auto waiting = (*reader)->ReadUndecided(PackageHash(0xD0), 0, count, 1 << 20);
    ASSERT_TRUE(waiting.ok());
    ASSERT_EQ(waiting->size(), count);
    std::vector<cloud::Decided> decided;
    for (const cloud::Undecided& one : *waiting) {
      const std::size_t slash = one.sealed.find('/');
      decided.push_back({one.record,
                         Row(std::stoull(one.sealed.substr(7)),
                             static_cast<std::uint32_t>(std::stoul(one.sealed.substr(slash + 1))))
                             .header.key,
                         std::nullopt});
      if (decided.size() % 3 != 0) {
        decided.back().verdict = Said(message::Tier::kCloud);
      }
    }
    Step("decide " + std::to_string(count), [decided](Store& store) {
      EXPECT_TRUE(store.writer->PutVerdicts(decided).ok()) << store.writer->last_error();
    });
  }

  static std::string SealedSketch(const message::RecordHeader& header) {
    message::Record record;
    record.header = header;
    record.kind = message::RecordKind::kSketch;
    record.sketch = {};
    record.sketch.windows = 5;
    (void)record.sketch.histograms.push_back({3, {header.key.sequence, 2}});
    return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
  }
  /// A look at all complete blocks, with an alarm.
  void Look() {
    std::string error;
    auto reader = cloud::store::DriftReader::Open((live() / "cloud.db").string(), &error);
    ASSERT_TRUE(reader.ok()) << error;
    const auto blocks = (*reader)->ReadComplete(
        Millis(static_cast<std::int64_t>(kDay_ms)), Millis(0), kNow_ms, 100);
    ASSERT_TRUE(blocks.ok());
    ASSERT_GT(blocks->size(), 1U);
    cloud::store::DriftLookPut put;
    put.look = {0, kNow_ms, blocks->size(), 0, 0, 0, "[]"};
    for (const auto& block : *blocks) {
      put.blocks.push_back({block, cloud::store::BlockRole::kReference});
    }
    put.alarms.emplace_back().subject = blocks->front().block.node.value();
    // Made again it would be another look: its blocks are taken.
    Step(
        "look for drift",
        [put](Store& store) {
          EXPECT_TRUE(store.writer->PutLook(put).ok()) << store.writer->last_error();
        },
        false);
  }
  void Resolve(std::int64_t alarm) {
    Step("resolve alarm", [=](Store& store) {
      cloud::store::AlarmChange change;
      change.alarm = alarm;
      change.action = cloud::store::AlarmChange::Action::kResolve;
      change.note = "done";
      change.at_ms = kNow_ms;
      EXPECT_TRUE(store.writer->ChangeAlarm(change).ok()) << store.writer->last_error();
    });
  }

  static RecordRow Row(std::uint64_t node, std::uint32_t sequence) {
    RecordRow row;
    row.header.key = {NodeId(node), EnrolmentEpoch(0xF000000000000077U), 1, sequence};
    row.header.time = LogicalTime(Millis(static_cast<std::int64_t>(kNow_ms) + sequence * 10'000));
    row.header.energy_nj = 10;
    row.sealed = "sealed " + std::to_string(node) + "/" + std::to_string(sequence) +
                 std::string(sequence * 53 % 300, 's');
    row.received_ms = kNow_ms + sequence;
    switch (sequence % 4) {
      case 3: {
        row.kind = message::RecordKind::kActivation;
        row.header.package_hash = PackageHash(0xD0);
        if (sequence % 8 == 3) {
          row.verdict = Said(message::Tier::kGateway);
        }
        break;
      }
      case 0: {
        row.kind = message::RecordKind::kEvent;
        row.body = message::Event{};
        break;
      }
      case 1: {
        row.kind = message::RecordKind::kStatus;
        message::NodeStatus status;
        status.windows = sequence;
        row.body = status;
        break;
      }
      default: {
        row.kind = message::RecordKind::kSketch;
        row.body = cloud::SketchSummary{.windows = 5};
        row.header.package_hash = PackageHash(0xD0);
        row.header.block = {kNow_ms - 30 * kDay_ms + sequence * kDay_ms / 4, 60'000};
        row.sealed = SealedSketch(row.header);
        break;
      }
    }
    return row;
  }
  /// Batches of several gateways in one transaction, some records sent before.
  void Commit(std::uint32_t batches, std::uint32_t records, std::uint32_t again = 0) {
    std::vector<Batch> group;
    for (std::uint32_t i = 0; i < batches; ++i) {
      Batch batch;
      batch.gateway = GatewayId(kGateway + i);
      batch.batch_id = ++batch_id_;
      sequence_ -= std::min(again, sequence_);
      for (std::uint32_t j = 0; j < records; ++j) {
        batch.records.push_back(Row(100 + i, ++sequence_));
        batch.records.back().index = j;
      }
      batch.drops.push_back({.priority = 4, .reason = "spool_full", .total = batch_id_});
      group.push_back(std::move(batch));
    }
    Step("commit " + std::to_string(batches) + " x " + std::to_string(records),
         [group](Store& store) {
           const auto outcomes = store.writer->Commit(group, kNow_ms);
           ASSERT_TRUE(outcomes.ok()) << store.writer->last_error();
           for (std::size_t i = 0; i < group.size(); ++i) {
             EXPECT_EQ((*outcomes)[i].stored + (*outcomes)[i].duplicates, group[i].records.size());
           }
         });
  }
  void SiteReport(std::uint64_t minute) {
    Step("site report", [=](Store& store) {
      cloud::SiteReportRow report;
      report.gateway = GatewayId(kGateway);
      report.minute_ms = minute * 60'000;
      report.records = minute;
      report.encoded = "report";
      report.flags.resize(1);
      report.flags[0].node = NodeId(100);
      report.flags[0].time_ms = minute;
      EXPECT_TRUE(store.writer->PutSiteReport(report, kNow_ms).ok());
    });
  }

  /// Everything that a cloud does to its store.
  void Live() {
    OpenLive();
    Enroll(kGateway, 0, 1);
    Accept(kGateway);
    Enroll(100, kGateway, 2);
    Accept(100);
    EnrollMany(200, 20);
    Commit(1, 1);
    Commit(3, 20);
    Commit(2, 30, 10);
    Decide(5);
    Look();
    Resolve(1);
    SiteReport(1);
    Revoke(100);
    Enroll(100, kGateway, 3);
    Accept(100);
    Step("raise roster", [](Store& store) {
      EXPECT_TRUE(store.registry->RaiseRosterVersion(GatewayId(kGateway), 1000, kNow_ms).ok());
    });
    CloseLive();
    OpenLive();
    Commit(1, 60);
    Look();
    SiteReport(2);
    CloseLive();
  }

 private:
  std::unique_ptr<Store> store_;
  std::map<std::size_t, Thing> repeatable_;
  std::size_t number_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint64_t batch_id_ = 0;
};

/// A store that an older program left, with records and devices in it.
class OldStorePowerCut : public StorePowerCut {
 protected:
  void LeaveOldFile() {
    const char* source = std::getenv("TRIB_SOURCE_DIR");
    ASSERT_NE(source, nullptr) << "ctest sets it";
    std::ifstream in(std::filesystem::path(source) / "integration_tests/support/old/store_v1.sql");
    const std::string schema((std::istreambuf_iterator<char>(in)), {});
    ASSERT_FALSE(schema.empty());
    std::string error;
    auto db = host::sqlite::Database::Open((live() / "cloud.db").string(), {}, &error);
    ASSERT_TRUE(db.ok()) << error;
    ASSERT_TRUE(db->Execute(schema).ok()) << db->last_error();
    ASSERT_TRUE(
        db->Execute(
              "WITH RECURSIVE s(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM s WHERE n < 200) "
              "INSERT INTO record SELECT n, 100, -5, 1, n, 16, 1000 * n, 0, 0, 0, 0, 0, 0, 0, 0, "
              "0, "
              "10, 1, 0, 1, 1, 0.5, 1.0, NULL, NULL, NULL, NULL, 1, 0, NULL, 9, n, n, "
              "randomblob(60) FROM s;"
              "INSERT INTO rollup_minute SELECT 100, time_ms / 60000 * 60000, count(*), count(*), "
              "0, 0, 60 * count(*), 10 * count(*) FROM record GROUP BY 2;"
              "INSERT INTO node_total VALUES(100, 200, 200, 0, 0, 12000, 2000, 1);"
              "INSERT INTO device VALUES(9, 1 + 1, 2, 'gateway-9', randomblob(32), 0, 0, 1, 1),"
              "(100, 1, 2, 'node-100', randomblob(32), 9, 0, 1, 1);"
              "INSERT INTO binding VALUES(100, 9, NULL);"
              "INSERT INTO roster VALUES(9, 7);")
            .ok())
        << db->last_error();
  }
  std::string StateOf(const std::filesystem::path& folder) override {
    return StateSinceVersion1(folder) +
           Rows(folder / "cloud.db", {"SELECT user_version FROM pragma_user_version"});
  }
};

TEST_F(StorePowerCut, KeepsWhatItPromised) {
  Record();
  Live();
  CutEverywhere({.seeds = 1, .recoveries = 1, .every = 4});
}

TEST_F(StorePowerCut, SlowKeepsWhatItPromised) {
  Record();
  Live();
  CutEverywhere({.seeds = 3, .recoveries = 15});
}

TEST_F(OldStorePowerCut, MigratesOrStaysAsItWas) {
  LeaveOldFile();
  Record();
  OpenLive();
  CloseLive();
  EXPECT_EQ(Rows(live() / "cloud.db", {"SELECT user_version FROM pragma_user_version"}),
            std::to_string(cloud::store::KnownSchemaVersion()) + "\n--\n0 faults\n");
  CutEverywhere({.seeds = 2, .recoveries = 2});
}

}  // namespace
}  // namespace trib::integration
