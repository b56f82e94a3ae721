#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/ids.h"
#include "trib/common/message/limits.h"
#include "trib/common/package/sections.h"
#include "trib/common/status/result.h"

namespace trib::node::cascade {

/// Mean and spread of every feature of the healthy machine, learned in its first windows.
///
/// Welford's update in float: over at most kMaxWindows windows the relative error of the standard
/// deviation against double is below 1e-4 for features with |mean| <= 100 deviations
/// (baseline_test). From the eighth window on, a value further than kClampDeviations from what was
/// learned so far counts as lying just there, so that a single knock cannot blow up the spread.
///
/// Memory   Room for kMaxFeatures inside.
/// Threads  One caller at a time.
class Baseline {
 public:
  static constexpr std::uint32_t kMaxWindows = 65535;
  static constexpr float kClampDeviations = 6.0F;
  static constexpr std::uint32_t kClampFrom = 8;
  static constexpr std::uint16_t kFormatVersion = 1;

  /// Starts commissioning: forgets everything. commissioning_windows above kMaxWindows count as
  /// that.
  ///
  /// Requires  features <= kMaxFeatures.
  void Start(RecipeId recipe, std::size_t features, const package::TriggerSpec& spec);

  /// Takes one healthy window; the first skip_windows of them teach nothing.
  ///
  /// @returns kFailedPrecondition when complete; kInvalidArgument for a frame of another size or
  ///   with a value that is not finite: nothing is learned.
  Status Learn(std::span<const float> frame);

  [[nodiscard]] bool complete() const { return seen_ >= needed_ && needed_ > 0; }
  [[nodiscard]] std::uint32_t seen() const { return seen_; }
  [[nodiscard]] std::uint32_t needed() const { return needed_; }
  [[nodiscard]] std::uint32_t permille() const;
  [[nodiscard]] std::size_t features() const { return features_; }
  [[nodiscard]] RecipeId recipe() const { return recipe_; }
  [[nodiscard]] float mean(std::size_t feature) const { return mean_[feature]; }
  /// Never below min_std.
  [[nodiscard]] float deviation(std::size_t feature) const { return deviation_[feature]; }
  /// (value - mean) / deviation.
  [[nodiscard]] float Standardise(std::size_t feature, float value) const {
    return (value - mean_[feature]) / deviation_[feature];
  }

  static constexpr std::size_t SavedBytes(std::size_t features) { return 12 + 8 * features; }
  /// A baseline is worth keeping only when complete: one learned in pieces, with a restart in
  /// between, may mix two states of the machine.
  ///
  /// @returns bytes written; kFailedPrecondition unless complete(); kResourceExhausted below
  ///   SavedBytes(features()).
  Result<std::size_t> Save(std::span<std::byte> out) const;
  /// Takes what Save() wrote; integrity is the state store's matter, meaning is checked here.
  ///
  /// @returns kNotFound  of another recipe or feature count: start commissioning
  ///          kDataLoss  not a baseline; nothing changed
  Status Load(std::span<const std::byte> bytes,
              RecipeId recipe,
              std::size_t features,
              const package::TriggerSpec& spec);

 private:
  void UpdateDeviations();

  RecipeId recipe_;
  std::size_t features_ = 0;
  std::uint32_t needed_ = 0;
  std::uint32_t seen_ = 0;
  std::uint32_t to_skip_ = 0;
  float min_std_ = 1;
  std::array<float, message::kMaxFeatures> mean_{};
  std::array<float, message::kMaxFeatures> sum_squares_{};
  std::array<float, message::kMaxFeatures> deviation_{};
};

}  // namespace trib::node::cascade
