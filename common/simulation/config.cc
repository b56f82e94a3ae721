#include <algorithm>

#include "trib/common/dsp/real_math.h"
#include "trib/common/simulation/machine.h"

namespace trib::simulation {
namespace {

bool Within(float x, float low, float high) {
  return x >= low && x <= high;  // and so not NaN
}

bool ValidBearing(const BearingGeometry& b) {
  return b.balls >= 3 && b.balls <= 64 && Within(b.ball_mm, 0.01F, 1e4F) &&
         Within(b.pitch_mm, 0.01F, 1e5F) && b.ball_mm < b.pitch_mm &&
         Within(b.contact_deg, 0, 60) && Within(b.slip, 0, 0.2F) && Within(b.jitter, 0, 0.25F) &&
         Within(b.load_zone, 0.1F, 10);
}

/// What angles allow for: below a tenth of a turn per frame, ramps of at most 1e8 frames.
bool ValidRegimes(const Drive& drive, float rate) {
  for (const Regime& regime : drive.regimes) {
    if (!Within(regime.duration_s, 1, 1e7F) ||
        !Within(regime.speed_hz, 0, std::min(1'000.0F, 0.1F * rate)) ||
        !Within(regime.load, 0, 10)) {
      return false;
    }
  }
  return !drive.regimes.empty() && drive.regimes[0].speed_hz > 0;
}

bool ValidTones(const MachineConfig& config, float rate) {
  float fastest = 0;
  for (const Regime& regime : config.drive.regimes) {
    fastest = std::max(fastest, regime.speed_hz);
  }
  return std::all_of(config.tones.begin(), config.tones.end(), [&](const Tone& tone) {
    return Within(tone.order, 0.01F, 250) && tone.order * fastest < 0.5F * rate &&
           Within(tone.amplitude_g, 0, 1'000) && Within(tone.phase_turns, -1, 0.999999F);
  });
}

bool ValidModes(const MachineConfig& config, float rate) {
  const float soft = config.climate.mode_per_c;
  const auto& modes = config.structure.modes;
  return Within(config.structure.floor_g, 0, 1'000) &&
         std::all_of(modes.begin(), modes.end(), [&](const Mode& mode) {
           const float change = 175.0F * dsp::Absolute(soft);
           return mode.frequency_hz * (1.0F - change) >= 0.005F * rate &&
                  mode.frequency_hz * (1.0F + change) <= 0.49F * rate &&
                  Within(mode.damping, 1e-4F, 0.3F) && Within(mode.noise_g, 0, 1'000) &&
                  Within(mode.strike_gain, 0, 1'000);
         });
}

bool ValidFaults(const MachineConfig& config) {
  return std::all_of(config.faults.begin(), config.faults.end(), [](const BearingFault& fault) {
    const Wear& wear = fault.wear;
    return fault.kind >= FaultKind::kOuterRace && fault.kind <= FaultKind::kCage &&
           Within(wear.initial, 0, 1) && Within(wear.final, 0, 1) &&
           Within(wear.onset_s, 0, 1e9F) && Within(wear.growth_s, 0, 1e9F) &&
           Within(fault.strike_g, 0, 1'000) && Within(fault.roughness_g, 0, 1'000) &&
           Within(fault.scatter, 0, 1) && Within(fault.angle_turns, -1, 1);
  });
}

bool ValidClimate(const Climate& climate) {
  return Within(climate.ambient_c, -60, 100) && Within(climate.daily_c, 0, 30) &&
         Within(climate.heat_c, 0, 150) && Within(climate.heat_s, 1, 1e6F) &&
         Within(climate.mode_per_c, -0.002F, 0.002F);
}

bool ValidSensor(const SensorModel& sensor) {
  return Within(sensor.scale_g, 1e-9F, 1e3F) && Within(sensor.gain, 1e-3F, 1e3F) &&
         Within(sensor.offset_g, -1e3F, 1e3F) && Within(sensor.gain_per_c, -0.1F, 0.1F) &&
         Within(sensor.offset_g_per_c, -10, 10) && Within(sensor.gain_per_year, -1, 1) &&
         Within(sensor.range_g, 1e-6F, 1e6F);
}

}  // namespace

Status Validate(const MachineConfig& config) {
  const auto invalid = [](InvalidField field) { return Status(Code::kInvalidArgument, field); };
  const auto rate = static_cast<float>(config.sample_rate_hz);
  if (config.sample_rate_hz < 100 || config.sample_rate_hz > 1'000'000) {
    return invalid(InvalidField::kSampleRate);
  }
  if (!Within(config.age_s, 0, 1e9F) || !Within(config.time_of_day_s, 0, 86'400)) {
    return invalid(InvalidField::kAge);
  }
  if (!ValidBearing(config.bearing)) {
    return invalid(InvalidField::kBearing);
  }
  if (!ValidRegimes(config.drive, rate)) {
    return invalid(InvalidField::kRegime);
  }
  if (!Within(config.drive.ramp_s, 0, std::min(1'000.0F, 1e8F / rate)) ||
      !Within(config.drive.wander, 0, 0.02F) || !Within(config.drive.wander_s, 0.1F, 1'000) ||
      !Within(config.drive.start_turns, -1, 0.999999F)) {
    return invalid(InvalidField::kDrive);
  }
  if (!ValidTones(config, rate)) {
    return invalid(InvalidField::kTone);
  }
  if (!ValidClimate(config.climate)) {
    return invalid(InvalidField::kClimate);
  }
  if (!ValidModes(config, rate)) {
    return invalid(InvalidField::kMode);
  }
  if (!ValidFaults(config)) {
    return invalid(InvalidField::kFault);
  }
  if (!ValidSensor(config.sensor)) {
    return invalid(InvalidField::kSensor);
  }
  return {};
}

MachineConfig DefaultMachine() {
  MachineConfig config;
  (void)config.drive.regimes.push_back({});
  (void)config.tones.push_back({.order = 1, .amplitude_g = 0.015F});
  (void)config.tones.push_back({.order = 2, .amplitude_g = 0.02F});
  (void)config.tones.push_back({.order = 12, .amplitude_g = 0.025F});
  (void)config.tones.push_back({.order = 48, .amplitude_g = 0.015F});
  (void)config.structure.modes.push_back(
      {.frequency_hz = 2'800, .damping = 0.05F, .noise_g = 0.012F, .strike_gain = 0.8F});
  (void)config.structure.modes.push_back(
      {.frequency_hz = 3'420, .damping = 0.04F, .noise_g = 0.012F, .strike_gain = 1});
  (void)config.structure.modes.push_back(
      {.frequency_hz = 4'230, .damping = 0.03F, .noise_g = 0.046F, .strike_gain = 0.05F});
  config.structure.floor_g = 0.01F;
  return config;
}

BearingFault FaultOf(FaultKind kind, SpotSize size) {
  struct Level {
    float strike_g;
    float roughness_g;
  };
  // Chosen so that RMS and kurtosis of the whole signal are those of the recordings with such spots
  // (drive end, 0 to 2 hp); what that shows, and what not: README.md.
  constexpr Level kLevels[4][3] = {{{1.69F, 0.312F}, {0.105F, 0.049F}, {2.25F, 0.102F}},
                                   {{0.893F, 0.176F}, {0.879F, 0.043F}, {1.72F, 0.274F}},
                                   {{0.2F, 0.0877F}, {0.5F, 0.0748F}, {0.278F, 0.07F}},
                                   {{1, 0.05F}, {1, 0.05F}, {1, 0.05F}}};
  BearingFault fault;
  fault.kind = kind;
  fault.wear = {.initial = 1, .final = 1, .onset_s = 0, .growth_s = 0};
  const Level& level = kLevels[static_cast<unsigned>(kind) - 1][static_cast<unsigned>(size)];
  fault.strike_g = level.strike_g;
  fault.roughness_g = level.roughness_g;
  return fault;
}

void Vary(MachineConfig& config, std::uint64_t seed, float spread) {
  std::uint64_t drawn = 0;
  const auto factor = [&](float by) { return 1.0F + by * Uniform(WordAt(seed, drawn++)); };
  const float slight = 0.1F * spread;
  const float speed = factor(slight);
  for (Regime& regime : config.drive.regimes) {
    regime.speed_hz *= speed;
  }
  for (Tone& tone : config.tones) {
    tone.amplitude_g *= factor(spread);
  }
  for (Mode& mode : config.structure.modes) {
    mode.frequency_hz *= factor(slight);
    mode.noise_g *= factor(spread);
    mode.strike_gain *= factor(spread);
  }
  config.structure.floor_g *= factor(spread);
  config.sensor.gain *= factor(slight);
}

}  // namespace trib::simulation
