#include "trib/common/host/calibration/calibration.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace trib::host::calibration {
namespace {

constexpr double kLeastTemperature = 0.05;
constexpr double kGreatestTemperature = 20;

double LogSumExp(std::span<const double> logits, double temperature) {
  const double greatest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double z : logits) {
    sum += std::exp((z - greatest) / temperature);
  }
  return greatest / temperature + std::log(sum);
}

/// P(X <= k) of n trials with probability p, 0 < p < 1, k < n: terms from the k-th down, each from
/// the one before. Above the mean it is the other side that is summed: there the k-th term is the
/// greatest of those left, while of the terms below it the k-th may be too small for a number.
double BinomialAtMost(std::uint64_t k, std::uint64_t n, double p) {
  const auto trials = static_cast<double>(n);
  const auto hits = static_cast<double>(k);
  if (hits > trials * p) {
    return 1 - BinomialAtMost(n - k - 1, n, 1 - p);
  }
  double term =
      std::exp(std::lgamma(trials + 1) - std::lgamma(hits + 1) - std::lgamma(trials - hits + 1) +
               hits * std::log(p) + (trials - hits) * std::log1p(-p));
  double sum = 0;
  const double odds = (1 - p) / p;
  for (std::uint64_t left = k + 1; left > 0; --left) {
    sum += term;
    const auto i = static_cast<double>(left - 1);
    term *= i / (trials - i + 1) * odds;
  }
  return std::min(1.0, sum);
}

/// Where a function that is true below and false above changes, in 0..1.
template <typename Below>
double Bisect(Below below) {
  double low = 0;
  double high = 1;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (below(middle) ? low : high) = middle;
  }
  return (low + high) / 2;
}

double ShareAtLeast(std::uint64_t hits, std::uint64_t trials, double confidence) {
  if (hits == 0) {
    return 0;
  }
  // P(X >= hits) = 1 - confidence. Counted from the other side, so that no small number is the
  // difference of two large ones.
  return 1 - ShareAtMost(trials - hits, trials, confidence);
}

}  // namespace

std::vector<double> Softmax(std::span<const double> logits, double temperature) {
  const double sum = LogSumExp(logits, temperature);
  std::vector<double> out;
  out.reserve(logits.size());
  for (const double z : logits) {
    out.push_back(std::exp(z / temperature - sum));
  }
  return out;
}

double NegativeLogLikelihood(const LogitSet& set, double temperature) {
  double sum = 0;
  for (std::size_t i = 0; i < set.size(); ++i) {
    const auto row = set.row(i);
    sum += LogSumExp(row, temperature) - row[set.labels[i]] / temperature;
  }
  return sum / static_cast<double>(set.size());
}

double FitTemperature(const LogitSet& set) {
  const double ratio = (std::sqrt(5.0) - 1) / 2;
  double low = std::log(kLeastTemperature);
  double high = std::log(kGreatestTemperature);
  const auto at = [&](double log) { return NegativeLogLikelihood(set, std::exp(log)); };
  double left = high - ratio * (high - low);
  double right = low + ratio * (high - low);
  double at_left = at(left);
  double at_right = at(right);
  // Below this the likelihood's last bits decide.
  while (high - low > 1e-8) {
    if (at_left <= at_right) {
      high = right;
      right = left;
      at_right = at_left;
      left = high - ratio * (high - low);
      at_left = at(left);
    } else {
      low = left;
      left = right;
      at_left = at_right;
      right = low + ratio * (high - low);
      at_right = at(right);
    }
  }
  return std::exp((low + high) / 2);
}

std::vector<Answer> Answers(const LogitSet& set, double temperature) {
  std::vector<Answer> out;
  out.reserve(set.size());
  for (std::size_t i = 0; i < set.size(); ++i) {
    const auto p = Softmax(set.row(i), temperature);
    const auto most = static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin());
    out.push_back({.confidence = p[most], .right = most == set.labels[i]});
  }
  return out;
}

double Accuracy(std::span<const Answer> answers) {
  return CoverageAt(answers, 0).accuracy;
}

std::vector<Bin> Reliability(std::span<const Answer> answers, std::size_t bins) {
  std::vector<Bin> out(bins);
  const auto count = static_cast<double>(bins);
  for (std::size_t b = 0; b < bins; ++b) {
    out[b].low = static_cast<double>(b) / count;
    out[b].high = static_cast<double>(b + 1) / count;
  }
  for (const Answer& answer : answers) {
    // The first bin whose upper edge is not below: (low, high], and 0 falls into the first.
    const auto bin =
        std::lower_bound(out.begin(), out.end() - 1, answer.confidence, [](const Bin& b, double c) {
          return b.high < c;
        });
    ++bin->count;
    bin->confidence += answer.confidence;
    bin->accuracy += answer.right ? 1 : 0;
  }
  for (Bin& bin : out) {
    if (bin.count != 0) {
      bin.confidence /= static_cast<double>(bin.count);
      bin.accuracy /= static_cast<double>(bin.count);
    }
  }
  return out;
}

double CalibrationError(std::span<const Answer> answers, std::size_t bins) {
  double sum = 0;
  for (const Bin& bin : Reliability(answers, bins)) {
    sum += static_cast<double>(bin.count) * std::abs(bin.confidence - bin.accuracy);
  }
  return answers.empty() ? 0 : sum / static_cast<double>(answers.size());
}

double NormalisedEntropy(std::span<const double> probabilities) {
  double sum = 0;
  for (const double p : probabilities) {
    sum -= p > 0 ? p * std::log(p) : 0;
  }
  return sum / std::log(static_cast<double>(probabilities.size()));
}

double Margin(std::span<const double> probabilities) {
  double first = 0;
  double second = 0;
  for (const double p : probabilities) {
    second = std::max(second, std::min(first, p));
    first = std::max(first, p);
  }
  return first - second;
}

double RiskCoverageArea(std::span<const Answer> answers) {
  std::vector<Answer> sorted(answers.begin(), answers.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const Answer& a, const Answer& b) {
    return a.confidence > b.confidence;
  });
  double wrong = 0;
  double sum = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    wrong += sorted[i].right ? 0 : 1;
    sum += wrong / static_cast<double>(i + 1);
  }
  return sorted.empty() ? 0 : sum / static_cast<double>(sorted.size());
}

Coverage CoverageAt(std::span<const Answer> answers, double threshold) {
  double covered = 0;
  double right = 0;
  for (const Answer& answer : answers) {
    if (answer.confidence >= threshold) {
      ++covered;
      right += answer.right ? 1 : 0;
    }
  }
  Coverage out;
  out.coverage = answers.empty() ? 0 : covered / static_cast<double>(answers.size());
  out.accuracy = covered > 0 ? right / covered : 0;
  return out;
}

double CostThreshold(double error_above, double ask, double wrong) {
  return std::clamp(1 - error_above - ask / wrong, 0.0, 1.0);
}

double ShareAtMost(std::uint64_t hits, std::uint64_t trials, double confidence) {
  if (hits >= trials) {
    return 1;
  }
  const double tail = 1 - confidence;
  return Bisect([&](double p) { return BinomialAtMost(hits, trials, p) > tail; });
}

Interval ShareInterval(std::uint64_t hits, std::uint64_t trials, double confidence) {
  const double one_sided = 1 - (1 - confidence) / 2;
  return {.low = trials == 0 ? 0 : ShareAtLeast(hits, trials, one_sided),
          .high = ShareAtMost(hits, trials, one_sided)};
}

std::optional<RiskThreshold> ThresholdForRisk(std::span<const Answer> answers,
                                              double risk,
                                              double delta,
                                              std::span<const double> grid) {
  const double confidence = 1 - delta / static_cast<double>(grid.size());
  std::optional<RiskThreshold> best;
  for (const double threshold : grid) {
    if (best && best->threshold <= threshold) {
      continue;
    }
    RiskThreshold here{.threshold = threshold};
    for (const Answer& answer : answers) {
      if (answer.confidence >= threshold) {
        ++here.count;
        here.wrong += answer.right ? 0 : 1;
      }
    }
    here.bound = ShareAtMost(here.wrong, here.count, confidence);
    if (here.count != 0 && here.bound <= risk) {
      best = here;
    }
  }
  return best;
}

}  // namespace trib::host::calibration
