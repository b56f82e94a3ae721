// Two Channels in memory: what arrives, over good and bad wires.
#include "trib/common/frame/channel.h"

#include <gtest/gtest.h>

#include "channel_pair.h"

namespace trib::frame {
namespace {

class ChannelAtMtu : public ::testing::TestWithParam<std::uint16_t> {};
INSTANTIATE_TEST_SUITE_P(Mtu, ChannelAtMtu, ::testing::Values(51, 256, 1024));

TEST_P(ChannelAtMtu, DeliversBothWays) {
  Pair::Setup setup;
  setup.mtu_a = setup.mtu_b = GetParam();
  setup.messages_ab = setup.messages_ba = 200;
  Pair pair(setup);
  ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }));
  EXPECT_EQ(pair.a()->peer(), Pair::kGateway);
  EXPECT_EQ(pair.b()->peer(), Pair::kNode);
  for (End* const end : {&pair.a(), &pair.b()}) {
    const ChannelMetrics& metrics = (*end)->metrics();
    EXPECT_EQ(metrics.sessions, 1U);
    EXPECT_EQ(metrics.closed, 0U);
    EXPECT_EQ(metrics.retransmissions, 0U);
    EXPECT_EQ(metrics.duplicates, 0U);
    EXPECT_EQ(metrics.malformed, 0U);
    EXPECT_EQ(metrics.messages_sent, 200U);
    EXPECT_EQ(metrics.messages_received, 200U);
  }
}

TEST_P(ChannelAtMtu, DeliversAllOnceAndInOrderOverABadWire) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    SCOPED_TRACE(seed);
    Pair::Setup setup;
    setup.mtu_a = setup.mtu_b = GetParam();
    setup.messages_ab = setup.messages_ba = 1'000;
    setup.faults = {.loss_permille = 200,
                    .duplicate_permille = 20,
                    .flip_permille = 20,
                    .cut_permille = 5,
                    .garbage_permille = 5,
                    .latency = Millis(15),
                    .jitter = Millis(10),
                    .seed = seed};
    Pair pair(setup);
    ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }));
    // Nothing was lost with a session: there was one.
    EXPECT_EQ(pair.a()->session_count(), 1U);
    EXPECT_EQ(pair.b()->session_count(), 1U);
    EXPECT_GT(pair.b()->metrics().duplicates, 0U);
    EXPECT_GT(pair.b()->metrics().reordered, 0U);
    EXPECT_GT(pair.b()->metrics().malformed, 0U);
    EXPECT_GT(pair.ab().lost(), 0U);
    std::printf("mtu %u seed %u: %lld ms, %llu frames, %llu again\n",
                unsigned{GetParam()},
                static_cast<unsigned>(seed),
                static_cast<long long>(pair.elapsed().count()),
                static_cast<unsigned long long>(pair.a()->metrics().frames_sent),
                static_cast<unsigned long long>(pair.a()->metrics().retransmissions));
  }
}

}  // namespace
}  // namespace trib::frame
