// Two Channels in memory: what arrives, over good and bad wires.
#include "trib/common/frame/channel.h"

#include <gtest/gtest.h>

#include "channel_pair.h"

namespace trib::frame {
namespace {

/// What a radio does on a bad day.
BadWire::Faults Bad(std::uint64_t seed) {
  return {.loss_permille = 200,
          .duplicate_permille = 20,
          .flip_permille = 20,
          .cut_permille = 5,
          .garbage_permille = 5,
          .latency = Millis(15),
          .jitter = Millis(10),
          .seed = seed};
}

class ChannelAtMtu : public ::testing::TestWithParam<std::uint16_t> {};
INSTANTIATE_TEST_SUITE_P(Mtu, ChannelAtMtu, ::testing::Values(51, 256, 1024));

TEST_P(ChannelAtMtu, DeliversBothWays) {
  Pair::Setup setup;
  setup.mtu_a = setup.mtu_b = GetParam();
  setup.messages_ab = setup.messages_ba = 200;
  Pair pair(setup);
  ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }));
  pair.RunFor(Millis(1'000));  // the last acknowledgements
  EXPECT_EQ(pair.a()->peer(), Pair::kGateway);
  EXPECT_EQ(pair.b()->peer(), Pair::kNode);
  for (End* const end : {&pair.a(), &pair.b()}) {
    const ChannelMetrics& metrics = (*end)->metrics();
    EXPECT_EQ(metrics.sessions, 1U);
    EXPECT_EQ(metrics.closed, 0U);
    EXPECT_EQ(metrics.retransmissions, 0U);
    EXPECT_EQ(metrics.duplicates, 0U);
    EXPECT_EQ(metrics.malformed, 0U);
    EXPECT_EQ(metrics.stale, 0U);
    EXPECT_EQ(metrics.messages_sent, 200U);
    EXPECT_EQ(metrics.messages_received, 200U);
  }
  EXPECT_EQ(pair.a()->metrics().frames_sent, pair.b()->metrics().frames_received);
  EXPECT_EQ(pair.a()->metrics().bytes_sent, pair.b()->metrics().bytes_received);
}

TEST_P(ChannelAtMtu, DeliversAllOnceAndInOrderOverABadWire) {
  for (const std::uint64_t seed : {1U, 2U}) {
    SCOPED_TRACE(seed);
    Pair::Setup setup;
    setup.mtu_a = setup.mtu_b = GetParam();
    setup.messages_ab = setup.messages_ba = 1'000;
    setup.faults = Bad(seed);
    Pair pair(setup);
    ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }));
    // Nothing was lost with a session: there was one.
    EXPECT_EQ(pair.a()->session_count(), 1U);
    EXPECT_EQ(pair.b()->session_count(), 1U);
    const ChannelMetrics& metrics = pair.b()->metrics();
    EXPECT_GT(metrics.duplicates, 0U);
    EXPECT_GT(metrics.reordered, 0U);
    EXPECT_GT(metrics.malformed, 0U);
    EXPECT_GT(pair.ab().lost(), pair.ab().frames() / 6);
    // Hardly more is sent again than was lost or spoiled on the way there: what arrived is known.
    EXPECT_LT(metrics.retransmissions * 100, metrics.frames_sent * 20);
  }
}

TEST(Channel, DeliversOverAWireThatReordersWildly) {
  Pair::Setup setup;
  setup.messages_ab = setup.messages_ba = 500;
  setup.faults = {.loss_permille = 50,
                  .duplicate_permille = 100,
                  .latency = Millis(1),
                  .jitter = Millis(200),
                  .seed = 4};
  Pair pair(setup);
  ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }));
  EXPECT_EQ(pair.b()->session_count(), 1U);
}

TEST(Channel, EndsThatDifferSendOnlyWhatTheOtherCanHold) {
  for (const auto& [mtu_a, mtu_b, window_a, window_b] :
       {std::tuple<std::uint16_t, std::uint16_t, std::size_t, std::size_t>{51, 1024, 3, 32},
        {1024, 51, 32, 1},
        {300, 256, 8, 5}}) {
    Pair::Setup setup;
    setup.mtu_a = mtu_a;
    setup.mtu_b = mtu_b;
    setup.window_a = window_a;
    setup.window_b = window_b;
    setup.messages_ab = setup.messages_ba = 200;
    setup.faults = Bad(5);
    setup.faults.garbage_permille = 0;  // would make frames longer
    Pair pair(setup);
    ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }));
    for (End* const end : {&pair.a(), &pair.b()}) {
      EXPECT_EQ((*end)->metrics().out_of_window, 0U);
      EXPECT_EQ((*end)->metrics().sessions, 1U);
    }
  }
}

TEST(Channel, SequencesWrapAround) {
  Pair::Setup setup;
  setup.mtu_a = setup.mtu_b = 51;
  setup.window_a = setup.window_b = 24;  // does not divide 65,536
  setup.messages_ab = setup.messages_ba = 70'000;
  setup.most_bytes = 30;  // one frame each
  setup.faults = {.loss_permille = 50,
                  .duplicate_permille = 20,
                  .latency = Millis(5),
                  .jitter = Millis(10),
                  .seed = 6};
  Pair pair(setup);
  ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }));
  EXPECT_EQ(pair.a()->session_count(), 1U);
  EXPECT_EQ(pair.b()->session_count(), 1U);
}

// Exact counts. 4,096 bytes are 17 frames of at most 245 bytes; a window of 8 goes with each round
// trip of 20 ms and is acknowledged by one frame.
TEST(Channel, AWindowGoesWithEachRoundTrip) {
  Pair::Setup setup;
  setup.messages_ab = 8;
  setup.least_bytes = setup.most_bytes = kMaxMessageBytes;
  setup.transmit_bytes = 8 * (kMaxMessageBytes + 2);
  setup.faults.latency = Millis(10);
  Pair pair(setup);
  constexpr std::uint64_t kData = 8 * 17;
  constexpr std::uint64_t kWindows = kData / 8;
  ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }));
  EXPECT_EQ(pair.a()->metrics().frames_sent, 1 + kData);     // Open
  EXPECT_EQ(pair.b()->metrics().frames_sent, 1 + kWindows);  // Opened
  EXPECT_EQ(pair.elapsed(), Millis(20 + kWindows * 20));
}

// The end of the ring cuts a message once more, the queue holds fewer: at most one frame more in
// each turn.
TEST(Channel, AQueueOfOneMessageAndAHalfCostsLittle) {
  Pair::Setup setup;
  setup.messages_ab = 60;
  setup.least_bytes = setup.most_bytes = 2'048;  // 9 frames
  Pair pair(setup);
  ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }));
  EXPECT_GT(pair.a()->metrics().frames_sent, 1 + 60 * 9U);
  EXPECT_LE(pair.a()->metrics().frames_sent, 1 + 60 * 9 + 60 * 2'050 / 6'144U);
}

// A window takes two seconds, and acknowledgements wait behind the other direction's Data.
TEST(Channel, SendsHardlyAnythingTwiceOverASlowWire) {
  Pair::Setup setup;
  setup.messages_ab = setup.messages_ba = 200;
  setup.faults.bytes_per_ms = 1;
  setup.faults.latency = Millis(20);
  Pair pair(setup);
  ASSERT_TRUE(
      pair.RunUntil([&] { return pair.to_a().received > 20 && pair.to_b().received > 20; }));
  const std::uint64_t by_a = pair.a()->metrics().retransmissions;
  const std::uint64_t by_b = pair.b()->metrics().retransmissions;
  EXPECT_LE(by_a + by_b, 36U);  // until a round trip was measured
  ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }));
  EXPECT_GT(pair.a()->metrics().frames_sent, 1'500U);
  EXPECT_LE(pair.a()->metrics().retransmissions, by_a + 2);
  EXPECT_LE(pair.b()->metrics().retransmissions, by_b + 2);
}

TEST(Channel, LosesNothingWhileOneEndTakesNoMessages) {
  Pair::Setup setup;
  setup.messages_ab = setup.messages_ba = 300;
  setup.faults = Bad(7);
  Pair pair(setup);
  pair.to_b().taking = false;
  pair.RunFor(Millis(10'000));
  EXPECT_EQ(pair.to_b().received, 0U);
  EXPECT_TRUE(pair.b()->message_waits());
  const std::uint64_t sent = pair.to_b().sent;
  EXPECT_LT(sent, 30U);  // the queue is full
  // What waits before the channel is bounded: a window, and some of it again and again.
  EXPECT_LT(pair.b().untaken(), std::size_t{8} * 256 * 16);
  pair.RunFor(Millis(5'000));
  EXPECT_EQ(pair.to_b().sent, sent);
  pair.to_b().taking = true;
  ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }));
  EXPECT_EQ(pair.a()->session_count(), 1U);
  EXPECT_EQ(pair.to_a().lost + pair.to_b().lost, 0U);
}

TEST(Channel, ASilentWireEndsTheSessionAndALivingOneBeginsTheNext) {
  Pair::Setup setup;
  setup.messages_ab = setup.messages_ba = 400;
  setup.least_bytes = 8;
  setup.faults = Bad(8);
  Pair pair(setup);
  ASSERT_TRUE(pair.RunUntil([&] { return pair.to_b().received > 100; }));
  BadWire::Faults dead = setup.faults;
  dead.loss_permille = 1'000;
  pair.ab().SetFaults(dead);
  pair.ba().SetFaults(dead);
  ASSERT_TRUE(pair.RunUntil([&] { return !pair.a()->in_session() && !pair.b()->in_session(); },
                            Millis(64'000)));
  EXPECT_EQ(pair.a()->close_reason(), CloseReason::kTooManyRetransmissions);
  EXPECT_EQ(pair.b()->close_reason(), CloseReason::kTooManyRetransmissions);
  EXPECT_EQ(pair.a()->Send(std::vector<std::byte>(8), pair.now()), Code::kUnavailable);
  EXPECT_EQ(pair.a()->peer(), 0U);
  pair.RunFor(Millis(60'000));
  pair.ab().SetFaults(setup.faults);
  pair.ba().SetFaults(setup.faults);
  ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }));
  EXPECT_EQ(pair.a()->session_count(), 2U);
  EXPECT_EQ(pair.b()->session_count(), 2U);
  EXPECT_GT(pair.to_b().lost, 0U);
}

/// Restarts one end, then the other, many times while all goes on; old frames come back for
/// seconds.
class ChannelRestart : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seed, ChannelRestart, ::testing::Range<std::uint64_t>(10, 16));

TEST_P(ChannelRestart, EachSessionBeginsClean) {
  Pair::Setup setup;
  setup.mtu_a = setup.mtu_b = GetParam() % 2 == 0 ? 51 : 256;
  setup.messages_ab = setup.messages_ba = 4'000;
  setup.least_bytes = 8;
  setup.most_bytes = 600;
  setup.faults = Bad(GetParam());
  setup.faults.late_permille = 50;
  Pair pair(setup);
  SplitMix64 random(GetParam());
  std::uint64_t restarts = 0;
  for (; restarts < 20 && !pair.done(); ++restarts) {
    pair.RunFor(Millis(static_cast<std::int64_t>(random.Next() % 4'000)));
    if (pair.done()) {
      break;
    }
    const auto nonce = static_cast<std::uint32_t>(random.Next());
    (random.Next() % 2 == 0 ? pair.a() : pair.b()).Restart(nonce, pair.now());
  }
  EXPECT_GT(restarts, 5U);
  // Something follows what the last restart lost: only then can it be seen that it is missing.
  ASSERT_LT(pair.to_a().sent, pair.to_a().total);
  ASSERT_LT(pair.to_b().sent, pair.to_b().total);
  const std::uint64_t sessions = pair.a()->session_count();
  ASSERT_TRUE(pair.RunUntil([&] { return pair.done(); }, Millis(1'000'000)));
  EXPECT_GE(pair.a()->session_count(), sessions);
  EXPECT_GT(pair.b()->metrics().stale, 0U);
  EXPECT_GT(pair.to_b().received - pair.to_b().lost, 1'000U);
}

}  // namespace
}  // namespace trib::frame
