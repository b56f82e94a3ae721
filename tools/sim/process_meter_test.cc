#include "process_meter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

namespace trib::tools::sim {
namespace {

ProcessMeter::Series SeriesOf(double base, double per_hour, double noise, std::size_t count = 96) {
  ProcessMeter::Series series;
  for (std::size_t i = 0; i < count; ++i) {
    const double hour = static_cast<double>(i) * 24 / static_cast<double>(count);
    const double wobble = noise * std::sin(static_cast<double>(i) * 2.399);
    series.points.emplace_back(hour, base + per_hour * hour + wobble);
  }
  return series;
}

constexpr double kMiB = 1024 * 1024;

TEST(LeakCheck, AFlatProcessIsFlat) {
  const LeakCheck check = CheckLeak(SeriesOf(20 * kMiB, 0, 0.2 * kMiB));
  EXPECT_TRUE(check.judged);
  EXPECT_TRUE(check.flat);
  EXPECT_LT(check.slope.low, 0);
  EXPECT_GT(check.slope.high, 0);
}

TEST(LeakCheck, ASteadyLeakIsFoundUnderNoise) {
  const LeakCheck check = CheckLeak(SeriesOf(20 * kMiB, 0.5 * kMiB, 0.2 * kMiB));
  EXPECT_TRUE(check.judged);
  EXPECT_FALSE(check.flat);
  EXPECT_NEAR(check.slope.per_hour, 0.5 * kMiB, 0.05 * kMiB);
}

TEST(LeakCheck, WarmingUpIsNoLeak) {
  ProcessMeter::Series series = SeriesOf(20 * kMiB, 0, 0.1 * kMiB);
  for (std::size_t i = 0; i < series.points.size() / 5; ++i) {
    series.points[i].second = 8 * kMiB;
  }
  EXPECT_TRUE(CheckLeak(series).flat);
}

TEST(LeakCheck, ARestartBeginsAnew) {
  ProcessMeter::Series series = SeriesOf(20 * kMiB, 2 * kMiB, 0);
  const ProcessMeter::Series after = SeriesOf(9 * kMiB, 0, 0.1 * kMiB);
  series.since_restart = series.points.size();
  series.points.insert(series.points.end(), after.points.begin(), after.points.end());
  EXPECT_TRUE(CheckLeak(series).flat);
}

TEST(LeakCheck, ConnectionsMayTouchTheirQueuesOnce) {
  const ProcessMeter::Series series = SeriesOf(16 * kMiB, 0.2 * kMiB, 0.05 * kMiB);
  EXPECT_FALSE(CheckLeak(series).flat);
  EXPECT_TRUE(CheckLeak(series, 60).flat);
  EXPECT_FALSE(CheckLeak(SeriesOf(16 * kMiB, kMiB, 0.05 * kMiB), 60).flat);
}

TEST(LeakCheck, FewSamplesAreNotJudged) {
  EXPECT_FALSE(CheckLeak(SeriesOf(1e6, 0, 0, 12)).judged);
}

TEST(ProcessMeter, ReadsThisProcess) {
  ProcessMeter meter;
  meter.Sample("me", getpid(), Millis(0));
  meter.Sample("me", getpid(), Millis(3'600'000));
  const auto& series = meter.series().at("me");
  ASSERT_EQ(series.points.size(), 2U);
  EXPECT_EQ(series.points[1].first, 1.0);
  EXPECT_GT(series.points[0].second, 1e6);
  EXPECT_FALSE(ReadUse(-1).has_value());
}

}  // namespace
}  // namespace trib::tools::sim
