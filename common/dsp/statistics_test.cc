#include "trib/common/dsp/statistics.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace trib::dsp {
namespace {

template <typename Real>
TimeStatistics<Real> Of(const std::vector<std::int16_t>& samples) {
  const ChannelView<std::int16_t> view{std::span<const std::int16_t>(samples)};
  return Describe<Real>(view, Accumulate(view));
}

TEST(Statistics, FullScaleWindowIsExact) {
  std::vector<std::int16_t> samples(4096);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = i % 2 == 0 ? std::int16_t{-32768} : std::int16_t{32767};
  }
  const auto s = Of<float>(samples);
  EXPECT_EQ(s.mean, -0.5F);
  EXPECT_EQ(s.variance, 32767.5F * 32767.5F);
  EXPECT_EQ(s.peak, 32768.0F);
  EXPECT_EQ(s.mean_step, 65535.0F);
  const ChannelView<std::int16_t> view{std::span<const std::int16_t>(samples)};
  EXPECT_EQ(ZeroCrossings(view, Accumulate(view)), 4095U);
  EXPECT_FLOAT_EQ((DescribeShape<float>(view, s).kurtosis), 1.0F);
}

TEST(Statistics, DeadChannelGivesZeroRatiosAndNoNan) {
  const std::vector<std::int16_t> zeros(64, 0);
  const auto s = Of<float>(zeros);
  EXPECT_EQ(s.crest, 0.0F);
  EXPECT_EQ(s.shape, 0.0F);
  const ChannelView<std::int16_t> view{std::span<const std::int16_t>(zeros)};
  EXPECT_EQ((DescribeShape<float>(view, s).kurtosis), 0.0F);
  EXPECT_EQ((MarginFactor<float>(view, s)), 0.0F);
  EXPECT_EQ((Correlation<float>(view, view, s, s)), 0.0F);
}

TEST(Statistics, ConstantWindowHasExactlyNoVariance) {
  const auto s = Of<float>(std::vector<std::int16_t>(1000, 12345));
  EXPECT_EQ(s.variance, 0.0F);
  EXPECT_EQ(s.mean, 12345.0F);
  EXPECT_EQ(s.crest, 1.0F);
}

TEST(Statistics, ChannelsOfAnInterleavedWindowDoNotMix) {
  const std::array<std::int16_t, 8> samples = {1, -10, 2, -20, 3, -30, 4, -40};
  const ChannelView<std::int16_t> first(samples, 2, 0);
  const ChannelView<std::int16_t> second(samples, 2, 1);
  const auto a = Describe<double>(first, Accumulate(first));
  const auto b = Describe<double>(second, Accumulate(second));
  EXPECT_DOUBLE_EQ(a.mean, 2.5);
  EXPECT_DOUBLE_EQ(b.mean, -25.0);
  EXPECT_DOUBLE_EQ(b.peak, 40.0);
  EXPECT_NEAR((Correlation<double>(first, second, a, b)), -1.0, 1e-15);
}

TEST(Statistics, CountsAndRealsOfTheSameValuesAgree) {
  std::vector<std::int16_t> counts;
  std::vector<double> reals;
  for (int i = 0; i < 500; ++i) {
    counts.push_back(static_cast<std::int16_t>((i * 7919) % 4001 - 1900));
    reals.push_back(counts.back());
  }
  const ChannelView<double> view{std::span<const double>(reals)};
  const auto of_reals = Describe<double>(view, Accumulate(view));
  const auto of_counts = Of<double>(counts);
  EXPECT_DOUBLE_EQ(of_counts.mean, of_reals.mean);
  EXPECT_NEAR(of_counts.variance / of_reals.variance, 1.0, 1e-13);
  EXPECT_DOUBLE_EQ(of_counts.mean_step, of_reals.mean_step);
  const ChannelView<std::int16_t> count_view{std::span<const std::int16_t>(counts)};
  EXPECT_EQ(ZeroCrossings(count_view, Accumulate(count_view)),
            ZeroCrossings(view, Accumulate(view)));
}

TEST(Statistics, CrossingsAreOfTheMeanExactly) {
  const auto crossings = [](const std::vector<std::int16_t>& samples) {
    const ChannelView<std::int16_t> view{std::span<const std::int16_t>(samples)};
    return ZeroCrossings(view, Accumulate(view));
  };
  EXPECT_EQ(crossings({5, 5, 5, 5}), 0U);
  EXPECT_EQ(crossings({100, 101, 100, 101}), 3U);      // mean 100.5
  EXPECT_EQ(crossings({-100, -101, -100, -101}), 3U);  // mean -100.5
  EXPECT_EQ(crossings({-3, -1, -2, -2}), 1U);          // on the mean is not below it
}

}  // namespace
}  // namespace trib::dsp
