#include "trib/common/host/calibration/scores.h"

#include <algorithm>
#include <numeric>

namespace trib::host::calibration {

double Confusion::total() const {
  return std::accumulate(cells_.begin(), cells_.end(), 0.0);
}

double Confusion::accuracy() const {
  double right = 0;
  for (std::size_t i = 0; i < classes_; ++i) {
    right += at(i, i);
  }
  const double all = total();
  return all > 0 ? right / all : 0;
}

std::vector<ClassScores> Scores(const Confusion& confusion) {
  std::vector<ClassScores> out(confusion.classes());
  for (std::size_t c = 0; c < out.size(); ++c) {
    const double right = confusion.at(c, c);
    double answered = 0;
    for (std::size_t other = 0; other < out.size(); ++other) {
      out[c].support += confusion.at(c, other);
      answered += confusion.at(other, c);
    }
    out[c].precision = answered > 0 ? right / answered : 0;
    out[c].recall = out[c].support > 0 ? right / out[c].support : 0;
    // 2 P R / (P + R) = 2 TP / (2 TP + FP + FN)
    out[c].f1 = answered + out[c].support > 0 ? 2 * right / (answered + out[c].support) : 0;
  }
  return out;
}

double MacroF1(const Confusion& confusion) {
  double sum = 0;
  int classes = 0;
  for (std::size_t c = 0; c < confusion.classes(); ++c) {
    double occurs = 0;
    double right = confusion.at(c, c);
    for (std::size_t other = 0; other < confusion.classes(); ++other) {
      occurs += confusion.at(c, other) + confusion.at(other, c);
    }
    if (occurs > 0) {
      sum += 2 * right / occurs;
      ++classes;
    }
  }
  return classes > 0 ? sum / classes : 0;
}

std::optional<double> Auroc(std::span<const Ranked> windows) {
  std::vector<Ranked> sorted(windows.begin(), windows.end());
  std::sort(sorted.begin(), sorted.end(), [](const Ranked& a, const Ranked& b) {
    return a.score < b.score;
  });
  double positives = 0;
  double below = 0;  // weight of negatives with a lower score
  double won = 0;
  for (std::size_t i = 0; i < sorted.size();) {
    double equal_positives = 0;
    double equal_negatives = 0;
    std::size_t end = i;
    for (; end < sorted.size() && sorted[end].score == sorted[i].score; ++end) {
      (sorted[end].positive ? equal_positives : equal_negatives) += sorted[end].weight;
    }
    won += equal_positives * (below + equal_negatives / 2);
    positives += equal_positives;
    below += equal_negatives;
    i = end;
  }
  if (!(positives > 0) || !(below > 0)) {
    return std::nullopt;
  }
  return won / (positives * below);
}

}  // namespace trib::host::calibration
