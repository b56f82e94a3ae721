#pragma once

#include <string>
#include <vector>

#include "trib/cloud/drift/types.h"

namespace trib::bench::drift_power {

/// What a change does to the features of the bearing recipe, measured on simulated machines.
struct Sensitivity {
  std::string name;
  std::vector<float>
      shift;  ///< by frame index, in deviations of the node's baseline; mean of machines
};

struct Sensitivities {
  std::vector<std::string> features;
  std::vector<cloud::drift::FeatureKind> kinds;
  std::vector<float> spread;  ///< of a day's windows while nothing changes, likewise
  std::vector<Sensitivity> changes;
};

/// Machines of one make, each with a baseline of its own: 60 windows in a row as nodes take them,
/// spreads floored as the package says; then windows spread over a day, without and with each
/// change, through the recipe that nodes run.
Sensitivities MeasureSensitivities(unsigned machines);

}  // namespace trib::bench::drift_power
