#include "trib/node/cascade/baseline.h"

#include <algorithm>

#include "trib/common/base/check.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"
#include "trib/common/dsp/real_math.h"

namespace trib::node::cascade {
void Baseline::Start(RecipeId recipe, std::size_t features, std::uint32_t needed, float min_std) {
  TRIB_CHECK(features <= message::kMaxFeatures && needed >= 2 && needed <= kMaxWindows);
  TRIB_CHECK(min_std > 0);
  recipe_ = recipe;
  features_ = features;
  needed_ = needed;
  seen_ = 0;
  min_std_ = min_std;
  mean_ = {};
  sum_squares_ = {};
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
  ByteWriter writer(out);
  writer.U16(kFormatVersion);
  writer.U16(static_cast<std::uint16_t>(features_));
  writer.U32(recipe_.value());
  writer.U32(needed_);
  writer.U32(seen_);
  for (std::size_t i = 0; i < features_; ++i) {
    writer.F32(mean_[i]);
  }
  for (std::size_t i = 0; i < features_; ++i) {
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
                      std::uint32_t needed,
                      float min_std) {
  ByteReader reader(bytes);
  const std::uint16_t version = reader.U16();
  const std::uint16_t saved_features = reader.U16();
  const RecipeId saved_recipe(reader.U32());
  const std::uint32_t saved_needed = reader.U32();
  const std::uint32_t saved_seen = reader.U32();
  if (!reader.ok() || version != kFormatVersion) {
    return Code::kDataLoss;
  }
  if (saved_recipe != recipe || saved_features != features || saved_needed != needed) {
    return Code::kNotFound;
  }
  if (bytes.size() != SavedBytes(features) || saved_seen > saved_needed) {
    return Code::kDataLoss;
  }
  for (std::size_t i = 0; i < features; ++i) {
    ByteReader mean(bytes.subspan(16 + 4 * i, 4));
    ByteReader squares(bytes.subspan(16 + 4 * (features + i), 4));
    const float sum_squares = squares.F32();
    if (!dsp::IsFinite(mean.F32()) || !dsp::IsFinite(sum_squares) || sum_squares < 0) {
      return Code::kDataLoss;
    }
  }
  Start(recipe, features, needed, min_std);
  seen_ = saved_seen;
  for (std::size_t i = 0; i < features; ++i) {
    mean_[i] = reader.F32();
  }
  for (std::size_t i = 0; i < features; ++i) {
    sum_squares_[i] = reader.F32();
  }
  UpdateDeviations();
  return {};
}

}  // namespace trib::node::cascade
