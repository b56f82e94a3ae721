#include "trib/common/simulation/machine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace trib::simulation {
namespace {

constexpr double kRate = 12'000;

std::vector<std::int16_t> Read(Machine& machine, std::size_t frames, std::size_t step = 1'000) {
  std::vector<std::int16_t> out(frames);
  for (std::size_t at = 0; at < frames; at += step) {
    machine.Read(std::span(out).subspan(at, std::min(step, frames - at)));
  }
  return out;
}

std::vector<float> Signal(Machine& machine, std::size_t frames) {
  std::vector<float> out(frames);
  machine.ReadSignal(out);
  return out;
}

MachineConfig Faulty(FaultKind kind) {
  MachineConfig config = DefaultMachine();
  (void)config.faults.push_back(FaultOf(kind));
  return config;
}

/// Nothing but one mode that has rung down before the next strike, and one fault.
MachineConfig Silent(FaultKind kind) {
  MachineConfig config;
  (void)config.drive.regimes.push_back({});
  config.drive.wander = 0;
  (void)config.structure.modes.push_back(
      {.frequency_hz = 3'000, .damping = 0.2F, .noise_g = 0, .strike_gain = 1});
  BearingFault fault;
  fault.kind = kind;
  fault.wear = {.initial = 1, .final = 1, .onset_s = 0, .growth_s = 0};
  fault.scatter = 0;
  (void)config.faults.push_back(fault);
  return config;
}

double Rms(std::span<const float> signal) {
  double sum = 0;
  for (const float x : signal) {
    sum += static_cast<double>(x) * static_cast<double>(x);
  }
  return std::sqrt(sum / static_cast<double>(signal.size()));
}

/// Frames at which a Silent() machine was struck: more than a tenth after 20 frames below it.
std::vector<std::size_t> StrikesIn(std::span<const float> signal) {
  std::vector<std::size_t> out;
  std::size_t quiet_since = 0;
  for (std::size_t i = 0; i < signal.size(); ++i) {
    if (std::fabs(signal[i]) > 0.02F) {
      if (i - quiet_since >= 20 || (out.empty() && i < 20)) {
        out.push_back(i);
      }
      quiet_since = i;
    }
  }
  return out;
}

/// Amplitude at a frequency.
double ToneAt(std::span<const float> signal, double hz) {
  double re = 0;
  double im = 0;
  for (std::size_t i = 0; i < signal.size(); ++i) {
    const double angle = 2 * std::numbers::pi * hz * static_cast<double>(i) / kRate;
    re += static_cast<double>(signal[i]) * std::cos(angle);
    im += static_cast<double>(signal[i]) * std::sin(angle);
  }
  return 2 * std::hypot(re, im) / static_cast<double>(signal.size());
}

TEST(Machine, IsEqualForEqualSeedsHoweverItIsRead) {
  const MachineConfig config = Faulty(FaultKind::kInnerRace);
  Machine a(config, 5);
  const auto whole = Read(a, 30'000, 30'000);
  for (const std::size_t step : {1U, 77U, 256U, 4'096U}) {
    Machine b(config, 5);
    EXPECT_EQ(Read(b, 30'000, step), whole) << step;
  }
  Machine other(config, 6);
  EXPECT_NE(Read(other, 30'000), whole);
}

TEST(Machine, SeekGivesWhatReadingOnWouldHaveGiven) {
  for (const FaultKind kind : {FaultKind::kOuterRace, FaultKind::kInnerRace, FaultKind::kBall}) {
    const MachineConfig config = Faulty(kind);
    Machine straight(config, 9);
    const auto whole = Signal(straight, 100'000);
    const double largest = static_cast<double>(*std::max_element(whole.begin(), whole.end()));
    Machine jumping(config, 9);
    EXPECT_LT(jumping.warm_up_frames(), 128U);
    for (const std::uint64_t frame : {70'001U, 300U, 256U, 99'000U, 12'345U, 0U}) {
      jumping.Seek(frame);
      EXPECT_EQ(jumping.next_frame(), frame);
      const auto part = Signal(jumping, 1'000);
      for (std::size_t i = 0; i < part.size(); ++i) {
        ASSERT_NEAR(part[i], whole[frame + i], 1e-3 * largest) << frame << " + " << i;
      }
    }
  }
}

TEST(Machine, LivesLong) {
  Machine machine(Faulty(FaultKind::kOuterRace), 2);
  for (const std::uint64_t year : {1U, 10U, 100U}) {
    machine.Seek(year * 31'557'600U * 12'000U);
    const double rms = Rms(Signal(machine, 12'000));
    EXPECT_GT(rms, 0.4);
    EXPECT_LT(rms, 0.8);
  }
}

TEST(Machine, StrikesFromTheFirstTurnOnHoweverItWanders) {
  MachineConfig config = DefaultMachine();
  ASSERT_TRUE(config.faults.push_back(FaultOf(FaultKind::kOuterRace)));
  config.drive.wander = 0.01F;
  std::vector<std::int16_t> samples(2048);
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Machine machine(config, seed);
    machine.Read(samples);
    EXPECT_GT(*std::max_element(samples.begin(), samples.end()), 500) << "seed " << seed;
  }
}

// After 2.3 years of 30 turns per second, and then every 4.5, the angle wraps.
TEST(Machine, GetsOverTheWrappingOfItsAngle) {
  MachineConfig config = Faulty(FaultKind::kInnerRace);
  config.drive.start_turns = 0;
  Machine machine(config, 2);
  machine.Seek(static_cast<std::uint64_t>(0x1p31 / 29.95 * kRate) - 12'000);
  for (int second = 0; second < 3; ++second) {
    const double rms = Rms(Signal(machine, 12'000));
    EXPECT_GT(rms, 0.35);
    EXPECT_LT(rms, 0.7);
  }
}

TEST(Machine, NoStrikeIsLostOrDoubledBetweenBlocks) {
  for (const FaultKind kind :
       {FaultKind::kOuterRace, FaultKind::kInnerRace, FaultKind::kBall, FaultKind::kCage}) {
    MachineConfig config = Silent(kind);
    config.bearing.load_zone = 10;  // every strike is nearly as hard as the next
    config.bearing.jitter = 0.2F;
    config.drive.wander = 0.001F;
    config.drive.start_turns = 0;
    Machine machine(config, 11);
    const auto strikes = StrikesIn(Signal(machine, 1'200'000));
    const double per_second = 29.95 * static_cast<double>(machine.MultipleOf(kind));
    EXPECT_NEAR(static_cast<double>(strikes.size()), 100 * per_second, 2) << static_cast<int>(kind);
    const double period = kRate / per_second;
    double early = 1e9;
    double late = 0;
    for (std::size_t i = 1; i < strikes.size(); ++i) {
      const auto between = static_cast<double>(strikes[i] - strikes[i - 1]);
      early = std::min(early, between / period);
      late = std::max(late, between / period);
    }
    EXPECT_GT(early, 0.58);
    EXPECT_LT(late, 1.42);
    EXPECT_LT(early, 0.75) << "the strikes do not slip";
  }
}

TEST(Machine, InnerRaceIsStruckInTheLoadZoneOnly) {
  MachineConfig config = Silent(FaultKind::kInnerRace);
  config.bearing.load_zone = 0.3F;  // 66 degrees to both sides
  config.drive.start_turns = 0;     // the spot begins at the zone's centre
  Machine machine(config, 1);
  const auto strikes = StrikesIn(Signal(machine, 240'000));
  EXPECT_GT(strikes.size(), 20U * 30U);
  for (const std::size_t frame : strikes) {
    const double turns = 29.95 * static_cast<double>(frame) / kRate;
    const double from_centre = std::fabs(turns - std::round(turns)) * 360;
    EXPECT_LT(from_centre, 68) << frame;
  }
}

TEST(Machine, OuterRaceOutsideTheLoadZoneIsNotStruck) {
  MachineConfig config = Silent(FaultKind::kOuterRace);
  config.bearing.load_zone = 0.5F;
  config.faults[0].angle_turns = 0.3F;
  Machine machine(config, 1);
  EXPECT_EQ(Rms(Signal(machine, 12'000)), 0);
  config.faults[0].angle_turns = -0.2F;
  Machine inside(config, 1);
  EXPECT_GT(Rms(Signal(inside, 12'000)), 0.01);
}

TEST(Machine, SlipMovesTheLinesAsACageThatLagsWould) {
  MachineConfig config = DefaultMachine();
  const Machine rolling(config, 1);
  config.bearing.slip = 0.02F;
  const Machine sliding(config, 1);
  const auto of = [](const Machine& m, FaultKind k) {
    return static_cast<double>(m.MultipleOf(k));
  };
  EXPECT_NEAR(of(sliding, FaultKind::kOuterRace), 0.98 * of(rolling, FaultKind::kOuterRace), 1e-5);
  EXPECT_NEAR(of(sliding, FaultKind::kOuterRace) + of(sliding, FaultKind::kInnerRace), 9, 1e-5);
}

TEST(Machine, ModesAreAsLoudAsConfigured) {
  MachineConfig config = Silent(FaultKind::kOuterRace);
  config.faults.clear();
  for (const float frequency : {400.0F, 2'000.0F, 5'500.0F}) {
    for (const float damping : {0.01F, 0.05F, 0.3F}) {
      config.structure.modes[0] = {
          .frequency_hz = frequency, .damping = damping, .noise_g = 0.5F, .strike_gain = 0};
      Machine machine(config, 4);
      machine.Seek(100'000);
      EXPECT_NEAR(Rms(Signal(machine, 400'000)), 0.5, 0.03) << frequency << " Hz, " << damping;
    }
  }
}

TEST(Machine, LinesTurnWithTheShaftAndGrowWithItsSquare) {
  MachineConfig config = Silent(FaultKind::kOuterRace);
  config.faults.clear();
  (void)config.tones.push_back({.order = 1, .amplitude_g = 0.2F});
  (void)config.tones.push_back({.order = 12.5F, .amplitude_g = 0.1F});
  (void)config.drive.regimes.push_back({.duration_s = 3'600, .speed_hz = 14.975F, .load = 1});
  Machine machine(config, 4);
  machine.Seek(std::uint64_t{600} * 12'000);
  const auto fast = Signal(machine, 48'000);
  EXPECT_NEAR(ToneAt(fast, 29.95), 0.2, 0.002);
  EXPECT_NEAR(ToneAt(fast, 12.5 * 29.95), 0.1, 0.002);
  machine.Seek(std::uint64_t{5'000} * 12'000);
  const auto slow = Signal(machine, 48'000);
  EXPECT_NEAR(ToneAt(slow, 14.975), 0.05, 0.001);
  EXPECT_NEAR(ToneAt(slow, 29.95), 0, 0.001);
}

TEST(Machine, AtRestOnlyTheSensorIsHeard) {
  MachineConfig config = Faulty(FaultKind::kOuterRace);
  (void)config.drive.regimes.push_back({.duration_s = 600, .speed_hz = 0, .load = 0});
  Machine machine(config, 4);
  machine.Seek(std::uint64_t{3'900} * 12'000);
  EXPECT_EQ(machine.state().speed_hz, 0);
  EXPECT_NEAR(Rms(Signal(machine, 24'000)), static_cast<double>(config.structure.floor_g), 0.0005);
}

TEST(Machine, ASeverityThatIsSetRulesAtOnceAndWearNoMore) {
  MachineConfig config = Faulty(FaultKind::kOuterRace);
  Machine machine(config, 4);
  (void)Signal(machine, 1'000);
  machine.SetSeverity(0, 0);
  EXPECT_EQ(machine.state().severity[0], 0);
  (void)Signal(machine, 500);
  EXPECT_LT(Rms(Signal(machine, 12'000)), 0.08);
  machine.SetSeverity(0, 0.5F);
  const double half = Rms(Signal(machine, 12'000));
  machine.SetSeverity(0, 1);
  EXPECT_NEAR(Rms(Signal(machine, 12'000)) / half, 2, 0.15);
}

TEST(Sensor, RoundsAndStaysAtTheRailsAndCountsThat) {
  MachineConfig config = Silent(FaultKind::kOuterRace);
  config.faults.clear();
  config.sensor = {.scale_g = 0.01F, .gain = 2, .offset_g = 0.5F};
  config.sensor.range_g = 3;
  (void)config.tones.push_back({.order = 1, .amplitude_g = 1});
  Machine signal(config, 4);
  Machine sensor(config, 4);
  const auto want = Signal(signal, 6'000);
  std::vector<std::int16_t> got(6'000);
  EXPECT_EQ(sensor.Read(got), 0U);
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i], std::lround((want[i] * 2 + 0.5F) * 100)) << i;
  }
  config.sensor.range_g = 2;
  Machine narrow(config, 4);
  const std::size_t clipped = narrow.Read(got);
  EXPECT_GT(clipped, 1'000U);
  EXPECT_EQ(static_cast<std::size_t>(
                std::count_if(want.begin(), want.end(), [](float x) { return x * 2 + 0.5F >= 2; })),
            clipped);
  EXPECT_EQ(*std::max_element(got.begin(), got.end()), 200);
  config.sensor.scale_g = 1e-5F;  // the converter's own rails come first
  config.sensor.range_g = 1'000;
  Machine fine(config, 4);
  EXPECT_GT(fine.Read(got), 5'000U);
  EXPECT_EQ(*std::max_element(got.begin(), got.end()), 32'767);
  EXPECT_EQ(*std::min_element(got.begin(), got.end()), -32'767);
}

}  // namespace
}  // namespace trib::simulation
