#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "trib/common/host/calibration/calibration.h"
#include "trib/common/host/calibration/scores.h"

namespace trib::cloud::train {

/// Index of the greatest, the first of equals.
std::size_t ArgMax(std::span<const float> values);

/// Share of the positives above the score that at most `rate` of the negatives exceed.
double RecallAt(std::span<const double> scores, const std::vector<bool>& positive, double rate);

struct CurvePoint {
  double false_rate = 0;
  double true_rate = 0;
};
/// The ROC curve from (0, 0) to (1, 1).
std::vector<CurvePoint> RocCurve(std::span<const double> scores, const std::vector<bool>& positive);

/// How good one exit is on labelled windows.
struct ExitMetrics {
  std::vector<std::vector<std::size_t>> confusion;  ///< [truth][answer]
  std::vector<host::calibration::ClassScores> scores;
  std::vector<double> auroc;  ///< class against the rest; NaN when absent
  double macro_f1 = 0;        ///< over classes that occur in truth or answers
  double accuracy = 0;
  double macro_auroc = 0;   ///< over the classes but the first: fault types
  double fault_auroc = 0;   ///< fault against no fault
  double fault_recall = 0;  ///< at a false-alarm rate of 1 %
};

ExitMetrics Measure(const host::calibration::LogitSet& set, double temperature);

}  // namespace trib::cloud::train
