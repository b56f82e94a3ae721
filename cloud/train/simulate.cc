#include <algorithm>
#include <optional>

#include "trib/cloud/train/dataset.h"
#include "trib/common/simulation/machine.h"

namespace trib::cloud::train {
namespace {

using simulation::FaultKind;
using simulation::SpotSize;

std::optional<FaultKind> KindOf(const std::string& label) {
  if (label == "inner_race") {
    return FaultKind::kInnerRace;
  }
  if (label == "outer_race") {
    return FaultKind::kOuterRace;
  }
  if (label == "ball") {
    return FaultKind::kBall;
  }
  return std::nullopt;
}

double Between(SplitMix64& random, Interval range) {
  return range.low + (range.high - range.low) * random.Uniform();
}

std::size_t Choose(SplitMix64& random, std::size_t count) {
  return static_cast<std::size_t>(random.Next() % count);
}

SpotSize SizeOf(const std::string& text) {
  return text == "0.007"   ? SpotSize::k007Inch
         : text == "0.014" ? SpotSize::k014Inch
                           : SpotSize::k021Inch;
}

simulation::MachineConfig Draw(const Simulator& simulator,
                               const WindowShape& shape,
                               std::optional<FaultKind> kind,
                               SplitMix64& random) {
  simulation::MachineConfig machine = simulation::DefaultMachine();
  machine.sample_rate_hz = static_cast<std::uint32_t>(shape.rate_hz);
  machine.drive.regimes[0].speed_hz = static_cast<float>(Between(random, simulator.speed_hz));
  machine.drive.regimes[0].load = static_cast<float>(Between(random, simulator.load));
  if (!simulator.bearings.empty()) {
    const auto& bearing = simulator.bearings[Choose(random, simulator.bearings.size())];
    machine.bearing.balls = bearing.balls;
    machine.bearing.ball_mm = static_cast<float>(bearing.ball_mm);
    machine.bearing.pitch_mm = static_cast<float>(bearing.pitch_mm);
  }
  const std::string& size = simulator.sizes[Choose(random, simulator.sizes.size())];
  const double strike = Between(random, simulator.strike);
  if (kind) {
    auto fault = simulation::FaultOf(*kind, SizeOf(size));
    fault.strike_g *= static_cast<float>(strike);
    const bool apart = simulator.roughness.high > 0;
    fault.roughness_g *= static_cast<float>(apart ? Between(random, simulator.roughness) : strike);
    (void)machine.faults.push_back(fault);
  }
  simulation::Vary(machine, random.Next(), static_cast<float>(simulator.spread));
  return machine;
}

}  // namespace

std::vector<Source> Simulate(const TrainConfig& config,
                             const WindowShape& shape,
                             std::size_t per_class,
                             std::uint64_t seed) {
  std::vector<Source> sources;
  SplitMix64 random(seed);
  for (std::size_t label = 0; label < config.classes.size(); ++label) {
    const auto kind = KindOf(config.classes[label]);
    if ((!kind && label != 0) || shape.channels != 1) {
      continue;
    }
    for (std::size_t n = 0; n < per_class; ++n) {
      const auto machine = Draw(config.simulator, shape, kind, random);
      Source source;
      source.name = "simulated " + config.classes[label] + " " + std::to_string(n);
      source.group = source.name;
      source.label = label;
      source.set = config.data.size();
      source.scale = machine.sensor.scale_g;
      source.samples.resize(static_cast<std::size_t>(config.simulator.seconds * shape.rate_hz));
      source.segments.push_back({0, source.samples.size()});
      const std::uint64_t machine_seed = random.Next();
      if (simulation::Validate(machine).ok()) {
        simulation::Machine(machine, machine_seed).Read(source.samples);
        sources.push_back(std::move(source));
      }
    }
  }
  return sources;
}

}  // namespace trib::cloud::train
