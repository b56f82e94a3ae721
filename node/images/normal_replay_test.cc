// How well the learned normal does on the CWRU recordings, cross-validated; why the covariance is
// shrunk; what commissioning tells apart. The node's own code, window by window, without the loop
// around it. With -V the figures.
#include "normal_replay.h"

namespace trib::node::images::replay {
namespace {

// ---- CWRU --------------------------------------------------------------------------------------

// Five folds, each a fifth of every healthy recording in one piece; the baseline is 60 windows
// spread over the rest, less those that overlap the fold. So every healthy window is judged once by
// a node that never saw it.
TEST(NormalReplay, CwruCrossValidated) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  const Bearing bearing = LoadBearing();
  constexpr std::size_t kFolds = 5;
  constexpr std::size_t kBaseline = 60;
  constexpr float kScale = 16.0F / 32768.0F;
  std::array<Count, 3> healthy;
  std::array<Count, 3> faulty;
  Count independent;  // healthy windows that do not overlap
  Count episodes;     // healthy folds with a false alarm
  Count in_episode;
  for (const std::string channel : {"DE", "FE"}) {
    std::vector<Frames> normals;
    std::vector<Frames> faults;
    for (const auto& entry : std::filesystem::directory_iterator(shared / "data/cwru")) {
      const std::string name = entry.path().stem().string();
      if (entry.path().extension() == ".i16" && name.ends_with(channel)) {
        (name.starts_with("normal") ? normals : faults)
            .push_back(Extract(
                bearing.recipe, ReadSamples(entry.path()), kScale, bearing.recipe.hop_frames));
      }
    }
    ASSERT_EQ(normals.size(), 2U);
    ASSERT_EQ(faults.size(), 27U);
    for (std::size_t fold = 0; fold < kFolds; ++fold) {
      Frames train;
      std::vector<Frames> tests;
      for (const Frames& normal : normals) {
        const std::size_t begin = fold * normal.size() / kFolds;
        const std::size_t end = (fold + 1) * normal.size() / kFolds;
        Frames& test = tests.emplace_back();
        for (std::size_t i = 0; i < normal.size(); ++i) {
          if (i >= begin && i < end) {
            test.push_back(normal[i]);
          } else if (i + 1 < begin || i > end) {
            train.push_back(normal[i]);
          }
        }
      }
      Detector detector(bearing.trigger, bearing.distance, Spread(train, kBaseline));
      for (const Frames& test : tests) {
        detector.Rearm();
        bool alarmed = false;
        for (std::size_t i = 0; i < test.size(); ++i) {
          const auto answer = detector.Step(test[i]);
          for (std::size_t version = 0; version < 3; ++version) {
            healthy[version].Add(answer.over[version]);
          }
          if (i % 2 == 0) {
            independent.Add(answer.over[Detector::kBoth]);
          }
          alarmed = alarmed || answer.active;
        }
        episodes.Add(alarmed);
      }
      for (const Frames& fault : faults) {
        detector.Rearm();
        for (const auto& frame : fault) {
          const auto answer = detector.Step(frame);
          for (std::size_t version = 0; version < 3; ++version) {
            faulty[version].Add(answer.over[version]);
          }
          in_episode.Add(answer.active);
        }
      }
    }
  }
  for (std::size_t version = 0; version < 3; ++version) {
    std::printf("CWRU %s: healthy windows over %s; faulty windows over %s\n",
                Detector::kNames[version],
                healthy[version].Text().c_str(),
                faulty[version].Text().c_str());
  }
  std::printf("CWRU both: healthy windows that share no sample, over %s\n",
              independent.Text().c_str());
  std::printf("CWRU both: healthy stretches with an alarm %s; faulty windows in an alarm %s\n",
              episodes.Text().c_str(),
              in_episode.Text().c_str());
  EXPECT_GE(healthy[Detector::kBoth].total, 220U);
  EXPECT_LE(healthy[Detector::kBoth].share(), 0.01);
  EXPECT_GE(faulty[Detector::kBoth].share(), 0.99);
  EXPECT_EQ(episodes.hits, 0U);
}

// Why the covariance is shrunk: full, automatic and diagonal, learned from 24, 35 and 60 windows of
// the healthy machine, without any safety factor. What counts is the margin: how far below the
// threshold the healthy windows stay that the node never saw, and how far above it the least faulty
// ones lie.
TEST(NormalReplay, CwruStructureOfTheCovariance) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  Bearing bearing = LoadBearing();
  bearing.distance.threshold_scale = 1;
  constexpr float kScale = 16.0F / 32768.0F;
  std::map<std::pair<float, std::size_t>, double> margin;
  for (const std::size_t windows : {24U, 35U, 60U}) {
    for (const float shrinkage : {0.0F, package::DistanceSpec::kAutomatic, 1.0F}) {
      bearing.distance.shrinkage = shrinkage;
      Count healthy;
      std::vector<float> of_healthy;
      std::vector<float> of_faulty;
      float used = 0;
      bool sealed = true;
      for (const std::string channel : {"DE", "FE"}) {
        Frames train;
        Frames test;
        Frames faults;
        for (const auto& entry : std::filesystem::directory_iterator(shared / "data/cwru")) {
          const std::string name = entry.path().stem().string();
          if (entry.path().extension() != ".i16" || !name.ends_with(channel)) {
            continue;
          }
          const Frames frames =
              Extract(bearing.recipe, ReadSamples(entry.path()), kScale, bearing.recipe.hop_frames);
          if (!name.starts_with("normal")) {
            faults.insert(faults.end(), frames.begin(), frames.end());
            continue;
          }
          const std::size_t cut = frames.size() * 6 / 10;
          train.insert(train.end(), frames.begin(), frames.begin() + static_cast<long>(cut));
          test.insert(test.end(), frames.begin() + static_cast<long>(cut) + 2, frames.end());
        }
        if (shrinkage == 0 && windows < 27) {
          sealed = false;  // 21 features: fewer windows than their covariance needs
          break;
        }
        Detector detector(bearing.trigger, bearing.distance, Spread(train, windows));
        used = detector.baseline().shrinkage();
        for (const auto& frame : test) {
          of_healthy.push_back(detector.Ratio(frame));
          healthy.Add(of_healthy.back() > 1);
        }
        for (const auto& frame : faults) {
          of_faulty.push_back(detector.Ratio(frame));
        }
      }
      if (!sealed) {
        std::printf("CWRU %zu windows, shrinkage 0: no covariance\n", windows);
        continue;
      }
      std::sort(of_healthy.begin(), of_healthy.end());
      std::sort(of_faulty.begin(), of_faulty.end());
      const float low = of_faulty[of_faulty.size() / 100];
      margin[{shrinkage, windows}] = low / of_healthy.back();
      std::printf(
          "CWRU %zu windows, shrinkage %.2f: healthy over %s, largest %.2f of the threshold; 1 %% "
          "of "
          "the faulty ones below %.2f\n",
          windows,
          static_cast<double>(used),
          healthy.Text().c_str(),
          static_cast<double>(of_healthy.back()),
          static_cast<double>(low));
    }
  }
  EXPECT_GT((margin[{package::DistanceSpec::kAutomatic, 35}]), (margin[{0.0F, 35}]));
}

/// The least limit, in steps of a quarter, that commissioning on these windows meets.
float LeastLimit(const Frames& frames,
                 const package::TriggerSpec& trigger,
                 float package::CommissioningSpec::*limit) {
  package::TriggerSpec spec = trigger;
  spec.commissioning_windows = static_cast<std::uint32_t>(frames.size());
  spec.skip_windows = 0;
  Baseline baseline;
  baseline.Start({.recipe = RecipeId(1), .features = frames[0].size(), .trigger = &spec});
  cascade::Commissioning commissioning;
  commissioning.Start(spec.commissioning_windows, frames[0].size());
  for (const auto& frame : frames) {
    EXPECT_TRUE(baseline.Learn(frame).ok());
    commissioning.Take(frame);
  }
  package::CommissioningSpec checks;
  for (checks.*limit = 0.25F; checks.*limit < 100; checks.*limit += 0.25F) {
    if (commissioning.Judge(checks, spec, false, {}, baseline).ok()) {
      break;
    }
  }
  return checks.*limit;
}

// What the checks of workloads/bearing tell apart: one load, and one load after the other, which is
// two states of the machine and no baseline.
TEST(NormalReplay, CwruCommissioningTakesOneLoadAndRefusesASequenceOfTwo) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  const Bearing bearing = LoadBearing();
  constexpr float kScale = 16.0F / 32768.0F;
  for (const std::string channel : {"DE", "FE"}) {
    Frames both;
    for (const char* load : {"load0", "load2"}) {
      const Frames frames =
          Extract(bearing.recipe,
                  ReadSamples(shared / "data/cwru" /
                              ("normal_000_" + std::string(load) + "_" + channel + ".i16")),
                  kScale,
                  bearing.recipe.hop_frames);
      const Frames half(frames.begin(), frames.begin() + 30);
      both.insert(both.end(), half.begin(), half.end());
      const float shift = LeastLimit(half, bearing.trigger, &package::CommissioningSpec::max_shift);
      const float trend = LeastLimit(half, bearing.trigger, &package::CommissioningSpec::max_trend);
      std::printf("CWRU %s, one load, 30 windows: shift up to %.2f, trend up to %.2f deviations\n",
                  channel.c_str(),
                  static_cast<double>(shift),
                  static_cast<double>(trend));
      EXPECT_LE(shift, bearing.commissioning.max_shift);
      EXPECT_LE(trend, bearing.commissioning.max_trend);
    }
    const float shift = LeastLimit(both, bearing.trigger, &package::CommissioningSpec::max_shift);
    const float trend = LeastLimit(both, bearing.trigger, &package::CommissioningSpec::max_trend);
    std::printf("CWRU %s, 30 windows of each load: shift up to %.2f, trend up to %.2f deviations\n",
                channel.c_str(),
                static_cast<double>(shift),
                static_cast<double>(trend));
    EXPECT_GT(shift, bearing.commissioning.max_shift);
    EXPECT_GT(trend, bearing.commissioning.max_trend);
  }
}

}  // namespace
}  // namespace trib::node::images::replay
