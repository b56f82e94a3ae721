#include "trib/node/sim/source.h"

#include <utility>

#include "trib/node/sim/machine_file.h"
#include "trib/node/sim/machine_source.h"

namespace trib::node::sim {
namespace {

/// A motor whose bearing goes bad.
MachineFile DefaultMachineFile() {
  MachineFile file;
  (void)file.source.machine.faults.push_back(
      simulation::FaultOf(simulation::FaultKind::kOuterRace));
  file.spread = 0.1F;
  return file;
}

Source OpenMachine(const SourceRequest& request, std::vector<std::string>& errors) {
  MachineFile file;
  std::string phases = request.phases.value_or("");
  if (request.machine.empty()) {
    file = DefaultMachineFile();
    phases = request.phases.value_or("normal:45,fault:15");
  } else {
    auto loaded = LoadMachineFile(request.machine, errors);
    if (!loaded.ok()) {
      if (errors.empty()) {
        errors.emplace_back("--machine: cannot be read");
      }
      return {};
    }
    file = *std::move(loaded);
  }
  file.source.seed = request.generate.value_or(file.source.seed);
  file.source.loop = request.loop;
  if (!phases.empty()) {
    const auto parsed = ParsePhases(phases);
    if (!parsed.ok()) {
      errors.push_back("--phases: '" + phases + "' is not like normal:45,fault:15");
      return {};
    }
    file.source.phases = *parsed;
  }
  simulation::Vary(file.source.machine, file.source.seed, file.spread);
  if (!simulation::Validate(file.source.machine).ok()) {
    errors.emplace_back("--machine: leaves its ranges when varied by its spread");
    return {};
  }
  const Millis pause(static_cast<std::int64_t>(file.source.period_frames * 1000 /
                                               file.source.machine.sample_rate_hz));
  const bool endless = file.source.phases.empty() ? file.source.seconds <= 0 : request.loop;
  return {.samples = std::make_unique<MachineSource>(std::move(file.source)),
          .faults = std::move(file.sensor_faults),
          .drifts = std::move(file.sensor_drifts),
          .pause = pause,
          .endless = endless};
}

Source OpenRecording(const SourceRequest& request, std::vector<std::string>& errors) {
  auto manifest = host::recording::Manifest::Load(request.replay, errors);
  if (manifest.ok()) {
    auto player = host::recording::Player::Open(
        *std::move(manifest), {.order = {}, .loop = request.loop}, errors);
    if (player.ok()) {
      return {.samples = std::make_unique<RecordingSource>(*std::move(player)),
              .endless = request.loop};
    }
  }
  if (errors.empty()) {
    errors.push_back("--replay: cannot play " + request.replay);
  }
  errors.resize(1);
  return {};
}

}  // namespace

Source OpenSource(const SourceRequest& request, std::vector<std::string>& errors) {
  return request.replay.empty() ? OpenMachine(request, errors) : OpenRecording(request, errors);
}

}  // namespace trib::node::sim
