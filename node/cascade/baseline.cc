#include "trib/node/cascade/baseline.h"

#include <algorithm>

#include "trib/common/base/check.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"
#include "trib/common/dsp/real_math.h"

namespace trib::node::cascade {
void Baseline::Start(RecipeId recipe, std::size_t features, const package::TriggerSpec& spec) {
  TRIB_CHECK(features <= message::kMaxFeatures);
  *this = Baseline();
  recipe_ = recipe;
  features_ = features;
  needed_ = std::clamp<std::uint32_t>(spec.commissioning_windows, 2, kMaxWindows);
  to_skip_ = spec.skip_windows;
  min_std_ = spec.min_std;
  UpdateDeviations();
}

Status Baseline::Learn(std::span<const float> frame) {
  if (complete()) {
    return Code::kFailedPrecondition;
  }
  if (frame.size() != features_ ||
      !std::all_of(frame.begin(), frame.end(), [](float x) { return dsp::IsFinite(x); })) {
    return Code::kInvalidArgument;
  }
  if (to_skip_ > 0) {
    --to_skip_;
    return {};
  }
  ++seen_;
  const auto count = static_cast<float>(seen_);
  for (std::size_t i = 0; i < features_; ++i) {
    float delta = frame[i] - mean_[i];
    if (seen_ > kClampFrom) {
      const float limit = kClampDeviations * deviation_[i];
      delta = std::clamp(delta, -limit, limit);
    }
    mean_[i] += delta / count;
    sum_squares_[i] += delta * delta * ((count - 1.0F) / count);
  }
  UpdateDeviations();
  return {};
}

std::uint32_t Baseline::permille() const {
  if (needed_ == 0) {
    return 0;
  }
  return std::min<std::uint32_t>(1000, seen_ * 1000 / needed_);
}

void Baseline::UpdateDeviations() {
  for (std::size_t i = 0; i < features_; ++i) {
    const float variance = seen_ > 1 ? sum_squares_[i] / static_cast<float>(seen_ - 1) : 0.0F;
    deviation_[i] = std::max(min_std_, dsp::SquareRoot(variance));
  }
}

Result<std::size_t> Baseline::Save(std::span<std::byte> out) const {
  if (!complete()) {
    return Code::kFailedPrecondition;
  }
  ByteWriter writer(out);
  writer.U16(kFormatVersion);
  writer.U16(static_cast<std::uint16_t>(features_));
  writer.U32(recipe_.value());
  writer.U32(seen_);
  for (std::size_t i = 0; i < features_; ++i) {
    writer.F32(mean_[i]);
    writer.F32(sum_squares_[i]);
  }
  if (!writer.ok()) {
    return Code::kResourceExhausted;
  }
  return writer.position();
}

Status Baseline::Load(std::span<const std::byte> bytes,
                      RecipeId recipe,
                      std::size_t features,
                      const package::TriggerSpec& spec) {
  ByteReader reader(bytes);
  const std::uint16_t version = reader.U16();
  const std::uint16_t saved_features = reader.U16();
  const RecipeId saved_recipe(reader.U32());
  const std::uint32_t saved_seen = reader.U32();
  if (!reader.ok() || version != kFormatVersion) {
    return Code::kDataLoss;
  }
  if (saved_recipe != recipe || saved_features != features) {
    return Code::kNotFound;
  }
  if (bytes.size() != SavedBytes(features) || saved_seen < 2 || saved_seen > kMaxWindows) {
    return Code::kDataLoss;
  }
  Baseline loaded;
  loaded.Start(recipe, features, spec);
  loaded.to_skip_ = 0;
  loaded.seen_ = saved_seen;
  loaded.needed_ = saved_seen;
  for (std::size_t i = 0; i < features; ++i) {
    loaded.mean_[i] = reader.F32();
    loaded.sum_squares_[i] = reader.F32();
    if (!dsp::IsFinite(loaded.mean_[i]) || !dsp::IsFinite(loaded.sum_squares_[i]) ||
        loaded.sum_squares_[i] < 0) {
      return Code::kDataLoss;
    }
  }
  loaded.UpdateDeviations();
  *this = loaded;
  return {};
}

}  // namespace trib::node::cascade
