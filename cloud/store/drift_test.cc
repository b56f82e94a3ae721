// Sketches become blocks: once each, in the transaction that stores them.
#include <gtest/gtest.h>

#include "drift_fixture.h"

namespace trib::cloud::store {
namespace {

class DriftTest : public DriftFixture {
 protected:
  /// An audited activation of the hour `hour`, and its id.
  std::int64_t StoreAudited(std::uint64_t node, std::uint64_t hour, bool audit = true) {
    message::Record record;
    record.header.key = {NodeId(node), EnrolmentEpoch(77), 1, ++sequence_};
    record.header.block = {kBegin + hour * 3'600'000, 3'600'000};
    record.header.package_hash = kPackage;
    record.header.audit = audit;
    record.kind = message::RecordKind::kActivation;
    const std::array payload{std::byte{1}};
    record.activation.payload = payload;
    EXPECT_EQ(Commit(BatchOf({Sealed(record)})).stored, 1U);
    return Query("SELECT max(id) FROM record");
  }
  void Decide(std::int64_t record, std::uint64_t node, std::uint32_t own, std::uint32_t last) {
    Decided decided;
    decided.record = record;
    decided.key = {NodeId(node), EnrolmentEpoch(77), 1, sequence_};
    decided.verdict.emplace();
    decided.verdict->tier = message::Tier::kCloud;
    decided.verdict->label = last;
    decided.verdict->decided_ms = kNow;
    decided.own_label = own;
    ASSERT_TRUE(writer_->PutVerdicts(std::span(&decided, 1)).ok()) << writer_->last_error();
  }
};

TEST(DriftCounts, ComeBackAsTheyWerePacked) {
  BlockCounts counts;
  counts.exits = {0, 1, 127, 128, 1ULL << 40U, 0};
  counts.labels[7] = 300;
  counts.histograms.resize(2);
  counts.histograms[0].feature = 0xFFFF;
  counts.histograms[0].counts = {1, 0, 3};
  counts.histograms[1].feature = 5;
  counts.histograms[1].counts[15] = UINT64_MAX;
  const std::string packed = PackCounts(counts);
  BlockCounts out;
  out.labels[3] = 9;
  ASSERT_TRUE(UnpackCounts(packed, out).ok());
  EXPECT_EQ(out, counts);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    EXPECT_FALSE(UnpackCounts(std::string_view(packed).substr(0, size), out).ok()) << size;
  }
  EXPECT_FALSE(UnpackCounts(packed + '\0', out).ok());
  EXPECT_FALSE(UnpackCounts(std::string("\x01\x00\x00\x21", 4), out).ok()) << "33 histograms";
  EXPECT_FALSE(UnpackCounts(std::string("\x01\x07", 2), out).ok()) << "seven tiers";
  EXPECT_TRUE(UnpackCounts(PackCounts({}), out).ok());
  EXPECT_EQ(out, BlockCounts());
}

TEST_F(DriftTest, ABlockIsTheSumOfItsSketches) {
  const RecordRow first = Sketch(1, 0, 90, 10);
  Commit(BatchOf({first, Sketch(1, 1, 80, 20), Sketch(2, 1, 7, 0)}));
  Commit(BatchOf({Sketch(1, 2, 70, 30), Sketch(1, 24, 1, 1), first}, 8));
  EXPECT_EQ(Query("SELECT count(*) FROM drift_block"), 3);
  EXPECT_EQ(Query("SELECT revision FROM drift_block WHERE node = 1 AND sketches = 3"), 2)
      << "read and written once in each commit";
  const auto blocks = Complete();
  ASSERT_EQ(blocks.size(), 1U) << "node 2 and the second day may still grow";
  const DriftBlock& block = blocks[0].block;
  EXPECT_EQ(block.node, NodeId(1));
  EXPECT_EQ(block.begin_ms, kBegin);
  EXPECT_EQ(block.package, kPackage);
  EXPECT_EQ(block.recipe, RecipeId(6));
  EXPECT_EQ(block.gateway, GatewayId(8)) << "of the newest";
  EXPECT_EQ(block.firmware_version, 0x010002U);
  EXPECT_EQ(block.sketches, 3U) << "the duplicate counts once";
  EXPECT_EQ(block.windows, 300U);
  EXPECT_EQ(block.triggered, 60U);
  EXPECT_EQ(block.counts.exits[2] * 1000 + block.counts.exits[3], 240'060U);
  EXPECT_EQ(block.counts.labels[0] * 1000 + block.counts.labels[1], 240'060U);
  ASSERT_EQ(block.counts.histograms.size(), 1U);
  EXPECT_EQ(block.counts.histograms[0].feature, 3U);
  EXPECT_EQ(block.counts.histograms[0].counts[15], 60U);
  EXPECT_EQ(Total("sketches"), 5U);
}

TEST_F(DriftTest, ABlockIsOfOnePackage) {
  for (const auto& [former, later] :
       {std::pair(kPackage, PackageHash(5)), std::pair(PackageHash(5), kPackage)}) {
    const std::uint64_t node = later.value();
    Commit(BatchOf({Sketch(node, 0, 1, 0, former), Sketch(node, 1, 2, 0, later)}));
    Commit(BatchOf({Sketch(node, 30, 1, 1)}));
    const auto blocks = Complete();
    ASSERT_EQ(blocks.size(), 2U);
    EXPECT_EQ(blocks[0].block.package, former) << "in the order in which they ran";
    EXPECT_EQ(blocks[0].block.windows, 1U);
    EXPECT_EQ(blocks[1].block.package, later);
    EXPECT_EQ(blocks[1].block.windows, 2U);
    Put(LookAt(blocks));
  }
}

TEST_F(DriftTest, WithoutABaselineNothingIsCounted) {
  Commit(BatchOf({Sketch(1, 0, 0, 0), Sketch(1, 1, 0, 0, PackageHash())}));
  RecordRow garbage = SketchRow(1, 999, 5);
  garbage.header.package_hash = kPackage;
  EXPECT_EQ(Commit(BatchOf({garbage})).stored, 1U) << "the record is stored all the same";
  EXPECT_EQ(Query("SELECT count(*) FROM drift_block"), 0);
  EXPECT_EQ(Total("learning"), 1U);
  EXPECT_EQ(Total("unreadable"), 1U);
}

TEST_F(DriftTest, ASilentNodesBlockIsCompleteAfterTheGrace) {
  Commit(BatchOf({Sketch(1, 0, 1, 1)}));
  const std::uint64_t end = kBegin + 86'400'000;
  const std::uint64_t newest = std::max(end, kNow);
  EXPECT_TRUE(Complete(newest + 7'199'999).empty());
  EXPECT_EQ(Complete(newest + 7'200'000).size(), 1U);
}

TEST_F(DriftTest, TimesThatNobodyCanBelieveAreOfTheReceipt) {
  RecordRow row = Sketch(1, 0, 1, 1);
  row.header.block.begin_ms = 7;
  Commit(BatchOf({row}));
  EXPECT_EQ(Query("SELECT begin_ms FROM drift_block"),
            static_cast<std::int64_t>(kNow / 86'400'000 * 86'400'000));
}

TEST_F(DriftTest, ADamagedBlockBeginsAnewAndStopsNoRecord) {
  Commit(BatchOf({Sketch(1, 0, 1, 1)}));
  writer_.reset();
  {
    auto database = host::sqlite::Database::Open(path_);
    ASSERT_TRUE(database->Execute("UPDATE drift_block SET counts = x'FF'").ok());
  }
  OpenWriter();
  EXPECT_EQ(Commit(BatchOf({Sketch(1, 1, 5, 0)})).stored, 1U);
  EXPECT_EQ(Query("SELECT windows FROM drift_block"), 5);
  EXPECT_EQ(Total("unreadable"), 1U);
}

TEST_F(DriftTest, AuditedWindowsAreJudgedByTheLastTier) {
  const std::int64_t agreed = StoreAudited(1, 0);
  Decide(agreed, 1, 2, 2);
  Decide(agreed, 1, 2, 2);  // the tail asks again after a crash
  const std::int64_t wrong = StoreAudited(1, 3);
  Decide(wrong, 1, 2, 5);
  const std::int64_t doubtful = StoreAudited(1, 4, false);
  Decide(doubtful, 1, 2, 5);  // deferred because of its content: says nothing about the others
  EXPECT_EQ(Query("SELECT judged * 100 + errors * 10 + sketches FROM drift_block"), 210);
  Commit(BatchOf({Sketch(1, 5, 9, 1), Sketch(1, 24, 1, 1)}));
  const auto blocks = Complete();
  ASSERT_EQ(blocks.size(), 1U);
  EXPECT_EQ(blocks[0].block.judged * 10 + blocks[0].block.errors, 21U);
  EXPECT_EQ(blocks[0].block.windows, 10U);
  EXPECT_EQ(blocks[0].block.recipe, RecipeId(6));
}

TEST_F(DriftTest, NothingOfAFailedCommitStays) {
  Commit(BatchOf({Sketch(1, 0, 1, 1)}));
  ASSERT_TRUE(writer_->SetMaxBytes(1).ok());
  Batch large = BatchOf({Sketch(1, 1, 5, 5)});
  for (std::uint32_t i = 0; i < 100; ++i) {
    large.records.push_back(Row(2, 1000 + i));
    large.records.back().sealed.resize(4000, 'y');
  }
  EXPECT_FALSE(writer_->Commit(std::span(&large, 1), kNow).ok());
  EXPECT_EQ(Query("SELECT windows FROM drift_block"), 2);
  ASSERT_TRUE(writer_->SetMaxBytes(1U << 30U).ok());
  Commit(large);
  EXPECT_EQ(Query("SELECT windows * 10 + sketches FROM drift_block"), 122);
  EXPECT_EQ(Total("sketches"), 2U);
}

TEST_F(DriftTest, FlagsOfStatusesAndReportsAreKeptNewest) {
  RecordRow row = StatusRow(1, 5);
  std::get<message::NodeStatus>(row.body).drift_flags = 0b101;
  row.header.package_hash = kPackage;
  Commit(BatchOf({row}));
  SiteReportRow report;
  report.gateway = GatewayId(9);
  report.minute_ms = 60'000;
  report.flags = {{NodeId(1), 2, 0, 77, kPackage, 0.9F, 0.4F, 12},
                  {NodeId(2), 5, 3, 78, kPackage, 0.1F, 0.4F, 3}};
  report.flags_refused = 2;
  ASSERT_TRUE(writer_->PutSiteReport(report, kNow + 1).ok());
  report.flags = {{NodeId(1), 2, 0, 99, kPackage, 0.9F, 0.3F, 5}};
  report.flags_refused = 0;
  ASSERT_TRUE(writer_->PutSiteReport(report, kNow + 2).ok());
  auto reader = OpenDrift();
  const auto flags = reader->ReadFlags(NodeId(1), 10);
  ASSERT_TRUE(flags.ok());
  ASSERT_EQ(flags->size(), 3U);
  const StoredFlag& newest = (*flags)[0];
  EXPECT_EQ(newest.source, FlagSource::kGateway);
  EXPECT_EQ(newest.flag.channel, 2U);
  EXPECT_EQ(newest.flag.time_ms, 99U);
  EXPECT_EQ(newest.flag.after, 0.3F);
  EXPECT_EQ(newest.flag.width, 5U);
  EXPECT_EQ(newest.gateway, GatewayId(9));
  EXPECT_EQ((*flags)[1].source, FlagSource::kNode);
  EXPECT_EQ((*flags)[1].flag.index + (*flags)[2].flag.index, 2U) << "bits 0 and 2";
  const auto of_all = reader->ReadNewestFlags(4);
  ASSERT_TRUE(of_all.ok());
  ASSERT_EQ(of_all->size(), 4U);
  EXPECT_EQ((*of_all)[0].flag.node, NodeId(1));
  EXPECT_EQ((*of_all)[0].flag.after, 0.3F);
  EXPECT_EQ((*of_all)[1].flag.node, NodeId(2));
  EXPECT_EQ(reader->CountFlagged(kNow).value_or(0), 2U);
  EXPECT_EQ(reader->CountFlagged(kNow + 2).value_or(0), 1U);
  EXPECT_EQ(Query("SELECT total FROM ingest_rejected WHERE reason = 'flag_refused'"), 2);
}

TEST_F(DriftTest, WithoutALengthThereAreNoBlocks) {
  writer_.reset();
  std::string error;
  auto opened = Writer::Open(path_, {.drift_block = Millis(0)}, &error);
  ASSERT_TRUE(opened.ok()) << error;
  writer_ = *std::move(opened);
  Commit(BatchOf({Sketch(1, 0, 1, 1)}));
  EXPECT_EQ(Query("SELECT count(*) FROM drift_block"), 0);
}

}  // namespace
}  // namespace trib::cloud::store
