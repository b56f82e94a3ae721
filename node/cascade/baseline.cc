#include "trib/node/cascade/baseline.h"

#include <algorithm>
#include <bit>

#include "trib/common/base/check.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"
#include "trib/common/dsp/real_math.h"
#include "trib/node/cascade/quantile.h"

namespace trib::node::cascade {
namespace {

constexpr std::size_t kPartNumbers = Baseline::kPartBytes / 4;
constexpr float kLeastPivot = 1e-5F;
using JointVector = std::array<float, package::kMaxDistanceFeatures>;

/// Calls take(index in the joint vector, feature) for every feature of the mask.
template <typename Take>
void ForEachJoint(std::uint64_t mask, Take take) {
  std::size_t index = 0;
  for (std::size_t feature = 0; mask != 0; ++feature, mask >>= 1U) {
    if ((mask & 1U) != 0) {
      take(index++, feature);
    }
  }
}

}  // namespace

std::size_t Baseline::JointFeatures(const package::DistanceSpec* distance) {
  return distance == nullptr ? 0 : static_cast<std::size_t>(std::popcount(distance->feature_mask));
}

void Baseline::Start(const BaselineSpec& spec, std::span<float> memory) {
  TRIB_CHECK(spec.features <= message::kMaxFeatures && spec.trigger != nullptr);
  *this = Baseline();
  recipe_ = spec.recipe;
  conditions_id_ = spec.conditions_id;
  features_ = spec.features;
  needed_ = std::clamp<std::uint32_t>(spec.trigger->commissioning_windows, 2, kMaxWindows);
  to_skip_ = spec.trigger->skip_windows;
  min_std_ = spec.trigger->min_std;
  if (spec.distance != nullptr) {
    joint_mask_ = spec.distance->feature_mask;
    joint_features_ = JointFeatures(spec.distance);
    wanted_shrinkage_ = spec.distance->shrinkage;
    TRIB_CHECK(features_ >= message::kMaxFeatures || joint_mask_ >> features_ == 0);
    TRIB_CHECK(joint_features_ <= package::kMaxDistanceFeatures &&
               memory.size() >= JointNumbers(spec.distance));
    joint_ = memory.first(JointNumbers(spec.distance));
    std::fill(joint_.begin(), joint_.end(), 0.0F);
  }
  UpdateDeviations();
}

void Baseline::Clamp(std::span<float> delta) const {
  float sum = 0;
  for (std::size_t i = 0; i < delta.size(); ++i) {
    const float limit = kClampDeviations * deviation_[i];
    delta[i] = std::clamp(delta[i], -limit, limit);
  }
  ForEachJoint(joint_mask_, [&](std::size_t, std::size_t feature) {
    const float z = delta[feature] / deviation_[feature];
    sum += z * z;
  });
  const float allowed = kClampRadius * kClampRadius * static_cast<float>(joint_features_);
  if (sum > allowed) {
    const float scale = dsp::SquareRoot(allowed / sum);
    for (float& value : delta) {
      value *= scale;
    }
  }
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
  const float weight = (count - 1.0F) / count;
  std::array<float, message::kMaxFeatures> memory{};
  const std::span<float> delta = std::span(memory).first(features_);
  for (std::size_t i = 0; i < features_; ++i) {
    delta[i] = frame[i] - mean_[i];
  }
  if (seen_ > kClampFrom) {
    Clamp(delta);
  }
  for (std::size_t i = 0; i < features_; ++i) {
    mean_[i] += delta[i] / count;
    sum_squares_[i] += delta[i] * delta[i] * weight;
  }
  JointVector joint{};
  ForEachJoint(joint_mask_,
               [&](std::size_t index, std::size_t feature) { joint[index] = delta[feature]; });
  dsp::AddProducts<float>(joint_, std::span(joint).first(joint_features_), weight);
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

/// From sums of products to correlations. The floor of a deviation acts as a noise of its own, so
/// the diagonal is 1 all the same.
void Baseline::Correlate() {
  JointVector deviation{};
  ForEachJoint(joint_mask_, [&](std::size_t index, std::size_t feature) {
    deviation[index] = deviation_[feature];
  });
  const auto degrees = static_cast<float>(seen_ - 1);
  for (std::size_t i = 0; i < joint_features_; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      float& value = joint_[dsp::TriangleIndex(i, j)];
      value /= degrees * deviation[i] * deviation[j];
    }
    joint_[dsp::TriangleIndex(i, i)] = 1;
  }
}

float Baseline::AutomaticShrinkage() const {
  float error = 0;
  float squares = 0;
  for (std::size_t i = 0; i < joint_features_; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const float r = joint_[dsp::TriangleIndex(i, j)];
      const float rest = 1.0F - r * r;
      error += rest * rest;
      squares += r * r;
    }
  }
  error /= static_cast<float>(seen_ - 1);
  return error >= squares ? 1.0F : std::max(kLeastShrinkage, error / squares);
}

Status Baseline::Seal() {
  TRIB_CHECK(complete() && !spent_);
  if (joint_features_ == 0) {
    return {};
  }
  checksum_ = JointChecksum();
  spent_ = true;
  Correlate();
  const bool automatic = wanted_shrinkage_ == package::DistanceSpec::kAutomatic;
  shrinkage_ = automatic ? AutomaticShrinkage() : wanted_shrinkage_;
  for (std::size_t i = 0; i < joint_features_; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      joint_[dsp::TriangleIndex(i, j)] *= 1.0F - shrinkage_;
    }
  }
  if (!dsp::Factorise<float>(joint_, joint_features_, kLeastPivot)) {
    return Code::kFailedPrecondition;
  }
  const auto p = static_cast<float>(joint_features_);
  JointVector scratch{};
  effective_ = p;
  if (shrinkage_ < 1) {
    const float trace = dsp::InverseTrace<float>(joint_, std::span(scratch).first(joint_features_));
    effective_ = (p - shrinkage_ * trace) / (1.0F - shrinkage_);
  }
  // The mean of D^2 must exist, with some room: its estimate would be worth nothing next to its
  // pole.
  const auto n = static_cast<float>(seen_);
  if (!(n - 4.0F - shrinkage_ - (1.0F - shrinkage_) * effective_ > 0)) {
    return Code::kFailedPrecondition;
  }
  sealed_ = true;
  return {};
}

float Baseline::Distance(std::span<const float> frame) const {
  TRIB_DCHECK(sealed_ && frame.size() == features_);
  JointVector z{};
  ForEachJoint(joint_mask_, [&](std::size_t index, std::size_t feature) {
    z[index] = Standardise(feature, frame[feature]);
  });
  const float distance =
      dsp::SquareRoot(dsp::SquaredLength<float>(joint_, std::span(z).first(joint_features_)));
  // Written so that NaN takes the bound, too.
  return distance < kMaxDistance ? distance : kMaxDistance;
}

float Baseline::DistanceThreshold(float rate) const {
  TRIB_DCHECK(sealed_);
  const auto n = static_cast<float>(seen_);
  const auto p = static_cast<float>(joint_features_);
  const float own = 1.0F - shrinkage_;
  const float mean = (n * n - 1.0F) / n * effective_ / (n - 2.0F - shrinkage_ - own * effective_);
  const float most = 4.0F + (n - 5.0F) * (p + 2.0F) / 3.0F;
  constexpr float kLeastOwn = 1e-3F;
  const float degrees =
      own > kLeastOwn ? std::min(most, (n - 1.0F - own * effective_) / own + 1.0F) : most;
  const float shape = (degrees - 2.0F) / degrees * FisherUpperQuantile(rate, p, degrees);
  return dsp::SquareRoot(mean * shape);
}

std::size_t Baseline::parts() const {
  return (joint_.size() + kPartNumbers - 1) / kPartNumbers;
}

std::uint32_t Baseline::JointChecksum() const {
  std::uint32_t crc = 0;
  std::array<std::byte, 4> bytes{};
  for (const float value : joint_) {
    ByteWriter writer(bytes);
    writer.F32(value);
    crc = Crc32c(bytes, crc);
  }
  return crc;
}

Result<std::size_t> Baseline::Save(bool with_warning, std::span<std::byte> out) const {
  if (!complete()) {
    return Code::kFailedPrecondition;
  }
  ByteWriter writer(out);
  writer.U16(kFormatVersion);
  writer.U16(static_cast<std::uint16_t>(features_));
  writer.U32(recipe_.value());
  writer.U32(seen_);
  writer.U32(conditions_id_);
  writer.U64(joint_mask_);
  writer.U32(spent_ ? checksum_ : JointChecksum());
  writer.U32(with_warning ? 1 : 0);
  for (std::size_t i = 0; i < features_; ++i) {
    writer.F32(mean_[i]);
    writer.F32(sum_squares_[i]);
  }
  if (!writer.ok()) {
    return Code::kResourceExhausted;
  }
  return writer.position();
}

Result<std::size_t> Baseline::SavePart(std::size_t part, std::span<std::byte> out) const {
  if (!complete() || spent_ || part >= parts()) {
    return Code::kFailedPrecondition;
  }
  ByteWriter writer(out);
  const std::size_t begin = part * kPartNumbers;
  for (const float value : joint_.subspan(begin, std::min(kPartNumbers, joint_.size() - begin))) {
    writer.F32(value);
  }
  if (!writer.ok()) {
    return Code::kResourceExhausted;
  }
  return writer.position();
}

Status Baseline::Load(std::span<const std::byte> bytes,
                      const BaselineSpec& spec,
                      std::span<float> memory) {
  ByteReader reader(bytes);
  const std::uint16_t version = reader.U16();
  const std::uint16_t saved_features = reader.U16();
  const RecipeId saved_recipe(reader.U32());
  const std::uint32_t saved_seen = reader.U32();
  if (!reader.ok() || version == 0) {
    return Code::kDataLoss;
  }
  if (version != kFormatVersion) {
    return Code::kUnimplemented;
  }
  const std::uint32_t saved_conditions = reader.U32();
  const std::uint64_t saved_mask = reader.U64();
  const std::uint32_t saved_checksum = reader.U32();
  const std::uint32_t warning = reader.U32();
  const std::uint64_t mask = spec.distance == nullptr ? 0 : spec.distance->feature_mask;
  if (!reader.ok()) {
    return Code::kDataLoss;
  }
  if (saved_recipe != spec.recipe || saved_features != spec.features ||
      saved_conditions != spec.conditions_id || saved_mask != mask) {
    return Code::kNotFound;
  }
  if (bytes.size() != SavedBytes(spec.features) || saved_seen < 2 || saved_seen > kMaxWindows ||
      warning > 1) {
    return Code::kDataLoss;
  }
  Start(spec, memory);
  to_skip_ = 0;
  for (std::size_t i = 0; i < features_; ++i) {
    mean_[i] = reader.F32();
    sum_squares_[i] = reader.F32();
    if (!dsp::IsFinite(mean_[i]) || !dsp::IsFinite(sum_squares_[i]) || sum_squares_[i] < 0) {
      Start(spec, memory);
      return Code::kDataLoss;
    }
  }
  needed_ = saved_seen;
  with_warning_ = warning == 1;
  checksum_ = saved_checksum;
  parts_missing_ = static_cast<std::uint32_t>(parts());
  seen_ = saved_seen;
  UpdateDeviations();
  seen_ = parts_missing_ == 0 ? saved_seen : 0;
  return {};
}

Status Baseline::LoadPart(std::size_t part, std::span<const std::byte> bytes) {
  if (parts_missing_ == 0 || part + parts_missing_ != parts()) {
    return Code::kFailedPrecondition;
  }
  const std::size_t begin = part * kPartNumbers;
  const std::span<float> numbers =
      joint_.subspan(begin, std::min(kPartNumbers, joint_.size() - begin));
  if (bytes.size() != numbers.size() * 4) {
    return Code::kDataLoss;
  }
  ByteReader reader(bytes);
  bool finite = true;
  for (float& value : numbers) {
    value = reader.F32();
    finite = finite && dsp::IsFinite(value);
  }
  if (!finite) {
    return Code::kDataLoss;
  }
  if (--parts_missing_ == 0) {
    if (JointChecksum() != checksum_) {
      return Code::kDataLoss;
    }
    seen_ = needed_;
  }
  return {};
}

}  // namespace trib::node::cascade
