#include "trib/common/host/drift/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "trib/common/base/check.h"

namespace trib::host::drift {
namespace {

double Total(Counts counts) {
  return std::accumulate(counts.begin(), counts.end(), 0.0, [](double sum, std::uint64_t count) {
    return sum + static_cast<double>(count);
  });
}

/// Sum of (q - p) ln(q / p) over the bins' shares.
template <typename Share>
double StabilityIndex(Counts reference, Counts current, Share share) {
  TRIB_CHECK(reference.size() == current.size());
  const double n = Total(reference);
  const double m = Total(current);
  if (!(n > 0) || !(m > 0)) {
    return 0;
  }
  double sum = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double p = share(static_cast<double>(reference[i]), n);
    const double q = share(static_cast<double>(current[i]), m);
    sum += (q - p) * std::log(q / p);
  }
  return sum;
}

}  // namespace

double BinnedKs(Counts reference, Counts current) {
  TRIB_CHECK(reference.size() == current.size());
  const double n = Total(reference);
  const double m = Total(current);
  if (!(n > 0) || !(m > 0)) {
    return 0;
  }
  double below_reference = 0;
  double below_current = 0;
  double largest = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    below_reference += static_cast<double>(reference[i]);
    below_current += static_cast<double>(current[i]);
    largest = std::max(largest, std::abs(below_reference / n - below_current / m));
  }
  return largest;
}

double KsStatistic(std::span<const double> a, std::span<const double> b) {
  const auto left = SortedNumbers(a);
  const auto right = SortedNumbers(b);
  if (left.empty() || right.empty()) {
    return 0;
  }
  const auto n = static_cast<double>(left.size());
  const auto m = static_cast<double>(right.size());
  double largest = 0;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < left.size() && j < right.size()) {
    const double x = std::min(left[i], right[j]);
    while (i < left.size() && left[i] == x) {
      ++i;
    }
    while (j < right.size() && right[j] == x) {
      ++j;
    }
    largest = std::max(largest, std::abs(static_cast<double>(i) / n - static_cast<double>(j) / m));
  }
  return largest;
}

std::vector<double> SortedNumbers(std::span<const double> values) {
  std::vector<double> out;
  out.reserve(values.size());
  std::copy_if(values.begin(), values.end(), std::back_inserter(out), [](double x) {
    return !std::isnan(x);
  });
  std::sort(out.begin(), out.end());
  return out;
}

std::size_t CountNan(std::span<const double> values) {
  return static_cast<std::size_t>(
      std::count_if(values.begin(), values.end(), [](double x) { return std::isnan(x); }));
}

double KsPValue(double d, double n, double m) {
  const double root = std::sqrt(n * m / (n + m));
  const double lambda = (root + 0.12 + 0.11 / root) * d;
  // Cut off, the alternating series is 0 at 0, where the chance is 1.
  if (!(lambda >= 0.2)) {
    return 1;
  }
  double sum = 0;
  double sign = 1;
  for (int k = 1; k <= 100; ++k) {
    sum += sign * std::exp(-2.0 * k * k * lambda * lambda);
    sign = -sign;
  }
  return std::clamp(2 * sum, 0.0, 1.0);
}

double KsPValueExact(double d, std::size_t n, std::size_t m) {
  if (n == 0 || m == 0) {
    return 1;
  }
  const auto rows = static_cast<double>(n);
  const auto columns = static_cast<double>(m);
  // An order of both samples is a path over a lattice; D is reached where |i / n - j / m| is. The
  // slack is less than a step of D and more than its rounding.
  const double reached = std::ceil(d * rows * columns - 1e-6);
  const auto outside = [&](std::size_t i, std::size_t j) {
    return std::abs(static_cast<double>(i) * columns - static_cast<double>(j) * rows) >= reached;
  };
  // touched[j]: the share of the paths to (i, j) that were outside before or are now. Only sums of
  // positive terms, so that a small chance keeps its digits.
  std::vector<double> touched(m + 1);
  for (std::size_t i = 0; i <= n; ++i) {
    for (std::size_t j = 0; j <= m; ++j) {
      if (outside(i, j)) {
        touched[j] = 1;
        continue;
      }
      const auto steps = static_cast<double>(i + j);
      const double from_row = i > 0 ? static_cast<double>(i) / steps * touched[j] : 0;
      const double from_column = j > 0 ? static_cast<double>(j) / steps * touched[j - 1] : 0;
      touched[j] = from_row + from_column;
    }
  }
  return touched[m];
}

double Ridit(Counts reference, Counts current) {
  TRIB_CHECK(reference.size() == current.size());
  const double n = Total(reference);
  const double m = Total(current);
  if (!(n > 0) || !(m > 0)) {
    return 0.5;
  }
  double below = 0;
  double won = 0;
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const auto here = static_cast<double>(reference[i]);
    won += static_cast<double>(current[i]) / m * ((below + here / 2) / n);
    below += here;
  }
  return won;
}

double PsiJeffreys(Counts reference, Counts current) {
  const double added = 0.5 * static_cast<double>(reference.size());
  return StabilityIndex(reference, current, [added](double count, double total) {
    return (count + 0.5) / (total + added);
  });
}

double PsiFloored(Counts reference, Counts current, double floor) {
  return StabilityIndex(reference, current, [floor](double count, double total) {
    return std::max(count / total, floor);
  });
}

double PsiCritical(double alpha, std::size_t bins, double n_reference, double n_current) {
  if (bins < 2 || !(n_reference > 0) || !(n_current > 0)) {
    return std::numeric_limits<double>::infinity();
  }
  return ChiSquareUpperQuantile(alpha, static_cast<double>(bins - 1)) *
         (1 / n_reference + 1 / n_current);
}

std::size_t BenjaminiHochberg(std::span<const double> p,
                              double alpha,
                              std::vector<bool>& rejected) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (!std::isnan(p[i])) {
      order.push_back(i);
    }
  }
  std::stable_sort(
      order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  std::size_t count = 0;
  for (std::size_t rank = 1; rank <= order.size(); ++rank) {
    const double line = alpha * static_cast<double>(rank) / static_cast<double>(p.size());
    if (p[order[rank - 1]] <= line) {
      count = rank;
    }
  }
  rejected.assign(p.size(), false);
  for (std::size_t k = 0; k < count; ++k) {
    rejected[order[k]] = true;
  }
  return count;
}

}  // namespace trib::host::drift
