#include "trib/common/simulation/sensor_drift.h"

#include <algorithm>

#include "trib/common/base/check.h"
#include "trib/common/dsp/real_math.h"
#include "trib/common/simulation/wave.h"

namespace trib::simulation {
namespace {

constexpr std::uint64_t kNoiseStream = 0x6472696674;  // apart from the machine's own noises

/// To the nearest whole number, ties to even, for |value| below 2^22.
float Rounded(float value) {
  constexpr float kUlpIsOne = 12'582'912;  // 1.5 x 2^23
  return (value + kUlpIsOne) - kUlpIsOne;
}

float ValueAt(const SensorDrift& drift, std::uint64_t frame) {
  if (frame >= drift.end) {
    return drift.to;
  }
  const float part =
      static_cast<float>(frame - drift.begin) / static_cast<float>(drift.end - drift.begin);
  return drift.from + part * (drift.to - drift.from);
}

}  // namespace

std::optional<SensorDriftKind> ParseSensorDriftKind(std::string_view name) {
  constexpr std::string_view kNames[] = {"gain", "offset", "noise"};
  std::uint8_t value = 1;
  for (const std::string_view known : kNames) {
    if (name == known) {
      return static_cast<SensorDriftKind>(value);
    }
    ++value;
  }
  return std::nullopt;
}

Distortion DistortionAt(std::span<const SensorDrift> drifts, std::uint64_t frame) {
  Distortion out;
  for (const SensorDrift& drift : drifts) {
    if (frame < drift.begin || (frame >= drift.end && !drift.stays)) {
      continue;
    }
    const float value = ValueAt(drift, frame);
    switch (drift.kind) {
      case SensorDriftKind::kGain:
        out.gain *= value;
        break;
      case SensorDriftKind::kOffset:
        out.offset += value;
        break;
      case SensorDriftKind::kNoise:
        out.noise = dsp::SquareRoot(out.noise * out.noise + value * value);
        break;
      case SensorDriftKind::kUnspecified:
        break;
    }
  }
  return out;
}

void Distort(const Distortion& distortion,
             float scale,
             const NoiseSource& noise,
             std::span<std::int16_t> samples) {
  if (distortion == Distortion()) {
    return;
  }
  const bool known = scale > 0;
  const float offset = known ? distortion.offset / scale : 0;
  const float deviation = known ? distortion.noise / scale : 0;
  const std::uint64_t first = noise.first_frame * noise.channels;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    float value = static_cast<float>(samples[i]) * distortion.gain + offset;
    if (deviation > 0) {
      value += deviation * NearGaussian(WordAt(noise.seed ^ kNoiseStream, first + i));
    }
    samples[i] = static_cast<std::int16_t>(Rounded(std::clamp(value, -32'768.0F, 32'767.0F)));
  }
}

void Drift(std::span<const SensorDrift> drifts,
           float scale,
           const NoiseSource& noise,
           std::span<std::int16_t> samples) {
  TRIB_DCHECK(noise.channels > 0 && samples.size() % noise.channels == 0);
  if (drifts.empty()) {
    return;
  }
  NoiseSource at = noise;
  for (; !samples.empty(); samples = samples.subspan(noise.channels), ++at.first_frame) {
    Distort(DistortionAt(drifts, at.first_frame), scale, at, samples.first(noise.channels));
  }
}

}  // namespace trib::simulation
