#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace trib::energy {

enum class Category : std::uint8_t {
  kSense = 0,
  kTrigger = 1,
  kFeatures = 2,
  kClassifier = 3,
  kTransmit = 4,
  kSleep = 5,
  kPeripherals = 6,  ///< what is on besides sensor and core
};
inline constexpr std::size_t kCategoryCount = 7;

/// What the model says the node has spent since boot, in nanojoules. Sums stop at their maximum
/// (584 years at 1 W) instead of wrapping.
///
/// Threads  One caller at a time.
class EnergyLedger {
 public:
  void Add(Category category, std::uint64_t nanojoules);
  /// What peripherals that are off did not take: no part of what is spent.
  void AddSaved(std::uint64_t nanojoules);
  /// Time that the entries are about.
  void AddTime(std::uint64_t microseconds);
  [[nodiscard]] std::uint64_t spent_nj(Category category) const {
    return spent_nj_[static_cast<std::size_t>(category)];
  }
  [[nodiscard]] std::uint64_t total_nj() const;
  [[nodiscard]] std::uint64_t saved_nj() const { return saved_nj_; }
  [[nodiscard]] std::uint64_t time_us() const { return time_us_; }
  /// What was spent since the last call: a record's share.
  std::uint64_t TakeSinceLast();

 private:
  std::array<std::uint64_t, kCategoryCount> spent_nj_{};
  std::uint64_t saved_nj_ = 0;
  std::uint64_t time_us_ = 0;
  std::uint64_t taken_nj_ = 0;
};

}  // namespace trib::energy
