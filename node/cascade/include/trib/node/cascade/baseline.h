#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/ids.h"
#include "trib/common/dsp/covariance.h"
#include "trib/common/message/limits.h"
#include "trib/common/package/sections.h"
#include "trib/common/status/result.h"

namespace trib::node::cascade {

/// What a baseline is learned by. The same specs, in the same order of windows, give the same bits.
///
/// Memory  Borrows the specs.
struct BaselineSpec {
  RecipeId recipe;
  std::size_t features = 0;  ///< <= kMaxFeatures
  const package::TriggerSpec* trigger = nullptr;
  const package::DistanceSpec* distance = nullptr;  ///< nullptr: features are only looked at alone
  /// Names the operating conditions, so that a baseline of other ones is not taken up.
  std::uint32_t conditions_id = 0;
};

/// What is normal: mean and spread of every feature of the healthy machine, and their covariance,
/// learned in its first windows.
///
/// Welford's update in float: over at most kMaxWindows windows the relative error of the standard
/// deviation against double is below 1e-4 for features with |mean| <= 100 deviations
/// (baseline_test). From the eighth window on, what lies too far out counts as lying nearer, so
/// that a single knock cannot blow up the spread: a feature further than kClampDeviations from its
/// mean so far, and a window whose features deviate by more than kClampRadius in the root mean
/// square.
///
/// The covariance is kept as correlations R of the standardised features and shrunk to the diagonal
/// when the baseline is sealed: R* = (1 - s) R + s I. Automatic s is the one that minimises the
/// expected squared error for Gaussian features, sum (1 - r^2)^2 / (n - 1) / sum r^2 over pairs, at
/// least kLeastShrinkage. docs/decisions/0006-learning-normal.md has the measurements.
///
/// Memory   Room for the means of kMaxFeatures inside; borrows JointNumbers() floats from Start()
/// or
///          Load() on.
/// Threads  One caller at a time.
class Baseline {
 public:
  static constexpr std::uint32_t kMaxWindows = 65535;
  static constexpr float kClampDeviations = 6.0F;
  static constexpr float kClampRadius = 3.0F;
  static constexpr std::uint32_t kClampFrom = 8;
  static constexpr float kLeastShrinkage = 0.01F;
  /// 1 had no covariance: its mean and spread were judged by nobody.
  static constexpr std::uint16_t kFormatVersion = 2;

  static std::size_t JointFeatures(const package::DistanceSpec* distance);
  static std::size_t JointNumbers(const package::DistanceSpec* distance) {
    return dsp::TriangleNumbers(JointFeatures(distance));
  }

  /// Starts commissioning: forgets everything. commissioning_windows above kMaxWindows count as
  /// that.
  ///
  /// Requires  spec.features <= kMaxFeatures; the distance's mask within them; memory of at least
  ///           JointNumbers(spec.distance), kept until the next Start() or Load().
  void Start(const BaselineSpec& spec, std::span<float> memory = {});

  /// Takes one healthy window; the first skip_windows of them teach nothing.
  ///
  /// @returns kFailedPrecondition when complete; kInvalidArgument for a frame of another size or
  ///   with a value that is not finite: nothing is learned.
  Status Learn(std::span<const float> frame);

  [[nodiscard]] bool complete() const { return seen_ >= needed_ && needed_ > 0; }
  [[nodiscard]] std::uint32_t seen() const { return seen_; }
  [[nodiscard]] std::uint32_t needed() const { return needed_; }
  [[nodiscard]] bool skipping() const { return to_skip_ > 0; }
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

  /// Turns the covariance into what Distance() needs. Nothing to do without a distance.
  ///
  /// Requires  complete().
  /// @returns kFailedPrecondition  too few windows for so many features, or features that are
  ///          functions of others and no shrinkage: Distance() must not be called
  Status Seal();
  [[nodiscard]] bool has_distance() const { return sealed_; }
  /// Mahalanobis distance of a window, at most kMaxDistance; that for values that are not finite.
  ///
  /// Requires  has_distance(); frame.size() == features().
  [[nodiscard]] float Distance(std::span<const float> frame) const;
  /// The distance that a window of the same Gaussian machine exceeds with probability `rate`. The
  /// mean of D^2 is (n^2 - 1) q / (n (n - 2 - s - (1 - s) q)) with q = trace(R*^-1 R), its shape
  /// that of F with p and ((n - 1) - (1 - s) q) / (1 - s) + 1 degrees, at most 4 + (n - 5)(p + 2) /
  /// 3. Without shrinkage that is Hotelling's T^2 for prediction, exactly; with s = 1 the first two
  /// moments of independent features; between them a match that distance_rate_test measures.
  ///
  /// Requires  has_distance().
  [[nodiscard]] float DistanceThreshold(float rate) const;
  [[nodiscard]] float shrinkage() const { return shrinkage_; }

  static constexpr float kMaxDistance = 1e6F;

  // ---- keeping it over power loss ------------------------------------------------------------

  static constexpr std::size_t SavedBytes(std::size_t features) { return 32 + 8 * features; }
  static constexpr std::size_t kPartBytes = 1024;
  /// The covariance is saved in so many parts of at most kPartBytes.
  [[nodiscard]] std::size_t parts() const;

  /// A baseline is worth keeping only when complete: one learned in pieces, with a restart in
  /// between, may mix two states of the machine. The head binds the parts by their checksum, so
  /// write it last. Parts are there to be saved before Seal() only, the head also after it.
  ///
  /// @returns bytes written; kFailedPrecondition unless complete(), and for parts after Seal();
  ///   kResourceExhausted below SavedBytes(features()) or kPartBytes.
  Result<std::size_t> Save(bool with_warning, std::span<std::byte> out) const;
  Result<std::size_t> SavePart(std::size_t part, std::span<std::byte> out) const;

  /// Takes what Save() wrote; integrity is the state store's matter, meaning is checked here. Then
  /// LoadPart() takes the parts in order, and only after the last of them it is complete().
  ///
  /// @returns kNotFound       of another recipe, features, conditions or distance: start over
  ///          kUnimplemented  of another format version: start over and say so
  ///          kDataLoss       not a baseline
  Status Load(std::span<const std::byte> bytes,
              const BaselineSpec& spec,
              std::span<float> memory = {});
  Status LoadPart(std::size_t part, std::span<const std::byte> bytes);
  /// What Save() was told.
  [[nodiscard]] bool with_warning() const { return with_warning_; }

 private:
  void UpdateDeviations();
  void Clamp(std::span<float> delta) const;
  [[nodiscard]] std::uint32_t JointChecksum() const;
  void Correlate();
  [[nodiscard]] float AutomaticShrinkage() const;

  RecipeId recipe_;
  std::uint32_t conditions_id_ = 0;
  std::size_t features_ = 0;
  std::uint32_t needed_ = 0;
  std::uint32_t seen_ = 0;
  std::uint32_t to_skip_ = 0;
  float min_std_ = 1;
  std::array<float, message::kMaxFeatures> mean_{};
  std::array<float, message::kMaxFeatures> sum_squares_{};
  std::array<float, message::kMaxFeatures> deviation_{};

  // 1. joint_ holds sums of products of the features in joint_mask_ until Seal(), then the factor.
  // 2. joint_.size() == TriangleNumbers(joint_features_).
  std::span<float> joint_;
  std::size_t joint_features_ = 0;
  std::uint64_t joint_mask_ = 0;
  float wanted_shrinkage_ = 0;
  float shrinkage_ = 0;
  float effective_ = 0;  // q of DistanceThreshold()
  std::uint32_t checksum_ = 0;
  std::uint32_t parts_missing_ = 0;
  bool spent_ = false;  // the sums of joint_ are gone
  bool sealed_ = false;
  bool with_warning_ = false;
};

}  // namespace trib::node::cascade
