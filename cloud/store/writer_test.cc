#include "trib/cloud/store/writer.h"

#include <algorithm>
#include <set>

#include "store_fixture.h"
#include "trib/common/base/random.h"

namespace trib::cloud::store {
namespace {

using WriterTest = StoreFixture;

TEST_F(WriterTest, StoresOnceAndCountsDuplicatesAndConflicts) {
  BatchOutcome outcome = Commit(BatchOf({Row(1, 1), Row(1, 2), Row(1, 1)}));
  EXPECT_EQ(outcome.stored, 2U);
  EXPECT_EQ(outcome.duplicates, 1U);
  EXPECT_TRUE(outcome.rejected.empty());

  RecordRow forged = Row(1, 2);
  forged.sealed = "other bytes under the same key";
  outcome = Commit(BatchOf({Row(1, 3), forged}, 8));
  EXPECT_EQ(outcome.stored, 1U);
  EXPECT_EQ(outcome.duplicates, 0U);
  ASSERT_EQ(outcome.rejected.size(), 1U);
  EXPECT_EQ(outcome.rejected[0].index, 1U);
  EXPECT_EQ(outcome.rejected[0].reason, "key_conflict");
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 3);
  EXPECT_EQ(Query("SELECT total FROM ingest_rejected WHERE gateway = 8"), 1);
  EXPECT_EQ(Query("SELECT count(*) FROM record WHERE sealed = CAST('sealed 1/77/2' AS BLOB)"), 1);
}

TEST_F(WriterTest, KeepsIdsWithTheHighBitSet) {
  const std::uint64_t node = 0xF000000000000001U;
  Commit(BatchOf({Row(node, 1, 0xFFFFFFFFFFFFFFFFU)}));
  EXPECT_EQ(Commit(BatchOf({Row(node, 1, 0xFFFFFFFFFFFFFFFFU)})).duplicates, 1U);
  EXPECT_EQ(static_cast<std::uint64_t>(Query("SELECT node FROM record")), node);
}

TEST_F(WriterTest, RollsUpOnlyWhatWasReallyInserted) {
  const Batch batch = BatchOf({EventRow(1, 1), FaultRow(1, 2), SketchRow(1, 3, 40), Row(2, 61)});
  for (int i = 0; i < 3; ++i) {
    Commit(batch);
  }
  EXPECT_EQ(Query("SELECT sum(records) FROM rollup_minute"), 4);
  EXPECT_EQ(Query("SELECT sum(events) * 100 + sum(faults) * 10 + count(*) FROM rollup_minute"),
            112);
  EXPECT_EQ(Query("SELECT sum(windows) FROM rollup_minute"), 40);
  EXPECT_EQ(Query("SELECT sum(bytes) FROM rollup_minute"),
            Query("SELECT sum(length(sealed)) FROM record"));
  EXPECT_EQ(Query("SELECT sum(energy_nj) FROM rollup_minute"), 40);
  EXPECT_EQ(Query("SELECT stored * 100 + duplicates FROM gateway_total WHERE gateway = 9"), 408);
  EXPECT_EQ(Query("SELECT count(*) FROM rollup_minute WHERE minute_ms % 60000 <> 0"), 0);
}

TEST_F(WriterTest, AbsurdEnergyClaimsSaturateInsteadOfBlockingTheStore) {
  for (std::uint32_t i = 1; i <= 3; ++i) {
    RecordRow row = Row(1, i);
    row.header.energy_nj = 0x7FFFFFFFFFFFFFF0U + (i == 3 ? 0x8000000000000000U : 0U);
    RecordRow second = Row(1, i + 10);
    second.header.energy_nj = 0x7FFFFFFFFFFFFFF0U;
    EXPECT_EQ(Commit(BatchOf({row, second})).stored, 2U);
  }
  EXPECT_EQ(Query("SELECT energy_nj FROM node_total"), INT64_MAX);
}

TEST_F(WriterTest, NotANumberInABodyIsStoredAsNull) {
  RecordRow row = FaultRow(1, 1);
  std::get<message::Fault>(row.body).value = __builtin_nanf("");
  EXPECT_EQ(Commit(BatchOf({row})).stored, 1U);
  EXPECT_EQ(Query("SELECT fault_value IS NULL FROM record"), 1);
}

TEST_F(WriterTest, LatestFollowsTheKeyNotTheOrderOfArrival) {
  Commit(BatchOf({StatusRow(1, 5)}));
  Commit(BatchOf({StatusRow(1, 3)}));
  EXPECT_EQ(Query("SELECT sequence FROM latest WHERE node = 1 AND kind = 21"), 5);
  EXPECT_EQ(Query("SELECT windows FROM latest_status WHERE node = 1"), 500);
  EXPECT_EQ(Query("SELECT dropped_frame * 10 + messages_refused FROM latest_status"), 56);
  // A wiped node starts again at 1 in a new epoch; the gateway's clock tells that it is newer.
  RecordRow wiped = StatusRow(1, 1, 99);
  wiped.received_ms = StatusRow(1, 6).received_ms;
  Commit(BatchOf({wiped}));
  EXPECT_EQ(Query("SELECT windows FROM latest_status WHERE node = 1"), 100);
  // An old epoch's record that lay in a spool comes late and changes nothing.
  Commit(BatchOf({StatusRow(1, 4)}));
  EXPECT_EQ(Query("SELECT epoch FROM latest WHERE node = 1 AND kind = 21"), 99);
  EXPECT_EQ(Query("SELECT epoch FROM latest_status"), 99);
  EXPECT_EQ(Query("SELECT r.sequence FROM latest l JOIN record r ON r.id = l.record"), 1);
}

TEST_F(WriterTest, DropTotalsAreRunningMaxima) {
  Batch batch = BatchOf({});
  batch.drops = {{4, "spool_full", 10}, {3, "spool_full", 1}};
  Commit(batch);
  Commit(batch);
  batch.drops = {{4, "spool_full", 7}};
  Commit(batch);
  EXPECT_EQ(Query("SELECT total FROM gateway_drop WHERE priority = 4"), 10);
  EXPECT_EQ(Query("SELECT sum(total) FROM gateway_drop"), 11);
}

TEST_F(WriterTest, FullDiskStoresNothingAndTheRetrySucceeds) {
  Commit(BatchOf({Row(1, 1)}));
  ASSERT_TRUE(writer_->SetMaxBytes(1).ok());
  std::vector<RecordRow> rows;
  for (std::uint32_t i = 1; i <= 300; ++i) {
    rows.push_back(EventRow(1, i + 1));
    rows.back().sealed.resize(3000, 'x');
  }
  const Batch batch = BatchOf(rows);
  const Result<std::vector<BatchOutcome>> full =
      writer_->Commit(std::span(&batch, 1), 1'700'000'600'000);
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.status().code(), Code::kResourceExhausted) << writer_->last_error();
  EXPECT_NE(writer_->last_error().find("full"), std::string::npos);
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 1);
  EXPECT_EQ(Query("SELECT sum(records) FROM rollup_minute"), 1);
  EXPECT_EQ(Query("SELECT batches FROM gateway_total"), 1);

  ASSERT_TRUE(writer_->SetMaxBytes(1U << 30U).ok());
  EXPECT_EQ(Commit(batch).stored, 300U);
  EXPECT_EQ(Commit(batch).duplicates, 300U);
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 301);
}

TEST_F(WriterTest, OneFailingBatchFailsItsGroupWhole) {
  ASSERT_TRUE(writer_->SetMaxBytes(1).ok());
  Batch large = BatchOf({});
  for (std::uint32_t i = 1; i <= 100; ++i) {
    large.records.push_back(Row(2, i));
    large.records.back().sealed.resize(4000, 'y');
  }
  const std::array group{BatchOf({Row(1, 1)}), large};
  EXPECT_FALSE(writer_->Commit(group, 1'700'000'600'000).ok());
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 0);
}

// Whatever gateways resend, split, merge or reorder: every record is there once, every batch's
// counters add up, and all summaries equal what the records say.
TEST_F(WriterTest, ExactlyOnceUnderRandomDelivery) {
  const auto seed =
      static_cast<std::uint64_t>(::testing::UnitTest::GetInstance()->random_seed()) + 20260101;
  SCOPED_TRACE("seed " + std::to_string(seed));
  SplitMix64 random(seed);
  std::vector<RecordRow> all;
  for (std::uint64_t node = 1; node <= 7; ++node) {
    for (std::uint32_t sequence = 1; sequence <= 120; ++sequence) {
      switch (random.Next() % 5) {
        case 0:
          all.push_back(EventRow(node, sequence));
          break;
        case 1:
          all.push_back(FaultRow(node, sequence));
          break;
        case 2:
          all.push_back(SketchRow(node, sequence, sequence));
          break;
        case 3:
          all.push_back(StatusRow(node, sequence));
          break;
        default:
          all.push_back(Row(node, sequence));
          break;
      }
    }
  }
  std::set<std::size_t> delivered;
  std::uint64_t stored = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t sent = 0;
  while (delivered.size() < all.size()) {
    std::vector<Batch> group(1 + random.Next() % 4);
    for (Batch& batch : group) {
      batch.gateway = GatewayId(1 + random.Next() % 3);
      const std::size_t count = random.Next() % 40;
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t pick = random.Next() % all.size();
        delivered.insert(pick);
        batch.records.push_back(all[pick]);
        batch.records.back().index = static_cast<std::uint32_t>(i);
      }
    }
    const Result<std::vector<BatchOutcome>> outcomes = writer_->Commit(group, 1'700'000'600'000);
    ASSERT_TRUE(outcomes.ok()) << writer_->last_error();
    ASSERT_EQ(outcomes->size(), group.size());
    for (std::size_t i = 0; i < group.size(); ++i) {
      const BatchOutcome& outcome = (*outcomes)[i];
      ASSERT_EQ(outcome.stored + outcome.duplicates, group[i].records.size());
      ASSERT_TRUE(outcome.rejected.empty());
      stored += outcome.stored;
      duplicates += outcome.duplicates;
      sent += group[i].records.size();
    }
    if (random.Next() % 50 == 0) {
      OpenWriter();
    }
  }
  EXPECT_EQ(stored, all.size());
  EXPECT_EQ(stored + duplicates, sent);
  EXPECT_EQ(static_cast<std::size_t>(Query("SELECT count(*) FROM record")), all.size());
  EXPECT_EQ(Query("SELECT sum(stored) * 1000000 + sum(duplicates) FROM gateway_total"),
            static_cast<std::int64_t>(stored * 1000000 + duplicates));
  EXPECT_EQ(Query("SELECT count(*) FROM (SELECT node, time_ms / 60000 * 60000 AS m, count(*) AS c,"
                  " sum(kind = 16) AS e, sum(kind = 20) AS f, sum(length(sealed)) AS b,"
                  " total(CASE WHEN kind = 17 THEN windows END) AS w FROM record GROUP BY 1, 2)"
                  " JOIN rollup_minute r USING(node) WHERE r.minute_ms = m AND (c <> r.records OR"
                  " e <> r.events OR f <> r.faults OR b <> r.bytes OR w <> r.windows)"),
            0);
  EXPECT_EQ(
      Query("SELECT count(*) FROM latest l WHERE sequence <> (SELECT max(sequence) FROM record"
            " r WHERE r.node = l.node AND r.kind = l.kind)"),
      0);
  EXPECT_GE(Query("SELECT count(*) FROM latest"), 7 * 4);
  EXPECT_EQ(
      Query("SELECT count(*) FROM latest_status s WHERE sequence <> (SELECT max(sequence) FROM"
            " record r WHERE r.node = s.node AND r.kind = 21)"),
      0);
}

TEST_F(WriterTest, RefusesANewerSchemaAndLeavesItAlone) {
  Commit(BatchOf({Row(1, 1)}));
  writer_.reset();
  {
    Result<host::sqlite::Database> database = host::sqlite::Database::Open(path_);
    ASSERT_TRUE(database.ok());
    ASSERT_TRUE(database->Execute("PRAGMA user_version = 99").ok());
  }
  std::string error;
  EXPECT_EQ(Writer::Open(path_, {}, &error).status().code(), Code::kFailedPrecondition);
  EXPECT_NE(error.find("schema version 99"), std::string::npos) << error;
  EXPECT_NE(error.find(path_), std::string::npos) << error;
  EXPECT_EQ(Query("PRAGMA user_version"), 99);
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 1);
}

TEST_F(WriterTest, ADatabaseOfAnotherKindIsRefusedInOneLine) {
  const std::string path = path_ + ".spool";
  {
    auto other =
        host::sqlite::Database::Open(path, {.kind = {.id = 0x54726253, .name = "gateway spool"}});
    ASSERT_TRUE(other.ok());
  }
  std::string error;
  EXPECT_EQ(Writer::Open(path, {}, &error).status().code(), Code::kFailedPrecondition);
  EXPECT_NE(error.find(path + ": not a cloud store"), std::string::npos) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos);
  EXPECT_EQ(Query("PRAGMA application_id"), 0x54726243);
}

TEST_F(WriterTest, ASecondWriterOnTheSameFileIsRefused) {
  std::string error;
  EXPECT_EQ(Writer::Open(path_, {}, &error).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(error, path_ + ": in use by another process");
  EXPECT_EQ(Commit(BatchOf({Row(1, 1)})).stored, 1U) << "the first works on";
}

TEST_F(WriterTest, OpensABlankFileAndReopensItsOwn) {
  EXPECT_EQ(Query("PRAGMA user_version"), KnownSchemaVersion());
  Commit(BatchOf({Row(1, 1)}));
  OpenWriter();
  EXPECT_EQ(Commit(BatchOf({Row(1, 1)})).duplicates, 1U);
  EXPECT_EQ(Query("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE"
                  " 'sqlite_%' AND sql NOT LIKE '%STRICT%'"),
            0);
}

TEST_F(WriterTest, RegistryChangesAreAllOrNothingAndAudited) {
  PutDevice(9, DeviceKind::kGateway, DeviceState::kAccepted, 0);
  RegistryChange change;
  change.device.emplace();
  change.device->id = 10;
  change.device->public_key = {std::byte{9}};  // the key of device 9
  change.bindings = {{NodeId(10), GatewayId(9), std::nullopt}};
  EXPECT_EQ(writer_->ApplyRegistryChange(change).code(), Code::kAlreadyExists);
  change.device->public_key = {std::byte{10}};
  change.roster_versions = {{GatewayId(9), 4}};
  change.audit = {77, "operator", "enroll", 10, "test"};
  ASSERT_TRUE(writer_->ApplyRegistryChange(change).ok()) << writer_->last_error();
  OpenWriter();
  const Result<RegistryContent> content = writer_->LoadRegistry();
  ASSERT_TRUE(content.ok());
  ASSERT_EQ(content->devices.size(), 2U);
  EXPECT_EQ(content->devices[1].public_key[0], std::byte{10});
  ASSERT_EQ(content->bindings.size(), 1U);
  EXPECT_FALSE(content->bindings[0].until_ms.has_value());
  ASSERT_EQ(content->roster_versions.size(), 1U);
  EXPECT_EQ(content->roster_versions[0].second, 4U);
  EXPECT_EQ(Query("SELECT count(*) FROM audit_log"), 2);
}

}  // namespace
}  // namespace trib::cloud::store
