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
  std::stable_sort(
      order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  return order;
}

double Ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

std::size_t Best(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

}  // namespace

std::vector<double> Softmax(std::span<const float> logits, double inverse_temperature) {
  const double most = *std::max_element(logits.begin(), logits.end());
  std::vector<double> out;
  double sum = 0;
  for (const float logit : logits) {
    out.push_back(std::exp((logit - most) * inverse_temperature));
    sum += out.back();
  }
  for (double& value : out) {
    value /= sum;
  }
  return out;
}

std::size_t ArgMax(std::span<const float> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

std::vector<CurvePoint> RocCurve(std::span<const double> scores, const std::vector<bool>& positive) {
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

double Auroc(std::span<const double> scores, const std::vector<bool>& positive) {
  const auto curve = RocCurve(scores, positive);
  if (curve.empty()) {
    return kNone;
  }
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    area += (curve[i].false_rate - curve[i - 1].false_rate) *
            (curve[i].true_rate + curve[i - 1].true_rate) / 2;
  }
  return area;
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

ExitMetrics Measure(const std::vector<std::vector<double>>& probabilities,
                    std::span<const std::size_t> truth,
                    std::size_t classes) {
  ExitMetrics out;
  out.confusion.assign(classes, std::vector<std::size_t>(classes));
  std::size_t right = 0;
  std::vector<double> fault;
  std::vector<bool> is_fault;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const std::size_t answer = Best(probabilities[i]);
    ++out.confusion[truth[i]][answer];
    right += answer == truth[i] ? 1 : 0;
    fault.push_back(1 - probabilities[i][0]);
    is_fault.push_back(truth[i] != 0);
  }
  out.accuracy = Ratio(static_cast<double>(right), static_cast<double>(truth.size()));
  double f1_sum = 0;
  std::size_t present = 0;
  double auroc_sum = 0;
  std::size_t ranked = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    double answers = 0;
    double truths = 0;
    for (std::size_t j = 0; j < classes; ++j) {
      answers += static_cast<double>(out.confusion[j][k]);
      truths += static_cast<double>(out.confusion[k][j]);
    }
    const auto hits = static_cast<double>(out.confusion[k][k]);
    out.precision.push_back(Ratio(hits, answers));
    out.recall.push_back(Ratio(hits, truths));
    out.f1.push_back(Ratio(2 * hits, answers + truths));
    if (truths > 0) {
      f1_sum += out.f1.back();
      ++present;
    }
    std::vector<double> scores;
    std::vector<bool> positive;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      scores.push_back(probabilities[i][k]);
      positive.push_back(truth[i] == k);
    }
    out.auroc.push_back(Auroc(scores, positive));
    if (k > 0 && !std::isnan(out.auroc.back())) {
      auroc_sum += out.auroc.back();
      ++ranked;
    }
  }
  out.macro_f1 = Ratio(f1_sum, static_cast<double>(present));
  out.macro_auroc = ranked == 0 ? kNone : auroc_sum / static_cast<double>(ranked);
  out.fault_auroc = Auroc(fault, is_fault);
  out.fault_recall = RecallAt(fault, is_fault, 0.01);
  return out;
}

std::vector<ReliabilityBin> Reliability(const std::vector<std::vector<double>>& probabilities,
                                        std::span<const std::size_t> truth,
                                        std::size_t bins) {
  std::vector<ReliabilityBin> out(bins);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const std::size_t answer = Best(probabilities[i]);
    const double confidence = probabilities[i][answer];
    const auto bin = std::min(
        bins - 1,
        static_cast<std::size_t>(
            std::max(0.0, std::ceil(confidence * static_cast<double>(bins)) - 1)));
    ++out[bin].count;
    out[bin].confidence += confidence;
    out[bin].accuracy += answer == truth[i] ? 1 : 0;
  }
  for (ReliabilityBin& bin : out) {
    bin.confidence = Ratio(bin.confidence, static_cast<double>(bin.count));
    bin.accuracy = Ratio(bin.accuracy, static_cast<double>(bin.count));
  }
  return out;
}

double CalibrationError(std::span<const ReliabilityBin> bins) {
  double sum = 0;
  double count = 0;
  for (const ReliabilityBin& bin : bins) {
    sum += static_cast<double>(bin.count) * std::abs(bin.confidence - bin.accuracy);
    count += static_cast<double>(bin.count);
  }
  return Ratio(sum, count);
}

}  // namespace trib::cloud::train
