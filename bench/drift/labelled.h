// Rows of features with a class each, and what a simple classifier makes of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "series.h"

namespace trib::bench::drift {

struct LabelledRows {
  std::size_t width = 0;
  std::vector<double> features;  ///< row by row
  std::vector<std::uint32_t> labels;

  [[nodiscard]] std::size_t rows() const { return labels.size(); }
  [[nodiscard]] std::span<const double> row(std::size_t i) const {
    return std::span(features).subspan(i * width, width);
  }
};

/// Softmax regression by stochastic gradient descent: one step per row, with features standardised
/// by those it was first fitted to and kept within ten deviations. Classes are 0 .. classes - 1.
class SoftmaxRegression {
 public:
  SoftmaxRegression(std::size_t width, std::size_t classes);

  /// Learns scales, then passes over the rows in their order.
  void Fit(const LabelledRows& rows, std::size_t first, std::size_t count, int passes);

  struct Answer {
    std::uint32_t label;
    double confidence;
  };
  [[nodiscard]] Answer Ask(std::span<const double> row) const;
  /// One step towards the truth.
  void Learn(std::span<const double> row, std::uint32_t label);

  /// Root mean square of the standardised features, over those that vary: how unusual a row is.
  [[nodiscard]] double Unusual(std::span<const double> row) const;

 private:
  [[nodiscard]] std::vector<double> Standardised(std::span<const double> row) const;
  [[nodiscard]] std::vector<double> Probabilities(std::span<const double> inputs) const;

  std::size_t width_;
  std::size_t classes_;
  std::vector<double> mean_;
  std::vector<double> deviation_;  ///< 0 where nothing varies
  std::vector<double> weights_;    ///< by class: width and a constant
};

/// Series of one labelled stream whose first `reference` rows are taken for healthy. A classifier
/// is fitted to the first half of these and judged from there on: `score` (how unusual),
/// `confidence`, `errors frozen` (it stays as it is), `errors learning` (asked first, then told the
/// truth). References therefore are the second half. `truth` is a row.
std::vector<Series> SeriesOf(const std::string& stream,
                             const LabelledRows& rows,
                             std::size_t reference,
                             std::optional<std::size_t> truth);

}  // namespace trib::bench::drift
