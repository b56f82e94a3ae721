// The sections about learning what is normal: distance, commissioning, severity, conditions.
#include <bit>

#include "section_io.h"

namespace trib::package {

using namespace internal;  // NOLINT(google-build-using-namespace): this module's own

namespace {

constexpr std::uint8_t kAutomaticShrinkage = 1;
constexpr std::uint8_t kFixedShrinkage = 2;
constexpr float kMaxHysteresis = 0.9F;

bool IsZeroBits(float value) {
  return std::bit_cast<std::uint32_t>(value) == 0;
}

/// A limit that is off is +0 and nothing else, so that there is one way to say it.
bool IsLimitOrOff(float value) {
  return IsZeroBits(value) || IsPositive(value);
}

bool ReadLimit(ByteReader& in, BaselineLimit& limit) {
  limit.feature = in.U16();
  limit.comparison = static_cast<Comparison>(in.U8());
  const bool reserved_is_zero = in.U8() == 0;
  limit.value = in.F32();
  return in.ok() && reserved_is_zero && limit.feature < kMaxFeatures && IsFinite(limit.value) &&
         (limit.comparison == Comparison::kGreater || limit.comparison == Comparison::kLess);
}

}  // namespace

Status Decode(std::span<const std::byte> section, DistanceSpec& out) {
  ByteReader in(section);
  out.false_alarm_rate = in.F32();
  out.threshold_scale = in.F32();
  const float share = in.F32();
  const std::uint8_t mode = in.U8();
  const std::uint32_t reserved = std::uint32_t{in.U8()} | in.U16();
  out.feature_mask = in.U64();
  const auto features = static_cast<std::size_t>(std::popcount(out.feature_mask));
  out.shrinkage = mode == kAutomaticShrinkage ? DistanceSpec::kAutomatic : share;
  const bool shrinks = (mode == kAutomaticShrinkage && IsZeroBits(share)) ||
                       (mode == kFixedShrinkage && IsWithin(share, 0, 1) &&
                        std::bit_cast<std::uint32_t>(share) != 0x80000000U);
  return Require(in.ok() && in.remaining() == 0 && reserved == 0 &&
                     IsPositive(out.false_alarm_rate) && out.false_alarm_rate <= 0.5F &&
                     IsPositive(out.threshold_scale) && out.threshold_scale <= 1000.0F && shrinks &&
                     features >= 1 && features <= kMaxDistanceFeatures,
                 Reason::kBadDistance);
}

Status Decode(std::span<const std::byte> section, CommissioningSpec& out) {
  out = {};
  ByteReader in(section);
  out.max_attempts = in.U16();
  out.after = static_cast<AfterRefusals>(in.U8());
  out.max_zone = in.U8();
  out.max_refused_permille = in.U16();
  bool good = in.U16() == 0;
  for (float* limit : {&out.max_shift, &out.max_trend, &out.min_std, &out.max_std}) {
    *limit = in.F32();
    good = good && IsLimitOrOff(*limit);
  }
  const std::size_t count = in.U16();
  good = good && in.U16() == 0 && in.ok() && count <= kMaxBaselineLimits &&
         in.remaining() == 8 * count && out.max_attempts >= 1 && out.max_zone <= kZones &&
         out.max_refused_permille <= 1000 &&
         (out.after == AfterRefusals::kAcceptWithWarning ||
          out.after == AfterRefusals::kStayOnRules) &&
         (IsZeroBits(out.max_std) || out.min_std <= out.max_std);
  for (std::size_t i = 0; good && i < count; ++i) {
    BaselineLimit limit;
    good = ReadLimit(in, limit) && out.limits.push_back(limit);
  }
  return Require(good, Reason::kBadCommissioning);
}

Status Decode(std::span<const std::byte> section, SeveritySpec& out) {
  ByteReader in(section);
  out.feature = in.U16();
  out.average_windows = in.U16();
  float previous = 0;
  bool good = out.feature < kMaxFeatures && out.average_windows >= 1;
  for (float& boundary : out.boundaries) {
    boundary = in.F32();
    good = good && IsFinite(boundary) && boundary > previous;
    previous = boundary;
  }
  out.hysteresis = in.F32();
  good = good && IsWithin(out.hysteresis, 0, kMaxHysteresis) &&
         std::bit_cast<std::uint32_t>(out.hysteresis) != 0x80000000U;
  for (auto& actuator : out.actuator) {
    actuator = in.U8();
    good = good && IsActuator(actuator);
  }
  for (auto& label : out.label) {
    label = in.U8();
    good = good && label < kMaxLabels;
  }
  good = good && ReadText(in, in.U8(), out.machine_group) && IsUtf8(out.machine_group.view()) &&
         in.ok() && in.remaining() == 0;
  return Require(good, Reason::kBadSeverity);
}

Status Decode(std::span<const std::byte> section, ConditionSpec& out) {
  out = {};
  ByteReader in(section);
  std::size_t count = 0;
  TRIB_TRY(Require(ReadCount(in, kMaxNamedConditions, 8, count), Reason::kBadConditions));
  float previous = 0;
  for (std::size_t i = 0; i < count; ++i) {
    ConditionSpec::Range range;
    range.low_hz = in.F32();
    range.high_hz = in.F32();
    TRIB_TRY(Require(IsFinite(range.low_hz) && IsFinite(range.high_hz) &&
                         std::bit_cast<std::uint32_t>(range.low_hz) != 0x80000000U &&
                         range.low_hz >= previous && range.high_hz > range.low_hz,
                     Reason::kBadConditions));
    previous = range.high_hz;
    out.ranges.push_back(range);
  }
  return {};
}

Result<std::size_t> Encode(const DistanceSpec& value, std::span<std::byte> out) {
  const bool automatic = value.shrinkage == DistanceSpec::kAutomatic;
  ByteWriter to(out);
  to.F32(value.false_alarm_rate);
  to.F32(value.threshold_scale);
  to.F32(automatic ? 0.0F : value.shrinkage);
  to.U8(automatic ? kAutomaticShrinkage : kFixedShrinkage);
  to.U8(0);
  to.U16(0);
  to.U64(value.feature_mask);
  return FinishByDecoding<DistanceSpec>(to);
}

Result<std::size_t> Encode(const CommissioningSpec& value, std::span<std::byte> out) {
  ByteWriter to(out);
  to.U16(value.max_attempts);
  to.U8(static_cast<std::uint8_t>(value.after));
  to.U8(value.max_zone);
  to.U16(value.max_refused_permille);
  to.U16(0);
  for (const float limit : {value.max_shift, value.max_trend, value.min_std, value.max_std}) {
    to.F32(limit);
  }
  WriteCount(to, value.limits.size());
  for (const auto& limit : value.limits) {
    to.U16(limit.feature);
    to.U8(static_cast<std::uint8_t>(limit.comparison));
    to.U8(0);
    to.F32(limit.value);
  }
  return FinishByDecoding<CommissioningSpec>(to);
}

Result<std::size_t> Encode(const SeveritySpec& value, std::span<std::byte> out) {
  ByteWriter to(out);
  to.U16(value.feature);
  to.U16(value.average_windows);
  for (const float boundary : value.boundaries) {
    to.F32(boundary);
  }
  to.F32(value.hysteresis);
  for (const std::uint8_t actuator : value.actuator) {
    to.U8(actuator);
  }
  for (const std::uint8_t label : value.label) {
    to.U8(label);
  }
  to.U8(value.machine_group.size);
  WriteText(to, value.machine_group);
  return FinishByDecoding<SeveritySpec>(to);
}

Result<std::size_t> Encode(const ConditionSpec& value, std::span<std::byte> out) {
  ByteWriter to(out);
  WriteCount(to, value.ranges.size());
  for (const auto& range : value.ranges) {
    to.F32(range.low_hz);
    to.F32(range.high_hz);
  }
  return FinishByDecoding<ConditionSpec>(to);
}

}  // namespace trib::package
