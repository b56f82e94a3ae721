#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "trib/common/status/result.h"
#include "trib/node/sim/machine_source.h"
#include "trib/node/sim/paced_sensor.h"

namespace trib::host::config {
class Section;
}

namespace trib::node::sim {

/// A machine file: docs/formats/machine.md.
struct MachineFile {
  MachineSource::Options source;
  /// How far this machine is from the one described (simulation::Vary()); not applied yet.
  float spread = 0;
  std::vector<InjectedFault> sensor_faults;
  std::vector<InjectedDrift> sensor_drifts;
};

/// @returns kInvalidArgument or kNotFound; `errors` then has one line for each mistake.
Result<MachineFile> LoadMachineFile(const std::filesystem::path& path,
                                    std::vector<std::string>& errors);

/// The same from a table of another file, whose Finish() then finds keys that do not belong.
MachineFile ReadMachine(host::config::Section& section);

}  // namespace trib::node::sim
