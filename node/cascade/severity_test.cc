#include "trib/node/cascade/severity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "trib/node/cascade/condition.h"

namespace trib::node::cascade {
namespace {

using message::SeverityZone;

package::SeveritySpec Spec(std::uint16_t average = 1) {
  package::SeveritySpec spec;
  spec.average_windows = average;
  spec.boundaries = {1, 2, 4};
  spec.hysteresis = 0.25F;
  spec.actuator = {1, 1, 2, 4};
  spec.label = {0, 0, 3, 3};
  return spec;
}

TEST(Severity, EntersZonesAtTheirBoundaries) {
  EXPECT_EQ(ZoneOf(Spec(), 0), SeverityZone::kA);
  EXPECT_EQ(ZoneOf(Spec(), 0.999F), SeverityZone::kA);
  EXPECT_EQ(ZoneOf(Spec(), 1), SeverityZone::kB);
  EXPECT_EQ(ZoneOf(Spec(), 2), SeverityZone::kC);
  EXPECT_EQ(ZoneOf(Spec(), 4), SeverityZone::kD);
  EXPECT_EQ(ZoneOf(Spec(), 1e9F), SeverityZone::kD);
}

TEST(Severity, LeavesAZoneDownwardsOnlyBelowItsHysteresis) {
  Severity severity(Spec(), false);
  EXPECT_EQ(severity.zone(), SeverityZone::kUnspecified);
  severity.Add(2.5F);
  EXPECT_EQ(severity.zone(), SeverityZone::kC);
  severity.Add(1.6F);  // above 2 less a quarter
  EXPECT_EQ(severity.zone(), SeverityZone::kC);
  severity.Add(1.4F);
  EXPECT_EQ(severity.zone(), SeverityZone::kB);
  severity.Add(0.8F);
  EXPECT_EQ(severity.zone(), SeverityZone::kB);
  severity.Add(9);
  EXPECT_EQ(severity.zone(), SeverityZone::kD);
  severity.Add(0.1F);
  EXPECT_EQ(severity.zone(), SeverityZone::kA) << "a machine that stands is in zone A at once";
}

TEST(Severity, AveragesTheMeanSquareAndSaysNothingBefore) {
  Severity severity(Spec(4), false);
  for (const float velocity : {1.0F, 7.0F, 1.0F}) {
    severity.Add(velocity);
    EXPECT_EQ(severity.zone(), SeverityZone::kUnspecified);
    EXPECT_EQ(severity.outcome().state, ActuatorState::kNormal);
  }
  severity.Add(7);
  EXPECT_NEAR(severity.velocity_mm_s(), 5, 1e-5);
  EXPECT_EQ(severity.zone(), SeverityZone::kD);
  EXPECT_EQ(severity.outcome().state, ActuatorState::kStop);
  EXPECT_EQ(severity.outcome().label, 3);
}

TEST(Severity, TakesLogarithmsAndLeavesOutWhatIsNotFinite) {
  Severity severity(Spec(), true);
  severity.Add(std::log(3.0F));
  EXPECT_NEAR(severity.velocity_mm_s(), 3, 1e-5);
  severity.Add(std::numeric_limits<float>::quiet_NaN());
  severity.Add(std::numeric_limits<float>::infinity());
  EXPECT_NEAR(severity.velocity_mm_s(), 3, 1e-5);
  EXPECT_EQ(severity.zone(), SeverityZone::kC);
}

TEST(Severity, SaysNothingInZonesWithoutALabel) {
  Severity severity(Spec(), false);
  severity.Add(1.5F);
  EXPECT_EQ(severity.zone(), SeverityZone::kB);
  EXPECT_EQ(severity.outcome().state, ActuatorState::kNormal);
  EXPECT_EQ(severity.outcome().label, 0);
}

TEST(Condition, IsTheRangeThatHoldsTheSpeed) {
  package::ConditionSpec spec;
  spec.ranges.push_back({.low_hz = 10, .high_hz = 20});
  spec.ranges.push_back({.low_hz = 25, .high_hz = 30});
  EXPECT_EQ(ConditionOf(spec, 10), 1U);
  EXPECT_EQ(ConditionOf(spec, 19.99F), 1U);
  EXPECT_EQ(ConditionOf(spec, 20), 0U) << "between ranges";
  EXPECT_EQ(ConditionOf(spec, 25), 2U);
  EXPECT_EQ(ConditionOf(spec, 30), 0U);
  EXPECT_EQ(ConditionOf(spec, std::numeric_limits<float>::quiet_NaN()), 0U);
  EXPECT_EQ(ConditionOf({}, 15), 0U);
}

}  // namespace
}  // namespace trib::node::cascade
