#include "trib/node/cascade/trigger.h"

#include <algorithm>
#include <bit>

#include "trib/common/base/check.h"
#include "trib/common/dsp/real_math.h"
#include "trib/node/cascade/quantile.h"

namespace trib::node::cascade {
namespace {

/// Keeps `top` sorted by |z|; equal ones keep the lower feature first.
void InsertTop(TopFeatures& top, std::uint32_t feature, float z) {
  std::size_t at = top.size();
  while (at > 0 && dsp::Absolute(top[at - 1].z) < dsp::Absolute(z)) {
    --at;
  }
  if (at == TopFeatures::capacity()) {
    return;
  }
  if (!top.full()) {
    (void)top.push_back({});
  }
  for (std::size_t i = top.size() - 1; i > at; --i) {
    top[i] = top[i - 1];
  }
  top[at] = {feature, z};
}

}  // namespace

void Trigger::Arm(const package::TriggerSpec& spec,
                  const Baseline& baseline,
                  std::size_t lane,
                  const package::DistanceSpec* distance) {
  TRIB_CHECK(spec.ewma_alpha > 0 && spec.ewma_alpha <= 1 && spec.threshold_scale > 0);
  TRIB_CHECK(spec.enter_m >= 1 && spec.enter_m <= spec.enter_n && spec.enter_n <= 32);
  TRIB_CHECK(spec.clear_n >= 1 && baseline.complete() && lane < lanes_.size());
  spec_ = spec;
  std::uint32_t features = 0;
  for (std::size_t i = 0; i < baseline.features(); ++i) {
    features += InMask(i) ? 1U : 0U;
  }
  const auto n = static_cast<float>(baseline.seen());
  const float comparisons = (spec.ewma_alpha < 1 ? 2.0F : 1.0F) *
                            static_cast<float>(std::max<std::uint32_t>(1, features));
  Lane& own = lanes_[lane];
  own = Lane();
  own.threshold = spec.threshold_scale *
                  StudentUpperQuantile(spec.false_alarm_rate / (2.0F * comparisons), n - 1.0F);
  own.inverse_n = 1.0F / n;
  own.ewma_variance = spec.ewma_alpha / (2.0F - spec.ewma_alpha);
  own.single_scale = 1.0F / dsp::SquareRoot(1.0F + own.inverse_n);
  if (distance != nullptr && baseline.has_distance()) {
    own.distance_threshold =
        distance->threshold_scale * baseline.DistanceThreshold(distance->false_alarm_rate);
  }
  own.armed = true;
}

/// |z| is at most kMaxScore.
float Trigger::Standardise(std::size_t feature, float value, const Baseline& baseline) {
  const float z = baseline.Standardise(feature, value);
  // Written so that NaN takes the bound, too.
  if (dsp::Absolute(z) < kMaxScore) {
    return z;
  }
  return z < 0 ? -kMaxScore : kMaxScore;
}

float Trigger::Score(std::span<const float> frame,
                     const Baseline& baseline,
                     Lane& lane,
                     TriggerResult& result) const {
  const float alpha = spec_.ewma_alpha;
  lane.ewma_fade *= (1.0F - alpha) * (1.0F - alpha);
  const float ewma_scale =
      1.0F / dsp::SquareRoot(lane.ewma_variance * (1.0F - lane.ewma_fade) + lane.inverse_n);
  const float threshold = lane.threshold;
  float largest = 0;
  float largest_ewma = 0;
  std::uint64_t mask = spec_.feature_mask;
  for (std::size_t i = 0; i < frame.size(); ++i, mask >>= 1U) {
    if ((mask & 1U) == 0) {
      continue;
    }
    const float z = Standardise(i, frame[i], baseline);
    const float before = lane.ewma[i];
    const float ewma = before + alpha * (std::clamp(z, -threshold, threshold) - before);
    lane.ewma[i] = ewma;
    largest = std::max(largest, dsp::Absolute(z));
    largest_ewma = std::max(largest_ewma, dsp::Absolute(ewma));
  }
  // Scaled last: a product grows with its factor, rounded or not.
  result.largest = largest;
  float score = largest * lane.single_scale;
  if (alpha < 1) {
    score = std::max(score, largest_ewma * ewma_scale);
  }
  if (lane.distance_threshold > 0) {
    result.distance = baseline.Distance(frame);
    score = std::max(score, result.distance / lane.distance_threshold * lane.threshold);
  }
  return score;
}

TriggerResult Trigger::Step(std::span<const float> frame,
                            const Baseline& baseline,
                            std::size_t lane) {
  TRIB_DCHECK(armed(lane) && frame.size() == baseline.features());
  TriggerResult result;
  result.score = Score(frame, baseline, lanes_[lane], result);
  result.over = result.score > lanes_[lane].threshold;
  Advance(result);
  return result;
}

TopFeatures Trigger::Top(std::span<const float> frame, const Baseline& baseline) const {
  TopFeatures top;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    if (InMask(i)) {
      InsertTop(top, static_cast<std::uint32_t>(i), Standardise(i, frame[i], baseline));
    }
  }
  return top;
}

void Trigger::Advance(TriggerResult& result) {
  const std::uint32_t mask = spec_.enter_n >= 32 ? ~0U : (1U << spec_.enter_n) - 1U;
  history_ = ((history_ << 1U) | (result.over ? 1U : 0U)) & mask;
  quiet_ = result.over ? 0 : quiet_ + 1;
  if (!active_) {
    if (static_cast<std::uint32_t>(std::popcount(history_)) < spec_.enter_m) {
      return;
    }
    active_ = true;
    episode_windows_ = 0;
    episode_severity_ = 0;
    result.state = message::EventState::kOnset;
  } else {
    result.state = message::EventState::kContinuing;
  }
  ++episode_windows_;
  episode_severity_ = std::max(episode_severity_, result.largest);
  result.active = true;
  result.windows = episode_windows_;
  result.severity = episode_severity_;
  if (result.state == message::EventState::kContinuing && quiet_ >= spec_.clear_n) {
    result.state = message::EventState::kCleared;
    active_ = false;
    history_ = 0;
  }
}

}  // namespace trib::node::cascade
