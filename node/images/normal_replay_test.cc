// How well the learned normal does on recordings: CWRU cross-validated, FEMTO run-to-failure lives
// beside a plain alarm on the RMS, and a ceiling fan with a cheap sensor. The node's own code,
// window by window, without the loop around it. With -V the figures.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "trib/common/dsp/extractor.h"
#include "trib/common/host/package/package.h"
#include "trib/common/package/package.h"
#include "trib/node/cascade/baseline.h"
#include "trib/node/cascade/trigger.h"
#include "trib/testing/clopper_pearson.h"
#include "trib/testing/shared_data.h"

namespace trib::node::images {
namespace {

using cascade::Baseline;
using cascade::Trigger;
using trib::testing::ClopperPearson;
using trib::testing::Interval;
using Frames = std::vector<std::vector<float>>;

struct Count {
  std::uint64_t hits = 0;
  std::uint64_t total = 0;
  void Add(bool hit) {
    hits += hit ? 1 : 0;
    ++total;
  }
  [[nodiscard]] double share() const {
    return static_cast<double>(hits) / static_cast<double>(total);
  }
  [[nodiscard]] std::string Text() const {
    const Interval interval = ClopperPearson(hits, total);
    std::array<char, 96> text{};
    std::snprintf(text.data(),
                  text.size(),
                  "%zu of %zu = %.4f [%.4f, %.4f]",
                  static_cast<std::size_t>(hits),
                  static_cast<std::size_t>(total),
                  share(),
                  interval.low,
                  interval.high);
    return text.data();
  }
};

std::vector<std::int16_t> ReadSamples(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::vector<std::int16_t> out(bytes.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::int16_t>(static_cast<unsigned char>(bytes[2 * i]) |
                                       static_cast<unsigned char>(bytes[2 * i + 1]) << 8U);
  }
  return out;
}

/// The features of windows that start every `hop` frames of `samples`.
Frames Extract(const dsp::Recipe& recipe,
               std::span<const std::int16_t> samples,
               float scale,
               std::size_t hop) {
  std::vector<float> scratch(dsp::Extractor<float>::RequiredReals(recipe));
  dsp::Extractor<float> extractor(recipe, scratch);
  Frames out;
  const std::size_t length = std::size_t{recipe.window_frames} * recipe.channels;
  for (std::size_t begin = 0; begin + length <= samples.size(); begin += hop * recipe.channels) {
    dsp::FeatureVector<float> frame;
    EXPECT_TRUE(extractor
                    .Extract({.samples = samples.subspan(begin, length),
                              .channels = recipe.channels,
                              .frames = recipe.window_frames,
                              .scale = scale,
                              .sample_rate_hz = recipe.sample_rate_hz},
                             frame)
                    .ok());
    out.emplace_back(frame.begin(), frame.end());
  }
  return out;
}

/// One node's trained trigger, in three versions: each feature alone, all together, both.
class Detector {
 public:
  enum Version : std::size_t { kBands, kDistance, kBoth };
  static constexpr std::array<const char*, 3> kNames = {"bands", "distance", "both"};

  Detector(const package::TriggerSpec& trigger,
           const package::DistanceSpec& distance,
           const Frames& healthy)
      : spec_(trigger), distance_(distance), memory_(Baseline::JointNumbers(&distance_)) {
    spec_.commissioning_windows = static_cast<std::uint32_t>(healthy.size());
    spec_.skip_windows = 0;
    baseline_.Start({.recipe = RecipeId(1),
                     .features = healthy[0].size(),
                     .trigger = &spec_,
                     .distance = &distance_},
                    memory_);
    for (const auto& frame : healthy) {
      EXPECT_TRUE(baseline_.Learn(frame).ok());
    }
    EXPECT_TRUE(baseline_.Seal().ok());
    trigger_.Arm(spec_, baseline_, 0, &distance_);
    bands_.Arm(spec_, baseline_);
  }
  Detector(const Detector&) = delete;
  Detector& operator=(const Detector&) = delete;

  /// Forgets moving averages and episodes.
  void Rearm() {
    trigger_ = Trigger();
    bands_ = Trigger();
    trigger_.Arm(spec_, baseline_, 0, &distance_);
    bands_.Arm(spec_, baseline_);
  }
  struct Answer {
    std::array<bool, 3> over{};
    bool active = false;
  };
  Answer Step(const std::vector<float>& frame) {
    const auto both = trigger_.Step(frame, baseline_);
    Answer answer;
    answer.over[kBands] = bands_.Step(frame, baseline_).over;
    answer.over[kDistance] = both.distance > trigger_.distance_threshold();
    answer.over[kBoth] = both.over;
    answer.active = both.active;
    return answer;
  }
  /// Distance over its threshold.
  [[nodiscard]] float Ratio(const std::vector<float>& frame) const {
    return baseline_.Distance(frame) / trigger_.distance_threshold();
  }
  [[nodiscard]] const Baseline& baseline() const { return baseline_; }

 private:
  package::TriggerSpec spec_;
  package::DistanceSpec distance_;
  std::vector<float> memory_;
  Baseline baseline_;
  Trigger trigger_;
  Trigger bands_;
};

struct Bearing {
  dsp::Recipe recipe;
  package::TriggerSpec trigger;
  package::DistanceSpec distance;
};

/// What workloads/bearing says.
Bearing LoadBearing() {
  const char* root = std::getenv("TRIB_SOURCE_DIR");
  std::string error;
  const auto file = host::package::BuildPackage(
      std::filesystem::path(root != nullptr ? root : ".") / "workloads/bearing/package.toml",
      &error);
  EXPECT_TRUE(file.ok()) << error;
  const auto view = package::PackageView::Open(*file);
  Bearing out;
  out.recipe = *dsp::DecodeRecipe(view->Find(package::SectionType::kRecipe));
  EXPECT_TRUE(package::Decode(view->Find(package::SectionType::kTrigger), out.trigger).ok());
  EXPECT_TRUE(package::Decode(view->Find(package::SectionType::kDistance), out.distance).ok());
  return out;
}

/// `count` of them, evenly spread.
Frames Spread(const Frames& all, std::size_t count) {
  Frames out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(all[i * all.size() / count]);
  }
  return out;
}

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

// ---- FEMTO -------------------------------------------------------------------------------------

dsp::Recipe Recipe(std::uint32_t rate, std::uint32_t window, std::uint16_t channels) {
  dsp::Recipe recipe;
  recipe.channels = channels;
  recipe.sample_rate_hz = rate;
  recipe.window_frames = window;
  recipe.hop_frames = window;
  recipe.log_floor = 1e-9F;
  return recipe;
}

void Add(dsp::Recipe& recipe,
         dsp::Op op,
         std::uint8_t channel,
         std::vector<float> parameters = {}) {
  ASSERT_TRUE(recipe.operations.push_back(
      {.op = op,
       .transform = dsp::Transform::kLog,
       .channel = channel,
       .first_parameter = static_cast<std::uint8_t>(recipe.parameters.size()),
       .parameter_count = static_cast<std::uint8_t>(parameters.size())}));
  for (const float parameter : parameters) {
    ASSERT_TRUE(recipe.parameters.push_back(parameter));
  }
}

/// Index of the first window of the first run of five with three over; the number of windows when
/// there is none.
std::size_t FirstSustained(const std::vector<bool>& over, std::size_t from) {
  for (std::size_t i = from; i < over.size(); ++i) {
    std::size_t hits = 0;
    for (std::size_t k = i; k < std::min(i + 5, over.size()); ++k) {
      hits += over[k] ? 1 : 0;
    }
    if (over[i] && hits >= 3) {
      return i;
    }
  }
  return over.size();
}

// Baseline: snapshots 10 to 49 of 250, so 4 % to 20 % of the life; what comes before is run-in.
// Both alarms judge the same snapshots of the same channel with the same rule of 3 in 5.
TEST(NormalReplay, FemtoLivesBesideAPlainAlarmOnTheRms) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  Bearing bearing = LoadBearing();
  dsp::Recipe recipe = Recipe(25600, 2048, 2);
  Add(recipe, dsp::Op::kRms, 0);
  Add(recipe, dsp::Op::kPeakToPeak, 0);
  Add(recipe, dsp::Op::kCrest, 0);
  Add(recipe, dsp::Op::kShape, 0);
  Add(recipe, dsp::Op::kKurtosis, 0);
  Add(recipe,
      dsp::Op::kBandEnergy,
      0,
      {50, 150, 400, 800, 1500, 2500, 3500, 5000, 6500, 8000, 10000, 12500});
  bearing.trigger.feature_mask = (std::uint64_t{1} << dsp::OutputCount(recipe)) - 1;
  bearing.distance.feature_mask = bearing.trigger.feature_mask;
  constexpr std::size_t kFrom = 10;
  constexpr std::size_t kUntil = 50;
  constexpr float kScale = 50.0F / 32768.0F;
  int lives = 0;
  int earlier = 0;
  int seen = 0;
  for (const char* name : {"Bearing1_1",
                           "Bearing1_2",
                           "Bearing1_3",
                           "Bearing2_1",
                           "Bearing2_2",
                           "Bearing2_3",
                           "Bearing3_1",
                           "Bearing3_2"}) {
    const auto samples = ReadSamples(shared / "data/femto" / (std::string(name) + ".i16"));
    ASSERT_EQ(samples.size(), 250U * 2560 * 2);
    const Frames frames = Extract(recipe, samples, kScale, 2560);
    ASSERT_EQ(frames.size(), 250U);
    Frames train(frames.begin() + kFrom, frames.begin() + kUntil);
    Detector detector(bearing.trigger, bearing.distance, train);
    double sum = 0;
    double squares = 0;
    for (const auto& frame : train) {
      sum += std::exp(frame[0]);
      squares += std::exp(2 * frame[0]);
    }
    const auto n = static_cast<double>(train.size());
    const double limit = sum / n + 4 * std::sqrt((squares - sum * sum / n) / (n - 1));
    std::array<std::vector<bool>, 3> over;
    std::vector<bool> plain;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto answer = detector.Step(frames[i]);
      for (std::size_t version = 0; version < 3; ++version) {
        over[version].push_back(answer.over[version]);
      }
      plain.push_back(std::exp(frames[i][0]) > limit);
    }
    const auto life = [](std::size_t at) { return static_cast<double>(at) / 249.0; };
    const std::size_t ours = FirstSustained(over[Detector::kBoth], kUntil);
    const std::size_t theirs = FirstSustained(plain, kUntil);
    std::printf(
        "FEMTO %s: life at the first sustained alarm: bands %.3f, distance %.3f, both %.3f; RMS "
        "above 4 sigma %.3f; windows over before half of life: both %zu, RMS %zu of 75\n",
        name,
        life(FirstSustained(over[Detector::kBands], kUntil)),
        life(FirstSustained(over[Detector::kDistance], kUntil)),
        life(ours),
        life(theirs),
        static_cast<std::size_t>(std::count(
            over[Detector::kBoth].begin() + kUntil, over[Detector::kBoth].begin() + 125, true)),
        static_cast<std::size_t>(std::count(plain.begin() + kUntil, plain.begin() + 125, true)));
    ++lives;
    earlier += ours <= theirs ? 1 : 0;
    seen += ours < frames.size() ? 1 : 0;
  }
  std::printf("FEMTO: seen before the end %d of %d; not later than the plain alarm %d of %d\n",
              seen,
              lives,
              earlier,
              lives);
  EXPECT_EQ(seen, lives);
}

// ---- ceiling fan -------------------------------------------------------------------------------

// 200 Hz, three axes, records of a second; normal against a coin on a blade, at three speeds. Once
// with a baseline for each speed, which the speed signal would choose, once with one for all.
TEST(NormalReplay, CeilingFanByConditionAndWithout) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  Bearing bearing = LoadBearing();
  dsp::Recipe recipe = Recipe(200, 128, 3);
  for (std::uint8_t axis = 0; axis < 3; ++axis) {
    Add(recipe, dsp::Op::kStd, axis);
    Add(recipe, dsp::Op::kKurtosis, axis);
    Add(recipe, dsp::Op::kBandEnergy, axis, {1.5F, 4, 8, 16, 32, 64, 100});
  }
  const std::size_t features = dsp::OutputCount(recipe);
  bearing.trigger.feature_mask = (std::uint64_t{1} << features) - 1;
  bearing.distance.feature_mask = bearing.trigger.feature_mask;
  constexpr float kScale = 1.0F / 2048.0F;
  constexpr std::size_t kBaseline = 90;
  const auto load = [&](const std::string& speed, const char* weight, const char* split) {
    return Extract(recipe,
                   ReadSamples(shared / "data/ceiling_fan" /
                               ("fan_0_" + speed + "_" + weight + "_weight_" + split + ".i16")),
                   kScale,
                   200);
  };
  const std::array<std::string, 3> speeds = {"low", "med", "high"};
  std::array<Count, 3> healthy;
  std::array<Count, 3> faulty;
  std::array<Count, 3> pooled_healthy;
  std::array<Count, 3> pooled_faulty;
  Frames mixed;
  for (const auto& speed : speeds) {
    const Frames part = Spread(load(speed, "0", "train"), kBaseline / 3);
    mixed.insert(mixed.end(), part.begin(), part.end());
  }
  Detector pooled(bearing.trigger, bearing.distance, mixed);
  const auto judge = [](Detector& detector, const Frames& frames, std::array<Count, 3>& out) {
    detector.Rearm();
    for (const auto& frame : frames) {
      const auto answer = detector.Step(frame);
      for (std::size_t version = 0; version < 3; ++version) {
        out[version].Add(answer.over[version]);
      }
    }
  };
  for (const auto& speed : speeds) {
    Detector own(bearing.trigger, bearing.distance, Spread(load(speed, "0", "train"), kBaseline));
    judge(own, load(speed, "0", "test"), healthy);
    judge(own, load(speed, "1", "test"), faulty);
    judge(pooled, load(speed, "0", "test"), pooled_healthy);
    judge(pooled, load(speed, "1", "test"), pooled_faulty);
  }
  for (std::size_t version = 0; version < 3; ++version) {
    std::printf("fan, baseline per speed, %s: healthy over %s; unbalanced over %s\n",
                Detector::kNames[version],
                healthy[version].Text().c_str(),
                faulty[version].Text().c_str());
    std::printf("fan, one baseline, %s: healthy over %s; unbalanced over %s\n",
                Detector::kNames[version],
                pooled_healthy[version].Text().c_str(),
                pooled_faulty[version].Text().c_str());
  }
  EXPECT_GT(faulty[Detector::kBoth].share(), pooled_faulty[Detector::kBoth].share());
}

}  // namespace
}  // namespace trib::node::images
