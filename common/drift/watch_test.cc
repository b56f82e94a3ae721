#include "trib/common/drift/watch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "trib/common/base/random.h"

namespace trib::drift {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Sum of twelve uniform values less six: nearly normal, variance 1.
float Normal(SplitMix64& random) {
  float sum = -6;
  for (int i = 0; i < 12; ++i) {
    sum += static_cast<float>(random.Next() >> 40U) * 0x1p-24F;
  }
  return sum;
}

TEST(Cusum, AddsUpWhatExceedsTheSlack) {
  Cusum<float> chart;
  const CusumParameters<float> parameters{0.5F, 2.0F};
  EXPECT_EQ(chart.Push(1.5F, parameters), Flag::kNone);
  EXPECT_FLOAT_EQ(chart.up(), 1.0F);
  EXPECT_FLOAT_EQ(chart.down(), 0.0F);
  EXPECT_EQ(chart.Push(0.0F, parameters), Flag::kNone);
  EXPECT_FLOAT_EQ(chart.up(), 0.5F);
  EXPECT_EQ(chart.Push(2.0F, parameters), Flag::kNone) << "2 is not above 2";
  EXPECT_EQ(chart.Push(0.75F, parameters), Flag::kUp);
  EXPECT_EQ(chart.up(), 0.0F) << "starts anew";
}

TEST(Cusum, NoticesBothDirections) {
  const CusumParameters<float> parameters;
  for (const float shift : {1.0F, -1.0F}) {
    Cusum<float> chart;
    Flag flag = Flag::kNone;
    int values = 0;
    while (flag == Flag::kNone) {
      flag = chart.Push(shift, parameters);
      ++values;
    }
    EXPECT_EQ(flag, shift > 0 ? Flag::kUp : Flag::kDown);
    // 0.75 more each time, until above 15.
    EXPECT_EQ(values, 21);
  }
}

TEST(Ewma, FollowsTheValues) {
  Ewma<float> chart;
  const EwmaParameters<float> parameters{0.5F, 3.0F};
  EXPECT_EQ(chart.Push(1.0F, parameters), Flag::kNone);
  EXPECT_FLOAT_EQ(chart.average(), 0.5F);
  EXPECT_EQ(chart.Push(-1.0F, parameters), Flag::kNone);
  EXPECT_FLOAT_EQ(chart.average(), -0.25F);
  // Limit 3 sqrt(0.5 / 1.5) = 1.732.
  EXPECT_EQ(chart.Push(3.7F, parameters), Flag::kNone) << "1.725";
  EXPECT_EQ(chart.Push(1.8F, parameters), Flag::kUp) << "1.7625";
  EXPECT_EQ(chart.average(), 0.0F) << "starts anew";
  EXPECT_EQ(chart.Push(-4.0F, parameters), Flag::kDown);
}

TEST(Watch, NanIsToldAndChangesNothing) {
  Cusum<float> sums;
  Ewma<float> average;
  sums.Push(1.0F, {});
  average.Push(1.0F, {});
  const float up = sums.up();
  const float before = average.average();
  EXPECT_EQ(sums.Push(kNan, {}), Flag::kIgnored);
  EXPECT_EQ(average.Push(kNan, {}), Flag::kIgnored);
  EXPECT_EQ(sums.up(), up);
  EXPECT_EQ(average.average(), before);
}

TEST(Watch, InfinityFlagsOnceAndIsForgotten) {
  Cusum<float> sums;
  Ewma<float> average;
  EXPECT_EQ(sums.Push(-kInfinity, {}), Flag::kDown);
  EXPECT_EQ(average.Push(kInfinity, {}), Flag::kUp);
  EXPECT_EQ(sums.Push(0.0F, {}), Flag::kNone);
  EXPECT_EQ(average.Push(0.0F, {}), Flag::kNone);
  EXPECT_EQ(sums.down(), 0.0F);
  EXPECT_EQ(average.average(), 0.0F);
}

TEST(Watch, AConstantStreamNeverFlags) {
  Cusum<float> sums;
  Ewma<float> average;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_EQ(sums.Push(0.2F, {}), Flag::kNone);
    ASSERT_EQ(average.Push(0.2F, {}), Flag::kNone);
  }
}

TEST(Watch, DefaultsFlagAsRarelyAsTheHeaderSays) {
  SplitMix64 random(1);
  Cusum<float> sums;
  Ewma<float> average;
  constexpr int kValues = 4'000'000;
  int flags = 0;
  int average_flags = 0;
  for (int i = 0; i < kValues; ++i) {
    const float value = Normal(random);
    flags += sums.Push(value, {}) != Flag::kNone ? 1 : 0;
    average_flags += average.Push(value, {}) != Flag::kNone ? 1 : 0;
  }
  // Siegmund: (exp(2 k b) - 2 k b - 1) / (2 k^2), b = h + 1.166, halved for both sides.
  const double b = 2 * 0.25 * (15 + 1.166);
  const double expected = (std::exp(b) - b - 1) / (2 * 0.25 * 0.25) / 2;
  EXPECT_NEAR(expected, 12'900, 50);
  EXPECT_NEAR(kValues / static_cast<double>(flags), expected, 0.15 * expected);
  EXPECT_GT(average_flags, kValues / 900'000);
  EXPECT_LT(average_flags, kValues / 150'000);
  RecordProperty("cusum_values_per_flag", kValues / flags);
  RecordProperty("ewma_flags_in_4e6", average_flags);
}

TEST(Watch, DefaultsNoticeHalfADeviationAsFastAsTheHeaderSays) {
  SplitMix64 random(2);
  constexpr int kRounds = 2000;
  double values = 0;
  double average_values = 0;
  for (int round = 0; round < kRounds; ++round) {
    Cusum<float> sums;
    Ewma<float> average;
    while (sums.Push(Normal(random) + 0.5F, {}) == Flag::kNone) {
      ++values;
    }
    while (average.Push(Normal(random) + 0.5F, {}) == Flag::kNone) {
      ++average_values;
    }
  }
  EXPECT_NEAR(values / kRounds, 56, 4);
  EXPECT_NEAR(average_values / kRounds, 135, 10);
  RecordProperty("cusum_delay", std::to_string(values / kRounds));
  RecordProperty("ewma_delay", std::to_string(average_values / kRounds));
}

}  // namespace
}  // namespace trib::drift
