// What the measurement must show whatever the figures are: a gain of 20 % is seen within days and
// called by its name, and the features move as physics says.
#include "power.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace trib::bench::drift_power {
namespace {

using cloud::drift::Cause;
using cloud::drift::FeatureKind;
using cloud::drift::SubjectKind;

const Sensitivities& Measured() {
  static const Sensitivities measured = MeasureSensitivities(3);
  return measured;
}

const Sensitivity& Of(const std::string& name) {
  const auto& changes = Measured().changes;
  const auto found = std::find_if(
      changes.begin(), changes.end(), [&](const Sensitivity& one) { return one.name == name; });
  EXPECT_NE(found, changes.end()) << name;
  return *found;
}

TEST(DriftPower, AGainRaisesAllLevelsAndNoShape) {
  const Sensitivity& gain = Of("gain +20 %");
  for (std::size_t f = 0; f < gain.shift.size(); ++f) {
    if (Measured().kinds[f] == FeatureKind::kLevel || Measured().kinds[f] == FeatureKind::kTotal) {
      EXPECT_GT(gain.shift[f], 0.3F) << Measured().features[f];
    } else {
      EXPECT_LT(std::abs(gain.shift[f]), 0.3F) << Measured().features[f];
    }
  }
}

TEST(DriftPower, TwentyPercentOnOneNodeIsAlarmedWithinAWeekAndCalledTheSensor) {
  PowerOptions options;
  options.nodes = 100;
  options.sites = 5;
  options.trials = 6;
  options.only = {"gain +20 %"};
  const PowerReport report = MeasurePower(options, Measured(), [](const PowerRow&) {});
  ASSERT_EQ(report.rows.size(), 3U);
  const PowerRow& node = report.rows[0];
  ASSERT_EQ(node.scope, SubjectKind::kNode);
  EXPECT_EQ(node.misses, 0U);
  for (const std::uint32_t delay : node.delays) {
    EXPECT_LE(delay, 7U);
  }
  EXPECT_EQ(node.causes.count(Cause::kSensor), 1U);
  EXPECT_GE(node.causes.at(Cause::kSensor), 5U);
  EXPECT_GE(node.subject_right, 5U);
  for (const PowerRow& row : report.rows) {
    EXPECT_LE(row.misses, 1U) << static_cast<int>(row.scope);
  }
}

}  // namespace
}  // namespace trib::bench::drift_power
