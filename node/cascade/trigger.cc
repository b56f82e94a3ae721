#include "trib/node/cascade/trigger.h"

#include <algorithm>
#include <bit>

#include "trib/common/base/check.h"
#include "trib/common/dsp/real_math.h"
#include "trib/node/cascade/quantile.h"

namespace trib::node::cascade {
namespace {

using Top = FixedVector<message::FeatureScore, message::kMaxTopFeatures>;

/// Keeps `top` sorted by |z|; equal ones keep the lower feature first.
void InsertTop(Top& top, std::uint32_t feature, float z) {
  std::size_t at = top.size();
  while (at > 0 && dsp::Absolute(top[at - 1].z) < dsp::Absolute(z)) {
    --at;
  }
  if (at == Top::capacity()) {
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

void Trigger::Arm(const TriggerSettings& settings, const Baseline& baseline) {
  TRIB_CHECK(settings.ewma_alpha > 0 && settings.ewma_alpha <= 1 && settings.threshold_scale > 0);
  TRIB_CHECK(settings.enter_windows >= 1 && settings.enter_windows <= settings.enter_of &&
             settings.enter_of <= 32 && settings.clear_windows >= 1);
  TRIB_CHECK(baseline.complete());
  *this = Trigger();
  settings_ = settings;
  const auto n = static_cast<float>(baseline.seen());
  const float comparisons = (settings.ewma_alpha < 1 ? 2.0F : 1.0F) *
                            static_cast<float>(std::max<std::size_t>(1, baseline.features()));
  threshold_ = settings.threshold_scale *
               StudentUpperQuantile(settings.false_alarm_rate / (2.0F * comparisons), n - 1.0F);
  inverse_n_ = 1.0F / n;
  single_scale_ = 1.0F / dsp::SquareRoot(1.0F + inverse_n_);
  armed_ = true;
}

float Trigger::Score(std::span<const float> frame,
                     const Baseline& baseline,
                     TriggerResult& result) {
  const float alpha = settings_.ewma_alpha;
  ewma_fade_ *= (1.0F - alpha) * (1.0F - alpha);
  const float ewma_scale =
      1.0F / dsp::SquareRoot(alpha / (2.0F - alpha) * (1.0F - ewma_fade_) + inverse_n_);
  float score = 0;
  for (std::size_t i = 0; i < frame.size(); ++i) {
    float z = baseline.Standardise(i, frame[i]);
    // Written so that NaN takes the bound, too.
    if (!(dsp::Absolute(z) < kMaxScore)) {
      z = z < 0 ? -kMaxScore : kMaxScore;
    }
    InsertTop(result.top, static_cast<std::uint32_t>(i), z);
    ewma_[i] += alpha * (std::clamp(z, -threshold_, threshold_) - ewma_[i]);
    score = std::max(score, dsp::Absolute(z) * single_scale_);
    if (alpha < 1) {
      score = std::max(score, dsp::Absolute(ewma_[i]) * ewma_scale);
    }
  }
  return score;
}

TriggerResult Trigger::Step(std::span<const float> frame, const Baseline& baseline) {
  TRIB_DCHECK(armed_ && frame.size() == baseline.features());
  TriggerResult result;
  result.score = Score(frame, baseline, result);
  result.over = result.score > threshold_;
  Advance(result);
  return result;
}

void Trigger::Advance(TriggerResult& result) {
  const std::uint32_t mask = settings_.enter_of >= 32 ? ~0U : (1U << settings_.enter_of) - 1U;
  history_ = ((history_ << 1U) | (result.over ? 1U : 0U)) & mask;
  quiet_ = result.over ? 0 : quiet_ + 1;
  const float severity = result.top.empty() ? 0 : dsp::Absolute(result.top[0].z);
  if (!active_) {
    if (static_cast<std::uint32_t>(std::popcount(history_)) < settings_.enter_windows) {
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
  episode_severity_ = std::max(episode_severity_, severity);
  result.active = true;
  result.windows = episode_windows_;
  result.severity = episode_severity_;
  if (result.state == message::EventState::kContinuing && quiet_ >= settings_.clear_windows) {
    result.state = message::EventState::kCleared;
    active_ = false;
    history_ = 0;
  }
}

}  // namespace trib::node::cascade
