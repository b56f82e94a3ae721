#pragma once

#include <cstdint>

#include "trib/common/base/fixed_vector.h"

/// What a simulated machine is. Units: Hz, g (9.80665 m/s^2), mm, seconds, degrees Celsius; a
/// fraction is 0..1 unless said otherwise. Machine files name the same values:
/// docs/formats/machine.md.
namespace trib::simulation {

inline constexpr std::size_t kMaxTones = 8;
inline constexpr std::size_t kMaxModes = 3;
inline constexpr std::size_t kMaxFaults = 4;
inline constexpr std::size_t kMaxRegimes = 4;

/// A rolling bearing whose inner ring turns. Default: SKF 6205-2RS JEM, as in the CWRU test rig
/// (ball 0.3126 in, pitch 1.537 in).
struct BearingGeometry {
  std::uint32_t balls = 9;
  float ball_mm = 7.94004F;
  float pitch_mm = 39.0398F;
  float contact_deg = 0;
  /// How much slower the cage is than kinematics says: the balls slide.
  float slip = 0;
  /// Every strike comes early or late by at most this fraction of the period between strikes.
  float jitter = 0.01F;
  /// Share of the bearing's radial squeeze: 0.5 loads half the circumference (no clearance), less a
  /// smaller zone, 1 and more all of it (preload).
  float load_zone = 1;
};

/// A stretch of the operating cycle at one speed and one load.
struct Regime {
  float duration_s = 3600;
  float speed_hz = 29.95F;
  /// Relative to nominal; scales strikes, structure noise and heat.
  float load = 1;
};

/// How the shaft turns. The regimes follow each other for ever.
struct Drive {
  FixedVector<Regime, kMaxRegimes> regimes;
  /// Time to go from one regime's speed to the next, straight.
  float ramp_s = 5;
  /// Slow deviation of the speed: its standard deviation as a fraction of the speed, and the time
  /// over which it changes. The mean over many such times is exact.
  float wander = 0.0005F;
  float wander_s = 4;
  /// The shaft's angle at frame 0 in turns, below 1; negative: drawn from the seed.
  float start_turns = -1;
};

/// A line that turns with the shaft: unbalance at order 1, misalignment at 2, rotor bars, fan.
struct Tone {
  float order = 1;        ///< multiple of the shaft's frequency
  float amplitude_g = 0;  ///< at nominal speed (the first regime's); grows with its square
  /// Its phase when the shaft's angle is 0, below 1: a sine at 0; negative: drawn from the seed.
  float phase_turns = -1;
};

/// A resonance of the structure, a damped oscillator of second order.
struct Mode {
  float frequency_hz = 3000;
  float damping = 0.05F;  ///< of critical
  /// Standard deviation of what broadband excitation makes of it at nominal speed and load.
  float noise_g = 0;
  /// First amplitude of its answer to a strike of size 1 g.
  float strike_gain = 0;
};

/// Oscillators side by side, all excited by the same strikes and the same noise.
struct Structure {
  FixedVector<Mode, kMaxModes> modes;
  float floor_g = 0;  ///< standard deviation of the white part, always there
};

enum class FaultKind : std::uint8_t {
  kUnspecified = 0,
  kOuterRace = 1,
  kInnerRace = 2,
  kBall = 3,
  kCage = 4,
};

/// Severity as a function of the machine's age: `initial` until `onset_s`; then to `final`
/// within `growth_s`, slowly first (exponentially, by a factor of 50); then for ever `final`.
struct Wear {
  float initial = 0;
  float final = 0;
  float onset_s = 0;
  float growth_s = 0;
};

/// A spot on a race, a ball or the cage. A strike has the size severity x strike_g, times the share
/// of the load that the spot carries at that moment.
struct BearingFault {
  FaultKind kind = FaultKind::kOuterRace;
  Wear wear;
  float strike_g = 1;
  /// Broadband excitation by what is worn besides, at full severity: standard deviation of what it
  /// makes of a mode with a strike_gain of 1.
  float roughness_g = 0;
  /// Standard deviation of the strikes' sizes, relative.
  float scatter = 0.15F;
  /// Outer race: where the spot lies, from the centre of the load zone, in turns.
  float angle_turns = 0;
};

struct Climate {
  float ambient_c = 20;
  float daily_c = 0;  ///< half of the difference between the warmest and the coldest hour
  /// What the machine adds at nominal speed and load once it is warm, and how long that takes.
  float heat_c = 30;
  float heat_s = 1800;
  /// Relative change of every mode's frequency per degree from 25; steel softens.
  float mode_per_c = -2e-4F;
};

/// The accelerometer and its converter.
struct SensorModel {
  float scale_g = 16.0F / 32768.0F;  ///< what the node is told that a count is
  float gain = 1;
  float offset_g = 0;
  float gain_per_c = 0;      ///< relative, per degree from 25
  float offset_g_per_c = 0;  ///< per degree from 25
  float gain_per_year = 0;   ///< ageing, relative
  float range_g = 16;        ///< beyond it the value stays at the rail
  /// Whether the node is told the shaft's speed.
  bool tachometer = false;
};

struct MachineConfig {
  std::uint32_t sample_rate_hz = 12'000;
  /// Age of the machine at frame 0.
  float age_s = 0;
  /// Time of day at frame 0, in seconds since midnight.
  float time_of_day_s = 0;
  BearingGeometry bearing;
  Drive drive;
  FixedVector<Tone, kMaxTones> tones;
  Structure structure;
  FixedVector<BearingFault, kMaxFaults> faults;
  Climate climate;
  SensorModel sensor;
};

/// The truth at one moment.
struct MachineState {
  std::uint64_t frame = 0;
  float age_s = 0;
  float speed_hz = 0;
  float load = 0;
  float temperature_c = 0;
  float gain = 0;      ///< of the sensor, with temperature and age
  float offset_g = 0;  ///< likewise
  /// Of each fault, in the order of the configuration.
  float severity[kMaxFaults] = {};
};

}  // namespace trib::simulation
