#include "trib/common/energy/battery.h"

#include <gtest/gtest.h>

#include <cmath>

namespace trib::energy {
namespace {

TEST(Battery, LastsUsableEnergyOverAllThatDrainsIt) {
  // 1,000 mAh at 3 V are 10,800 J, of which 5,400 J can be used.
  constexpr Battery<double> kCell{1000, 3.0, 0.5, 0};
  EXPECT_DOUBLE_EQ(BatteryDays(kCell, 54.0), 100.0);
  // Losing a thousandth a day is 10.8 J more.
  constexpr Battery<double> kLeaky{1000, 3.0, 0.5, 0.001};
  EXPECT_DOUBLE_EQ(BatteryDays(kLeaky, 43.2), 100.0);
  EXPECT_DOUBLE_EQ(BatteryDays(kLeaky, 0.0), 500.0);
  EXPECT_TRUE(std::isinf(BatteryDays(kCell, 0.0)));
}

TEST(Battery, DayIsScaledFromTheTimeOfTheEntries) {
  // A quarter of an hour.
  EXPECT_DOUBLE_EQ(JoulesPerDay<double>(2'000'000'000, 900'000'000), 192.0);
  EXPECT_DOUBLE_EQ(JoulesPerDay<double>(5, 0), 0.0);
}

}  // namespace
}  // namespace trib::energy
