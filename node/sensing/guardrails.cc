#include "trib/node/sensing/guardrails.h"

#include <algorithm>
#include <limits>

namespace trib::node::sensing {
namespace {

using message::FaultCode;

bool IsFinite(float x) {
  return x - x == 0.0F;
}

GuardrailVerdict JudgeChannel(const CutWindow& window,
                              std::uint32_t channel,
                              const package::ChannelGuardrail& limits) {
  const dsp::Summary& summary = window.summaries[channel];
  const std::uint32_t frames = summary.count;
  if (window.scale < limits.scale_min || window.scale > limits.scale_max) {
    return {FaultCode::kSensorOutOfRange, channel, window.scale};
  }
  const std::uint64_t missing = std::uint64_t{window.missing_frames} * 1000;
  if (missing > std::uint32_t{limits.max_missing_permille} * frames) {
    const std::uint64_t permille = missing / frames;
    return {FaultCode::kSensorMissing, channel, static_cast<float>(permille)};
  }
  if (limits.max_stuck_run > 0 && summary.longest_run >= limits.max_stuck_run) {
    return {FaultCode::kSensorStuck, channel, static_cast<float>(summary.longest_run)};
  }
  const std::uint32_t clipped = std::uint32_t{summary.clipped} * 1000;
  if (clipped > std::uint32_t{limits.max_clipped_permille} * frames) {
    const std::uint32_t permille = clipped / frames;
    return {FaultCode::kSensorClipped, channel, static_cast<float>(permille)};
  }
  const bool too_low = summary.minimum < limits.min_raw;
  if (too_low || summary.maximum > limits.max_raw) {
    const float value =
        static_cast<float>(too_low ? summary.minimum : summary.maximum) * window.scale;
    return {FaultCode::kSensorOutOfRange, channel, IsFinite(value) ? value : 0.0F};
  }
  const std::int32_t swing = summary.maximum - summary.minimum;
  if (swing < limits.min_peak_to_peak_raw) {
    return {FaultCode::kSensorStuck, channel, static_cast<float>(swing)};
  }
  return {};
}

}  // namespace

package::Guardrails BuiltInGuardrails(const WindowShape& shape) {
  package::ChannelGuardrail limits;
  limits.min_raw = std::numeric_limits<std::int16_t>::min();
  limits.max_raw = std::numeric_limits<std::int16_t>::max();
  limits.clip_level_raw = std::numeric_limits<std::int16_t>::max();
  limits.max_clipped_permille = 500;
  limits.max_stuck_run = static_cast<std::uint16_t>(std::min<std::uint32_t>(shape.length, 65535));
  limits.scale_min = std::numeric_limits<float>::min();
  limits.scale_max = std::numeric_limits<float>::max();
  package::Guardrails out;
  (void)out.channels.push_back(limits);
  return out;
}

GuardrailVerdict Judge(const CutWindow& window, const package::Guardrails& limits) {
  TRIB_DCHECK(!limits.channels.empty());
  if (!IsFinite(window.scale)) {
    // Not the scale itself: a record carries finite numbers only.
    return {FaultCode::kSensorNonFinite, 0, 0};
  }
  if (window.non_finite_frames > 0) {
    return {FaultCode::kSensorNonFinite, 0, static_cast<float>(window.non_finite_frames)};
  }
  for (std::uint32_t channel = 0; channel < window.channels; ++channel) {
    const GuardrailVerdict verdict = JudgeChannel(window, channel, LimitsOf(limits, channel));
    if (!verdict.ok()) {
      return verdict;
    }
  }
  return {};
}

}  // namespace trib::node::sensing
