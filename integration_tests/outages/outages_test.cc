// Neighbours that are away and come back.
#include "river.h"

namespace trib::integration {
namespace {

using Outages = River;

TEST_F(Outages, CloudAwayThenBack) {
  StartGateway(1);
  Admit(101, 1);
  ASSERT_TRUE(fleet().cloud()->Stop(kLong).clean());
  auto arguments = Generated(3, 120);
  arguments.insert(arguments.end(), {"--time-scale", "40"});
  StartNode(101, arguments);
  // The node ends by itself: its gateway takes everything, on disk, without the cloud.
  const auto made = AwaitNode(101)["records"].get<std::uint64_t>();
  EXPECT_EQ(Spooled(1), made);
  // Not even a dead gateway loses it.
  KillGateway(1);
  RestartGateway(1);
  EXPECT_EQ(Spooled(1), made);
  RestartCloud();
  AwaitStored(made);
  ExpectExactlyOnce(101, made);
  EXPECT_TRUE(tools::launcher::WaitUntil([&] { return Spooled(1) == 0U; }, kLong));
}

TEST_F(Outages, GatewayAwayWhileTheNodeStarts) {
  StartGateway(1);
  Admit(101, 1);
  KillGateway(1);
  auto arguments = Generated(4, 60);
  arguments.insert(arguments.end(), {"--time-scale", "40"});
  StartNode(101, arguments);
  AwaitRecords(101, 5);
  RestartGateway(1);
  const auto made = AwaitNode(101)["records"].get<std::uint64_t>();
  AwaitStored(made);
  ExpectExactlyOnce(101, made);
}

}  // namespace
}  // namespace trib::integration
