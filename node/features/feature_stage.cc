#include "trib/node/features/feature_stage.h"

#include <cstdint>

namespace trib::node::features {

Status FeatureStage::Load(const dsp::Recipe& recipe) {
  if (dsp::Extractor<float>::RequiredReals(recipe) > scratch_.size()) {
    return Code::kResourceExhausted;
  }
  recipe_ = recipe;
  extractor_.emplace(recipe_, scratch_);
  return {};
}

Status FeatureStage::Extract(const dsp::Window& window, message::FeatureFrame& frame) {
  frame.values.clear();
  if (!extractor_.has_value()) {
    return Code::kFailedPrecondition;
  }
  TRIB_TRY(extractor_->Extract(window, frame.values));
  for (std::size_t i = 0; i < frame.values.size(); ++i) {
    if (!dsp::IsFinite(frame.values[i])) {
      frame.values.clear();
      return {Code::kDataLoss, static_cast<std::uint16_t>(i)};
    }
  }
  return {};
}

}  // namespace trib::node::features
