#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// What a classifier's confidence is worth, and from which confidence on its answer may stand.
///
/// Threads  Functions without state.
namespace trib::host::calibration {

/// Logits with what was true. An exit's, in real units (scale x (value - zero point)), of windows
/// that nothing was trained on.
struct LogitSet {
  std::size_t classes = 0;          ///< >= 2
  std::vector<double> logits;       ///< [window][class]
  std::vector<std::size_t> labels;  ///< the true class of each window, < classes

  [[nodiscard]] std::size_t size() const { return labels.size(); }
  [[nodiscard]] std::span<const double> row(std::size_t window) const {
    return std::span(logits).subspan(window * classes, classes);
  }
};

/// softmax(logits / temperature). Requires  temperature > 0.
std::vector<double> Softmax(std::span<const double> logits, double temperature);

/// Mean negative logarithm of the true class's probability. Requires  set.size() > 0.
double NegativeLogLikelihood(const LogitSet& set, double temperature);

/// The temperature in 0.05 .. 20 with the least negative log likelihood, which is convex in 1 / T:
/// golden section on log T. Leaves every argmax as it is. Requires  set.size() > 0.
double FitTemperature(const LogitSet& set);

/// An answer: how sure, and whether it was right.
struct Answer {
  double confidence = 0;  ///< 0..1
  bool right = false;
};
/// The greatest probability of each window (the first of equals) at this temperature.
std::vector<Answer> Answers(const LogitSet& set, double temperature);

double Accuracy(std::span<const Answer> answers);

/// A bar of the reliability diagram: confidences in (low, high].
struct Bin {
  double low = 0;
  double high = 0;
  std::size_t count = 0;
  double confidence = 0;  ///< mean; 0 without answers
  double accuracy = 0;    ///< mean; 0 without answers
};
std::vector<Bin> Reliability(std::span<const Answer> answers, std::size_t bins = 15);
/// Expected calibration error: mean distance of confidence and accuracy of the bins.
double CalibrationError(std::span<const Answer> answers, std::size_t bins = 15);

/// -sum p ln p / ln K: 0 sure, 1 clueless.
double NormalisedEntropy(std::span<const double> probabilities);
/// Greatest less second greatest probability. Requires  two or more.
double Margin(std::span<const double> probabilities);

/// Area under the curve of risk over coverage: the mean, over n = 1 .. N, of the share of wrong
/// answers among the n surest. Equals keep their order.
double RiskCoverageArea(std::span<const Answer> answers);

/// What leaves at a threshold.
struct Coverage {
  double coverage = 0;  ///< share of answers at or above it
  double accuracy = 0;  ///< of these; 0 without any
};
Coverage CoverageAt(std::span<const Answer> answers, double threshold);

/// The confidence from which a calibrated answer should stand: asking further costs `ask` and is
/// wrong with probability `error_above`, a wrong answer costs `wrong` > 0. Clamped to 0..1.
double CostThreshold(double error_above, double ask, double wrong);

/// The exact interval of a share that was counted (Clopper, Pearson), two-sided.
struct Interval {
  double low = 0;
  double high = 1;
};
Interval ShareInterval(std::uint64_t hits, std::uint64_t trials, double confidence = 0.95);
/// One-sided: with this confidence the true share is not above it. 1 without trials.
double ShareAtMost(std::uint64_t hits, std::uint64_t trials, double confidence);

/// A threshold with a promise: with probability 1 - delta, of the answers at or above it no more
/// than `risk` are wrong.
struct RiskThreshold {
  double threshold = 1;
  double bound = 1;       ///< on the share of wrong answers; <= risk
  std::size_t count = 0;  ///< answers at or above it
  std::size_t wrong = 0;  ///< of these
};
/// The least threshold of the grid that keeps the promise, by a one-sided Clopper-Pearson bound at
/// delta / grid size (Bonferroni: the promise holds although the best was chosen); nullopt when
/// none does.
std::optional<RiskThreshold> ThresholdForRisk(std::span<const Answer> answers,
                                              double risk,
                                              double delta,
                                              std::span<const double> grid);

}  // namespace trib::host::calibration
