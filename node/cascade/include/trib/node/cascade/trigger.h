#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/message/types.h"
#include "trib/node/cascade/baseline.h"

namespace trib::node::cascade {

struct TriggerSettings {
  /// Wanted false alarms per window of a healthy machine, before hysteresis.
  float false_alarm_rate = 1e-3F;
  /// Multiplies the threshold: room for features that are not Gaussian.
  float threshold_scale = 1;
  /// Weight of the newest window in the moving averages; 1 switches them off.
  float ewma_alpha = 0.2F;
  /// An episode begins when `enter_windows` of the last `enter_of` windows were over the threshold,
  std::uint32_t enter_windows = 2;
  std::uint32_t enter_of = 3;
  /// and ends after so many quiet windows in a row.
  std::uint32_t clear_windows = 3;
};

struct TriggerResult {
  /// Largest normalised deviation of the window; compare with Trigger::threshold().
  float score = 0;
  bool over = false;
  /// Inside an episode, its first window included and its clearing window too.
  bool active = false;
  /// kOnset or kCleared on a change, kContinuing inside an episode, else kUnspecified.
  message::EventState state = message::EventState::kUnspecified;
  /// Of the episode so far: largest |z| and number of windows.
  float severity = 0;
  std::uint32_t windows = 0;
  /// Features with the largest |z| of this window, largest first.
  FixedVector<message::FeatureScore, message::kMaxTopFeatures> top;
};

/// Decides whether the machine still looks like its baseline.
///
/// With n baseline windows, F features and moving averages e of the standardised z:
///   score = max over features of max(|z| / sqrt(1 + 1/n), |e| / sqrt(a/(2-a) (1-(1-a)^2k) + 1/n))
/// over k windows so far. A new window of the same Gaussian, standardised by an estimated mean and
/// deviation, follows Student's T with n - 1 degrees times sqrt(1 + 1/n) (the prediction interval);
/// the variance of an EWMA is the textbook one (Roberts 1959) plus that of the estimated mean. So
///   threshold = threshold_scale * t_{n-1}(rate / (2 * comparisons)),  comparisons = 2 F,
/// two-sided, with Bonferroni's bound over features and both statistics (F alone when a = 1).
/// Windows that overlap are correlated, which the bound does not know: threshold_scale covers it.
///
/// Before it enters the moving average, |z| is cut at the threshold: larger values raise the score
/// by themselves, and the average then forgets a gross fault within a few windows.
///
/// Memory   Inside. Threads  One caller at a time.
class Trigger {
 public:
  /// Requires  0 < ewma_alpha <= 1; 1 <= enter_windows <= enter_of <= 32; clear_windows >= 1;
  ///           threshold_scale > 0; baseline complete.
  void Arm(const TriggerSettings& settings, const Baseline& baseline);
  [[nodiscard]] bool armed() const { return armed_; }
  [[nodiscard]] float threshold() const { return threshold_; }
  [[nodiscard]] bool active() const { return active_; }

  /// Takes one valid window's features. A value that is not finite counts as kMaxScore. Windows
  /// that the guardrails refuse are not shown: they neither prolong nor end an episode.
  ///
  /// Requires  armed(); frame.size() == baseline.features().
  TriggerResult Step(std::span<const float> frame, const Baseline& baseline);

  static constexpr float kMaxScore = 1e6F;

 private:
  float Score(std::span<const float> frame, const Baseline& baseline, TriggerResult& result);
  void Advance(TriggerResult& result);

  TriggerSettings settings_;
  std::array<float, message::kMaxFeatures> ewma_{};
  float threshold_ = 0;
  float single_scale_ = 1;  ///< 1 / sqrt(1 + 1/n)
  float inverse_n_ = 0;
  float ewma_fade_ = 1;        ///< (1 - alpha)^(2k)
  std::uint32_t history_ = 0;  ///< bit 0 is the newest window
  std::uint32_t quiet_ = 0;
  std::uint32_t episode_windows_ = 0;
  float episode_severity_ = 0;
  bool active_ = false;
  bool armed_ = false;
};

}  // namespace trib::node::cascade
