#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

/// How good a classifier's answers are. All counts may be weights, so that a set can stand for
/// another mix of classes than its own.
///
/// Threads  Functions without state.
namespace trib::host::calibration {

/// Answers against truth, [true class][answer].
class Confusion {
 public:
  explicit Confusion(std::size_t classes) : classes_(classes), cells_(classes * classes) {}

  /// Requires  truth, answer < classes(); weight >= 0.
  void Add(std::size_t truth, std::size_t answer, double weight = 1) {
    cells_[truth * classes_ + answer] += weight;
  }
  [[nodiscard]] std::size_t classes() const { return classes_; }
  [[nodiscard]] double at(std::size_t truth, std::size_t answer) const {
    return cells_[truth * classes_ + answer];
  }
  [[nodiscard]] double total() const;
  [[nodiscard]] double accuracy() const;  ///< 0 when empty

 private:
  std::size_t classes_;
  std::vector<double> cells_;
};

/// Of one class. What has nothing to be computed from is 0, as in common practice; `support` tells.
struct ClassScores {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
  double support = 0;  ///< windows of the class
};
std::vector<ClassScores> Scores(const Confusion& confusion);
/// Mean F1 over the classes that occur in truth or answers; 0 when none does.
double MacroF1(const Confusion& confusion);

/// A score of one window: higher means "more likely positive".
struct Ranked {
  double score = 0;
  bool positive = false;
  double weight = 1;
};
/// Area under the ROC curve: the chance that a positive outranks a negative, ties counting half.
///
/// @returns nullopt when one side is missing.
std::optional<double> Auroc(std::span<const Ranked> windows);

}  // namespace trib::host::calibration
