// kill -9 of gateway and cloud in the middle of the stream, again and again: nothing acknowledged
// is lost, nothing is stored twice, and nobody has to help.
#include "river.h"

namespace trib::integration {
namespace {

class Kills : public River {
 protected:
  static constexpr std::uint64_t kNodes = 3;

  void StartNodes() {
    StartGateway(1);
    for (std::uint64_t node = 101; node < 101 + kNodes; ++node) {
      Admit(node, 1);
      auto arguments = Generated(node, 240);
      arguments.insert(arguments.end(), {"--time-scale", "40"});
      StartNode(node, arguments);
    }
  }
  void ExpectAllExactlyOnce() {
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
    EXPECT_EQ(Query("SELECT coalesce(sum(total), 0) FROM ingest_rejected"), 0);
  }
};

TEST_F(Kills, GatewayMidStream) {
  StartNodes();
  for (std::uint64_t round = 1; round <= 5; ++round) {
    AwaitRecords(101, 40 * round);
    KillGateway(1);
    RestartGateway(1);
  }
  ExpectAllExactlyOnce();
}

TEST_F(Kills, CloudMidStream) {
  StartNodes();
  for (std::uint64_t round = 1; round <= 5; ++round) {
    AwaitRecords(101, 40 * round);
    fleet().cloud()->Kill();
    RestartCloud();
  }
  ExpectAllExactlyOnce();
}

TEST_F(Kills, BothAtOnce) {
  StartNodes();
  for (std::uint64_t round = 1; round <= 3; ++round) {
    AwaitRecords(101, 60 * round);
    fleet().cloud()->Kill();
    KillGateway(1);
    RestartGateway(1);
    AwaitRecords(102, 60 * round + 20);
    RestartCloud();
  }
  ExpectAllExactlyOnce();
}

TEST_F(Kills, NodeMidStreamKeepsItsBacklog) {
  StartGateway(1);
  Admit(101, 1);
  // Nobody acknowledges: everything the node makes stays in its backlog.
  KillGateway(1);
  auto arguments = Generated(7, 120);
  arguments.insert(arguments.end(), {"--time-scale", "40"});
  StartNode(101, arguments);
  AwaitRecords(101, 50);
  const auto before = Report(101)["records"].get<std::uint64_t>();
  fleet().node(101)->Kill();
  RestartGateway(1);
  StartNode(101, arguments);
  const auto report = AwaitNode(101);
  // The node has ended, so its gateway has everything; what the first boot made after its last
  // report is known to nobody, hence the wait for an empty spool instead of a number.
  EXPECT_TRUE(tools::launcher::WaitUntil([&] { return Spooled(1) == 0U; }, kLong));
  const auto boots = BootsOf(101);
  ASSERT_EQ(boots.size(), 2U);
  EXPECT_EQ(boots[0].epoch, boots[1].epoch);
  // It may have made more between its last report and its end, never fewer.
  EXPECT_GE(boots[0].records, before);
  EXPECT_EQ(boots[0].records, boots[0].last);
  EXPECT_EQ(boots[0].first, 1U);
  EXPECT_EQ(boots[1].records, report["records"].get<std::uint64_t>());
  EXPECT_EQ(boots[1].last, boots[1].records);
}

}  // namespace
}  // namespace trib::integration
