#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "sim_node.h"

namespace trib::tools::sim {

/// Alarms against what the scenario did. Times in seconds of virtual time.
struct AlarmReport {
  std::uint64_t faulty_machines = 0;
  std::uint64_t detected = 0;
  std::uint64_t missed = 0;
  /// From the fault's beginning (nothing) to the first alarm, of those detected, sorted.
  std::vector<double> delays_s;
  /// How long the youngest of the missed faults had been there at the end.
  double shortest_missed_s = 0;
  std::uint64_t episodes = 0;
  /// Episodes that began on a machine and sensor with nothing wrong.
  std::uint64_t false_alarms = 0;
  /// Episodes that began while a sensor drifted, and nothing else was wrong.
  std::uint64_t drift_alarms = 0;
  /// Episodes that began while a sensor was faulty.
  std::uint64_t sensor_alarms = 0;
  double healthy_machine_days = 0;  ///< in which a false alarm could happen
};

AlarmReport JudgeAlarms(std::span<const std::unique_ptr<SimNode>> nodes, VirtualTime end);

}  // namespace trib::tools::sim
