#include "trib/node/sim/sim_clock.h"

#include <gtest/gtest.h>

#include "trib/testing/contracts.h"

namespace trib::node::sim {
namespace {

TEST(SimClock, KeepsTheClockContractWhenSamplesPassTheTime) {
  SimClock clock({});
  Millis delivered{0};
  trib::testing::RunClockContract(clock, [&](Millis by) {
    delivered += by;
    clock.SetDelivered(delivered);
    const MonotonicTime start = clock.Monotonic();
    while (clock.Monotonic() == start) {
    }
  });
}

TEST(SimClock, LogicalTimeStandsStillWithoutSamples) {
  SimClock clock({.start = LogicalTime(Millis(500)), .synchronised = true});
  const MonotonicTime start = clock.Monotonic();
  while (clock.Monotonic() == start) {
  }
  EXPECT_EQ(clock.Now(), LogicalTime(Millis(500)));
  clock.SetDelivered(Millis(30));
  EXPECT_EQ(clock.Now(), LogicalTime(Millis(530)));
}

TEST(SimClock, KeepsItsOwnTimeAtAnotherPace) {
  SimClock fast({.start = LogicalTime(Millis(500)), .synchronised = true, .pace = 10});
  fast.SetTime(LogicalTime(Millis(9'000)));
  EXPECT_EQ(fast.Now(), LogicalTime(Millis(500)));
  SimClock lost({.pace = 10});
  lost.SetTime(LogicalTime(Millis(9'000)));
  EXPECT_EQ(lost.Now(), LogicalTime(Millis(9'000)));
  lost.SetTime(LogicalTime(Millis(1)));
  EXPECT_EQ(lost.Now(), LogicalTime(Millis(9'000)));
}

TEST(WorldClock, KeepsTheClockContract) {
  WorldClock clock;
  EXPECT_FALSE(clock.synchronised());
  trib::testing::RunClockContract(clock, [&](Millis by) {
    const MonotonicTime start = clock.Monotonic();
    while (clock.Monotonic() < start + by) {
    }
  });
}

}  // namespace
}  // namespace trib::node::sim
