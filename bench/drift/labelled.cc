#include "labelled.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "trib/common/host/drift/charts.h"

namespace trib::bench::drift {
namespace {

constexpr double kStep = 0.02;
constexpr double kShrink = 1e-4;
constexpr double kFarthest = 10;
constexpr int kPasses = 20;

double Mean(std::span<const double> values) {
  return values.empty() ? 0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

}  // namespace

SoftmaxRegression::SoftmaxRegression(std::size_t width, std::size_t classes)
    : width_(width),
      classes_(classes),
      mean_(width),
      deviation_(width),
      weights_(classes * (width + 1)) {}

void SoftmaxRegression::Fit(const LabelledRows& rows,
                            std::size_t first,
                            std::size_t count,
                            int passes) {
  for (std::size_t k = 0; k < width_; ++k) {
    host::drift::Baseline column;
    for (std::size_t i = first; i < first + count; ++i) {
      column.Add(rows.row(i)[k]);
    }
    mean_[k] = column.mean();
    deviation_[k] = column.deviation();
  }
  for (int pass = 0; pass < passes; ++pass) {
    for (std::size_t i = first; i < first + count; ++i) {
      Learn(rows.row(i), rows.labels[i]);
    }
  }
}

std::vector<double> SoftmaxRegression::Standardised(std::span<const double> row) const {
  std::vector<double> out(width_ + 1, 1);
  for (std::size_t k = 0; k < width_; ++k) {
    const double z = deviation_[k] > 0 ? (row[k] - mean_[k]) / deviation_[k] : 0;
    out[k] = std::clamp(z, -kFarthest, kFarthest);
  }
  return out;
}

std::vector<double> SoftmaxRegression::Probabilities(std::span<const double> inputs) const {
  std::vector<double> out(classes_);
  for (std::size_t c = 0; c < classes_; ++c) {
    const auto weights = std::span(weights_).subspan(c * (width_ + 1), width_ + 1);
    out[c] = std::inner_product(inputs.begin(), inputs.end(), weights.begin(), 0.0);
  }
  const double most = *std::max_element(out.begin(), out.end());
  double sum = 0;
  for (double& p : out) {
    p = std::exp(p - most);
    sum += p;
  }
  for (double& p : out) {
    p /= sum;
  }
  return out;
}

SoftmaxRegression::Answer SoftmaxRegression::Ask(std::span<const double> row) const {
  const auto p = Probabilities(Standardised(row));
  const auto best = std::max_element(p.begin(), p.end());
  return {static_cast<std::uint32_t>(best - p.begin()), *best};
}

void SoftmaxRegression::Learn(std::span<const double> row, std::uint32_t label) {
  const auto inputs = Standardised(row);
  const auto p = Probabilities(inputs);
  for (std::size_t c = 0; c < classes_; ++c) {
    const double off = p[c] - (c == label ? 1 : 0);
    const auto weights = std::span(weights_).subspan(c * (width_ + 1), width_ + 1);
    for (std::size_t k = 0; k < weights.size(); ++k) {
      weights[k] -= kStep * (off * inputs[k] + kShrink * weights[k]);
    }
  }
}

double SoftmaxRegression::Unusual(std::span<const double> row) const {
  double sum = 0;
  double used = 0;
  for (std::size_t k = 0; k < width_; ++k) {
    if (deviation_[k] > 0) {
      const double z = (row[k] - mean_[k]) / deviation_[k];
      sum += z * z;
      used += 1;
    }
  }
  return used > 0 ? std::sqrt(sum / used) : 0;
}

std::vector<Series> SeriesOf(const std::string& stream,
                             const LabelledRows& rows,
                             std::size_t reference,
                             std::optional<std::size_t> truth) {
  const std::size_t first = reference / 2;
  const std::size_t classes = 1 + *std::max_element(rows.labels.begin(), rows.labels.end());
  SoftmaxRegression frozen(rows.width, classes);
  frozen.Fit(rows, 0, first, kPasses);
  SoftmaxRegression learning = frozen;

  std::vector<Series> out(4);
  const char* names[] = {"score", "confidence", "errors frozen", "errors learning"};
  for (std::size_t s = 0; s < out.size(); ++s) {
    out[s].stream = stream;
    out[s].name = names[s];
    out[s].reference = reference - first;
    out[s].errors = s >= 2;
    if (truth) {
      out[s].truth = *truth - first;
    }
  }
  for (std::size_t i = first; i < rows.rows(); ++i) {
    const auto row = rows.row(i);
    const auto answer = frozen.Ask(row);
    out[0].values.push_back(frozen.Unusual(row));
    out[1].values.push_back(answer.confidence);
    out[2].values.push_back(answer.label != rows.labels[i] ? 1 : 0);
    out[3].values.push_back(learning.Ask(row).label != rows.labels[i] ? 1 : 0);
    learning.Learn(row, rows.labels[i]);
  }
  for (auto& series : out) {
    if (series.errors) {
      const std::span<const double> values = series.values;
      series.error_rate_before = Mean(values.first(series.reference));
      series.error_rate_after = Mean(values.subspan(series.reference));
    }
  }
  return out;
}

}  // namespace trib::bench::drift
