#include "trib/common/host/drift/adwin.h"

#include <cmath>

#include "trib/common/base/check.h"

namespace trib::host::drift {
namespace {

double SizeOf(std::size_t row) {
  return std::ldexp(1.0, static_cast<int>(row));
}

/// What two parts of n and m values add to the sum of squares by the distance of their means.
double Between(double n, double m, double distance) {
  return n * m * distance * distance / (n + m);
}

}  // namespace

Adwin::Adwin(const AdwinOptions& options) : options_(options) {
  TRIB_CHECK(options.delta > 0 && options.delta < 1);
  TRIB_CHECK(options.clock >= 1 && options.max_buckets >= 1);
  TRIB_CHECK(options.min_length >= 1 && options.max_rows >= 1);
  Clear();
}

void Adwin::Clear() {
  rows_.assign(1, Row());
  width_ = 0;
  total_ = 0;
  squares_ = 0;
  values_ = 0;
  restart_due_ = false;
}

bool Adwin::Push(double value) {
  if (!std::isfinite(value)) {
    ++ignored_;
    return false;
  }
  if (restart_due_) {
    Clear();
  }
  Insert(value);
  ++values_;
  if (values_ % options_.clock != 0 || width_ <= static_cast<double>(options_.grace_period)) {
    return false;
  }
  const bool cut = ForgetWhatDiffers();
  restart_due_ = cut && options_.restart;
  return cut;
}

void Adwin::Insert(double value) {
  rows_.front().push_back({value, 0});
  if (width_ > 0) {
    squares_ += Between(width_, 1, value - total_ / width_);
  }
  width_ += 1;
  total_ += value;
  Compress();
}

void Adwin::Compress() {
  for (std::size_t i = 0; i < rows_.size() && rows_[i].size() > options_.max_buckets; ++i) {
    if (i + 1 == options_.max_rows) {
      DropOldest();
      return;
    }
    if (i + 1 == rows_.size()) {
      rows_.emplace_back();
    }
    const Bucket older = rows_[i][0];
    const Bucket newer = rows_[i][1];
    const double size = SizeOf(i);
    const double apart = older.total / size - newer.total / size;
    rows_[i + 1].push_back(
        {older.total + newer.total, older.squares + newer.squares + Between(size, size, apart)});
    rows_[i].erase(rows_[i].begin(), rows_[i].begin() + 2);
  }
}

void Adwin::DropOldest() {
  const std::size_t last = rows_.size() - 1;
  const Bucket oldest = rows_[last].front();
  const double size = SizeOf(last);
  width_ -= size;
  total_ -= oldest.total;
  const double apart = width_ > 0 ? oldest.total / size - total_ / width_ : 0;
  squares_ -= oldest.squares + Between(size, width_, apart);
  rows_[last].erase(rows_[last].begin());
  while (rows_.size() > 1 && rows_.back().empty()) {
    rows_.pop_back();
  }
}

bool Adwin::ForgetWhatDiffers() {
  bool cut = false;
  while (PartsDiffer()) {
    DropOldest();
    cut = true;
  }
  return cut;
}

bool Adwin::PartsDiffer() const {
  const auto least = static_cast<double>(options_.min_length);
  double before = 0;
  double total_before = 0;
  for (std::size_t i = rows_.size(); i-- > 0;) {
    for (const Bucket& bucket : rows_[i]) {
      before += SizeOf(i);
      total_before += bucket.total;
      const double after = width_ - before;
      if (after < least) {
        return false;
      }
      const double difference = total_before / before - (total_ - total_before) / after;
      if (before >= least && CutHolds(before, after, difference)) {
        return true;
      }
    }
  }
  return false;
}

bool Adwin::CutHolds(double before, double after, double difference) const {
  const auto spare = static_cast<double>(options_.min_length) - 1;
  const double confidence = std::log(2 * std::log(width_) / options_.delta);
  const double m = 1 / (before - spare) + 1 / (after - spare);
  const double bound =
      std::sqrt(2 * m * (squares_ / width_) * confidence) + 2.0 / 3.0 * confidence * m;
  return std::abs(difference) > bound;
}

}  // namespace trib::host::drift
