#include "trib/cloud/train/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace trib::cloud::train {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::vector<std::size_t> Descending(std::span<const double> scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return scores[a] > scores[b];
  });
  return order;
}

std::size_t Best(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

/// Logarithm of a class's odds: ranks as its probability does, also where that rounds to 1.
double LogOdds(std::span<const double> logits, double temperature, std::size_t of) {
  double most = -1e300;
  for (std::size_t k = 0; k < logits.size(); ++k) {
    most = k == of ? most : std::max(most, logits[k]);
  }
  double sum = 0;
  for (std::size_t k = 0; k < logits.size(); ++k) {
    sum += k == of ? 0 : std::exp((logits[k] - most) / temperature);
  }
  return (logits[of] - most) / temperature - std::log(sum);
}

}  // namespace

std::size_t ArgMax(std::span<const float> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

std::vector<CurvePoint> RocCurve(std::span<const double> scores,
                                 const std::vector<bool>& positive) {
  const auto positives = static_cast<double>(std::count(positive.begin(), positive.end(), true));
  const double negatives = static_cast<double>(positive.size()) - positives;
  std::vector<CurvePoint> curve = {{0, 0}};
  if (positives == 0 || negatives == 0) {
    return {};
  }
  double hits = 0;
  double alarms = 0;
  const auto order = Descending(scores);
  for (std::size_t i = 0; i < order.size(); ++i) {
    (positive[order[i]] ? hits : alarms) += 1;
    // Equal scores are taken together.
    if (i + 1 == order.size() || scores[order[i + 1]] != scores[order[i]]) {
      curve.push_back({alarms / negatives, hits / positives});
    }
  }
  return curve;
}

double RecallAt(std::span<const double> scores, const std::vector<bool>& positive, double rate) {
  double recall = 0;
  const auto curve = RocCurve(scores, positive);
  if (curve.empty()) {
    return kNone;
  }
  for (const CurvePoint& point : curve) {
    recall = point.false_rate <= rate ? std::max(recall, point.true_rate) : recall;
  }
  return recall;
}

ExitMetrics Measure(const host::calibration::LogitSet& set, double temperature) {
  const std::size_t classes = set.classes;
  host::calibration::Confusion confusion(classes);
  std::vector<double> fault;
  std::vector<bool> is_fault;
  std::vector<std::vector<host::calibration::Ranked>> ranked(classes + 1);
  for (std::size_t i = 0; i < set.size(); ++i) {
    const auto p = host::calibration::Softmax(set.row(i), temperature);
    const std::size_t truth = set.labels[i];
    confusion.Add(truth, Best(p));
    for (std::size_t k = 0; k < classes; ++k) {
      ranked[k].push_back({.score = LogOdds(set.row(i), temperature, k), .positive = truth == k});
    }
    ranked[classes].push_back(
        {.score = -LogOdds(set.row(i), temperature, 0), .positive = truth != 0});
    fault.push_back(-LogOdds(set.row(i), temperature, 0));
    is_fault.push_back(truth != 0);
  }
  ExitMetrics out;
  out.confusion.assign(classes, std::vector<std::size_t>(classes));
  double auroc_sum = 0;
  std::size_t fault_types = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    for (std::size_t j = 0; j < classes; ++j) {
      out.confusion[k][j] = static_cast<std::size_t>(confusion.at(k, j));
    }
    out.auroc.push_back(host::calibration::Auroc(ranked[k]).value_or(kNone));
    if (k > 0 && !std::isnan(out.auroc.back())) {
      auroc_sum += out.auroc.back();
      ++fault_types;
    }
  }
  out.scores = host::calibration::Scores(confusion);
  out.accuracy = confusion.accuracy();
  out.macro_f1 = host::calibration::MacroF1(confusion);
  out.macro_auroc = fault_types == 0 ? kNone : auroc_sum / static_cast<double>(fault_types);
  out.fault_auroc = host::calibration::Auroc(ranked[classes]).value_or(kNone);
  out.fault_recall = RecallAt(fault, is_fault, 0.01);
  return out;
}

}  // namespace trib::cloud::train
