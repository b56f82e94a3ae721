#include "simulated_fleet.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "trib/common/base/check.h"
#include "trib/common/base/random.h"
#include "trib/common/simulation/wave.h"

namespace trib::cloud::drift {
namespace {

using simulation::NearGaussian;

constexpr std::array<float, 15> kEdges = {
    -8, -4, -2.5F, -1.5F, -1, -0.6F, -0.25F, 0, 0.25F, 0.6F, 1, 1.5F, 2.5F, 4, 8};
constexpr std::array<float, 15> kScoreEdges = {
    0.75F, 1.25F, 1.75F, 2.25F, 2.75F, 3.25F, 4, 5, 6, 7, 8, 10, 14, 25, 60};
constexpr float kTwoPi = 6.2831853F;
constexpr float kTrigger = 6;

std::size_t BinOf(float value, const std::array<float, 15>& edges) {
  std::size_t bin = 0;
  for (const float edge : edges) {
    bin += value >= edge ? 1U : 0U;
  }
  return bin;
}

float Gaussian(SplitMix64& random) {
  return NearGaussian(random.Next());
}

bool Chance(SplitMix64& random, float p) {
  return static_cast<float>(random.Next() >> 40U) * 0x1p-24F < p;
}

/// A state that is entered at a rate and left after `stay` windows in the mean.
class Burst {
 public:
  /// Requires  0 <= share < 1.
  Burst(float share, float stay) : enter_(share / (1 - share) / stay), leave_(1 / stay) {}
  bool Step(SplitMix64& random) {
    in_ = in_ ? !Chance(random, leave_) : Chance(random, enter_);
    return in_;
  }

 private:
  float enter_;
  float leave_;
  bool in_ = false;
};

}  // namespace

SimulatedFleet::SimulatedFleet(const FleetModel& model)
    : model_(model), nodes_(model.nodes), weather_(model.features) {
  SplitMix64 random(SplitMix64::Mix(model.seed));
  for (std::uint32_t w = 0; w < model.windows; ++w) {
    daily_.push_back(std::sin(kTwoPi * static_cast<float>(w) / static_cast<float>(model.windows)));
  }
  for (std::uint32_t f = 0; f < model.features; ++f) {
    phase_.push_back(static_cast<float>(random.Next() % model.windows));
  }
  for (Node& node : nodes_) {
    for (std::uint32_t f = 0; f < model.features; ++f) {
      node.place.push_back(0.3F * Gaussian(random));
      node.scale.push_back(std::exp(0.2F * Gaussian(random)));
      node.weather.push_back(1 + 0.3F * Gaussian(random));
    }
    node.machine.assign(model.features, 0);
    node.machine_size = std::exp(0.3F * Gaussian(random));
    node.own_phase = static_cast<float>(random.Next() % model.windows);
    node.label_rate = 0.03F * std::exp(0.5F * Gaussian(random));
    node.error_rate = 0.06F * std::exp(0.3F * Gaussian(random));
  }
}

void SimulatedFleet::NextDay(Node& node, std::uint64_t seed) {
  SplitMix64 random(seed);
  const float kept = model_.machine_correlation;
  // One factor for the machine's load and one for each feature; the size of a day's effect varies.
  const float load = Gaussian(random);
  const float size = node.machine_size * model_.machine_day * std::exp(0.3F * Gaussian(random));
  for (float& effect : node.machine) {
    const float drawn = size * (0.7F * load + 0.7F * Gaussian(random));
    effect = kept * effect + std::sqrt(1 - kept * kept) * drawn;
  }
}

std::vector<Block> SimulatedFleet::Day(std::uint32_t day, const Changes& changes) {
  TRIB_CHECK(day == next_day_);
  ++next_day_;
  SplitMix64 random(SplitMix64::Mix(model_.seed ^ SplitMix64::Mix(day + 1)));
  const float kept = model_.weather_correlation;
  for (float& weather : weather_) {
    const float fresh = day == 0 ? 1 : std::sqrt(1 - kept * kept);
    weather = (day == 0 ? 0 : kept * weather) + fresh * model_.weather * Gaussian(random);
  }
  std::vector<Block> out;
  out.reserve(nodes_.size());
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    out.push_back(BlockOf(i, day, changes ? changes(i, day) : Change()));
  }
  return out;
}

Block SimulatedFleet::BlockOf(std::uint32_t index, std::uint32_t day, const Change& change) {
  Node& node = nodes_[index];
  const std::uint64_t seed =
      SplitMix64::Mix(SplitMix64::Mix(model_.seed + 7) + (std::uint64_t{day} << 32U) + index);
  NextDay(node, SplitMix64::Mix(seed + 1));
  SplitMix64 random(seed);
  const std::uint32_t features = model_.features;

  Block block;
  block.node = NodeAt(index);
  block.gateway = SiteOf(index);
  block.package = PackageHash(77);
  block.recipe = RecipeId(7);
  block.firmware_version = change.firmware;
  block.begin_ms = static_cast<std::uint64_t>(model_.day_ms) * (day + 1);
  block.sketches = 24;
  block.windows = model_.windows;
  block.histograms.resize(features + 2);
  for (std::uint32_t f = 0; f < features; ++f) {
    block.histograms[f].feature = f;
  }
  Block::Histogram& score = block.histograms[features];
  Block::Histogram& confidence = block.histograms[features + 1];
  score.feature = message::kTriggerScoreFeature;
  confidence.feature = message::kConfidenceFeature;

  std::vector<float> middle(features);
  std::vector<float> noise(features);
  std::vector<float> shift = change.shift;
  shift.resize(features, 0);
  std::vector<float> spread = model_.spread;
  spread.resize(features, 1);
  for (std::uint32_t f = 0; f < features; ++f) {
    middle[f] = node.place[f] + node.machine[f] + node.weather[f] * weather_[f];
    noise[f] = Gaussian(random);
  }
  const float kept = model_.window_correlation;
  const float fresh = std::sqrt(1 - kept * kept);
  const float sure_today = 0.2F * Gaussian(random) + change.confidence;
  float sure = Gaussian(random);
  Burst anomaly(0.01F, 4);
  Burst label(std::min(0.9F, node.label_rate * change.label_factor), 4);
  const auto window_of = [this](std::uint32_t w, float phase) {
    return (w + static_cast<std::uint32_t>(phase)) % model_.windows;
  };
  for (std::uint32_t w = 0; w < model_.windows; ++w) {
    const float common = Gaussian(random);
    const float own = model_.daily_own * daily_[window_of(w, node.own_phase)];
    float largest = 0;
    for (std::uint32_t f = 0; f < features; ++f) {
      noise[f] = kept * noise[f] + fresh * (0.6F * common + 0.8F * NearGaussian(random.Next()));
      const float x =
          shift[f] + spread[f] * (middle[f] + node.scale[f] * noise[f] + own +
                                  model_.daily_common * daily_[window_of(w, phase_[f])]);
      ++block.histograms[f].counts[BinOf(x, kEdges)];
      largest = std::max(largest, std::abs(x));
    }
    ++score.counts[BinOf(largest, kScoreEdges)];
    const bool triggered = anomaly.Step(random) || largest > kTrigger;
    const bool named = label.Step(random);
    block.triggered += triggered ? 1U : 0U;
    sure = kept * sure + fresh * Gaussian(random);
    const float believed = sure + sure_today;
    const bool classified = triggered || named || w % 6 == 0;
    if (classified) {
      ++confidence.counts[BinOf(believed, kEdges)];
    }
    const auto tier = !classified        ? message::Tier::kTrigger
                      : believed > -1.3F ? message::Tier::kClassifier
                                         : message::Tier::kGateway;
    ++block.exits[static_cast<std::size_t>(tier)];
    ++block.labels[named ? 2 : triggered ? 1 : 0];
    if (Chance(random, 0.02F)) {
      ++block.judged;
      block.errors +=
          Chance(random, std::min(1.0F, node.error_rate * change.error_factor)) ? 1U : 0U;
    }
  }
  return block;
}

}  // namespace trib::cloud::drift
