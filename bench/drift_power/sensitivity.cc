#include "sensitivity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "trib/cloud/drift/kinds.h"
#include "trib/common/dsp/extractor.h"
#include "trib/common/host/package/package.h"
#include "trib/common/package/package.h"
#include "trib/common/simulation/machine.h"

namespace trib::bench::drift_power {
namespace {

constexpr std::size_t kBaselineWindows = 60;
constexpr std::size_t kDayWindows = 144;
/// The package's [trigger] min_std.
constexpr double kLeastDeviation = 0.05;
constexpr float kVariety = 0.2F;

struct Condition {
  const char* name;
  std::function<void(simulation::MachineConfig&)> apply;
};

std::vector<Condition> Conditions() {
  const auto gain = [](float by) {
    return [by](simulation::MachineConfig& config) { config.sensor.gain *= by; };
  };
  const auto offset = [](float by) {
    return [by](simulation::MachineConfig& config) { config.sensor.offset_g += by; };
  };
  const auto floor = [](float by) {
    return [by](simulation::MachineConfig& config) { config.structure.floor_g *= by; };
  };
  return {{"gain +5 %", gain(1.05F)},
          {"gain +10 %", gain(1.1F)},
          {"gain +20 %", gain(1.2F)},
          {"offset +0.05 g", offset(0.05F)},
          {"noise floor x 2", floor(2)},
          {"noise floor x 4", floor(4)},
          {"outer race, slight", [](simulation::MachineConfig& config) {
             auto fault = simulation::FaultOf(simulation::FaultKind::kOuterRace,
                                              simulation::SpotSize::k007Inch);
             fault.wear = {.initial = 0.1F, .final = 0.1F, .onset_s = 0, .growth_s = 0};
             (void)config.faults.push_back(fault);
           }}};
}

dsp::Recipe BearingRecipe() {
  std::string error;
  const auto bytes = host::package::BuildPackage(
      std::filesystem::path(TRIB_SOURCE_DIR) / "workloads/bearing/package.toml", &error);
  if (bytes.ok()) {
    if (const auto view = package::PackageView::Open(*bytes); view.ok()) {
      if (const auto recipe = dsp::DecodeRecipe(view->Find(package::SectionType::kRecipe));
          recipe.ok()) {
        return *recipe;
      }
    }
  }
  std::fprintf(stderr, "the bearing recipe cannot be read: %s\n", error.c_str());
  std::exit(1);
}

using Frame = dsp::FeatureVector<float>;

/// Windows of a machine, `apart` frames from one start to the next.
std::vector<Frame> Windows(const dsp::Recipe& recipe,
                           const simulation::MachineConfig& config,
                           std::uint64_t seed,
                           std::size_t count,
                           std::uint64_t apart) {
  simulation::Machine machine(config, seed);
  std::vector<float> scratch(dsp::Extractor<float>::RequiredReals(recipe));
  dsp::Extractor<float> extractor(recipe, scratch);
  std::vector<std::int16_t> samples(recipe.window_frames);
  std::vector<Frame> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    machine.Seek(i * apart);
    (void)machine.Read(samples);
    (void)extractor.Extract({.samples = samples,
                             .channels = 1,
                             .frames = recipe.window_frames,
                             .scale = config.sensor.scale_g,
                             .sample_rate_hz = recipe.sample_rate_hz},
                            out[i]);
  }
  return out;
}

struct Moments {
  double mean = 0;
  double deviation = 0;
};

Moments MomentsOf(const std::vector<Frame>& windows, std::size_t feature) {
  Moments out;
  const auto n = static_cast<double>(windows.size());
  for (const Frame& window : windows) {
    out.mean += static_cast<double>(window[feature]) / n;
  }
  for (const Frame& window : windows) {
    const double d = static_cast<double>(window[feature]) - out.mean;
    out.deviation += d * d / (n - 1);
  }
  out.deviation = std::sqrt(out.deviation);
  return out;
}

}  // namespace

Sensitivities MeasureSensitivities(unsigned machines) {
  const dsp::Recipe recipe = BearingRecipe();
  const std::size_t features = dsp::OutputCount(recipe);
  const auto conditions = Conditions();
  Sensitivities out;
  out.kinds = cloud::drift::KindsOfRecipe(recipe);
  out.spread.assign(features, 0);
  for (std::size_t f = 0; f < features; ++f) {
    std::array<char, dsp::kMaxFeatureNameBytes> name{};
    out.features.emplace_back(dsp::FeatureName(recipe, f, name));
  }
  for (const Condition& condition : conditions) {
    out.changes.push_back({condition.name, std::vector<float>(features, 0)});
  }
  const std::uint64_t day_apart = std::uint64_t{recipe.sample_rate_hz} * 86'400 / kDayWindows;
  const float share = 1.0F / static_cast<float>(machines);
  for (unsigned m = 0; m < machines; ++m) {
    simulation::MachineConfig config = simulation::DefaultMachine();
    config.climate.daily_c = 5;
    simulation::Vary(config, m + 1, kVariety);
    const auto baseline = Windows(recipe, config, m + 1, kBaselineWindows, recipe.hop_frames);
    const auto quiet = Windows(recipe, config, m + 1, kDayWindows, day_apart);
    std::vector<std::vector<Frame>> changed;
    for (const Condition& condition : conditions) {
      simulation::MachineConfig other = config;
      condition.apply(other);
      // Another day of the same machine: its own noise.
      changed.push_back(Windows(recipe, other, m + 1001, kDayWindows, day_apart));
    }
    for (std::size_t f = 0; f < features; ++f) {
      const double unit = std::max(kLeastDeviation, MomentsOf(baseline, f).deviation);
      const Moments normal = MomentsOf(quiet, f);
      out.spread[f] += share * static_cast<float>(normal.deviation / unit);
      for (std::size_t c = 0; c < conditions.size(); ++c) {
        out.changes[c].shift[f] +=
            share * static_cast<float>((MomentsOf(changed[c], f).mean - normal.mean) / unit);
      }
    }
  }
  return out;
}

}  // namespace trib::bench::drift_power
