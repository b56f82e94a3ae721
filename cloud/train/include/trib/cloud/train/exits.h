#pragma once

#include <cstdint>
#include <vector>

#include "trib/cloud/train/config.h"
#include "trib/cloud/train/network.h"
#include "trib/cloud/train/pipeline.h"
#include "trib/common/host/calibration/calibration.h"
#include "trib/common/package/sections.h"

namespace trib::cloud::train {

/// One exit's answers in the form that calibration takes.
host::calibration::LogitSet LogitsOf(const Answers& answers, std::size_t exit, std::size_t classes);

/// How often a window is changed and asked for what calibrates. A temperature gains by more; a
/// promise (ExitConfig::Method::kRisk) counts windows, and one is no more for being asked twice.
std::size_t CalibrationRounds(const ExitConfig& config);

/// Temperature and thresholds of every exit, from windows that nothing was trained on.
///
/// By costs: a class is accepted when what a wrong answer costs, times how probable it is, is less
/// than asking on; a normal verdict counts a missed alarm. By risk: from the least confidence whose
/// errors are bounded as promised (Clopper and Pearson); a class too rare to promise anything is
/// never accepted. No other class is accepted beside an alarm that is as probable as asking on is
/// worth. The last exit accepts everything.
///
/// @param alarm  per class: whether its label is an alarm
std::vector<package::ExitSpec> ChooseExits(const Answers& calibration,
                                           const FloatNetwork& network,
                                           const ExitConfig& config,
                                           const std::vector<bool>& alarm);

/// What the exits make of windows in turn, each by the package's own rule.
struct CascadeResult {
  std::vector<std::size_t> taken;  ///< windows decided per exit
  std::size_t right = 0;
  std::size_t missed = 0;  ///< faults called normal
  std::size_t windows = 0;
  std::vector<std::size_t> normal_taken;  ///< of the normal windows, per exit
  std::size_t normal = 0;                 ///< normal windows
};
CascadeResult RunCascade(const Answers& answers, const std::vector<package::ExitSpec>& exits);

}  // namespace trib::cloud::train
