#include "trib/cloud/store/trend.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace trib::cloud::store {
namespace {

TEST(Trend, IsExactOnALine) {
  std::vector<TimedValue> line;
  for (int i = 0; i < 20; ++i) {
    line.push_back({i * 0.5, 3 + i * 0.25});
  }
  const auto trend = TrendOf(line);
  ASSERT_TRUE(trend.has_value());
  EXPECT_EQ(trend->points, 20U);
  EXPECT_DOUBLE_EQ(trend->slope, 0.5);
  EXPECT_DOUBLE_EQ(trend->low, 0.5);
  EXPECT_DOUBLE_EQ(trend->high, 0.5);
  EXPECT_DOUBLE_EQ(trend->to, 9.5);
}

TEST(Trend, IsSilentOnTooLittle) {
  EXPECT_FALSE(TrendOf({}).has_value());
  // Many readings of one moment are no trend.
  std::vector<TimedValue> same(100, {7.0, 1.0});
  EXPECT_FALSE(TrendOf(same).has_value());
  std::vector<TimedValue> few;
  for (int i = 0; i < 7; ++i) {
    few.push_back({static_cast<double>(i), 1.0});
  }
  EXPECT_FALSE(TrendOf(few).has_value());
}

TEST(Trend, AFifthOfGrossErrorsDoesNotMoveIt) {
  constexpr unsigned kSeed = 5;
  std::mt19937 random(kSeed);
  std::normal_distribution<double> noise(0, 0.1);
  std::vector<TimedValue> series;
  for (int i = 0; i < 100; ++i) {
    series.push_back({static_cast<double>(i), 0.02 * i + noise(random) + (i % 5 == 0 ? 50 : 0)});
  }
  const auto trend = TrendOf(series);
  ASSERT_TRUE(trend.has_value());
  EXPECT_NEAR(trend->slope, 0.02, 0.003) << "seed " << kSeed;
  EXPECT_LT(trend->low, 0.02);
  EXPECT_GT(trend->high, 0.02);
}

// Independent errors: the interval holds the true slope in about 95 of 100 series.
TEST(Trend, ItsIntervalCoversTheTruth) {
  constexpr unsigned kSeed = 11;
  std::mt19937 random(kSeed);
  std::normal_distribution<double> noise(0, 1);
  int covered = 0;
  for (int run = 0; run < 400; ++run) {
    std::vector<TimedValue> series;
    for (int i = 0; i < 40; ++i) {
      series.push_back({static_cast<double>(i), 0.1 * i + noise(random)});
    }
    const auto trend = TrendOf(series);
    covered += trend->low <= 0.1 && trend->high >= 0.1 ? 1 : 0;
  }
  // 400 trials of 0.95: three standard deviations are 13.
  EXPECT_GE(covered, 380 - 13) << "seed " << kSeed;
}

TEST(Trend, ALongSeriesIsCondensedAndKeepsItsSlope) {
  constexpr unsigned kSeed = 3;
  std::mt19937 random(kSeed);
  std::normal_distribution<double> noise(0, 1);
  std::vector<TimedValue> series;
  for (int i = 0; i < 9000; ++i) {
    series.push_back({i / 288.0, 2 + 0.05 * i / 288.0 + noise(random)});
  }
  const auto trend = TrendOf(series);
  ASSERT_TRUE(trend.has_value());
  EXPECT_EQ(trend->points, 9000U);
  EXPECT_NEAR(trend->slope, 0.05, 0.01) << "seed " << kSeed;
}

}  // namespace
}  // namespace trib::cloud::store
