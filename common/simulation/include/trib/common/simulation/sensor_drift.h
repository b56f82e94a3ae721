#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace trib::simulation {

/// How a sensor changes that goes on working: aged, loosened, exchanged for another.
enum class SensorDriftKind : std::uint8_t {
  kUnspecified = 0,
  kGain = 1,    ///< a factor
  kOffset = 2,  ///< added
  kNoise = 3,   ///< standard deviation of white noise on top
};

/// "gain", "offset", "noise".
[[nodiscard]] std::optional<SensorDriftKind> ParseSensorDriftKind(std::string_view name);

/// One change over time.
///
/// Units  A factor, or the unit of the samples (g, of an accelerometer); frames of the source.
struct SensorDrift {
  SensorDriftKind kind = SensorDriftKind::kUnspecified;
  float from = 0;  ///< at `begin`, and from there straight to `to` at `end`
  float to = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;  ///< after `begin`
  bool stays = false;     ///< at `to` from `end` on; else nothing is left then
};

/// What a sensor does to a sample: times gain, plus offset, plus noise.
struct Distortion {
  float gain = 1;
  float offset = 0;
  float noise = 0;
  friend bool operator==(const Distortion&, const Distortion&) = default;
};

/// All of them at one frame: gains multiply, offsets add, and so do the squares of noises.
[[nodiscard]] Distortion DistortionAt(std::span<const SensorDrift> drifts, std::uint64_t frame);

/// Noise that belongs to samples: equal seed and frame, equal noise, however they are read.
struct NoiseSource {
  std::uint64_t seed = 0;
  std::uint64_t first_frame = 0;  ///< of the samples
  std::uint32_t channels = 1;
};

/// Distorts samples, interleaved [frame][channel]; rounded, and cut at the rails. `scale` is a
/// count in the samples' unit: where it is not above 0, only the gain applies.
void Distort(const Distortion& distortion,
             float scale,
             const NoiseSource& noise,
             std::span<std::int16_t> samples);

/// Distorts each frame as the drifts are at it.
void Drift(std::span<const SensorDrift> drifts,
           float scale,
           const NoiseSource& noise,
           std::span<std::int16_t> samples);

}  // namespace trib::simulation
