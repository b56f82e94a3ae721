// Files of every older schema version open, keep what they hold, and take what is new.
#include <gtest/gtest.h>

#include "schema.h"
#include "store_fixture.h"
#include "trib/common/host/message/codec.h"

namespace trib::cloud::store {
namespace {

class MigrationTest : public StoreFixture {
 protected:
  /// Replaces the file by one of an older version with a record and a status in it.
  void MakeVersion(std::size_t version) {
    writer_.reset();
    for (const char* end : {"", "-wal", "-shm"}) {
      std::filesystem::remove(path_ + end);
    }
    Result<host::sqlite::Database> database =
        host::sqlite::Database::Open(path_, {.kind = kStoreFile});
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE(database->Migrate(Migrations().first(version)).ok()) << database->last_error();
    const Status filled = database->Execute(
        "INSERT INTO record(node, epoch, boot, sequence, kind, time_ms, sample_index,"
        " package_hash, recipe_id, tier, cut_id, audit, block_begin_ms, block_length_ms, flags,"
        " energy_nj, firmware_version, reset_reason, event_state, label, severity, windows,"
        " gateway, received_ms, stored_ms, sealed)"
        " VALUES(1,77,1,1,16,1700000000000,0,5,6,2,0,0,0,0,0,10,0,1,1,1,8.5,3,9,2,3,x'0102');"
        "INSERT INTO latest_status(node, epoch, boot, sequence, received_ms, time_ms,"
        " firmware_version, flags, uptime_ms, windows, windows_invalid, windows_triggered, events,"
        " records, dropped_event, dropped_fault, dropped_status, dropped_sketch, dropped_frame,"
        " backlog_records, backlog_bytes, bytes_sent, bytes_raw, energy_nj, package_digest,"
        " commissioning_permille, hardware_class, messages_refused)"
        " VALUES(1,77,1,2,2,1700000000000,0,0,9,8,7,6,5,4,0,0,0,0,0,0,0,0,0,0,zeroblob(32),"
        "1000,1,0);");
    ASSERT_TRUE(filled.ok()) << database->last_error();
  }
};

TEST_F(MigrationTest, AFileOfVersionOneKeepsItsRecordsAndTakesNewOnes) {
  MakeVersion(1);
  OpenWriter();
  EXPECT_EQ(Query("PRAGMA user_version"), KnownSchemaVersion());
  EXPECT_EQ(Query("SELECT count(*) FROM record WHERE condition = 0 AND velocity_mm_s IS NULL AND"
                  " zone IS NULL AND distance IS NULL"),
            1);
  PutDevice(1, DeviceKind::kNode, DeviceState::kAccepted, 9);
  {
    const Result<NodeDetail> node = OpenReader()->ReadNode(NodeId(1));
    ASSERT_TRUE(node.ok());
    ASSERT_TRUE(node->summary.status.has_value());
    EXPECT_EQ(node->summary.status->status.windows, 8U);
    EXPECT_EQ(node->summary.status->status.zone, message::SeverityZone::kUnspecified);
    EXPECT_EQ(node->summary.status->status.commissioning,
              message::CommissioningState::kUnspecified);
    const auto events = OpenReader()->ReadLastEvents(5, {});
    ASSERT_TRUE(events.ok() && events->size() == 1);
    EXPECT_EQ((*events)[0].event.severity, 8.5F);
    EXPECT_EQ((*events)[0].event.distance, 0);
  }
  RecordRow row = StatusRow(1, 3);
  auto& status = std::get<message::NodeStatus>(row.body);
  status.velocity_mm_s = 1.5F;
  status.zone = message::SeverityZone::kA;
  EXPECT_EQ(Commit(BatchOf({row, EventRow(1, 4)})).stored, 2U);
  EXPECT_EQ(Query("SELECT velocity_mm_s = 1.5 AND zone = 1 FROM record WHERE sequence = 3"), 1);
  EXPECT_EQ(Query("SELECT zone FROM latest_status WHERE node = 1"), 1);
  // The key of an old record is as unique as ever.
  RecordRow again = EventRow(1, 1);
  again.sealed = std::string("\x01\x02", 2);
  EXPECT_EQ(Commit(BatchOf({again})).duplicates, 1U);
}

TEST_F(MigrationTest, AFileOfVersionThreeTakesDeferredWindows) {
  MakeVersion(3);
  OpenWriter();
  EXPECT_EQ(Query("PRAGMA user_version"), KnownSchemaVersion());
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 1);
  EXPECT_EQ(Query("SELECT count(*) FROM undecided"), 0) << "of old records nobody waits";
  RecordRow row = Row(1, 3);
  row.kind = message::RecordKind::kActivation;
  row.body = std::monostate();
  EXPECT_EQ(Commit(BatchOf({row})).stored, 1U);
  EXPECT_EQ(Query("SELECT count(*) FROM undecided"), 1);
  OpenWriter();
  EXPECT_EQ(Query("SELECT count(*) FROM undecided"), 1);
}

TEST_F(MigrationTest, AFileOfVersionFourTakesBlocksOfSketches) {
  MakeVersion(4);
  OpenWriter();
  EXPECT_EQ(Query("PRAGMA user_version"), KnownSchemaVersion());
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 1);
  EXPECT_EQ(Query("SELECT count(*) FROM drift_block"), 0) << "drift is judged from now on";
  message::Record record;
  record.header.key = {NodeId(1), EnrolmentEpoch(77), 1, 3};
  record.header.package_hash = PackageHash(5);
  record.header.block = {1'699'999'200'000, 3'600'000};
  record.kind = message::RecordKind::kSketch;
  record.sketch = {};
  record.sketch.windows = 40;
  (void)record.sketch.histograms.push_back({2, {40}});
  RecordRow row;
  row.header = record.header;
  row.kind = record.kind;
  row.body = SketchSummary{40, 0, 0};
  row.sealed = host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
  EXPECT_EQ(Commit(BatchOf({row})).stored, 1U);
  EXPECT_EQ(Query("SELECT windows FROM drift_block WHERE node = 1 AND look IS NULL"), 40);
}

TEST_F(MigrationTest, OpeningTwiceMigratesOnce) {
  MakeVersion(1);
  OpenWriter();
  OpenWriter();
  EXPECT_EQ(Query("PRAGMA user_version"), KnownSchemaVersion());
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 1);
}

}  // namespace
}  // namespace trib::cloud::store
