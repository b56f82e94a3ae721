#include "trib/node/sim/machine_file.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "trib/common/host/config/config_file.h"

namespace trib::node::sim {
namespace {

namespace config = host::config;
using simulation::FaultKind;
using simulation::MachineConfig;

/// 1e9 s, more than 31 years.
constexpr Millis kEver{1'000'000'000'000};

/// What simulation::Validate() allows, said at the key.
float Get(config::Section& section, std::string_view key, float fallback, double low, double high) {
  const double value = section.Double(key, static_cast<double>(fallback), {low, high});
  return static_cast<float>(value);
}

float Seconds(
    config::Section& section, std::string_view key, double fallback_s, Millis low, Millis high) {
  const Millis fallback(std::llround(fallback_s * 1000));
  return static_cast<float>(
      static_cast<double>(section.Duration(key, fallback, {low, high}).count()) / 1000);
}

/// Tables of `key` replace what is in `out`; more than it can hold is an error.
template <typename Items, typename Read>
void GetTables(config::Section& section, std::string_view key, Items& out, Read read) {
  auto tables = section.Tables(key);
  if (tables.empty()) {
    return;
  }
  out.clear();
  for (config::Section& table : tables) {
    if (!out.push_back(read(table))) {
      table.Fail("", "there may be at most " + std::to_string(out.capacity()) + " of these");
    }
  }
}

void ReadBearing(config::Section& section, simulation::BearingGeometry& bearing) {
  bearing.balls = static_cast<std::uint32_t>(
      section.Int("bearing.balls", std::int64_t{bearing.balls}, {3, 64}));
  bearing.ball_mm = Get(section, "bearing.ball_mm", bearing.ball_mm, 0.01, 1e4);
  bearing.pitch_mm = Get(section, "bearing.pitch_mm", bearing.pitch_mm, 0.01, 1e5);
  if (!(bearing.ball_mm < bearing.pitch_mm)) {
    section.Fail("bearing.ball_mm", "balls must be smaller than the pitch diameter");
  }
  bearing.contact_deg = Get(section, "bearing.contact_deg", bearing.contact_deg, 0, 60);
  bearing.slip = Get(section, "bearing.slip", bearing.slip, 0, 0.2);
  bearing.jitter = Get(section, "bearing.jitter", bearing.jitter, 0, 0.25);
  bearing.load_zone = Get(section, "bearing.load_zone", bearing.load_zone, 0.1, 10);
}

void ReadDrive(config::Section& section, simulation::Drive& drive, double rate) {
  GetTables(section, "drive.regime", drive.regimes, [&](config::Section& table) {
    simulation::Regime regime;
    regime.duration_s = Seconds(table, "duration", 3'600, Millis(1'000), Millis(10'000'000'000));
    regime.speed_hz = Get(table, "speed_hz", regime.speed_hz, 0, std::min(1'000.0, 0.1 * rate));
    regime.load = Get(table, "load", regime.load, 0, 10);
    return regime;
  });
  if (!(drive.regimes[0].speed_hz > 0)) {
    section.Fail("drive.regime", "the first regime sets the nominal speed; it must be above 0");
  }
  const Millis longest(static_cast<std::int64_t>(std::min(1e6, 1e11 / rate)));
  drive.ramp_s =
      Seconds(section, "drive.ramp", static_cast<double>(drive.ramp_s), Millis(0), longest);
  drive.wander = Get(section, "drive.wander", drive.wander, 0, 0.02);
  drive.wander_s = Seconds(section,
                           "drive.wander_time",
                           static_cast<double>(drive.wander_s),
                           Millis(100),
                           Millis(1'000'000));
  if (section.Has("drive.start_turns")) {
    drive.start_turns = Get(section, "drive.start_turns", 0, 0, 0.999999);
  }
}

void ReadStructure(config::Section& section, MachineConfig& machine, double rate) {
  double fastest = 0;
  for (const simulation::Regime& regime : machine.drive.regimes) {
    fastest = std::max(fastest, static_cast<double>(regime.speed_hz));
  }
  GetTables(section, "tone", machine.tones, [&](config::Section& table) {
    simulation::Tone tone;
    const double most = fastest > 0 ? std::min(250.0, 0.499 * rate / fastest) : 250.0;
    tone.order = static_cast<float>(table.Double("order", {0.01, most}));
    tone.amplitude_g = static_cast<float>(table.Double("amplitude_g", {0, 1'000}));
    if (table.Has("phase_turns")) {
      tone.phase_turns = Get(table, "phase_turns", 0, 0, 0.999999);
    }
    return tone;
  });
  machine.structure.floor_g =
      Get(section, "structure.floor_g", machine.structure.floor_g, 0, 1'000);
  const double change = 175.0 * std::fabs(static_cast<double>(machine.climate.mode_per_c));
  GetTables(section, "structure.mode", machine.structure.modes, [&](config::Section& table) {
    simulation::Mode mode;
    mode.frequency_hz = static_cast<float>(
        table.Double("frequency_hz", {0.0051 * rate / (1 - change), 0.4899 * rate / (1 + change)}));
    mode.damping = Get(table, "damping", mode.damping, 1e-4, 0.3);
    mode.noise_g = Get(table, "noise_g", 0, 0, 1'000);
    mode.strike_gain = Get(table, "strike_gain", 0, 0, 1'000);
    return mode;
  });
}

simulation::BearingFault ReadFault(config::Section& table) {
  constexpr std::array<std::string_view, 4> kKinds = {"outer_race", "inner_race", "ball", "cage"};
  constexpr std::array<std::string_view, 3> kSizes = {"0.007", "0.014", "0.021"};
  const auto index = [](const auto& names, const std::string& name) {
    return static_cast<std::uint8_t>(std::find(names.begin(), names.end(), name) - names.begin());
  };
  const std::string kind = table.Enum("kind", kKinds);
  const std::string size = table.Enum("size_inch", kSizes.back(), kSizes);
  const std::uint8_t number = index(kKinds, kind);
  if (number >= kKinds.size()) {
    return {};  // an error was noted
  }
  simulation::BearingFault fault = simulation::FaultOf(
      static_cast<FaultKind>(number + 1), static_cast<simulation::SpotSize>(index(kSizes, size)));
  fault.strike_g = Get(table, "strike_g", fault.strike_g, 0, 1'000);
  fault.roughness_g = Get(table, "roughness_g", fault.roughness_g, 0, 1'000);
  fault.scatter = Get(table, "scatter", fault.scatter, 0, 1);
  fault.angle_turns = Get(table, "angle_turns", fault.angle_turns, -1, 1);
  fault.wear.initial = Get(table, "initial", 0, 0, 1);
  fault.wear.final = Get(table, "final", 1, 0, 1);
  fault.wear.onset_s = Seconds(table, "onset", 0, Millis(0), kEver);
  fault.wear.growth_s = Seconds(table, "growth", 0, Millis(0), kEver);
  return fault;
}

void ReadClimate(config::Section& section, simulation::Climate& climate) {
  climate.ambient_c = Get(section, "climate.ambient_c", climate.ambient_c, -60, 100);
  climate.daily_c = Get(section, "climate.daily_c", climate.daily_c, 0, 30);
  climate.heat_c = Get(section, "climate.heat_c", climate.heat_c, 0, 150);
  climate.heat_s = Seconds(section,
                           "climate.heat_time",
                           static_cast<double>(climate.heat_s),
                           Millis(1'000),
                           Millis(1'000'000'000));
  climate.mode_per_c = Get(section, "climate.mode_per_c", climate.mode_per_c, -0.002, 0.002);
}

void ReadSensor(config::Section& section, simulation::SensorModel& sensor) {
  sensor.scale_g = Get(section, "sensor.scale_g", sensor.scale_g, 1e-9, 1e3);
  sensor.gain = Get(section, "sensor.gain", sensor.gain, 1e-3, 1e3);
  sensor.offset_g = Get(section, "sensor.offset_g", sensor.offset_g, -1e3, 1e3);
  sensor.gain_per_c = Get(section, "sensor.gain_per_c", sensor.gain_per_c, -0.1, 0.1);
  sensor.offset_g_per_c = Get(section, "sensor.offset_g_per_c", sensor.offset_g_per_c, -10, 10);
  sensor.gain_per_year = Get(section, "sensor.gain_per_year", sensor.gain_per_year, -1, 1);
  sensor.range_g = Get(section, "sensor.range_g", sensor.range_g, 1e-6, 1e6);
  sensor.tachometer = section.Bool("sensor.tachometer", sensor.tachometer);
}

std::vector<InjectedFault> ReadSensorFaults(config::Section& section) {
  constexpr std::array<std::string_view, 7> kKinds = {
      "stuck", "clipped", "missing", "nonfinite", "scale", "range", "gap"};
  std::vector<InjectedFault> out;
  for (config::Section& table : section.Tables("sensor_fault")) {
    InjectedFault fault;
    if (const auto kind = simulation::ParseSensorFaultKind(table.Enum("kind", kKinds))) {
      fault.kind = *kind;
    }
    fault.begin_s = static_cast<double>(table.Duration("begin", {Millis(0), kEver}).count()) / 1000;
    fault.end_s = static_cast<double>(table.Duration("end", {Millis(0), kEver}).count()) / 1000;
    if (fault.end_s <= fault.begin_s) {
      table.Fail("end", "must be later than begin");
    }
    out.push_back(fault);
  }
  return out;
}

/// One number for both ends, or `from` and `to`.
std::vector<InjectedDrift> ReadSensorDrifts(config::Section& section) {
  constexpr std::array<std::string_view, 3> kKinds = {"gain", "offset", "noise"};
  std::vector<InjectedDrift> out;
  for (config::Section& table : section.Tables("sensor_drift")) {
    InjectedDrift drift;
    if (const auto kind = simulation::ParseSensorDriftKind(table.Enum("kind", kKinds))) {
      drift.kind = *kind;
    }
    drift.stays = table.Has("from") || table.Has("to");
    if (drift.stays == table.Has("value")) {
      table.Fail("kind", "give either value, or from and to");
    }
    const float most = drift.kind == InjectedDrift::Kind::kGain ? kMaxGain : kMaxOffset;
    const float least = drift.kind == InjectedDrift::Kind::kOffset ? -kMaxOffset : 0;
    const auto get = [&](const char* key) {
      return static_cast<float>(table.Double(key, {least, most}));
    };
    drift.from = drift.stays ? get("from") : get("value");
    drift.to = drift.stays ? get("to") : drift.from;
    drift.begin_s = static_cast<double>(table.Duration("begin", {Millis(0), kEver}).count()) / 1000;
    drift.end_s = static_cast<double>(table.Duration("end", {Millis(0), kEver}).count()) / 1000;
    if (drift.end_s <= drift.begin_s) {
      table.Fail("end", "must be later than begin");
    }
    out.push_back(drift);
  }
  return out;
}

void ReadSampling(config::Section& section, MachineSource::Options& source, double rate) {
  source.burst_frames = static_cast<std::uint64_t>(
      section.Int("sampling.burst_frames", 0, {0, std::int64_t{1} << 40}));
  const Millis period =
      section.Duration("sampling.period", Millis(0), {Millis(0), Millis(10'000'000'000)});
  source.period_frames =
      static_cast<std::uint64_t>(static_cast<double>(period.count()) * rate / 1000);
  if ((source.burst_frames == 0) != (source.period_frames == 0)) {
    section.Fail("sampling", "burst_frames and period go together");
  } else if (source.burst_frames > source.period_frames) {
    section.Fail("sampling.burst_frames", "a burst must fit into its period");
  }
}

}  // namespace

MachineFile ReadMachine(config::Section& section) {
  MachineFile out;
  MachineConfig& machine = out.source.machine;
  out.source.seed = static_cast<std::uint64_t>(section.Int("seed", 1, {0, INT64_MAX}));
  out.spread = Get(section, "spread", 0, 0, 0.5);
  machine.sample_rate_hz = static_cast<std::uint32_t>(
      section.Int("sample_rate_hz", std::int64_t{machine.sample_rate_hz}, {1'000, 1'000'000}));
  const double rate = machine.sample_rate_hz;
  machine.age_s = Seconds(section, "age", 0, Millis(0), kEver);
  machine.time_of_day_s = Seconds(section, "time_of_day", 0, Millis(0), Millis(86'400'000));
  out.source.seconds =
      static_cast<double>(section.Duration("duration", Millis(0), {Millis(0), kEver}).count()) /
      1000;
  ReadBearing(section, machine.bearing);
  ReadDrive(section, machine.drive, rate);
  ReadClimate(section, machine.climate);
  ReadStructure(section, machine, rate);
  GetTables(section, "fault", machine.faults, ReadFault);
  ReadSensor(section, machine.sensor);
  ReadSampling(section, out.source, rate);
  out.sensor_faults = ReadSensorFaults(section);
  out.sensor_drifts = ReadSensorDrifts(section);
  return out;
}

Result<MachineFile> LoadMachineFile(const std::filesystem::path& path,
                                    std::vector<std::string>& errors) {
  auto file = config::ConfigFile::Load(path);
  MachineFile out = ReadMachine(file);
  Status status = file.Finish();
  errors = file.errors();
  if (status.ok()) {
    // Default tones and modes may not suit another sampling rate or speed.
    status = simulation::Validate(out.source.machine);
    if (!status.ok()) {
      const bool tone =
          status.reason() == static_cast<std::uint16_t>(simulation::InvalidField::kTone);
      errors.push_back(path.filename().string() + ": the default " +
                       (tone ? "tones" : "structure") +
                       " cannot be sampled at this rate and speed; give " +
                       (tone ? "[[tone]]" : "[[structure.mode]]"));
    }
  }
  if (!status.ok()) {
    return status.code();
  }
  return out;
}

}  // namespace trib::node::sim
