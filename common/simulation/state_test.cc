// What changes slowly: speed, wear, temperature, the sensor's drift; and what is refused.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "trib/common/simulation/machine.h"

namespace trib::simulation {
namespace {

constexpr std::uint64_t kSecond = 12'000;
constexpr std::uint64_t kHour = 3'600 * kSecond;

TEST(Speed, WandersAsConfiguredAndKeepsItsMean) {
  MachineConfig config = DefaultMachine();
  config.drive.wander = 0.01F;
  config.drive.wander_s = 2;
  const Machine machine(config, 8);
  double sum = 0;
  double squares = 0;
  constexpr int kLooks = 20'000;
  for (int i = 0; i < kLooks; ++i) {
    const double speed =
        static_cast<double>(machine.StateAt(static_cast<std::uint64_t>(i) * 6'001).speed_hz) /
        29.95;
    sum += speed / kLooks;
    squares += (speed - 1) * (speed - 1) / kLooks;
  }
  EXPECT_NEAR(sum, 1, 2e-4);
  EXPECT_NEAR(std::sqrt(squares), 0.01, 0.0005);
}

TEST(Speed, GoesStraightFromOneRegimeToTheNext) {
  MachineConfig config = DefaultMachine();
  config.drive.wander = 0;
  config.drive.ramp_s = 100;
  config.drive.regimes.clear();
  (void)config.drive.regimes.push_back({.duration_s = 1'000, .speed_hz = 30, .load = 1});
  (void)config.drive.regimes.push_back({.duration_s = 500, .speed_hz = 10, .load = 0.5F});
  const Machine machine(config, 8);
  const auto speed = [&](double second) {
    return machine.StateAt(static_cast<std::uint64_t>(second * 12'000)).speed_hz;
  };
  for (const double cycle : {0.0, 1'500.0, 150'000.0}) {
    EXPECT_NEAR(speed(cycle + 500), 30, 1e-3);
    EXPECT_NEAR(speed(cycle + 1'000), 30, 0.01);
    EXPECT_NEAR(speed(cycle + 1'025), 25, 0.01);
    EXPECT_NEAR(speed(cycle + 1'050), 20, 0.01);
    EXPECT_NEAR(speed(cycle + 1'101), 10, 1e-3);
    EXPECT_NEAR(speed(cycle + 1'499), 10, 1e-3);
    EXPECT_NEAR(speed(cycle + 1'550), 20, 0.01);
    EXPECT_EQ(machine.StateAt(static_cast<std::uint64_t>(cycle + 1'200) * kSecond).load, 0.5F);
  }
}

TEST(Wear, IsQuietThenGrowsFasterAndFasterThenStays) {
  MachineConfig config = DefaultMachine();
  BearingFault fault = FaultOf(FaultKind::kInnerRace);
  fault.wear = {.initial = 0.02F, .final = 0.9F, .onset_s = 10'000, .growth_s = 4'000};
  (void)config.faults.push_back(fault);
  config.age_s = 5'000;
  const Machine machine(config, 1);
  const auto severity = [&](std::uint64_t age_s) {
    return machine.StateAt((age_s - 5'000) * kSecond).severity[0];
  };
  EXPECT_EQ(severity(5'000), 0.02F);
  EXPECT_EQ(severity(9'999), 0.02F);
  float before = 0.02F;
  float step_before = 0;
  for (std::uint64_t age = 10'100; age <= 13'900; age += 100) {
    const float now = severity(age);
    EXPECT_GT(now, before);
    EXPECT_GT(now - before, step_before * 0.98F) << age;
    step_before = now - before;
    before = now;
  }
  EXPECT_LT(severity(12'000), 0.15F);
  EXPECT_EQ(severity(14'001), 0.9F);
  EXPECT_EQ(severity(1'000'000), 0.9F);
}

TEST(Temperature, IsOfTheDayAndOfTheMachine) {
  MachineConfig config = DefaultMachine();
  config.climate = {.ambient_c = 10, .daily_c = 5, .heat_c = 20, .heat_s = 1'800, .mode_per_c = 0};
  config.time_of_day_s = 3 * 3'600;
  const Machine machine(config, 1);
  const auto at = [&](double hours) {
    return machine.StateAt(static_cast<std::uint64_t>(hours * static_cast<double>(kHour)))
        .temperature_c;
  };
  EXPECT_NEAR(at(0), 10 - 5, 0.1);  // coldest at three, and the machine still cold
  EXPECT_NEAR(at(12), 10 + 5 + 20, 0.05);
  EXPECT_NEAR(at(24), 10 - 5 + 20, 0.05);
  EXPECT_NEAR(at(36), 10 + 5 + 20, 0.05);
  EXPECT_NEAR(at(24.0 * 300 + 18), 10 + 20, 0.1);
  EXPECT_NEAR(at(0.5) - at(0), 20 * (1 - std::exp(-1.0)), 0.3);
}

TEST(Temperature, IsShareOfTheHeatThatSpeedAndLoadMake) {
  MachineConfig config = DefaultMachine();
  config.drive.regimes.clear();
  (void)config.drive.regimes.push_back({.duration_s = 1'000, .speed_hz = 30, .load = 1});
  (void)config.drive.regimes.push_back({.duration_s = 3'000, .speed_hz = 15, .load = 0.5F});
  const Machine machine(config, 1);
  EXPECT_NEAR(machine.StateAt(20 * kHour).temperature_c, 20 + 30 * (0.25 + 0.75 * 0.25), 0.05);
}

TEST(SensorDrift, FollowsTemperatureAndAge) {
  MachineConfig config = DefaultMachine();
  config.climate.ambient_c = 15;
  config.sensor.gain = 1.1F;
  config.sensor.gain_per_c = -1e-3F;
  config.sensor.gain_per_year = -0.05F;
  config.sensor.offset_g = 0.01F;
  config.sensor.offset_g_per_c = 2e-3F;
  config.age_s = 2 * 31'557'600.0F;
  const Machine machine(config, 1);
  const MachineState state = machine.StateAt(30 * kHour);  // 45 degrees: 20 above the reference
  EXPECT_NEAR(state.gain, 1.1 * (1 - 0.02 - 0.1), 1e-3);
  EXPECT_NEAR(state.offset_g, 0.01 + 0.04, 1e-4);
}

TEST(Vary, MakesMachinesOfOneKindThatAreNotEqual) {
  const MachineConfig plain = DefaultMachine();
  MachineConfig a = plain;
  MachineConfig b = plain;
  MachineConfig again = plain;
  Vary(a, 1, 0.2F);
  Vary(b, 2, 0.2F);
  Vary(again, 1, 0.2F);
  EXPECT_EQ(a.structure.floor_g, again.structure.floor_g);
  EXPECT_NE(a.structure.floor_g, b.structure.floor_g);
  EXPECT_NE(a.drive.regimes[0].speed_hz, b.drive.regimes[0].speed_hz);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    MachineConfig one = plain;
    Vary(one, seed, 0.2F);
    EXPECT_TRUE(Validate(one).ok()) << seed;
    EXPECT_NEAR(one.drive.regimes[0].speed_hz / 29.95F, 1, 0.0201);
    EXPECT_NEAR(one.tones[0].amplitude_g / plain.tones[0].amplitude_g, 1, 0.201);
  }
  MachineConfig none = plain;
  Vary(none, 1, 0);
  EXPECT_EQ(none.structure.floor_g, plain.structure.floor_g);
}

class ValidateTest : public ::testing::Test {
 protected:
  template <typename Change>
  void ExpectRefused(InvalidField field, Change change) {
    MachineConfig config = DefaultMachine();
    (void)config.faults.push_back(FaultOf(FaultKind::kBall));
    ASSERT_TRUE(Validate(config).ok());
    change(config);
    const Status status = Validate(config);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_EQ(status.reason(), static_cast<std::uint16_t>(field));
  }
};

TEST_F(ValidateTest, NamesTheFieldThatIsWrong) {
  using F = InvalidField;
  using C = MachineConfig;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  ExpectRefused(F::kSampleRate, [](C& c) { c.sample_rate_hz = 99; });
  ExpectRefused(F::kAge, [](C& c) { c.age_s = kNan; });
  ExpectRefused(F::kAge, [](C& c) { c.time_of_day_s = 86'401; });
  ExpectRefused(F::kBearing, [](C& c) { c.bearing.balls = 2; });
  ExpectRefused(F::kBearing, [](C& c) { c.bearing.pitch_mm = c.bearing.ball_mm; });
  ExpectRefused(F::kBearing, [](C& c) { c.bearing.jitter = 0.26F; });
  ExpectRefused(F::kBearing, [](C& c) { c.bearing.load_zone = 0; });
  ExpectRefused(F::kRegime, [](C& c) { c.drive.regimes.clear(); });
  ExpectRefused(F::kRegime, [](C& c) { c.drive.regimes[0].speed_hz = 0; });
  ExpectRefused(F::kRegime, [](C& c) { c.drive.regimes[0].speed_hz = kNan; });
  ExpectRefused(F::kRegime, [](C& c) { c.drive.regimes[0].duration_s = 0.5F; });
  ExpectRefused(F::kDrive, [](C& c) { c.drive.wander = 0.03F; });
  ExpectRefused(F::kDrive, [](C& c) { c.drive.start_turns = 1; });
  ExpectRefused(F::kTone, [](C& c) { c.tones[0].order = 201; });  // above half the rate
  ExpectRefused(F::kTone, [](C& c) { c.tones[0].amplitude_g = -1; });
  ExpectRefused(F::kMode, [](C& c) { c.structure.modes[0].frequency_hz = 5'900; });
  ExpectRefused(F::kMode, [](C& c) { c.structure.modes[0].damping = 0; });
  ExpectRefused(F::kMode, [](C& c) { c.structure.floor_g = kNan; });
  ExpectRefused(F::kFault, [](C& c) { c.faults[0].kind = FaultKind::kUnspecified; });
  ExpectRefused(F::kFault, [](C& c) { c.faults[0].wear.final = 1.1F; });
  ExpectRefused(F::kFault, [](C& c) { c.faults[0].strike_g = kNan; });
  ExpectRefused(F::kClimate, [](C& c) { c.climate.heat_s = 0; });
  ExpectRefused(F::kSensor, [](C& c) { c.sensor.scale_g = 0; });
  ExpectRefused(F::kSensor, [](C& c) { c.sensor.gain = kNan; });
}

}  // namespace
}  // namespace trib::simulation
