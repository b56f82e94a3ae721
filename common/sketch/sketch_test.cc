#include "trib/common/sketch/sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "trib/common/base/random.h"

namespace trib::sketch {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

std::array<float, kEdges> UnitEdges() {
  std::array<float, kEdges> edges{};
  for (std::size_t i = 0; i < kEdges; ++i) {
    edges[i] = static_cast<float>(i);  // 0, 1, .. 14
  }
  return edges;
}

message::Sketch RandomSketch(SplitMix64& random, std::uint32_t features, std::uint64_t limit) {
  const auto draw = [&] { return static_cast<std::uint32_t>(random.Next() % limit); };
  message::Sketch sketch;
  sketch.windows = draw();
  sketch.triggered = draw();
  sketch.invalid = draw();
  for (auto& exits : sketch.exits) {
    exits = draw();
  }
  for (std::uint64_t labels = random.Next() % (message::kMaxLabels + 1); labels > 0; --labels) {
    (void)sketch.labels.push_back(draw());
  }
  for (std::uint32_t feature = 0; feature < features; ++feature) {
    message::Histogram histogram;
    histogram.feature = feature * 3;
    for (auto& count : histogram.counts) {
      count = draw();
    }
    (void)sketch.histograms.push_back(histogram);
  }
  return sketch;
}

message::Sketch Sum(message::Sketch a, const message::Sketch& b) {
  EXPECT_NE(Merge(a, b).code(), Code::kInvalidArgument);
  return a;
}

TEST(BinOf, MatchesALinearSearchEverywhere) {
  SplitMix64 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::array<float, kEdges> edges{};
    for (float& edge : edges) {
      edge = static_cast<float>(random.Next() % 41) - 20.0F;  // with equal neighbours
    }
    std::sort(edges.begin(), edges.end());
    const float value = static_cast<float>(random.Next() % 83) / 2.0F - 20.5F;
    const auto expected =
        std::count_if(edges.begin(), edges.end(), [&](float edge) { return edge <= value; });
    EXPECT_EQ(BinOf(value, edges), static_cast<std::size_t>(expected));
  }
}

TEST(BinOf, PutsAnEdgeIntoTheUpperBinAndInfinitiesIntoTheOuterOnes) {
  const auto edges = UnitEdges();
  EXPECT_EQ(BinOf(0.0F, edges), 1U);
  EXPECT_EQ(BinOf(std::nextafterf(0.0F, -1.0F), edges), 0U);
  EXPECT_EQ(BinOf(14.0F, edges), 15U);
  EXPECT_EQ(BinOf(-kInf, edges), 0U);
  EXPECT_EQ(BinOf(kInf, edges), 15U);
  EXPECT_FALSE(BinOf(std::nanf(""), edges).has_value());
}

TEST(SketchBuilder, CountsWindowsFeaturesAndExits) {
  const auto edges = UnitEdges();
  SketchBuilder builder;
  const std::array<HistogramSpec, 3> specs{HistogramSpec{1, edges},
                                           HistogramSpec{message::kConfidenceFeature, edges},
                                           HistogramSpec{message::kTriggerScoreFeature, edges}};
  ASSERT_TRUE(builder.Configure(specs, 3).ok());
  builder.AddWindow(false,
                    {.frame = std::array{99.0F, 0.5F}, .trigger_score = 2.5F, .confidence = 5.5F});
  builder.AddDecision(message::Tier::kTrigger, 0);
  builder.AddWindow(
      true, {.frame = std::array{99.0F, 3.5F}, .trigger_score = -1.0F, .confidence = 5.25F});
  builder.AddDecision(message::Tier::kClassifier, 2);
  builder.AddInvalid();
  builder.AddDecision(message::Tier::kFallback, 0);
  builder.AddDecision(message::Tier::kFallback, 3);  // no label of the package
  const message::Sketch& sketch = builder.sketch();
  EXPECT_EQ(sketch.windows, 3U);
  EXPECT_EQ(sketch.triggered, 1U);
  EXPECT_EQ(sketch.invalid, 1U);
  EXPECT_EQ(sketch.exits, (std::array<std::uint32_t, 6>{0, 2, 1, 1, 0, 0}));
  ASSERT_EQ(sketch.labels.size(), 3U);
  EXPECT_EQ(sketch.labels[0], 2U);
  EXPECT_EQ(sketch.labels[1], 0U);
  EXPECT_EQ(sketch.labels[2], 1U);
  EXPECT_EQ(sketch.histograms[0].counts[1], 1U);
  EXPECT_EQ(sketch.histograms[0].counts[4], 1U);
  EXPECT_EQ(sketch.histograms[1].counts[6], 2U);
  EXPECT_EQ(sketch.histograms[2].counts[3], 1U);
  EXPECT_EQ(sketch.histograms[2].counts[0], 1U);
  EXPECT_EQ(builder.ignored_values(), 0U);
}

TEST(SketchBuilder, CountsValuesThatHaveNoBin) {
  const auto edges = UnitEdges();
  SketchBuilder builder;
  const std::array<HistogramSpec, 2> specs{HistogramSpec{0, edges}, HistogramSpec{9, edges}};
  ASSERT_TRUE(builder.Configure(specs).ok());
  builder.AddWindow(false, {.frame = std::array{std::nanf("")}});
  EXPECT_EQ(builder.ignored_values(), 2U);
  EXPECT_EQ(builder.sketch().windows, 1U);
  for (const auto& histogram : builder.sketch().histograms) {
    EXPECT_EQ(histogram.counts, (std::array<std::uint32_t, 16>{}));
  }
}

TEST(SketchBuilder, StartsTheNextBlockEmptyWithTheSameHistograms) {
  const auto edges = UnitEdges();
  SketchBuilder builder;
  const HistogramSpec spec{0, edges};
  ASSERT_TRUE(builder.Configure({&spec, 1}, 2).ok());
  const message::Sketch empty = builder.sketch();
  builder.AddWindow(true, {.frame = std::array{1.0F}});
  builder.AddDecision(message::Tier::kTrigger, 1);
  EXPECT_FALSE(builder.sketch() == empty);
  builder.Reset();
  EXPECT_EQ(builder.sketch(), empty);
}

TEST(SketchBuilder, RefusesUnusableSpecs) {
  auto edges = UnitEdges();
  SketchBuilder builder;
  const std::array<HistogramSpec, 2> twice{HistogramSpec{4, edges}, HistogramSpec{4, edges}};
  EXPECT_EQ(builder.Configure(twice), Status(Code::kInvalidArgument, Reason::kDuplicateFeature));
  EXPECT_TRUE(builder.sketch().histograms.empty());
  std::swap(edges[3], edges[4]);
  EXPECT_EQ(builder.Configure({twice.data(), 1}),
            Status(Code::kInvalidArgument, Reason::kBadEdges));
  std::swap(edges[3], edges[4]);
  edges[14] = kInf;
  EXPECT_EQ(builder.Configure({twice.data(), 1}),
            Status(Code::kInvalidArgument, Reason::kBadEdges));
  const std::vector<HistogramSpec> many(message::kMaxHistograms + 1, HistogramSpec{4, edges});
  EXPECT_EQ(builder.Configure(many), Status(Code::kInvalidArgument, Reason::kTooManyHistograms));
  EXPECT_EQ(builder.Configure({}, message::kMaxLabels + 1),
            Status(Code::kInvalidArgument, Reason::kTooManyLabels));
  EXPECT_TRUE(builder.Configure({}, message::kMaxLabels).ok());
}

TEST(Merge, IsAssociativeAndCommutativeEvenWhenItSaturates) {
  SplitMix64 random(5);
  for (int round = 0; round < 500; ++round) {
    const std::uint64_t limit = round % 2 == 0 ? 1000 : (1ULL << 32U);
    const auto features = static_cast<std::uint32_t>(random.Next() % 33);
    const auto a = RandomSketch(random, features, limit);
    const auto b = RandomSketch(random, features, limit);
    const auto c = RandomSketch(random, features, limit);
    EXPECT_EQ(Sum(a, b), Sum(b, a));
    EXPECT_EQ(Sum(Sum(a, b), c), Sum(a, Sum(b, c)));
  }
}

TEST(Merge, MatchesHistogramsByFeatureAndNotByPlace) {
  SplitMix64 random(6);
  const auto a = RandomSketch(random, 5, 1000);
  auto reversed = RandomSketch(random, 5, 1000);
  const auto straight = reversed;
  std::reverse(reversed.histograms.begin(), reversed.histograms.end());
  EXPECT_EQ(Sum(a, reversed), Sum(a, straight));
}

TEST(Merge, SaysWhenACounterStopped) {
  message::Sketch a;
  a.windows = std::numeric_limits<std::uint32_t>::max() - 1;
  message::Sketch one;
  one.windows = 1;
  EXPECT_TRUE(Merge(a, one).ok());
  EXPECT_EQ(Merge(a, one).code(), Code::kOutOfRange);
  EXPECT_EQ(a.windows, std::numeric_limits<std::uint32_t>::max());
}

TEST(Merge, TakesASketchWithoutLabelsAsOneOfNone) {
  message::Sketch labelled;
  (void)labelled.labels.assign(std::array<std::uint32_t, 2>{5, 6});
  const message::Sketch older;
  EXPECT_EQ(Sum(older, labelled), labelled);
  EXPECT_EQ(Sum(labelled, older), labelled);
  EXPECT_EQ(Sum(labelled, labelled).labels[1], 12U);
}

TEST(Merge, RefusesOtherFeaturesAndChangesNothing) {
  SplitMix64 random(7);
  const auto a = RandomSketch(random, 3, 1000);
  auto other = RandomSketch(random, 3, 1000);
  other.histograms[1].feature = 77;
  auto into = a;
  EXPECT_EQ(Merge(into, other), Status(Code::kInvalidArgument, Reason::kDifferentFeatures));
  EXPECT_EQ(Merge(into, RandomSketch(random, 4, 1000)).code(), Code::kInvalidArgument);
  EXPECT_EQ(into, a);
  auto doubled = a;
  doubled.histograms[1].feature = doubled.histograms[0].feature;
  auto same = doubled;
  EXPECT_EQ(Merge(doubled, same).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace trib::sketch
