#include "trib/common/simulation/sensor_fault.h"

#include <gtest/gtest.h>

#include <vector>

namespace trib::simulation {
namespace {

using Samples = std::vector<std::int16_t>;

TEST(SensorSpoiler, SticksAtTheFirstFrameOfAStretch) {
  SensorSpoiler spoiler;
  Samples a = {1, 2, 3, 4};
  spoiler.Spoil(SensorFaultKind::kStuck, 0, 2, a);
  EXPECT_EQ(a, (Samples{1, 2, 1, 2}));
  Samples b = {5, 6};
  spoiler.Spoil(SensorFaultKind::kStuck, 0, 2, b);
  EXPECT_EQ(b, (Samples{1, 2}));
  Samples c = {7, 8, 9, 9};
  spoiler.Spoil(SensorFaultKind::kStuck, 1, 2, c);
  EXPECT_EQ(c, (Samples{7, 8, 7, 8}));
  spoiler.Heal();
  Samples d = {4, 5, 6, 6};
  spoiler.Spoil(SensorFaultKind::kStuck, 1, 2, d);
  EXPECT_EQ(d, (Samples{4, 5, 4, 5}));
}

TEST(SensorSpoiler, IsNotStuckAtWhatNeverCame) {
  SensorSpoiler spoiler;
  spoiler.Spoil(SensorFaultKind::kStuck, 0, 1, {});
  Samples a = {3, 4};
  spoiler.Spoil(SensorFaultKind::kStuck, 0, 1, a);
  EXPECT_EQ(a, (Samples{3, 3}));
}

TEST(SensorSpoiler, CutsAtTheRailsAndShiftsOutOfRange) {
  SensorSpoiler spoiler;
  Samples a = {-32'768, -400, 3, 400, 32'767};
  Samples b = a;
  spoiler.Spoil(SensorFaultKind::kClipped, 0, 1, a);
  EXPECT_EQ(a, (Samples{-32'768, -32'768, 300, 32'767, 32'767}));
  spoiler.Spoil(SensorFaultKind::kRange, 0, 1, b);
  EXPECT_EQ(b, (Samples{15'808, 23'900, 24'000, 24'100, 32'191}));
}

TEST(SensorSpoiler, SaysWhatSamplesCannot) {
  SensorSpoiler spoiler;
  Samples a = {1, 2, 3, 4};
  EXPECT_EQ(spoiler.Spoil(SensorFaultKind::kMissing, 0, 2, a).missing_frames, 2U);
  EXPECT_EQ(spoiler.Spoil(SensorFaultKind::kNonFinite, 0, 2, a).non_finite_frames, 2U);
  EXPECT_TRUE(spoiler.Spoil(SensorFaultKind::kBadScale, 0, 2, a).bad_scale);
  EXPECT_TRUE(spoiler.Spoil(SensorFaultKind::kGap, 0, 2, a).lost);
  EXPECT_TRUE(spoiler.Spoil(SensorFaultKind::kGap, 0, 2, {}).lost);
  EXPECT_EQ(a, (Samples{1, 2, 3, 4}));
}

TEST(ParseSensorFaultKind, KnowsSevenNames) {
  EXPECT_EQ(ParseSensorFaultKind("stuck"), SensorFaultKind::kStuck);
  EXPECT_EQ(ParseSensorFaultKind("scale"), SensorFaultKind::kBadScale);
  EXPECT_EQ(ParseSensorFaultKind("gap"), SensorFaultKind::kGap);
  EXPECT_FALSE(ParseSensorFaultKind("").has_value());
  EXPECT_FALSE(ParseSensorFaultKind("sticky").has_value());
}

}  // namespace
}  // namespace trib::simulation
