#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trib/common/base/random.h"

namespace trib::host::drift {

/// Numbers row by row; `width` of them make one row, such as an embedding.
struct Rows {
  std::span<const double> values;
  std::size_t width = 1;

  [[nodiscard]] std::size_t count() const { return values.size() / width; }
  [[nodiscard]] std::span<const double> row(std::size_t i) const {
    return values.subspan(i * width, width);
  }
};

/// The median distance of all pairs of rows of both samples together: the usual bandwidth.
/// @returns 0 with fewer than two rows.
double MedianPairwise(Rows x, Rows y);

/// Maximum mean discrepancy (Gretton and others 2012): how far two samples of rows are apart, in
/// any respect that the kernel exp(-|a - b|^2 / (2 bandwidth^2)) sees, and how often two halves of
/// one sample are as far apart.
///
/// Memory   8 bytes per pair of rows: 8 MB for 1,000 rows. A permutation costs O(pairs).
/// Threads  Const functions from any thread.
class Mmd {
 public:
  /// Requires  rows of one width and without NaN, two of them on either side; bandwidth > 0.
  Mmd(Rows x, Rows y, double bandwidth);

  /// Squared, without a row's likeness to itself: 0 on average when nothing differs, so it may be
  /// negative.
  [[nodiscard]] double Unbiased() const;
  /// Squared, with it: never negative.
  [[nodiscard]] double Biased() const;

  /// (1 + splits at least as far apart as this one) / (1 + count), over `count` random splits of
  /// all rows into samples of the same sizes. Rows count as independent.
  [[nodiscard]] double PermutationP(std::size_t count, SplitMix64& random) const;
  /// The same where the rows of one block belong together, as those of one node and day do: whole
  /// blocks change sides. With b blocks no chance below 1 / (splits of b blocks) can be told.
  ///
  /// Requires  one block number for each row, of x and then of y; no block on both sides.
  [[nodiscard]] double BlockPermutationP(std::span<const std::uint32_t> blocks,
                                         std::size_t count,
                                         SplitMix64& random) const;

 private:
  using Sides = std::vector<bool>;  ///< by row: true in x

  /// The kernel summed over pairs i < j: both in x, both in y, one in each.
  struct PairSums {
    double x = 0;
    double y = 0;
    double between = 0;
    double rows_x = 0;
    double rows_y = 0;
  };

  [[nodiscard]] Sides Here() const;
  [[nodiscard]] PairSums SumsOf(const Sides& in_x) const;
  static double BiasedOf(const PairSums& sums);

  std::size_t rows_x_;
  std::size_t rows_;
  std::vector<double> likeness_;
};

}  // namespace trib::host::drift
