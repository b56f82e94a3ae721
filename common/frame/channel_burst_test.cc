// How long a burst at the beginning of a session takes over a bad wire, before a round trip was
// measured. Simulated time: the figures are the same on every machine.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <vector>

#include "channel_pair.h"

namespace trib::frame {
namespace {

constexpr std::uint64_t kSeeds = 1'000;

struct Burst {
  std::uint16_t mtu;
  std::uint64_t up;
  std::uint64_t down;
  std::size_t bytes;
  Millis most;  ///< for 99 of 100 seeds
};

std::ostream& operator<<(std::ostream& out, const Burst& burst) {
  return out << burst.up << " up, " << burst.down << " down, " << burst.bytes << " bytes, MTU "
             << burst.mtu;
}

/// From the beginning of the session until all is there.
Millis TimeOf(const Burst& burst, std::uint64_t seed) {
  Pair::Setup setup;
  setup.mtu_a = setup.mtu_b = burst.mtu;
  setup.messages_ab = burst.up;
  setup.messages_ba = burst.down;
  setup.least_bytes = setup.most_bytes = burst.bytes;
  setup.faults = {.loss_permille = 200,
                  .duplicate_permille = 20,
                  .flip_permille = 100,
                  .latency = Millis(15),
                  .jitter = Millis(10),
                  .seed = seed};
  Pair pair(setup);
  EXPECT_TRUE(pair.RunUntil([&] { return pair.a()->in_session(); }));
  const MonotonicTime begin = pair.now();
  EXPECT_TRUE(pair.RunUntil([&] { return pair.done(); }));
  EXPECT_EQ(pair.a()->session_count(), 1U);
  return pair.now() - begin;
}

class ChannelBurst : public ::testing::TestWithParam<Burst> {};
INSTANTIATE_TEST_SUITE_P(Shape,
                         ChannelBurst,
                         ::testing::Values(Burst{256, 1, 0, 100, Millis(4'100)},
                                           Burst{256, 4, 0, 100, Millis(7'500)},
                                           Burst{256, 8, 0, 100, Millis(3'000)},
                                           Burst{256, 20, 0, 100, Millis(7'000)},
                                           Burst{256, 3, 3, 100, Millis(10'100)},
                                           Burst{51, 1, 0, 300, Millis(2'700)}));

TEST_P(ChannelBurst, DoesNotStallWhenAcknowledgementsAreLost) {
  std::vector<Millis> times;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    times.push_back(TimeOf(GetParam(), seed));
  }
  std::ranges::sort(times);
  EXPECT_LE(times[kSeeds * 99 / 100 - 1], GetParam().most);
  EXPECT_LE(times.back(), Millis(31'000));
}

}  // namespace
}  // namespace trib::frame
