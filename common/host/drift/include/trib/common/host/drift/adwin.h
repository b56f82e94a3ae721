#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trib::host::drift {

struct AdwinOptions {
  double delta = 0.002;           ///< chance of a false cut per test, bounded by the theory
  std::uint32_t clock = 32;       ///< looks for a cut at every so many values
  std::size_t max_buckets = 5;    ///< of one size; more is finer and larger
  std::size_t min_length = 5;     ///< least values on either side of a cut
  std::size_t grace_period = 10;  ///< no cut in windows up to this
  std::size_t max_rows = 32;      ///< sizes 1, 2, 4 ...: bounds window and memory
  bool restart = true;            ///< begin anew after a detection; else only the old part goes
};

/// ADWIN (Bifet and Gavalda 2007): keeps the longest window whose parts do not differ, as an
/// exponential histogram, and forgets its beginning when they do.
///
/// There are three incompatible variants in use. This is the one of MOA and of today's river, where
/// all buckets are places to cut at; older ones skip the newest of each size and notice later.
///
/// Memory   16 bytes per bucket, at most (max_buckets + 1) x rows: 1.4 kB for a window of 10^5
/// values,
///          3 kB for any. When max_rows are full, the oldest bucket is forgotten.
/// Threads  One caller at a time.
/// Order    Values in time order; a value costs O(1), a look O(buckets).
/// State    Not kept over a restart of the process: a new object begins anew.
class Adwin {
 public:
  /// Requires  0 < delta < 1; clock, max_buckets, min_length, max_rows >= 1.
  explicit Adwin(const AdwinOptions& options = {});

  /// @returns whether the window was cut. NaN and infinities are left out and counted.
  bool Push(double value);

  [[nodiscard]] double width() const { return width_; }  ///< values in the window
  [[nodiscard]] double total() const { return total_; }  ///< their sum
  [[nodiscard]] double mean() const { return width_ > 0 ? total_ / width_ : 0; }
  /// Sum of squared deviations from their mean.
  [[nodiscard]] double squares() const { return squares_; }
  [[nodiscard]] std::uint64_t ignored() const { return ignored_; }

 private:
  struct Bucket {
    double total;
    double squares;
  };
  using Row = std::vector<Bucket>;  ///< oldest first

  void Clear();
  void Insert(double value);
  void Compress();
  bool ForgetWhatDiffers();
  bool PartsDiffer() const;
  bool CutHolds(double before, double after, double difference) const;
  void DropOldest();

  AdwinOptions options_;
  // 1. rows_[i] holds buckets of 2^i values; later rows hold older values. 2. No row but the
  // newest,
  //    while values are inserted, has more than max_buckets; the last row is never empty.
  std::vector<Row> rows_;
  double width_ = 0;
  double total_ = 0;
  double squares_ = 0;
  std::uint64_t values_ = 0;
  std::uint64_t ignored_ = 0;
  bool restart_due_ = false;
};

}  // namespace trib::host::drift
