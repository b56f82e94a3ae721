#include <gtest/gtest.h>

#include <cmath>

#include "test_values.h"
#include "trib/common/host/drift/adwin.h"
#include "trib/common/host/drift/charts.h"
#include "trib/common/host/drift/ddm.h"
#include "trib/common/host/drift/page_hinkley.h"

namespace trib::host::drift {
namespace {

using trib::drift::Flag;

TEST(Adwin, KeepsAllThatDoesNotDiffer) {
  Adwin adwin;
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_FALSE(adwin.Push(7.5)) << i;
  }
  EXPECT_EQ(adwin.width(), 10'000);
  EXPECT_DOUBLE_EQ(adwin.mean(), 7.5);
  EXPECT_NEAR(adwin.squares(), 0, 1e-9);
}

TEST(Adwin, SumsAreThoseOfTheValues) {
  SplitMix64 random(4);
  Adwin adwin;
  double total = 0;
  double squares = 0;
  constexpr int kValues = 5000;
  for (int i = 0; i < kValues; ++i) {
    const double x = 100 + NearlyNormal(random);
    ASSERT_FALSE(adwin.Push(x));
    total += x;
    squares += x * x;
  }
  EXPECT_EQ(adwin.width(), kValues);
  EXPECT_NEAR(adwin.total(), total, 1e-6);
  EXPECT_NEAR(adwin.squares(), squares - total * total / kValues, 1e-3);
}

TEST(Adwin, WithoutRestartOnlyTheOldPartGoes) {
  AdwinOptions options;
  options.restart = false;
  Adwin adwin(options);
  for (int i = 0; i < 1000; ++i) {
    adwin.Push(0);
  }
  int cuts = 0;
  for (int i = 0; i < 1000; ++i) {
    cuts += adwin.Push(1) ? 1 : 0;
  }
  EXPECT_GE(cuts, 1);
  EXPECT_GT(adwin.mean(), 0.99);
  EXPECT_GT(adwin.width(), 900);
}

TEST(Adwin, RowsBoundTheWindow) {
  AdwinOptions options;
  options.max_rows = 4;
  Adwin adwin(options);
  SplitMix64 random(6);
  double total = 0;
  for (int i = 0; i < 10'000; ++i) {
    const double x = NearlyNormal(random);
    total += x;
    ASSERT_FALSE(adwin.Push(x)) << i;
    // Five of each of 1, 2, 4 and 8.
    ASSERT_LE(adwin.width(), 75);
  }
  EXPECT_GE(adwin.width(), 60) << "forgets no more than one bucket";
  EXPECT_GT(std::abs(total - adwin.total()), 1);
  // What is left is the sum of the last values, which a second object sees alone.
  const auto width = static_cast<std::size_t>(adwin.width());
  SplitMix64 again(6);
  double last = 0;
  for (std::size_t i = 0; i < 10'000; ++i) {
    const double x = NearlyNormal(again);
    last += i >= 10'000 - width ? x : 0;
  }
  EXPECT_NEAR(adwin.total(), last, 1e-9);
}

TEST(Adwin, OneBucketOfEachSizeIsEnoughToNotice) {
  AdwinOptions options;
  options.max_buckets = 1;
  Adwin adwin(options);
  int noticed = -1;
  for (int i = 0; i < 2000 && noticed < 0; ++i) {
    noticed = adwin.Push(i < 1000 ? 0 : 1) ? i : -1;
  }
  EXPECT_GE(noticed, 1000);
  EXPECT_LT(noticed, 1200);
}

TEST(PageHinkley, NoticesARiseAndAFall) {
  for (const double shift : {2.0, -2.0}) {
    SplitMix64 random(8);
    PageHinkley detector;
    int noticed = -1;
    for (int i = 0; i < 3000 && noticed < 0; ++i) {
      noticed = detector.Push(NearlyNormal(random) + (i < 1000 ? 0 : shift)) ? i : -1;
    }
    EXPECT_GE(noticed, 1000) << shift;
    EXPECT_LT(noticed, 1060) << shift;
  }
}

TEST(PageHinkley, BeginsAnewAfterADetection) {
  PageHinkley detector({1, 0, 1, 1});
  EXPECT_FALSE(detector.Push(0));
  EXPECT_TRUE(detector.Push(5));
  EXPECT_FALSE(detector.Push(5));
  EXPECT_EQ(detector.mean(), 5);
  EXPECT_EQ(detector.rise(), 0);
}

TEST(Detectors, AConstantStreamNeverFires) {
  Adwin adwin;
  PageHinkley page_hinkley;
  CusumChart cusum({});
  EwmaChart ewma({});
  Ddm ddm;
  Eddm eddm;
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_FALSE(adwin.Push(-3.25));
    ASSERT_FALSE(page_hinkley.Push(-3.25));
    ASSERT_EQ(cusum.Push(-3.25), Flag::kNone);
    ASSERT_EQ(ewma.Push(-3.25), Flag::kNone);
    ASSERT_EQ(ddm.Push(true), ErrorTrend::kStable);
    ASSERT_EQ(eddm.Push(true), ErrorTrend::kStable);
  }
  EXPECT_EQ(cusum.baseline().deviation(), 0);
}

TEST(Detectors, WhatIsNoNumberIsIgnoredAndCounted) {
  Adwin adwin;
  PageHinkley page_hinkley;
  CusumChart cusum({2, {}});
  EwmaChart ewma({2, {}});
  for (const double x : {1.0, kNan, 2.0, kInfinity, -kInfinity, 3.0}) {
    EXPECT_FALSE(adwin.Push(x));
    EXPECT_FALSE(page_hinkley.Push(x));
    EXPECT_EQ(cusum.Push(x), std::isfinite(x) ? Flag::kNone : Flag::kIgnored);
    EXPECT_EQ(ewma.Push(x), std::isfinite(x) ? Flag::kNone : Flag::kIgnored);
  }
  EXPECT_EQ(adwin.ignored(), 3U);
  EXPECT_EQ(page_hinkley.ignored(), 3U);
  EXPECT_EQ(cusum.ignored(), 3U);
  EXPECT_EQ(ewma.ignored(), 3U);
  EXPECT_EQ(adwin.width(), 3);
  EXPECT_DOUBLE_EQ(adwin.mean(), 2);
  EXPECT_DOUBLE_EQ(page_hinkley.mean(), 2);
  EXPECT_DOUBLE_EQ(cusum.baseline().mean(), 1.5) << "the warm-up is two values";
}

TEST(Baseline, OfAHandComputedCase) {
  Baseline baseline;
  EXPECT_EQ(baseline.deviation(), 0);
  for (const double x : {2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0}) {
    baseline.Add(x);
  }
  EXPECT_DOUBLE_EQ(baseline.mean(), 5);
  EXPECT_DOUBLE_EQ(baseline.deviation(), std::sqrt(32.0 / 7));
  EXPECT_DOUBLE_EQ(baseline.Standardise(9), 4 / std::sqrt(32.0 / 7));
}

TEST(Baseline, WithoutSpreadAnythingElseIsInfinitelyFar) {
  Baseline baseline;
  baseline.Add(3);
  baseline.Add(3);
  EXPECT_EQ(baseline.Standardise(3), 0);
  EXPECT_EQ(baseline.Standardise(4), kInfinity);
  EXPECT_EQ(baseline.Standardise(2), -kInfinity);
}

TEST(CusumChart, AFlatWarmUpFlagsTheFirstChangeAndLearnsAnew) {
  CusumChart chart({10, {}});
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(chart.Push(1), Flag::kNone);
  }
  EXPECT_EQ(chart.Push(0.5), Flag::kDown);
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(chart.Push(0.5), Flag::kNone);
  }
  EXPECT_EQ(chart.baseline().mean(), 0.5);
}

TEST(Ddm, TellsTheErrorRateAndWarnsBeforeItDecides) {
  SplitMix64 random(12);
  Ddm ddm;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_NE(ddm.Push(random.Next() % 10 == 0), ErrorTrend::kDrift);
  }
  EXPECT_NEAR(ddm.error_rate(), 0.1, 0.03);
  bool warned = false;
  ErrorTrend trend = ErrorTrend::kStable;
  int answers = 0;
  for (; trend != ErrorTrend::kDrift && answers < 1000; ++answers) {
    trend = ddm.Push(random.Next() % 2 == 0);
    warned = warned || trend == ErrorTrend::kWarning;
  }
  EXPECT_TRUE(warned);
  EXPECT_LT(answers, 200);
}

TEST(Ddm, TheFirstErrorOfAFaultlessClassifierIsDrift) {
  Ddm ddm;
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(ddm.Push(false), ErrorTrend::kStable);
  }
  EXPECT_EQ(ddm.Push(true), ErrorTrend::kDrift);
  EXPECT_EQ(ddm.Push(true), ErrorTrend::kStable) << "begins anew";
}

}  // namespace
}  // namespace trib::host::drift
