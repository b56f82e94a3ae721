#include "trib/common/simulation/sensor_fault.h"

#include <algorithm>

#include "trib/common/base/check.h"

namespace trib::simulation {

std::optional<SensorFaultKind> ParseSensorFaultKind(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "stuck", "clipped", "missing", "nonfinite", "scale", "range", "gap"};
  std::uint8_t value = 1;
  for (const std::string_view known : kNames) {
    if (name == known) {
      return static_cast<SensorFaultKind>(value);
    }
    ++value;
  }
  return std::nullopt;
}

SpoiltSamples SensorSpoiler::Spoil(SensorFaultKind kind,
                                   std::size_t stretch,
                                   std::uint32_t channels,
                                   std::span<std::int16_t> samples) {
  TRIB_DCHECK(channels > 0 && channels <= kMaxChannels && samples.size() % channels == 0);
  const auto frames = static_cast<std::uint32_t>(samples.size() / channels);
  if (frames == 0) {
    // A source may give a boundary without samples: nothing to spoil there, or to be stuck at.
    return {.lost = kind == SensorFaultKind::kGap};
  }
  switch (kind) {
    case SensorFaultKind::kStuck:
      if (stuck_values_.empty() || stuck_stretch_ != stretch) {
        (void)stuck_values_.assign(samples.first(channels));
        stuck_stretch_ = stretch;
      }
      for (std::size_t i = 0; i < samples.size(); ++i) {
        samples[i] = stuck_values_[i % channels];
      }
      return {};
    case SensorFaultKind::kClipped:
    case SensorFaultKind::kRange:
      for (std::int16_t& sample : samples) {
        const std::int32_t value =
            kind == SensorFaultKind::kClipped ? sample * 100 : sample / 4 + 24'000;
        sample = static_cast<std::int16_t>(std::clamp<std::int32_t>(value, -32'768, 32'767));
      }
      return {};
    case SensorFaultKind::kMissing:
      return {.missing_frames = frames};
    case SensorFaultKind::kNonFinite:
      return {.non_finite_frames = frames};
    case SensorFaultKind::kBadScale:
      return {.bad_scale = true};
    case SensorFaultKind::kGap:
      return {.lost = true};
    case SensorFaultKind::kUnspecified:
      break;
  }
  return {};
}

}  // namespace trib::simulation
