#include "trib/node/sensing/guardrails.h"

#include <algorithm>
#include <limits>

namespace trib::node::sensing {
namespace {

using message::FaultCode;

bool IsFinite(float x) {
  return x - x == 0.0F;
}

struct ChannelScan {
  std::uint32_t longest_run = 0;
  std::uint32_t clipped = 0;
  std::int32_t minimum = 0;
  std::int32_t maximum = 0;
};

ChannelScan Scan(const CutWindow& window, std::uint32_t channel, std::int32_t clip_level) {
  ChannelScan scan;
  std::int32_t previous = 0;
  std::uint32_t run = 0;
  const std::size_t frames = window.samples.size() / window.channels;
  for (std::size_t i = 0; i < frames; ++i) {
    const std::int32_t value = window.samples[i * window.channels + channel];
    const bool clipped = (value < 0 ? -value : value) >= clip_level;
    scan.clipped += clipped ? 1U : 0U;
    run = i > 0 && value == previous ? run + 1 : 1;
    if (!clipped) {
      scan.longest_run = std::max(scan.longest_run, run);
    }
    scan.minimum = i == 0 ? value : std::min(scan.minimum, value);
    scan.maximum = i == 0 ? value : std::max(scan.maximum, value);
    previous = value;
  }
  return scan;
}

GuardrailVerdict JudgeChannel(const CutWindow& window,
                              std::uint32_t channel,
                              const package::ChannelGuardrail& limits) {
  const std::uint64_t frames = window.samples.size() / window.channels;
  if (window.scale < limits.scale_min || window.scale > limits.scale_max) {
    return {FaultCode::kSensorOutOfRange, channel, window.scale};
  }
  const std::uint64_t missing = std::uint64_t{window.missing_frames} * 1000;
  if (missing > limits.max_missing_permille * frames) {
    const std::uint64_t permille = missing / frames;
    return {FaultCode::kSensorMissing, channel, static_cast<float>(permille)};
  }
  const ChannelScan scan = Scan(window, channel, limits.clip_level_raw);
  if (limits.max_stuck_run > 0 && scan.longest_run >= limits.max_stuck_run) {
    return {FaultCode::kSensorStuck, channel, static_cast<float>(scan.longest_run)};
  }
  const std::uint64_t clipped = std::uint64_t{scan.clipped} * 1000;
  if (clipped > limits.max_clipped_permille * frames) {
    const std::uint64_t permille = clipped / frames;
    return {FaultCode::kSensorClipped, channel, static_cast<float>(permille)};
  }
  const bool too_low = scan.minimum < limits.min_raw;
  if (too_low || scan.maximum > limits.max_raw) {
    const float value = static_cast<float>(too_low ? scan.minimum : scan.maximum) * window.scale;
    return {FaultCode::kSensorOutOfRange, channel, IsFinite(value) ? value : 0.0F};
  }
  const std::int32_t swing = scan.maximum - scan.minimum;
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
    const std::size_t row = std::min<std::size_t>(channel, limits.channels.size() - 1);
    const GuardrailVerdict verdict = JudgeChannel(window, channel, limits.channels[row]);
    if (!verdict.ok()) {
      return verdict;
    }
  }
  return {};
}

}  // namespace trib::node::sensing
