#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sensitivity.h"
#include "trib/cloud/drift/types.h"

namespace trib::bench::drift_power {

struct PowerOptions {
  std::uint32_t nodes = 1142;
  std::uint32_t sites = 20;
  std::uint32_t trials = 20;  ///< of each change on one node; half as many on a site and the fleet
  std::uint32_t patience = 14;  ///< blocks after which a trial is a miss
  std::uint64_t seed = 1;
  double sum_part = 0;            ///< as the monitor's
  std::vector<std::string> only;  ///< names of changes; empty: all
};

/// One change on one kind of subject.
struct PowerRow {
  std::string change;
  cloud::drift::SubjectKind scope = cloud::drift::SubjectKind::kNode;
  cloud::drift::Cause truth = cloud::drift::Cause::kUnknown;
  std::vector<std::uint32_t> delays;  ///< blocks from the first changed one to the alarm: 1 is it
  std::uint32_t misses = 0;
  std::uint32_t subject_right = 0;  ///< alarms of what changed, rather than of a part or the whole
  std::map<cloud::drift::Cause, std::uint32_t> causes;
  std::uint32_t looks = 0;
  std::uint32_t other_alarms = 0;  ///< in these looks, of what had not changed
};

struct PowerReport {
  std::vector<PowerRow> rows;
  std::uint64_t looks = 0;
  std::uint64_t other_alarms = 0;  ///< of subjects without a change
};

/// Whole fleets at sketch level under the real Monitor, with its default options: after the
/// references are learned, one change after the other, each until it is alarmed or missed. At any
/// time one subject is changed.
PowerReport MeasurePower(const PowerOptions& options,
                         const Sensitivities& sensitivities,
                         const std::function<void(const PowerRow&)>& progress);

}  // namespace trib::bench::drift_power
