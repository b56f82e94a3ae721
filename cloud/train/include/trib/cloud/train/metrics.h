#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace trib::cloud::train {

/// softmax(logits x inverse_temperature).
std::vector<double> Softmax(std::span<const float> logits, double inverse_temperature);

/// Index of the greatest, the first of equals.
std::size_t ArgMax(std::span<const float> values);

/// Probability that a positive stands above a negative, half for ties; NaN without one of both.
double Auroc(std::span<const double> scores, const std::vector<bool>& positive);

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
  std::vector<double> precision;
  std::vector<double> recall;
  std::vector<double> f1;
  std::vector<double> auroc;  ///< class against the rest; NaN when absent
  double macro_f1 = 0;        ///< over classes that occur
  double accuracy = 0;
  double macro_auroc = 0;     ///< over the classes but the first: fault types
  double fault_auroc = 0;     ///< fault against no fault
  double fault_recall = 0;    ///< at a false-alarm rate of 1 %
};

/// @param probabilities  per window, per class
ExitMetrics Measure(const std::vector<std::vector<double>>& probabilities,
                    std::span<const std::size_t> truth,
                    std::size_t classes);

/// A bin of a reliability diagram, (low, high].
struct ReliabilityBin {
  std::size_t count = 0;
  double confidence = 0;  ///< mean
  double accuracy = 0;
};
std::vector<ReliabilityBin> Reliability(const std::vector<std::vector<double>>& probabilities,
                                        std::span<const std::size_t> truth,
                                        std::size_t bins);
/// Expected calibration error.
double CalibrationError(std::span<const ReliabilityBin> bins);

}  // namespace trib::cloud::train
