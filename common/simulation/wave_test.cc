#include "trib/common/simulation/wave.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace trib::simulation {
namespace {

TEST(Wave, SineIsThatOfTheWholeCircle) {
  double worst = 0;
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    const auto turns = static_cast<std::uint32_t>(i * 4'294'967'291U / 1'000U);
    const double angle = 2 * std::numbers::pi * static_cast<double>(turns) * 0x1p-32;
    worst = std::max(worst, std::fabs(static_cast<double>(Sine(turns)) - std::sin(angle)));
    worst = std::max(worst, std::fabs(static_cast<double>(Cosine(turns)) - std::cos(angle)));
  }
  EXPECT_LT(worst, 2e-7);
  EXPECT_EQ(Sine(0), 0);
  EXPECT_EQ(Sine(0x80000000U), 0);
  EXPECT_NEAR(Sine(0x40000000U), 1, 2e-7);
  EXPECT_NEAR(Sine(0xC0000000U), -1, 2e-7);
}

TEST(Wave, SmallExpIsGoodToTheBoundStated) {
  for (int i = -1'000; i <= 1'000; ++i) {
    const float x = 0.001F * static_cast<float>(i);
    const double want = std::exp(static_cast<double>(x));
    ASSERT_NEAR(SmallExp(x) / want, 1, 8e-6) << x;
  }
}

TEST(Wave, NearGaussianHasTheMomentsStated) {
  constexpr int kDraws = 200'000;
  double mean = 0;
  double second = 0;
  double fourth = 0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const auto x = static_cast<double>(NearGaussian(WordAt(3, i)));
    ASSERT_LE(std::fabs(x), 3.47);
    mean += x / kDraws;
    second += x * x / kDraws;
    fourth += x * x * x * x / kDraws;
  }
  EXPECT_NEAR(mean, 0, 0.01);
  EXPECT_NEAR(second, 1, 0.015);
  EXPECT_NEAR(fourth / (second * second), 2.7, 0.05);
}

TEST(Wave, SmoothNoiseIsSmoothBoundedAndSlopesAsStated) {
  constexpr std::uint64_t kKnot = 1'000;
  double slope_squares = 0;
  double sum = 0;
  float before = SmoothNoise(5, 0, kKnot);
  float slope_before = SmoothNoise(5, 1, kKnot) - before;
  constexpr std::uint64_t kSteps = 500'000;
  for (std::uint64_t i = 1; i <= kSteps; ++i) {
    const float value = SmoothNoise(5, i, kKnot);
    const float slope = value - before;
    ASSERT_LE(std::fabs(value), 1.0F);
    ASSERT_LT(std::fabs(slope - slope_before), 2e-5F) << i;
    slope_squares += std::pow(static_cast<double>(slope) * kKnot, 2) / kSteps;
    sum += static_cast<double>(value) / kSteps;
    before = value;
    slope_before = slope;
  }
  EXPECT_NEAR(std::sqrt(slope_squares), static_cast<double>(kSplineSlope), 0.05);
  EXPECT_NEAR(sum, 0, 0.1);
}

TEST(Wave, MultiplesOfLongAnglesKeepTheirFractions) {
  const AngleMultiple half(0.5F);
  const AngleMultiple most(255.5F);
  for (const std::uint64_t turns : {0ULL, 3ULL, 4'000'000ULL, 16'000'000ULL}) {
    const LongAngle angle = (turns << 32U) + 0x40000000U;
    EXPECT_EQ(half(angle), (turns << 31U) + 0x20000000U);
    EXPECT_EQ(most(angle), 255 * angle + angle / 2);
  }
  const AngleMultiple odd(3.58478F);
  for (const std::uint64_t step : {1ULL, 1ULL << 20U, 3ULL << 31U}) {
    EXPECT_NEAR(static_cast<double>(static_cast<std::int64_t>(odd(0 - step))),
                -static_cast<double>(odd(step)),
                2);
  }
}

}  // namespace
}  // namespace trib::simulation
