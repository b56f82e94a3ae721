// The whole way down on real recordings: what nodes made is what the store has, once each.
#include "river.h"

namespace trib::integration {
namespace {

using FullPath = River;

TEST_F(FullPath, EveryRecordOfRealRecordingsIsStoredExactlyOnce) {
  constexpr std::uint64_t kNodes = 4;
  StartGateway(1);
  StartGateway(2);
  for (std::uint64_t i = 0; i < kNodes; ++i) {
    const std::uint64_t node = 101 + i;
    auto arguments = Recorded(node, i);
    if (!arguments) {
      GTEST_SKIP() << "SKIPPED: the CWRU recordings are not here (TRIB_SHARED or ../shared)";
    }
    Admit(node, 1 + i % 2);
    arguments->insert(arguments->end(), {"--time-scale", "20"});
    StartNode(node, *arguments);
  }
  std::uint64_t made = 0;
  std::uint64_t windows = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_raw = 0;
  for (std::uint64_t node = 101; node < 101 + kNodes; ++node) {
    const auto report = AwaitNode(node);
    ASSERT_GT(report.value("events", 0U), 0U) << "the faults went unnoticed: " << report;
    EXPECT_EQ(report.value("records_dropped", 1U), 0U);
    EXPECT_EQ(report.value("backlog", 1U), 0U);
    made += report["records"].get<std::uint64_t>();
    windows += report["windows"].get<std::uint64_t>();
    bytes_sent += report["bytes_sent"].get<std::uint64_t>();
    bytes_raw += report["bytes_raw"].get<std::uint64_t>();
  }
  AwaitStored(made);
  for (std::uint64_t node = 101; node < 101 + kNodes; ++node) {
    ExpectExactlyOnce(node, Report(node)["records"].get<std::uint64_t>());
  }
  EXPECT_EQ(StoredRecords(), made);
  // The rollups were kept in the same transactions.
  EXPECT_EQ(Query("SELECT sum(records) FROM rollup_minute"), static_cast<std::int64_t>(made));
  const auto stats = CloudStats();
  EXPECT_EQ(stats.value("records_stored", 0U), made);
  EXPECT_EQ(Query("SELECT count(*) FROM gateway_drop WHERE total > 0"), 0);
  std::cout << windows << " windows, " << made << " records, " << bytes_sent << " bytes up, "
            << bytes_raw
            << " raw: " << static_cast<double>(bytes_raw) / static_cast<double>(bytes_sent)
            << "x\n";
  EXPECT_TRUE(fleet().Stop(kLong)) << fleet().error();
}

TEST_F(FullPath, RealRecordingsOutliveKilledGatewayAndCloud) {
  constexpr std::uint64_t kNodes = 3;
  StartGateway(1);
  for (std::uint64_t i = 0; i < kNodes; ++i) {
    auto arguments = Recorded(101 + i, 4 + i);
    if (!arguments) {
      GTEST_SKIP() << "SKIPPED: the CWRU recordings are not here (TRIB_SHARED or ../shared)";
    }
    Admit(101 + i, 1);
    arguments->insert(arguments->end(), {"--time-scale", "5"});
    StartNode(101 + i, *arguments);
  }
  AwaitRecords(101, 10);
  KillGateway(1);
  AwaitRecords(102, 20);
  RestartGateway(1);
  AwaitRecords(103, 30);
  fleet().cloud()->Kill();
  AwaitRecords(101, 35);
  RestartCloud();
  std::uint64_t made = 0;
  for (std::uint64_t node = 101; node < 101 + kNodes; ++node) {
    const auto report = AwaitNode(node);
    EXPECT_EQ(report.value("records_dropped", 1U), 0U);
    made += report["records"].get<std::uint64_t>();
  }
  AwaitStored(made);
  for (std::uint64_t node = 101; node < 101 + kNodes; ++node) {
    ExpectExactlyOnce(node, Report(node)["records"].get<std::uint64_t>());
  }
  EXPECT_EQ(StoredRecords(), made);
  EXPECT_EQ(Query("SELECT count(*) FROM gateway_drop WHERE total > 0"), 0);
  std::cout << made << " records made and stored over both kills\n";
}

}  // namespace
}  // namespace trib::integration
