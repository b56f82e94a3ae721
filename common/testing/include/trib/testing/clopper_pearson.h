#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

/// The exact interval of a share that was counted. For tests and reports that state a rate.
namespace trib::testing {

struct Interval {
  double low = 0;
  double high = 1;
};

/// P(X <= k) of the binomial distribution, summed term by term.
inline double BinomialAtMost(std::uint64_t k, std::uint64_t n, double p) {
  if (p <= 0) {
    return 1;
  }
  if (p >= 1) {
    return k >= n ? 1 : 0;
  }
  const auto trials = static_cast<double>(n);
  double sum = 0;
  for (std::uint64_t i = 0; i <= k; ++i) {
    const auto hits = static_cast<double>(i);
    sum +=
        std::exp(std::lgamma(trials + 1) - std::lgamma(hits + 1) - std::lgamma(trials - hits + 1) +
                 hits * std::log(p) + (trials - hits) * std::log1p(-p));
  }
  return std::min(1.0, sum);
}

/// Two-sided, of `hits` in `trials`, by bisection; Clopper and Pearson 1934.
inline Interval ClopperPearson(std::uint64_t hits, std::uint64_t trials, double confidence = 0.95) {
  const double tail = (1 - confidence) / 2;
  Interval out;
  const auto solve = [&](auto above) {
    double low = 0;
    double high = 1;
    for (int i = 0; i < 60; ++i) {
      const double middle = (low + high) / 2;
      (above(middle) ? low : high) = middle;
    }
    return (low + high) / 2;
  };
  if (hits > 0) {
    // P(X >= hits) = tail
    out.low = solve([&](double p) { return 1 - BinomialAtMost(hits - 1, trials, p) < tail; });
  }
  if (hits < trials) {
    out.high = solve([&](double p) { return BinomialAtMost(hits, trials, p) > tail; });
  }
  return out;
}

}  // namespace trib::testing
