// A node whose flash was erased, enrolled again: a new stream that does not collide with its past.
#include "river.h"

namespace trib::integration {
namespace {

using WipedNode = River;

TEST_F(WipedNode, ReenrolledWithANewKeyKeepsItsPastAndStartsAnew) {
  StartGateway(1);
  Admit(101, 1);
  auto arguments = Generated(5, 60);
  arguments.insert(arguments.end(), {"--time-scale", "40"});
  StartNode(101, arguments);
  const auto first = AwaitNode(101)["records"].get<std::uint64_t>();
  AwaitStored(first);

  std::filesystem::remove(fleet().File("node-101.state"));
  std::filesystem::remove(fleet().File("node-101.key"));
  std::filesystem::remove(fleet().File("node-101.key.pub"));
  ASSERT_FALSE(fleet().CallCloud("revoke", {{"id", 101}}).is_null()) << fleet().error();
  Admit(101, 1);
  StartNode(101, arguments);
  const auto second = AwaitNode(101)["records"].get<std::uint64_t>();
  AwaitStored(first + second);

  const auto boots = BootsOf(101);
  ASSERT_EQ(boots.size(), 2U);
  EXPECT_NE(boots[0].epoch, boots[1].epoch);
  EXPECT_EQ(boots[0].boot, boots[1].boot) << "both count from one";
  EXPECT_EQ(boots[0].records, first);
  EXPECT_EQ(boots[1].records, second);
}

}  // namespace
}  // namespace trib::integration
