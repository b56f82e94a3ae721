#include "trib/common/frame/round_trip.h"

#include <gtest/gtest.h>

namespace trib::frame {
namespace {

constexpr Millis kLeast{40};
constexpr Millis kMost{4'000};

TEST(RoundTrip, WaitsASecondUntilSomethingWasMeasured) {
  RoundTrip round_trip(kLeast, kMost);
  EXPECT_EQ(round_trip.timeout(), Millis(1'000));
}

// RFC 6298, section 2, by hand: R = 100: SRTT 100, RTTVAR 50, RTO 300. Then R' = 140:
// RTTVAR = 3/4 x 50 + 1/4 x 40 = 47.5, SRTT = 7/8 x 100 + 1/8 x 140 = 105, RTO = 295.
TEST(RoundTrip, MeasuresAsTcpDoes) {
  RoundTrip round_trip(kLeast, kMost);
  round_trip.Measure(Millis(100));
  EXPECT_EQ(round_trip.timeout(), Millis(300));
  round_trip.Measure(Millis(140));
  EXPECT_EQ(round_trip.timeout(), Millis(295));
}

TEST(RoundTrip, DoublesAtEverySecondExpiryUntilTheNextMeasurement) {
  RoundTrip round_trip(kLeast, kMost);
  round_trip.Measure(Millis(100));
  for (const int want : {300, 600, 600, 1'200, 1'200, 2'400, 2'400, 4'000, 4'000}) {
    round_trip.Expire();
    EXPECT_EQ(round_trip.timeout(), Millis(want));
  }
  for (int i = 0; i < 1'000; ++i) {
    round_trip.Expire();
  }
  EXPECT_EQ(round_trip.timeout(), kMost);
  round_trip.Measure(Millis(100));
  EXPECT_LT(round_trip.timeout(), Millis(300));
}

TEST(RoundTrip, TakesNoAnswerForOneThatCameInHalfTheTime) {
  RoundTrip round_trip(kLeast, kMost);
  EXPECT_TRUE(round_trip.Plausible(Millis(0)));
  round_trip.Measure(Millis(100));
  EXPECT_FALSE(round_trip.Plausible(Millis(49)));
  EXPECT_TRUE(round_trip.Plausible(Millis(50)));
}

TEST(RoundTrip, StaysWithinItsBounds) {
  RoundTrip round_trip(kLeast, kMost);
  round_trip.Measure(Millis(-5));  // a clock that went back
  EXPECT_EQ(round_trip.timeout(), kLeast);
  for (int i = 0; i < 100; ++i) {
    round_trip.Measure(Millis(1'000'000'000));
    EXPECT_EQ(round_trip.timeout(), kMost);
  }
  for (int i = 0; i < 200; ++i) {
    round_trip.Measure(Millis(1));
  }
  EXPECT_EQ(round_trip.timeout(), kLeast);
}

TEST(RoundTrip, ComesToRestAtASteadyRoundTrip) {
  RoundTrip round_trip(kLeast, kMost);
  for (int i = 0; i < 100; ++i) {
    round_trip.Measure(Millis(500));
  }
  EXPECT_GE(round_trip.timeout(), Millis(500));
  EXPECT_LE(round_trip.timeout(), Millis(504));
}

}  // namespace
}  // namespace trib::frame
