#include "trib/node/cascade/commissioning.h"

#include <algorithm>

#include "trib/common/base/check.h"
#include "trib/common/dsp/real_math.h"

namespace trib::node::cascade {
namespace {

using message::CommissioningReason;

/// +-1e30: what a record can carry and people can read.
float Bounded(float value) {
  constexpr float kMost = 1e30F;
  return dsp::IsFinite(value) ? std::clamp(value, -kMost, kMost) : kMost;
}

bool Beyond(const package::BaselineLimit& limit, float value) {
  return limit.comparison == package::Comparison::kGreater ? value > limit.value
                                                           : value < limit.value;
}

}  // namespace

void Commissioning::Start(std::uint32_t needed_windows, std::size_t features) {
  TRIB_CHECK(features <= message::kMaxFeatures);
  *this = Commissioning();
  needed_ = needed_windows;
  features_ = features;
}

void Commissioning::Take(std::span<const float> frame) {
  TRIB_DCHECK(frame.size() == features_);
  const std::uint32_t before = halves_[0].windows + halves_[1].windows;
  const auto n1 = static_cast<float>(halves_[0].windows);
  const auto n2 = static_cast<float>(halves_[1].windows);
  Half& half = halves_[before < needed_ / 2 ? 0 : 1];
  ++half.windows;
  const auto count = static_cast<float>(half.windows);
  // The co-moment with time by Welford: the mean of x before this window, that of t with it.
  const float from_mean_time = static_cast<float>(before) / 2;
  for (std::size_t i = 0; i < features_; ++i) {
    if (before > 0) {
      const float mean = (n1 * halves_[0].mean[i] + n2 * halves_[1].mean[i]) / (n1 + n2);
      slope_sum_[i] += (frame[i] - mean) * from_mean_time;
    }
    const float delta = frame[i] - half.mean[i];
    half.mean[i] += delta / count;
    half.sum_squares[i] += delta * (frame[i] - half.mean[i]);
  }
}

CommissioningVerdict Commissioning::JudgeFeature(const package::CommissioningSpec& spec,
                                                 float min_std,
                                                 std::uint32_t feature) const {
  const auto n = static_cast<float>(halves_[0].windows + halves_[1].windows);
  const float within = dsp::SquareRoot(
      (halves_[0].sum_squares[feature] + halves_[1].sum_squares[feature]) / std::max(1.0F, n - 2));
  const float scale = std::max(min_std, within);
  const float shift = (halves_[1].mean[feature] - halves_[0].mean[feature]) / scale;
  if (spec.max_shift > 0 && !(dsp::Absolute(shift) <= spec.max_shift)) {
    return {CommissioningReason::kHalvesDiffer, feature, Bounded(shift)};
  }
  // Sum of (t - mean t)^2 is (n^3 - n) / 12; the line rises by the slope times n - 1.
  const float trend = slope_sum_[feature] * 12 / (n * (n + 1)) / scale;
  if (spec.max_trend > 0 && !(dsp::Absolute(trend) <= spec.max_trend)) {
    return {CommissioningReason::kTrend, feature, Bounded(trend)};
  }
  return {};
}

CommissioningVerdict Commissioning::Judge(const package::CommissioningSpec& spec,
                                          const package::TriggerSpec& trigger,
                                          bool wants_distance,
                                          const Severity& severity,
                                          const Baseline& baseline) const {
  const std::uint32_t windows = halves_[0].windows + halves_[1].windows;
  const std::uint32_t permille = refused_ * 1000 / std::max<std::uint32_t>(1, windows + refused_);
  if (permille > spec.max_refused_permille) {
    return {CommissioningReason::kTooManyRefused, 0, static_cast<float>(permille)};
  }
  if (windows < 4 || (wants_distance && !baseline.has_distance())) {
    return {CommissioningReason::kTooFewWindows, 0, static_cast<float>(windows)};
  }
  for (std::uint32_t i = 0; i < features_; ++i) {
    if ((trigger.feature_mask >> i & 1U) == 0) {
      continue;
    }
    // What was learned, one knock clamped; below the trigger's floor only these sums know.
    const float raw = dsp::SquareRoot((halves_[0].sum_squares[i] + halves_[1].sum_squares[i]) /
                                      static_cast<float>(windows - 2));
    if (spec.min_std > 0 && !(raw >= spec.min_std)) {
      return {CommissioningReason::kSpreadTooNarrow, i, Bounded(raw)};
    }
    if (spec.max_std > 0 && !(baseline.deviation(i) <= spec.max_std)) {
      return {CommissioningReason::kSpreadTooWide, i, Bounded(baseline.deviation(i))};
    }
    const CommissioningVerdict verdict = JudgeFeature(spec, trigger.min_std, i);
    if (!verdict.ok()) {
      return verdict;
    }
  }
  for (const package::BaselineLimit& limit : spec.limits) {
    if (Beyond(limit, baseline.mean(limit.feature))) {
      return {CommissioningReason::kAlreadyFaulty,
              limit.feature,
              Bounded(baseline.mean(limit.feature))};
    }
  }
  if (severity.present() && spec.max_zone > 0) {
    const std::uint16_t feature = severity.spec().feature;
    const float velocity = severity.VelocityOf(baseline.mean(feature));
    if (static_cast<std::uint8_t>(ZoneOf(severity.spec(), velocity)) > spec.max_zone) {
      return {CommissioningReason::kZoneTooHigh, feature, Bounded(velocity)};
    }
  }
  return {};
}

}  // namespace trib::node::cascade
