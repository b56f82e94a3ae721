#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/message/types.h"
#include "trib/node/cascade/baseline.h"

namespace trib::node::cascade {

using TopFeatures = FixedVector<message::FeatureScore, message::kMaxTopFeatures>;

struct TriggerResult {
  /// Largest normalised deviation of the window; compare with Trigger::threshold() of its lane.
  float score = 0;
  /// Mahalanobis distance of the window; 0 when none is computed.
  float distance = 0;
  bool over = false;
  /// Inside an episode, its first window included and its clearing window too.
  bool active = false;
  /// kOnset or kCleared on a change, kContinuing inside an episode, else kUnspecified.
  message::EventState state = message::EventState::kUnspecified;
  /// Of the episode so far: largest |z| and number of windows.
  float severity = 0;
  std::uint32_t windows = 0;
  /// The largest |z| of this window.
  float largest = 0;
};

/// Decides whether the machine still looks like its baseline.
///
/// With n baseline windows, F features in the spec's mask and moving averages e of the standardised
/// z:
///   score = max over features of max(|z| / sqrt(1 + 1/n), |e| / sqrt(a/(2-a) (1-(1-a)^2k) + 1/n))
/// over k windows so far. A new window of the same Gaussian, standardised by an estimated mean and
/// deviation, follows Student's T with n - 1 degrees times sqrt(1 + 1/n) (the prediction interval);
/// the variance of an EWMA is the textbook one (Roberts 1959) plus that of the estimated mean. So
///   threshold = threshold_scale * t_{n-1}(rate / (2 * comparisons)),  comparisons = 2 F,
/// two-sided, with Bonferroni's bound over features and both statistics (F alone when a = 1).
/// Windows that overlap are correlated, which the bound does not know: threshold_scale covers it.
///
/// With a DistanceSpec the Mahalanobis distance is a second opinion: the score is then the greater
/// of the above and distance / distance threshold * threshold, and the rates of both add up at
/// most.
///
/// Before it enters the moving average, |z| is cut at the threshold: larger values raise the score
/// by themselves, and the average then forgets a gross fault within a few windows.
///
/// Each operating condition has a lane of its own: baseline, threshold and moving averages. The
/// episode is one over all lanes, because a fault does not end with a change of speed.
///
/// Memory   Inside. Threads  One caller at a time.
class Trigger {
 public:
  /// An episode begins when enter_m of the last enter_n windows were over the threshold and ends
  /// after clear_n quiet windows in a row.
  ///
  /// Requires  baseline complete, and sealed when `distance` is given and the baseline could be;
  ///           specs as package::Decode() gives them; the same specs for all lanes.
  void Arm(const package::TriggerSpec& spec,
           const Baseline& baseline,
           std::size_t lane = 0,
           const package::DistanceSpec* distance = nullptr);
  [[nodiscard]] bool armed(std::size_t lane = 0) const { return lanes_[lane].armed; }
  [[nodiscard]] float threshold(std::size_t lane = 0) const { return lanes_[lane].threshold; }
  /// 0 without a distance.
  [[nodiscard]] float distance_threshold(std::size_t lane = 0) const {
    return lanes_[lane].distance_threshold;
  }
  [[nodiscard]] bool active() const { return active_; }

  /// Takes one valid window's features. A value that is not finite counts as kMaxScore. Windows
  /// that the guardrails refuse are not shown: they neither prolong nor end an episode.
  ///
  /// Requires  armed(lane); frame.size() == baseline.features(), the baseline of that lane.
  TriggerResult Step(std::span<const float> frame, const Baseline& baseline, std::size_t lane = 0);

  /// Features with the largest |z|, largest first: why a window scores as it does. Apart from
  /// Step(), as few windows are ever explained.
  ///
  /// Requires  as Step().
  [[nodiscard]] TopFeatures Top(std::span<const float> frame, const Baseline& baseline) const;

  static constexpr float kMaxScore = 1e6F;

 private:
  struct Lane {
    std::array<float, message::kMaxFeatures> ewma{};
    float threshold = 0;
    float distance_threshold = 0;
    float single_scale = 1;  ///< 1 / sqrt(1 + 1/n)
    float inverse_n = 0;
    float ewma_variance = 0;  ///< alpha / (2 - alpha), in the long run
    float ewma_fade = 1;      ///< (1 - alpha)^(2k)
    bool armed = false;
  };

  [[nodiscard]] bool InMask(std::size_t feature) const {
    return (spec_.feature_mask >> feature & 1U) != 0;
  }
  [[nodiscard]] static float Standardise(std::size_t feature,
                                         float value,
                                         const Baseline& baseline);
  float Score(std::span<const float> frame,
              const Baseline& baseline,
              Lane& lane,
              TriggerResult& result) const;
  void Advance(TriggerResult& result);

  package::TriggerSpec spec_;
  std::array<Lane, message::kMaxConditions> lanes_;
  std::uint32_t history_ = 0;  ///< bit 0 is the newest window
  std::uint32_t quiet_ = 0;
  std::uint32_t episode_windows_ = 0;
  float episode_severity_ = 0;
  bool active_ = false;
};

}  // namespace trib::node::cascade
