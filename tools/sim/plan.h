#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenario.h"
#include "trib/common/base/ids.h"
#include "virtual_link.h"
#include "virtual_time.h"

namespace trib::tools::sim {

/// What happens to one node's machine or sensor. Times count from the start of the scenario.
struct MachineFaultPlan {
  MachineFault kind = MachineFault::kOuterRace;
  VirtualTime begin{0};
  Millis growth{0};
  double severity = 1;
};
struct SensorFaultPlan {
  SensorFault kind = SensorFault::kStuck;
  VirtualTime begin{0};
  VirtualTime end{0};
};
struct DriftPlan {
  VirtualTime begin{0};
  double gain_per_day = 0;
  double offset_g_per_day = 0;
};

/// Everything that the seed decided about one node.
struct NodePlan {
  NodeId node;
  std::size_t index = 0;   ///< in the plan
  std::uint32_t site = 0;  ///< index
  std::uint64_t seed = 0;
  VirtualTime boot{0};
  LinkModel link;
  std::vector<DeadTime> dead;
  Millis skew{0};
  double ppm = 0;
  std::size_t machine = 0;  ///< index of the mix
  double speed_hz = 0;
  double level = 1;
  double time_of_day_s = 0;
  std::vector<MachineFaultPlan> faults;
  std::vector<SensorFaultPlan> sensor_faults;
  std::vector<DriftPlan> drifts;
};

/// Gateways have the ids 1, 2, ...; nodes start here, as both share one number space.
inline constexpr std::uint64_t kFirstNode = 10'001;

/// Spells the scenario out, node by node. The same scenario gives the same plan.
std::vector<NodePlan> MakePlan(const Scenario& scenario);

}  // namespace trib::tools::sim
