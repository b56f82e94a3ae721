#include "link_watch.h"

#include <gtest/gtest.h>

namespace trib::node::images {
namespace {

using host::zmq::LinkState;
using std::chrono::seconds;

class LinkWatchTest : public ::testing::Test {
 protected:
  bool See(LinkState state, std::uint64_t received, std::uint64_t waiting, seconds at) {
    return watch_.Update(state, received, waiting, LinkWatch::Time(at));
  }
  LinkWatch watch_{"tcp://g:7400", 17};
};

TEST_F(LinkWatchTest, EachChangeIsToldOnceWithItsReason) {
  const std::pair<LinkState, const char*> cases[] = {
      {LinkState::kUnreachable, "nobody listens at tcp://g:7400"},
      {LinkState::kRefused, "not accepted yet, or revoked (trib node show 17)"},
      {LinkState::kHandshakeFailed, "has another key than --gateway-key"},
      {LinkState::kUp, "connected to the gateway at tcp://g:7400"},
      {LinkState::kDown, "is lost"},
  };
  for (const auto& [state, text] : cases) {
    EXPECT_TRUE(See(state, 0, 0, seconds(1)));
    EXPECT_FALSE(See(state, 0, 0, seconds(2)));
    EXPECT_NE(watch_.Explain().find(text), std::string::npos) << watch_.Explain();
    EXPECT_EQ(watch_.name(), host::zmq::NameOf(state));
    EXPECT_EQ(watch_.good(), state == LinkState::kUp);
  }
}

TEST_F(LinkWatchTest, ALinkThatAnswersNothingWhileRecordsWaitIsSilent) {
  EXPECT_TRUE(See(LinkState::kUp, 1, 5, seconds(100)));
  EXPECT_FALSE(See(LinkState::kUp, 1, 5, seconds(129)));
  EXPECT_TRUE(See(LinkState::kUp, 1, 5, seconds(130)));
  EXPECT_EQ(watch_.name(), "silent");
  EXPECT_NE(watch_.Explain().find("revoked"), std::string::npos);
  EXPECT_FALSE(See(LinkState::kUp, 1, 6, seconds(140)));
  EXPECT_TRUE(See(LinkState::kUp, 2, 6, seconds(141))) << "the answer is news";
  EXPECT_EQ(watch_.name(), "up");
}

TEST_F(LinkWatchTest, ALinkWithNothingToSendIsNotSilent) {
  See(LinkState::kUp, 1, 0, seconds(100));
  EXPECT_FALSE(See(LinkState::kUp, 1, 0, seconds(1000)));
  EXPECT_FALSE(See(LinkState::kUp, 1, 1, seconds(1001)));
  EXPECT_EQ(watch_.name(), "up");
}

TEST(LinkWatchOfAWire, SaysWhatIsMissing) {
  LinkWatch watch("/dev/ttyUSB0", 17, LinkWatch::Way::kSerial);
  const std::pair<LinkState, const char*> cases[] = {
      {LinkState::kUnreachable, "is this one of its [serial] endpoints?"},
      {LinkState::kRefused, "until [serial] nodes of its configuration name node 17"},
      {LinkState::kUp, "in session with the gateway at /dev/ttyUSB0"},
      {LinkState::kDown, "is lost; trying again"},
  };
  for (const auto& [state, text] : cases) {
    EXPECT_TRUE(watch.Update(state, 0, 0, LinkWatch::Time(seconds(1))));
    EXPECT_NE(watch.Explain().find(text), std::string::npos) << watch.Explain();
    EXPECT_EQ(watch.Explain().find("key"), std::string::npos) << "a wire has none";
  }
}

TEST(LinkWatchWithoutGateway, IsNone) {
  LinkWatch watch("", 1);
  EXPECT_FALSE(watch.Update(LinkState::kUnknown, 0, 9, LinkWatch::Time(seconds(99))));
  EXPECT_EQ(watch.name(), "none");
  EXPECT_TRUE(watch.good());
}

}  // namespace
}  // namespace trib::node::images
