#include "trib/node/sensing/guardrails.h"

#include <algorithm>
#include <limits>

namespace trib::node::sensing {
namespace {

using message::FaultCode;

struct ChannelScan {
  std::uint32_t longest_run = 0;
  std::uint32_t clipped = 0;
  std::int32_t minimum = 0;
  std::int32_t maximum = 0;
};

ChannelScan Scan(const CutWindow& window, std::uint32_t channel, std::uint32_t clip_level) {
  ChannelScan scan;
  std::int32_t previous = 0;
  std::uint32_t run = 0;
  const std::size_t frames = window.samples.size() / window.channels;
  for (std::size_t i = 0; i < frames; ++i) {
    const std::int32_t value = window.samples[i * window.channels + channel];
    const auto magnitude = static_cast<std::uint32_t>(value < 0 ? -value : value);
    const bool clipped = clip_level > 0 && magnitude >= clip_level;
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
                              const GuardrailLimits& limits) {
  const std::size_t frames = window.samples.size() / window.channels;
  const ChannelScan scan = Scan(window, channel, limits.clip_level);
  if (limits.stuck_run > 0 && scan.longest_run >= limits.stuck_run) {
    return {FaultCode::kSensorStuck, channel, static_cast<float>(scan.longest_run)};
  }
  if (std::uint64_t{scan.clipped} * 1000 > std::uint64_t{limits.clip_permille} * frames) {
    return {FaultCode::kSensorClipped,
            channel,
            static_cast<float>(std::uint64_t{scan.clipped} * 1000 / frames)};
  }
  // A negative scale swaps the ends.
  const float a = static_cast<float>(scan.minimum) * window.scale;
  const float b = static_cast<float>(scan.maximum) * window.scale;
  if (!(std::min(a, b) >= limits.min_value)) {
    return {FaultCode::kSensorOutOfRange, channel, std::min(a, b)};
  }
  if (!(std::max(a, b) <= limits.max_value)) {
    return {FaultCode::kSensorOutOfRange, channel, std::max(a, b)};
  }
  return {};
}

}  // namespace

GuardrailLimits BuiltInLimits(const WindowShape& shape) {
  GuardrailLimits limits;
  limits.min_value = std::numeric_limits<float>::lowest();
  limits.max_value = std::numeric_limits<float>::max();
  limits.min_scale = std::numeric_limits<float>::min();
  limits.max_scale = std::numeric_limits<float>::max();
  limits.stuck_run = shape.length;
  limits.clip_level = 32767;
  limits.clip_permille = 500;
  return limits;
}

GuardrailVerdict Judge(const CutWindow& window, const GuardrailLimits& limits) {
  if (!(window.scale - window.scale == 0.0F)) {
    // Not the scale itself: a record carries finite numbers only.
    return {FaultCode::kSensorNonFinite, 0, 0};
  }
  if (window.scale < limits.min_scale || window.scale > limits.max_scale) {
    return {FaultCode::kSensorOutOfRange, 0, window.scale};
  }
  if (window.non_finite_frames > 0) {
    return {FaultCode::kSensorNonFinite, 0, static_cast<float>(window.non_finite_frames)};
  }
  const std::uint64_t frames = window.samples.size() / window.channels;
  if (std::uint64_t{window.missing_frames} * 1000 > limits.missing_permille * frames) {
    return {FaultCode::kSensorMissing,
            0,
            static_cast<float>(std::uint64_t{window.missing_frames} * 1000 / frames)};
  }
  for (std::uint32_t channel = 0; channel < window.channels; ++channel) {
    const GuardrailVerdict verdict = JudgeChannel(window, channel, limits);
    if (!verdict.ok()) {
      return verdict;
    }
  }
  return {};
}

}  // namespace trib::node::sensing
