#include "trib/node/cascade/drift_watch.h"

#include <algorithm>
#include <limits>

#include "trib/common/dsp/real_math.h"
#include "trib/common/message/types.h"

namespace trib::node::cascade {

static_assert(message::kDriftConfidenceBit + 1 == message::kMaxHistograms);

DriftWatch::DriftWatch(const package::SketchEdges& edges, const DriftSettings& settings)
    : settings_(settings) {
  for (const auto& histogram : edges.histograms) {
    if (histogram.feature == package::kConfidenceFeature) {
      confidence_bit_ = histograms_;
    }
    features_[histograms_++] = histogram.feature;
  }
  if (confidence_bit_ == kNoBit && histograms_ <= message::kDriftConfidenceBit) {
    confidence_bit_ = message::kDriftConfidenceBit;
  }
}

bool DriftWatch::Push(Charts& charts, float value) const {
  const float bounded = value != value ? value : std::clamp(value, -settings_.most, settings_.most);
  const drift::Flag sum = charts.sum.Push(bounded, settings_.sum);
  const drift::Flag average = charts.average.Push(bounded, settings_.average);
  const auto is_flag = [](drift::Flag flag) {
    return flag == drift::Flag::kUp || flag == drift::Flag::kDown;
  };
  if (!is_flag(sum) && !is_flag(average)) {
    return false;
  }
  charts = Charts();
  return true;
}

/// NaN while the usual confidence is being learned.
float DriftWatch::StandardConfidence(float confidence) {
  if (confidence != confidence) {
    return confidence;
  }
  if (confidences_ < settings_.confidences) {
    ++confidences_;
    const float off = confidence - confidence_mean_;
    confidence_mean_ += off / static_cast<float>(confidences_);
    confidence_squares_ += off * (confidence - confidence_mean_);
    return std::numeric_limits<float>::quiet_NaN();
  }
  const float deviation =
      dsp::SquareRoot(confidence_squares_ / static_cast<float>(settings_.confidences));
  return (confidence - confidence_mean_) / std::max(deviation, settings_.confidence_deviation);
}

std::uint32_t DriftWatch::Step(std::span<const float> standardised, float confidence) {
  std::uint32_t flags = 0;
  for (std::uint32_t i = 0; i < histograms_; ++i) {
    if (features_[i] < standardised.size() && Push(charts_[i], standardised[features_[i]])) {
      flags |= 1U << i;
    }
  }
  if (confidence_bit_ != kNoBit && Push(charts_[confidence_bit_], StandardConfidence(confidence))) {
    flags |= 1U << confidence_bit_;
  }
  return flags;
}

}  // namespace trib::node::cascade
