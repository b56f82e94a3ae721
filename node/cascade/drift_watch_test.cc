#include "trib/node/cascade/drift_watch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "trib/common/base/random.h"
#include "trib/common/message/types.h"

namespace trib::node::cascade {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::uint32_t kConfidenceBit = 1U << message::kDriftConfidenceBit;

package::SketchEdges EdgesOf(const std::vector<std::uint32_t>& features) {
  package::SketchEdges edges;
  for (const std::uint32_t feature : features) {
    package::SketchEdges::Histogram histogram;
    histogram.feature = static_cast<std::uint16_t>(feature);
    EXPECT_TRUE(edges.histograms.push_back(histogram));
  }
  return edges;
}

/// Roughly normal, mean 0 and deviation 1.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : random_(seed) {}
  float Next() {
    float sum = 0;
    for (int i = 0; i < 12; ++i) {
      sum += static_cast<float>(random_.Next() >> 40U) / static_cast<float>(1U << 24U);
    }
    return sum - 6;
  }

 private:
  SplitMix64 random_;
};

/// Steps until something is flagged. @returns windows; 0 when nothing was.
struct First {
  std::size_t windows = 0;
  std::uint32_t flags = 0;
};
template <typename Frame>
First FirstFlag(DriftWatch& watch, std::size_t most, Frame frame) {
  for (std::size_t i = 1; i <= most; ++i) {
    const std::vector<float> values = frame();
    if (const std::uint32_t flags = watch.Step(values, kNan); flags != 0) {
      return {i, flags};
    }
  }
  return {};
}

TEST(DriftWatch, IsQuietAboutNoiseAndAboutWhatLoadDoes) {
  DriftWatch watch(EdgesOf({0, 1}));
  Noise noise(3);
  EXPECT_EQ(FirstFlag(watch,
                      200'000,
                      [&] {
                        return std::vector<float>{noise.Next(), 1.5F + noise.Next()};
                      })
                .windows,
            0U);
}

TEST(DriftWatch, NamesTheHistogramOfTheFeatureThatMoved) {
  DriftWatch watch(EdgesOf({4, 2, message::kTriggerScoreFeature, 0}));
  Noise noise(5);
  const First first = FirstFlag(watch, 1'000, [&] {
    return std::vector<float>{noise.Next(), 9, 3 + noise.Next(), 9, noise.Next()};
  });
  EXPECT_EQ(first.flags, 0b10U) << "feature 2 is of the second histogram; 1 and 3 of none";
  EXPECT_GT(first.windows, 30U);
  EXPECT_LT(first.windows, 90U) << "50 deviations, one a window";
}

TEST(DriftWatch, NoticesAFallAsWell) {
  DriftWatch watch(EdgesOf({0}));
  EXPECT_EQ(FirstFlag(watch, 100, [] { return std::vector<float>{-3.0F}; }).windows, 51U);
}

TEST(DriftWatch, AFlagBeginsItsChartsAnewAndNoOthers) {
  DriftWatch watch(EdgesOf({0, 1}));
  std::vector<std::uint32_t> flags;
  for (int i = 0; i < 110; ++i) {
    flags.push_back(watch.Step(std::vector<float>{3.0F, i < 30 ? 3.0F : 2.5F}, kNan));
  }
  for (std::size_t i = 0; i < flags.size(); ++i) {
    // 30 windows of one deviation and then of a half: the 71st goes beyond 50.
    const std::uint32_t expected = (i == 50 || i == 101 ? 1U : 0U) | (i == 70 ? 2U : 0U);
    EXPECT_EQ(flags[i], expected) << i;
  }
}

TEST(DriftWatch, QuickAboutAJumpAndForgivingAboutOutliers) {
  DriftWatch jump(EdgesOf({0}));
  const First first = FirstFlag(jump, 100, [] { return std::vector<float>{50.0F}; });
  EXPECT_EQ(first.windows, 13U) << "each counts 6 at most";
  DriftWatch outliers(EdgesOf({0}));
  std::size_t i = 0;
  EXPECT_EQ(
      FirstFlag(outliers, 100'000, [&] { return std::vector<float>{++i % 10 == 0 ? 1e30F : 0.0F}; })
          .windows,
      0U);
}

TEST(DriftWatch, ANanOrAMissingBaselineChangesNothing) {
  DriftWatch watch(EdgesOf({0}));
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(watch.Step(std::vector<float>{3.0F}, kNan), 0U);
    EXPECT_EQ(watch.Step(std::vector<float>{kNan}, kNan), 0U);
    EXPECT_EQ(watch.Step({}, kNan), 0U);
  }
  EXPECT_EQ(watch.Step(std::vector<float>{3.0F}, kNan), 1U);
}

TEST(DriftWatch, ComparesTheConfidenceWithTheFirstOnesOfThisNode) {
  DriftWatch watch(EdgesOf({0}));
  const std::uint32_t learning = DriftSettings().confidences;
  for (std::uint32_t i = 0; i < learning; ++i) {
    EXPECT_EQ(watch.Step({}, i % 2 == 0 ? 0.97F : 0.99F), 0U);
    EXPECT_EQ(watch.Step({}, kNan), 0U);
  }
  EXPECT_EQ(watch.confidences(), learning);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(watch.Step({}, 0.9F), 0U) << "less than two of the least deviation";
  }
  std::uint32_t flags = 0;
  int windows = 0;
  for (; flags == 0 && windows < 1'000; ++windows) {
    flags = watch.Step({}, 0.8F);
  }
  EXPECT_EQ(flags, kConfidenceBit);
  EXPECT_EQ(windows, 32) << "3.6 deviations each, less the slack, to 50";
}

TEST(DriftWatch, TheConfidenceHasTheBitOfItsHistogramWhereThereIsOne) {
  DriftSettings settings;
  settings.confidences = 1;
  DriftWatch watch(EdgesOf({0, message::kConfidenceFeature}), settings);
  std::uint32_t flags = 0;
  for (int i = 0; i < 100 && flags == 0; ++i) {
    flags = watch.Step({}, i == 0 ? 0.9F : 0.4F);
  }
  EXPECT_EQ(flags, 0b10U);
}

TEST(DriftWatch, WithoutABitTheConfidenceIsNotWatched) {
  std::vector<std::uint32_t> features;
  for (std::uint32_t i = 0; i < message::kMaxHistograms; ++i) {
    features.push_back(i);
  }
  DriftSettings settings;
  settings.confidences = 1;
  DriftWatch watch(EdgesOf(features), settings);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(watch.Step({}, i == 0 ? 0.9F : 0.1F), 0U);
  }
  DriftWatch nothing;
  EXPECT_EQ(nothing.Step(std::vector<float>{9.0F}, 0.5F), 0U);
}

}  // namespace
}  // namespace trib::node::cascade
