#include "trib/cloud/train/dataset.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "trib/cloud/train/pipeline.h"

namespace trib::cloud::train {
namespace {

constexpr WindowShape kShape{64, 32, 1, 1000};

Source Ramp(std::size_t frames, const std::string& day) {
  Source source;
  source.conditions["day"] = day;
  for (std::size_t i = 0; i < frames; ++i) {
    source.samples.push_back(static_cast<std::int16_t>(i));
  }
  source.segments.push_back({0, frames});
  return source;
}

TrainConfig OneSet() {
  TrainConfig config;
  config.data.emplace_back();
  config.exits.tail = 0.2;
  config.exits.gap_windows = 2;
  return config;
}

Split ByDay() {
  Split split;
  split.by = "day";
  split.train = {"1"};
  split.test = {"2"};
  return split;
}

std::size_t End(const WindowRef& window) {
  return window.begin + kShape.frames;
}

TEST(Dividing, PutsEveryRecordingOnOneSide) {
  const std::vector<Source> sources = {Ramp(2000, "1"), Ramp(2000, "2"), Ramp(2000, "3")};
  const Parts parts = Divide(sources, OneSet(), ByDay(), kShape, 1);
  ASSERT_FALSE(parts.fit.empty());
  ASSERT_FALSE(parts.calibrate.empty());
  EXPECT_EQ(parts.test.size(), WindowsOf(sources[1], 1, kShape, {0, 2000}).size());
  for (const auto& window : parts.fit) {
    EXPECT_EQ(window.source, 0U);
  }
  for (const auto& window : parts.calibrate) {
    EXPECT_EQ(window.source, 0U);
  }
  for (const auto& window : parts.test) {
    EXPECT_EQ(window.source, 1U);
  }
}

TEST(Sources, AreLookedForBelowTheFoldersGiven) {
  TrainConfig config = OneSet();
  config.data[0].folder = "absent";
  std::vector<std::string> errors;
  EXPECT_FALSE(LoadSources(config, kShape, {"here", "there"}, errors).ok());
  EXPECT_FALSE(LoadSources(config, kShape, {}, errors).ok());
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0], "absent: no such folder below --data here or there");
  EXPECT_EQ(errors[1], "absent: no such folder; --data says below which to look");
  // A folder of this name where the program happens to run is another one.
  config.data[0].folder = ".";
  EXPECT_FALSE(LoadSources(config, kShape, {"here"}, errors).ok());
  EXPECT_EQ(errors[2], ".: no such folder below --data here");
}

TEST(Sources, AreNotSimulatedForSeveralChannels) {
  TrainConfig config = OneSet();
  config.simulator.share = 0.3;
  std::vector<std::string> errors;
  EXPECT_FALSE(Gather(config, {64, 32, 3, 1000}, {}, errors).ok());
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0], "simulator: its machines have one channel; the recipe has 3");
}

TEST(Dividing, SaysWhatIsMissingToTrain) {
  Material material;
  material.shape = kShape;
  material.sources = {Ramp(2000, "1"), Ramp(2000, "1"), Ramp(2000, "2")};
  material.sources[1].label = 1;
  material.simulated = material.simulated_test = material.sources.size();
  TrainConfig config = OneSet();
  config.classes = {"normal", "worn"};
  Split split = ByDay();
  split.name = "by_day";
  const auto check = [&] {
    return CheckPlan(MakePlan(material, config, split), material, config, split);
  };
  EXPECT_EQ(check(), "");
  split.test = {"4", "5"};
  EXPECT_EQ(check(),
            "split by_day: no windows to test with: no recording that is long enough has day = 4 "
            "or 5");
  split.test = {"2"};
  material.sources[1].conditions["day"] = "3";
  EXPECT_EQ(check(),
            "split by_day: no windows of class \"worn\" to train with: no recording that is long "
            "enough has day = 1");
  material.sources[1].conditions["day"] = "1";
  config.exits.tail = 0.02;
  EXPECT_NE(check().find("no windows to calibrate with"), std::string::npos);
}

TEST(Dividing, LeavesAGapBeforeWhatCalibrates) {
  const std::vector<Source> sources = {Ramp(2000, "1")};
  const Parts parts = Divide(sources, OneSet(), ByDay(), kShape, 1);
  std::size_t last = 0;
  for (const auto& window : parts.fit) {
    // Not even a window that is moved may reach beyond.
    EXPECT_LE(End(window), window.high);
    last = std::max<std::size_t>(last, window.high);
  }
  for (const auto& window : parts.calibrate) {
    EXPECT_GE(window.begin, last + 2 * kShape.frames);
    EXPECT_GE(window.begin, 1600U);
  }
}

TEST(Dividing, LeavesOutWhatIsOutside) {
  TrainConfig config = OneSet();
  config.data[0].outside = true;
  const Parts parts = Divide({Ramp(2000, "1"), Ramp(2000, "2")}, config, ByDay(), kShape, 1);
  EXPECT_TRUE(parts.fit.empty());
  EXPECT_TRUE(parts.test.empty());
}

TEST(Dividing, LeavesSimulatedMachinesOut) {
  std::vector<Source> sources = {Ramp(20'000, "1"), Ramp(20'000, "1")};
  sources[1].set = 1;  // behind the data sets
  Split split;
  split.by = "random";
  const Parts parts = Divide(sources, OneSet(), split, kShape, 7);
  for (const auto* part : {&parts.fit, &parts.calibrate, &parts.test}) {
    ASSERT_FALSE(part->empty());
    for (const auto& window : *part) {
      EXPECT_EQ(window.source, 0U);
    }
  }
}

TEST(Dividing, AtRandomMixesRecordingsAndIsTheSameForASeed) {
  Split split;
  split.by = "random";
  const std::vector<Source> sources = {Ramp(20'000, "1")};
  const Parts a = Divide(sources, OneSet(), split, kShape, 7);
  const Parts b = Divide(sources, OneSet(), split, kShape, 7);
  ASSERT_EQ(a.test.size(), b.test.size());
  for (std::size_t i = 0; i < a.test.size(); ++i) {
    EXPECT_EQ(a.test[i].begin, b.test[i].begin);
  }
  const auto all = static_cast<double>(a.fit.size() + a.calibrate.size() + a.test.size());
  EXPECT_NEAR(static_cast<double>(a.test.size()) / all, split.test_share, 0.05);
}

TEST(Windows, CrossNoBoundary) {
  Source source = Ramp(300, "1");
  source.segments = {{0, 100}, {100, 300}};
  for (const auto& window : WindowsOf(source, 0, kShape, {0, 300})) {
    EXPECT_TRUE(End(window) <= 100 || window.begin >= 100);
  }
}

TEST(Windows, AreWhatWasRecordedWhenNothingChangesThem) {
  const Source source = Ramp(300, "1");
  SplitMix64 random(1);
  std::vector<std::int16_t> out(kShape.frames);
  CutWindow(
      source, {.source = 0, .begin = 96, .low = 0, .high = 300}, kShape, nullptr, random, out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(out[i], 96 + static_cast<int>(i));
  }
}

TEST(Windows, StayInTheirPartHoweverTheyAreMoved) {
  Source source = Ramp(300, "1");
  // What may not be touched would be seen.
  for (std::size_t i = 0; i < source.samples.size(); ++i) {
    source.samples[i] = i >= 100 && i < 200 ? 100 : 30'000;
  }
  Augment augment;
  augment.speed = 0.2;
  SplitMix64 random(3);
  std::vector<std::int16_t> out(kShape.frames);
  for (int n = 0; n < 200; ++n) {
    CutWindow(source,
              {.source = 0, .begin = 132, .low = 100, .high = 200},
              kShape,
              &augment,
              random,
              out);
    for (const std::int16_t sample : out) {
      EXPECT_EQ(sample, 100);
    }
  }
}

TEST(Windows, PassAFilterOfTheirOwn) {
  Source source = Ramp(300, "1");
  for (std::size_t i = 0; i < source.samples.size(); ++i) {
    source.samples[i] = i == 120 ? 10'000 : 0;
  }
  Augment augment;
  augment.filter = 0.5;
  augment.shift = false;
  SplitMix64 random(9);
  std::vector<std::int16_t> out(kShape.frames);
  CutWindow(
      source, {.source = 0, .begin = 96, .low = 0, .high = 300}, kShape, &augment, random, out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i == 24) {
      EXPECT_EQ(out[i], 10'000);
    } else if (i == 25 || i == 26) {
      EXPECT_NE(out[i], 0);
      EXPECT_LE(std::abs(out[i]), 5'000);
    } else {
      EXPECT_EQ(out[i], 0) << i;
    }
  }
}

TEST(Resampling, KeepsATone) {
  Source source;
  const double step = 1.7;
  const double turns = 0.05;  // per frame of the source
  for (int i = 0; i < 2000; ++i) {
    source.samples.push_back(static_cast<std::int16_t>(
        std::lround(10'000 * std::sin(2 * std::numbers::pi * turns * i))));
  }
  std::vector<float> out(800);
  Resample(source, 1, {0, 2000}, 100, step, out);
  for (std::size_t n = 0; n < out.size(); ++n) {
    const double at = 100 + step * static_cast<double>(n);
    EXPECT_NEAR(out[n], 10'000 * std::sin(2 * std::numbers::pi * turns * at), 100) << n;
  }
}

TEST(Resampling, LetsNothingThroughThatTheNewRateCannotHold) {
  Source source;
  for (int i = 0; i < 4000; ++i) {
    // 0.45 of the old rate; the new Nyquist frequency lies at 0.125.
    source.samples.push_back(
        static_cast<std::int16_t>(std::lround(10'000 * std::sin(2 * std::numbers::pi * 0.45 * i))));
  }
  std::vector<float> out(800);
  Resample(source, 1, {0, 4000}, 100, 4, out);
  for (const float value : out) {
    EXPECT_NEAR(value, 0, 150);
  }
}

TEST(SimulatedMachines, AreTheSameForASeedAndCoverTheClasses) {
  TrainConfig config;
  config.classes = {"normal", "inner_race", "outer_race", "ball", "other"};
  config.simulator.sizes = {"0.021"};
  config.simulator.seconds = 0.2;
  const WindowShape shape{256, 256, 1, 12'000};
  const auto a = Simulate(config, shape, 2, 5);
  const auto b = Simulate(config, shape, 2, 5);
  const auto c = Simulate(config, shape, 2, 6);
  ASSERT_EQ(a.size(), 8U);  // nothing is known about "other"
  EXPECT_EQ(a[3].samples, b[3].samples);
  EXPECT_NE(a[3].samples, c[3].samples);
  EXPECT_NE(a[2].samples, a[3].samples);
}

}  // namespace
}  // namespace trib::cloud::train
