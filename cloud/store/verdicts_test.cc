// Deferred windows: which wait for the cloud's tail, and what is kept of the tiers' answers.
#include <gtest/gtest.h>

#include "store_fixture.h"
#include "trib/cloud/store/deferred_reader.h"

namespace trib::cloud::store {
namespace {

constexpr PackageHash kPackage(0xF00D'0000'0000'0001U);  // above 2^63: its column looks negative
constexpr std::uint64_t kStoredMs = 1'700'000'600'000;   // StoreFixture::Commit()

class VerdictsTest : public StoreFixture {
 protected:
  static RecordRow Activation(std::uint32_t sequence, PackageHash package = kPackage) {
    RecordRow row = Row(1, sequence);
    row.header.package_hash = package;
    row.kind = message::RecordKind::kActivation;
    row.body = std::monostate();
    return row;
  }
  static Verdict Said(message::Tier tier, std::uint32_t label, bool final = true) {
    Verdict verdict;
    verdict.tier = tier;
    verdict.package_hash = kPackage;
    verdict.label = label;
    verdict.confidence = 0.75F;
    (void)verdict.scores.push_back(0.25F);
    (void)verdict.scores.push_back(0.75F);
    verdict.accepted = final;
    verdict.final = final;
    verdict.decided_ms = 5;
    return verdict;
  }
  static RecordRow Decided1(RecordRow row, bool final = true) {
    row.verdict = Said(message::Tier::kGateway, 2, final);
    return row;
  }
  static RecordRow Audited(RecordRow row) {
    row.header.audit = true;
    return row;
  }
  std::unique_ptr<DeferredReader> OpenDeferred() {
    std::string error;
    auto opened = DeferredReader::Open(path_, &error);
    EXPECT_TRUE(opened.ok()) << error;
    return *std::move(opened);
  }
  std::vector<Undecided> Waiting(PackageHash package = kPackage, std::int64_t after = 0) {
    const auto rows = OpenDeferred()->ReadUndecided(package, after, 100, 1 << 20);
    EXPECT_TRUE(rows.ok());
    return rows.value_or(std::vector<Undecided>());
  }
  void Put(std::int64_t record, std::uint32_t sequence, std::optional<Verdict> verdict) {
    const Decided decided{record, Row(1, sequence).header.key, std::move(verdict)};
    ASSERT_TRUE(writer_->PutVerdicts(std::span(&decided, 1)).ok()) << writer_->last_error();
  }
  std::uint64_t Total(std::string_view name) {
    const auto totals = OpenDeferred()->ReadTotals();
    EXPECT_TRUE(totals.ok());
    for (const auto& [key, value] : *totals) {
      if (key == name) {
        return value;
      }
    }
    return 0;
  }
};

TEST_F(VerdictsTest, ActivationsWithoutAStandingVerdictWait) {
  Commit(BatchOf({Activation(1),
                  Decided1(Activation(2)),
                  Decided1(Activation(3), false),
                  Audited(Decided1(Activation(4))),
                  EventRow(1, 5)}));
  const auto waiting = Waiting();
  ASSERT_EQ(waiting.size(), 3U);
  EXPECT_EQ(waiting[0].sealed, Activation(1).sealed);
  EXPECT_EQ(waiting[1].sealed, Activation(3).sealed);
  EXPECT_EQ(waiting[2].sealed, Activation(4).sealed);
  EXPECT_EQ(waiting[0].stored_ms, kStoredMs);
  EXPECT_FALSE(waiting[0].answered || waiting[1].answered);
  EXPECT_TRUE(waiting[2].answered) << "the audit asks although the gateway's answer stands";
  EXPECT_EQ(Query("SELECT count(*) FROM verdict WHERE tier = 4"), 3);
  EXPECT_EQ(Total("gateway"), 2U);
  EXPECT_EQ(Total("gateway_unsure"), 1U);
}

TEST_F(VerdictsTest, ADuplicateChangesNothing) {
  Commit(BatchOf({Decided1(Activation(1)), Activation(2)}));
  EXPECT_EQ(Commit(BatchOf({Decided1(Activation(1)), Decided1(Activation(2))})).duplicates, 2U);
  EXPECT_EQ(Query("SELECT count(*) FROM verdict"), 1);
  EXPECT_EQ(Waiting().size(), 1U);
  EXPECT_EQ(Total("gateway"), 1U);
}

TEST_F(VerdictsTest, AVerdictIsKeptOncePerRecordAndTier) {
  Commit(BatchOf({Activation(1), Audited(Decided1(Activation(2)))}));
  const auto waiting = Waiting();
  ASSERT_EQ(waiting.size(), 2U);
  Verdict cloud = Said(message::Tier::kCloud, 7);
  cloud.accepted = false;
  for (int times = 0; times < 2; ++times) {
    Put(waiting[0].record, 1, cloud);
    Put(waiting[1].record, 2, Said(message::Tier::kCloud, 3));
  }
  EXPECT_TRUE(Waiting().empty());
  EXPECT_EQ(Query("SELECT count(*) FROM verdict"), 3);
  EXPECT_EQ(Query("SELECT label FROM verdict WHERE tier = 5 AND NOT accepted AND final"), 7);
  EXPECT_EQ(Query("SELECT count(*) FROM verdict v JOIN record r ON r.id = v.record WHERE"
                  " r.sequence = 2"),
            2);
  EXPECT_EQ(Total("cloud"), 1U);
  EXPECT_EQ(Total("cloud_unsure"), 1U);

  const auto last = OpenDeferred()->ReadLastVerdicts(NodeId(1), 10);
  ASSERT_TRUE(last.ok());
  ASSERT_EQ(last->size(), 3U);
  EXPECT_EQ((*last)[0].verdict, cloud);
  EXPECT_EQ((*last)[0].key, Row(1, 1).header.key);
  EXPECT_EQ((*last)[1].verdict, Said(message::Tier::kGateway, 2));
  EXPECT_EQ((*last)[2].verdict, Said(message::Tier::kCloud, 3));
  EXPECT_TRUE((*last)[2].audit);
}

TEST_F(VerdictsTest, AVerdictOfAnotherRecordUnderAReusedIdIsLeftOut) {
  Commit(BatchOf({Activation(1)}));
  Put(Waiting()[0].record, 2, Said(message::Tier::kCloud, 1));
  EXPECT_EQ(Query("SELECT count(*) FROM verdict"), 0);
  EXPECT_EQ(Waiting().size(), 1U);
}

TEST_F(VerdictsTest, WhatNobodyCanDecideIsCountedAndWaitsNoMore) {
  Commit(BatchOf({Activation(1)}));
  Put(Waiting()[0].record, 1, std::nullopt);
  EXPECT_TRUE(Waiting().empty());
  EXPECT_EQ(Total("damaged"), 1U);
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 1);
}

TEST_F(VerdictsTest, ReadsByPackageInOrderAndBounded) {
  const PackageHash other(3);
  Commit(BatchOf({Activation(1), Activation(2, other), Activation(3), Activation(4)}));
  const auto all = Waiting();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(Waiting(other).size(), 1U);
  EXPECT_EQ(Waiting(kPackage, all[0].record).size(), 2U);
  const auto reader = OpenDeferred();
  EXPECT_EQ(reader->ReadUndecided(kPackage, 0, 2, 1 << 20)->size(), 2U);
  EXPECT_EQ(reader->ReadUndecided(kPackage, 0, 9, 1)->size(), 1U) << "at least one";
  const auto counts = reader->CountUndecided();
  ASSERT_TRUE(counts.ok());
  ASSERT_EQ(counts->size(), 2U);
  for (const auto& [package, count] : *counts) {
    EXPECT_EQ(count, package == other ? 1U : 3U);
  }
}

TEST_F(VerdictsTest, RetentionTakesVerdictsWithTheirRecordsAndEndsWaiting) {
  Commit(BatchOf({Decided1(Activation(1)), Activation(2), Activation(3)}));
  RetentionPolicy policy;
  policy.max_records = 1;
  ASSERT_TRUE(writer_->Retain(policy, kStoredMs).ok());
  EXPECT_EQ(Query("SELECT count(*) FROM verdict"), 0);
  ASSERT_EQ(Waiting().size(), 1U);

  policy = {};
  policy.undecided = Millis(60'000);
  ASSERT_TRUE(writer_->Retain(policy, kStoredMs + 60'000).ok());
  EXPECT_EQ(Waiting().size(), 1U) << "not older than that";
  ASSERT_TRUE(writer_->Retain(policy, kStoredMs + 120'001).ok());
  EXPECT_TRUE(Waiting().empty());
  EXPECT_EQ(Query("SELECT value FROM retention WHERE name = 'undecided'"), 1);
  EXPECT_EQ(Query("SELECT count(*) FROM record"), 1) << "the record stays";
}

TEST_F(VerdictsTest, WhatWaitsOutlivesARestart) {
  Commit(BatchOf({Activation(1), Activation(2)}));
  OpenWriter();
  ASSERT_EQ(Waiting().size(), 2U);
  Put(Waiting()[0].record, 1, Said(message::Tier::kCloud, 1));
  OpenWriter();
  EXPECT_EQ(Waiting().size(), 1U);
}

TEST_F(VerdictsTest, AFailedCommitLeavesNothing) {
  // As much as the file holds now, and not a page more.
  ASSERT_TRUE(writer_->SetMaxBytes(1).ok());
  std::vector<RecordRow> rows;
  for (std::uint32_t sequence = 1; sequence <= 200; ++sequence) {
    rows.push_back(Decided1(Activation(sequence), false));
  }
  const Batch batch = BatchOf(rows);
  EXPECT_FALSE(writer_->Commit(std::span(&batch, 1), kStoredMs).ok());
  EXPECT_EQ(Query("SELECT (SELECT count(*) FROM verdict) + (SELECT count(*) FROM undecided) +"
                  " (SELECT count(*) FROM verdict_total)"),
            0);
  ASSERT_TRUE(writer_->SetMaxBytes(std::uint64_t{1} << 30U).ok());
  EXPECT_EQ(Commit(batch).stored, 200U);
  EXPECT_EQ(Total("gateway_unsure"), 200U) << "each counted once";
}

}  // namespace
}  // namespace trib::cloud::store
