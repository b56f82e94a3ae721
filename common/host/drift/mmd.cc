#include "trib/common/host/drift/mmd.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "trib/common/base/check.h"

namespace trib::host::drift {
namespace {

double SquaredDistance(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    sum += (a[k] - b[k]) * (a[k] - b[k]);
  }
  return sum;
}

/// Both samples under one index.
class Pooled {
 public:
  Pooled(Rows x, Rows y) : x_(x), y_(y) { TRIB_CHECK(x.width == y.width && x.width > 0); }
  [[nodiscard]] std::size_t count() const { return x_.count() + y_.count(); }
  [[nodiscard]] std::span<const double> row(std::size_t i) const {
    return i < x_.count() ? x_.row(i) : y_.row(i - x_.count());
  }

 private:
  Rows x_;
  Rows y_;
};

/// 0, 1, 2 ... in random order: Fisher and Yates, from the end, with 53 bits of each draw.
void Shuffle(std::vector<std::uint32_t>& order, SplitMix64& random) {
  std::iota(order.begin(), order.end(), 0U);
  for (std::size_t i = order.size(); i-- > 1;) {
    const double share = random.Uniform();
    std::swap(order[i], order[static_cast<std::size_t>(share * static_cast<double>(i + 1))]);
  }
}

}  // namespace

double MedianPairwise(Rows x, Rows y) {
  const Pooled rows(x, y);
  std::vector<double> distances;
  for (std::size_t i = 0; i < rows.count(); ++i) {
    for (std::size_t j = i + 1; j < rows.count(); ++j) {
      distances.push_back(std::sqrt(SquaredDistance(rows.row(i), rows.row(j))));
    }
  }
  if (distances.empty()) {
    return 0;
  }
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  if (distances.size() % 2 == 1) {
    return *middle;
  }
  return (*std::max_element(distances.begin(), middle) + *middle) / 2;
}

Mmd::Mmd(Rows x, Rows y, double bandwidth)
    : rows_x_(x.count()), rows_(x.count() + y.count()), likeness_(rows_ * rows_) {
  TRIB_CHECK(bandwidth > 0 && x.count() >= 2 && y.count() >= 2);
  const Pooled rows(x, y);
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t j = i; j < rows_; ++j) {
      const double k =
          std::exp(-SquaredDistance(rows.row(i), rows.row(j)) / (2 * bandwidth * bandwidth));
      likeness_[i * rows_ + j] = k;
      likeness_[j * rows_ + i] = k;
    }
  }
}

Mmd::PairSums Mmd::SumsOf(const Sides& in_x) const {
  // In one order whatever the split, so that equal splits give equal bits.
  PairSums sums;
  for (std::size_t i = 0; i < rows_; ++i) {
    for (std::size_t j = i + 1; j < rows_; ++j) {
      double& sum = in_x[i] != in_x[j] ? sums.between : in_x[i] ? sums.x : sums.y;
      sum += likeness_[i * rows_ + j];
    }
  }
  sums.rows_x = static_cast<double>(std::count(in_x.begin(), in_x.end(), true));
  sums.rows_y = static_cast<double>(rows_) - sums.rows_x;
  return sums;
}

Mmd::Sides Mmd::Here() const {
  Sides in_x(rows_);
  std::fill_n(in_x.begin(), rows_x_, true);
  return in_x;
}

double Mmd::BiasedOf(const PairSums& sums) {
  const double n = sums.rows_x;
  const double m = sums.rows_y;
  // A row is like itself: 1.
  return (n + 2 * sums.x) / (n * n) + (m + 2 * sums.y) / (m * m) - 2 * sums.between / (n * m);
}

double Mmd::Biased() const {
  return BiasedOf(SumsOf(Here()));
}

double Mmd::Unbiased() const {
  const PairSums sums = SumsOf(Here());
  const double n = sums.rows_x;
  const double m = sums.rows_y;
  return 2 * sums.x / (n * (n - 1)) + 2 * sums.y / (m * (m - 1)) - 2 * sums.between / (n * m);
}

double Mmd::PermutationP(std::size_t count, SplitMix64& random) const {
  std::vector<std::uint32_t> own(rows_);
  std::iota(own.begin(), own.end(), 0U);
  return BlockPermutationP(own, count, random);
}

double Mmd::BlockPermutationP(std::span<const std::uint32_t> blocks,
                              std::size_t count,
                              SplitMix64& random) const {
  TRIB_CHECK(blocks.size() == rows_);
  // Blocks numbered anew in the order of their first rows: those of x come first.
  std::map<std::uint32_t, std::uint32_t> numbers;
  std::vector<std::uint32_t> block_of(rows_);
  std::size_t blocks_x = 0;
  for (std::size_t i = 0; i < rows_; ++i) {
    const auto [entry, fresh] =
        numbers.try_emplace(blocks[i], static_cast<std::uint32_t>(numbers.size()));
    block_of[i] = entry->second;
    blocks_x += fresh && i < rows_x_ ? 1 : 0;
    TRIB_CHECK((entry->second < blocks_x) == (i < rows_x_));
  }
  std::vector<std::uint32_t> order(numbers.size());
  const double here = Biased();
  std::size_t as_far = 0;
  Sides in_x(rows_);
  for (std::size_t round = 0; round < count; ++round) {
    Shuffle(order, random);
    std::vector<bool> block_in_x(order.size());
    for (std::size_t k = 0; k < blocks_x; ++k) {
      block_in_x[order[k]] = true;
    }
    for (std::size_t i = 0; i < rows_; ++i) {
      in_x[i] = block_in_x[block_of[i]];
    }
    as_far += BiasedOf(SumsOf(in_x)) >= here ? 1 : 0;
  }
  return static_cast<double>(1 + as_far) / static_cast<double>(1 + count);
}

}  // namespace trib::host::drift
