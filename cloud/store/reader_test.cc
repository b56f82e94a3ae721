#include "trib/cloud/store/reader.h"

#include <atomic>
#include <thread>

#include "store_fixture.h"

namespace trib::cloud::store {
namespace {

using ReaderTest = StoreFixture;

TEST_F(ReaderTest, StatsAddUpOverGateways) {
  Commit(BatchOf({EventRow(1, 1), SketchRow(1, 2, 30)}, 8));
  Commit(BatchOf({EventRow(1, 1), FaultRow(2, 2)}, 9));
  Batch last = BatchOf({}, 9);
  last.rejected = {{0, "malformed"}, {1, "unknown_node"}, {2, "malformed"}};
  last.drops = {{4, "spool_full", 12}};
  Commit(last);
  ASSERT_TRUE(writer_->CountRefusedEnvelope(GatewayId(9), "envelope_malformed", 2).ok());
  const Result<Stats> stats = OpenReader()->ReadStats();
  ASSERT_TRUE(stats.ok());
  EXPECT_EQ(stats->totals.stored, 3U);
  EXPECT_EQ(stats->totals.duplicates, 1U);
  EXPECT_EQ(stats->totals.rejected, 3U);
  EXPECT_EQ(stats->totals.events, 1U);
  EXPECT_EQ(stats->totals.faults, 1U);
  EXPECT_EQ(stats->totals.windows, 30U);
  const std::vector<std::pair<std::string, std::uint64_t>> expected{
      {"envelope_malformed", 2}, {"malformed", 2}, {"unknown_node", 1}};
  EXPECT_EQ(stats->rejected, expected);
  EXPECT_EQ(stats->drops[4], 12U);
  EXPECT_GT(stats->database_bytes, 4096U);
}

TEST_F(ReaderTest, FleetShowsEnrolledNodesWithTheirLastStatus) {
  PutDevice(9, DeviceKind::kGateway, DeviceState::kAccepted, 0);
  PutDevice(1, DeviceKind::kNode, DeviceState::kAccepted, 9);
  PutDevice(2, DeviceKind::kNode, DeviceState::kPending, 9);
  Commit(BatchOf({StatusRow(1, 4), EventRow(1, 5)}));
  auto reader = OpenReader();
  const Result<std::vector<NodeSummary>> fleet = reader->ReadFleet();
  ASSERT_TRUE(fleet.ok()) << reader->last_error();
  ASSERT_EQ(fleet->size(), 2U);
  EXPECT_EQ((*fleet)[0].device.name, "device 1");
  EXPECT_EQ((*fleet)[0].records, 2U);
  ASSERT_TRUE((*fleet)[0].status.has_value());
  EXPECT_EQ((*fleet)[0].status->status.windows, 400U);
  EXPECT_EQ((*fleet)[0].status->status.records_dropped[4], 5U);
  EXPECT_EQ((*fleet)[0].status->status.messages_refused, 6U);
  EXPECT_EQ((*fleet)[1].device.state, DeviceState::kPending);
  EXPECT_FALSE((*fleet)[1].status.has_value());
}

TEST_F(ReaderTest, NodeShowNamesLatestRecordsAndEpochs) {
  PutDevice(1, DeviceKind::kNode, DeviceState::kAccepted, 9);
  Commit(BatchOf({StatusRow(1, 4), EventRow(1, 5), Row(1, 1, 88)}));
  auto reader = OpenReader();
  const Result<NodeDetail> node = reader->ReadNode(NodeId(1));
  ASSERT_TRUE(node.ok());
  ASSERT_EQ(node->latest.size(), 3U);
  EXPECT_EQ(node->latest[0].kind, message::RecordKind::kEvent);
  EXPECT_EQ(node->latest[0].key.sequence, 5U);
  ASSERT_EQ(node->epochs.size(), 2U);
  EXPECT_EQ(node->epochs[0].records + node->epochs[1].records, 3U);
  EXPECT_EQ(reader->ReadNode(NodeId(404)).status().code(), Code::kNotFound);
}

TEST_F(ReaderTest, SeverityAndCommissioningAreShownAsTheNodeSaidThem) {
  PutDevice(1, DeviceKind::kNode, DeviceState::kAccepted, 9);
  RecordRow row = StatusRow(1, 4);
  row.header.condition = 2;
  auto& status = std::get<message::NodeStatus>(row.body);
  status.velocity_mm_s = 2.5F;
  status.zone = message::SeverityZone::kB;
  status.commissioning = message::CommissioningState::kAcceptedWithWarning;
  status.commissioning_refusals = 3;
  status.commissioning_reason = message::CommissioningReason::kTrend;
  status.baselines = 5;
  RecordRow event = EventRow(1, 5);
  event.header.condition = 1;
  auto& body = std::get<message::Event>(event.body);
  body.velocity_mm_s = 9;
  body.zone = message::SeverityZone::kD;
  body.distance = 12.5F;
  Commit(BatchOf({row, event}));
  auto reader = OpenReader();
  const Result<NodeDetail> node = reader->ReadNode(NodeId(1));
  ASSERT_TRUE(node.ok()) << reader->last_error();
  ASSERT_TRUE(node->summary.status.has_value());
  EXPECT_EQ(node->summary.status->condition, 2U);
  const message::NodeStatus& read = node->summary.status->status;
  EXPECT_EQ(read.velocity_mm_s, 2.5F);
  EXPECT_EQ(read.zone, message::SeverityZone::kB);
  EXPECT_EQ(read.commissioning, message::CommissioningState::kAcceptedWithWarning);
  EXPECT_EQ(read.commissioning_refusals, 3U);
  EXPECT_EQ(read.commissioning_reason, message::CommissioningReason::kTrend);
  EXPECT_EQ(read.baselines, 5U);
  EXPECT_FALSE(node->velocity_trend.has_value()) << "one status is no trend";
  const auto events = reader->ReadLastEvents(10, {});
  ASSERT_TRUE(events.ok() && events->size() == 1);
  EXPECT_EQ((*events)[0].header.condition, 1U);
  EXPECT_EQ((*events)[0].event.velocity_mm_s, 9);
  EXPECT_EQ((*events)[0].event.zone, message::SeverityZone::kD);
  EXPECT_EQ((*events)[0].event.distance, 12.5F);
}

TEST_F(ReaderTest, TheTrendIsOfTheNewestConditionAndMonth) {
  PutDevice(1, DeviceKind::kNode, DeviceState::kAccepted, 9);
  constexpr std::int64_t kDay = 86'400'000;
  std::vector<RecordRow> rows;
  std::uint32_t sequence = 0;
  const auto add = [&](int day, std::uint32_t condition, float velocity) {
    RecordRow row = StatusRow(1, ++sequence);
    row.header.time = LogicalTime(Millis(1'700'000'000'000 + day * kDay));
    row.header.condition = condition;
    auto& status = std::get<message::NodeStatus>(row.body);
    status.velocity_mm_s = velocity;
    status.zone = velocity > 0 ? message::SeverityZone::kA : message::SeverityZone::kUnspecified;
    rows.push_back(row);
  };
  for (int day = 0; day < 60; ++day) {
    add(day, 0, 50.0F - static_cast<float>(day));  // another condition falls
    add(day, 1, 0);                                // not measured
    add(day, 1, day < 30 ? 9.0F : 1.0F + 0.125F * static_cast<float>(day));
  }
  Commit(BatchOf(rows));
  const Result<NodeDetail> node = OpenReader()->ReadNode(NodeId(1));
  ASSERT_TRUE(node.ok());
  ASSERT_TRUE(node->velocity_trend.has_value());
  // Days 29 to 59; the first of them is of the time before the rise.
  EXPECT_EQ(node->velocity_trend->points, 31U);
  EXPECT_NEAR(node->velocity_trend->slope, 0.125, 1e-6);
  EXPECT_LE(node->velocity_trend->low, 0.1251);
}

TEST_F(ReaderTest, EventsFollowACursorAndFilters) {
  Commit(BatchOf({EventRow(1, 1), Row(1, 2), FaultRow(2, 3), EventRow(2, 4), SketchRow(2, 5, 1)}));
  auto reader = OpenReader();
  Result<std::vector<NotableRecord>> events = reader->ReadEventsAfter(0, 2, {});
  ASSERT_TRUE(events.ok()) << reader->last_error();
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ((*events)[0].event.label, 3U);
  EXPECT_EQ((*events)[0].event.confidence, 0.75F);
  EXPECT_EQ((*events)[1].fault.code, message::FaultCode::kSensorClipped);
  events = reader->ReadEventsAfter(events->back().id, 10, {});
  ASSERT_EQ(events->size(), 1U);
  EXPECT_EQ((*events)[0].header.key.sequence, 4U);
  EXPECT_TRUE(reader->ReadEventsAfter(events->back().id, 10, {})->empty());
  EXPECT_EQ(reader->ReadEventsAfter(0, 10, {.node = NodeId(2), .kind = {}})->size(), 2U);
  EXPECT_EQ(
      reader->ReadEventsAfter(0, 10, {.node = {}, .kind = message::RecordKind::kFault})->size(),
      1U);
  events = reader->ReadLastEvents(2, {});
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ((*events)[0].header.key.sequence, 3U);
  EXPECT_EQ((*events)[1].header.key.sequence, 4U);
}

TEST_F(ReaderTest, EventQueriesUseTheNarrowIndices) {
  const auto plan = [&](std::string_view where) {
    Result<host::sqlite::Database> database =
        host::sqlite::Database::Open(path_, {.mode = host::sqlite::Mode::kReadOnly});
    EXPECT_TRUE(database.ok());
    Result<host::sqlite::Statement> explain = database->Prepare(
        "EXPLAIN QUERY PLAN SELECT * FROM record WHERE kind IN (16, 20)" + std::string(where));
    EXPECT_TRUE(explain.ok() && explain->Step().value_or(false));
    return std::string(explain->Text(3));
  };
  EXPECT_NE(plan(" AND id > ?1 ORDER BY id LIMIT ?4").find("record_notable"), std::string::npos)
      << plan(" AND id > ?1 ORDER BY id LIMIT ?4");
  EXPECT_NE(plan(" ORDER BY id DESC LIMIT ?4").find("record_notable"), std::string::npos)
      << plan(" ORDER BY id DESC LIMIT ?4");
  EXPECT_NE(plan(" AND id > ?1 AND node = ?2 AND +kind = ?3 ORDER BY id LIMIT ?4")
                .find("record_node_notable"),
            std::string::npos)
      << plan(" AND id > ?1 AND node = ?2 AND +kind = ?3 ORDER BY id LIMIT ?4");
  Result<host::sqlite::Database> database =
      host::sqlite::Database::Open(path_, {.mode = host::sqlite::Mode::kReadOnly});
  ASSERT_TRUE(database.ok());
  Result<host::sqlite::Statement> explain = database->Prepare(
      "EXPLAIN QUERY PLAN SELECT time_ms, velocity_mm_s FROM record WHERE node = 1 AND"
      " condition = 0 AND time_ms >= 5 AND kind = 21 AND velocity_mm_s IS NOT NULL"
      " ORDER BY time_ms");
  ASSERT_TRUE(explain.ok() && explain->Step().value_or(false));
  EXPECT_NE(explain->Text(3).find("record_velocity"), std::string::npos) << explain->Text(3);
}

TEST_F(ReaderTest, GatewaysShowTotalsDropsAndTheNewestReport) {
  PutDevice(9, DeviceKind::kGateway, DeviceState::kAccepted, 0);
  PutDevice(1, DeviceKind::kNode, DeviceState::kAccepted, 9);
  Batch batch = BatchOf({Row(1, 1)});
  batch.drops = {{4, "spool_full", 3}};
  Commit(batch);
  SiteReportRow report{.gateway = GatewayId(9), .minute_ms = 60000, .records = 5, .encoded = "x"};
  ASSERT_TRUE(writer_->PutSiteReport(report, 1).ok());
  report.records = 6;
  ASSERT_TRUE(writer_->PutSiteReport(report, 2).ok());
  report.minute_ms = 0;
  ASSERT_TRUE(writer_->PutSiteReport(report, 3).ok());
  auto reader = OpenReader();
  const Result<std::vector<GatewaySummary>> gateways = reader->ReadGateways();
  ASSERT_TRUE(gateways.ok()) << reader->last_error();
  ASSERT_EQ(gateways->size(), 1U);
  EXPECT_EQ((*gateways)[0].nodes, 1U);
  EXPECT_EQ((*gateways)[0].totals.stored, 1U);
  EXPECT_EQ((*gateways)[0].drops.at(0).total, 3U);
  ASSERT_TRUE((*gateways)[0].report.has_value());
  EXPECT_EQ((*gateways)[0].report->records, 6U);
  EXPECT_EQ(Query("SELECT count(*) FROM site_report"), 2);
}

TEST_F(ReaderTest, ReadsWholeCommitsWhileTheWriterWrites) {
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::thread reading([&] {
    auto reader = OpenReader();
    do {
      const Result<Stats> stats = reader->ReadStats();
      const Result<std::vector<NotableRecord>> events = reader->ReadEventsAfter(0, 100000, {});
      torn +=
          stats.ok() && events.ok() && stats->totals.stored % 10 == 0 && events->size() % 10 == 0
              ? 0
              : 1;
    } while (!done);
  });
  for (std::uint32_t batch = 0; batch < 30; ++batch) {
    std::vector<RecordRow> rows;
    for (std::uint32_t i = 0; i < 10; ++i) {
      rows.push_back(EventRow(1, batch * 10 + i + 1));
    }
    Commit(BatchOf(std::move(rows)));
  }
  done = true;
  reading.join();
  EXPECT_EQ(torn, 0);
  EXPECT_TRUE(OpenReader()->QuickCheck().ok());
}

}  // namespace
}  // namespace trib::cloud::store
