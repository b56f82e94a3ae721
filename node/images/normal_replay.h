#pragma once

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
#include "trib/node/cascade/commissioning.h"
#include "trib/node/cascade/trigger.h"
#include "trib/testing/clopper_pearson.h"
#include "trib/testing/shared_data.h"

namespace trib::node::images::replay {

using cascade::Baseline;
using cascade::Trigger;
using trib::testing::ClopperPearson;
using trib::testing::Interval;
using Frames = std::vector<std::vector<float>>;

/// Hits among trials.
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

inline std::vector<std::int16_t> ReadSamples(const std::filesystem::path& path) {
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
inline Frames Extract(const dsp::Recipe& recipe,
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
  package::CommissioningSpec commissioning;
};

/// What workloads/bearing says.
inline Bearing LoadBearing() {
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
  EXPECT_TRUE(
      package::Decode(view->Find(package::SectionType::kCommissioning), out.commissioning).ok());
  return out;
}

/// `count` of them, evenly spread.
inline Frames Spread(const Frames& all, std::size_t count) {
  Frames out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(all[i * all.size() / count]);
  }
  return out;
}

}  // namespace trib::node::images::replay
