#include "trib/node/sim/machine_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "trib/common/host/config/config_file.h"

namespace trib::node::sim {
namespace {

class MachineFileTest : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  Result<MachineFile> Load(const std::string& text) {
    std::ofstream(path_) << text;
    errors_.clear();
    return LoadMachineFile(path_, errors_);
  }
  /// All errors as one text, without the name of the file.
  std::string Refused(const std::string& text) {
    EXPECT_EQ(Load(text).status().code(), Code::kInvalidArgument) << text;
    std::string all;
    for (const std::string& error : errors_) {
      all += error.substr(error.find(':')) + "\n";
    }
    return all;
  }

  std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                ("trib_machine_" + std::to_string(getpid()) + ".toml");
  std::vector<std::string> errors_;
};

TEST_F(MachineFileTest, AnEmptyOneIsTheDefaultMachine) {
  const auto file = Load("");
  ASSERT_TRUE(file.ok()) << errors_.front();
  EXPECT_EQ(file->source.seed, 1U);
  EXPECT_EQ(file->source.burst_frames, 0U);
  EXPECT_EQ(file->source.seconds, 0);
  EXPECT_TRUE(file->source.machine.faults.empty());
  // The same samples: all defaults are the default machine's.
  simulation::Machine written(file->source.machine, 1);
  simulation::Machine built(simulation::DefaultMachine(), 1);
  std::vector<std::int16_t> a(2'000);
  std::vector<std::int16_t> b(2'000);
  written.Read(a);
  built.Read(b);
  EXPECT_EQ(a, b);
}

TEST_F(MachineFileTest, TakesEveryKey) {
  const auto file = Load(R"(
seed = 77
spread = 0.1
sample_rate_hz = 25600
age = "400d"
time_of_day = "8h"
duration = "2h"
[sampling]
burst_frames = 1024
period = "10s"
[bearing]
balls = 8
ball_mm = 6.75
pitch_mm = 28.5
contact_deg = 10
slip = 0.01
jitter = 0.02
load_zone = 0.6
[drive]
ramp = "20s"
wander = 0.002
wander_time = "6s"
start_turns = 0.25
[[drive.regime]]
duration = "8h"
speed_hz = 24.5
load = 0.8
[[drive.regime]]
duration = "16h"
speed_hz = 0
load = 0
[[tone]]
order = 1
amplitude_g = 0.3
phase_turns = 0.5
[structure]
floor_g = 0.02
[[structure.mode]]
frequency_hz = 5200
damping = 0.03
noise_g = 0.05
strike_gain = 0.9
[[fault]]
kind = "inner_race"
size_inch = "0.007"
strike_g = 2.5
roughness_g = 0.3
scatter = 0.4
angle_turns = -0.1
initial = 0.01
final = 0.8
onset = "401d"
growth = "30d"
[[fault]]
kind = "cage"
[climate]
ambient_c = 5
daily_c = 9
heat_c = 25
heat_time = "45m"
mode_per_c = -1e-4
[sensor]
scale_g = 0.001
gain = 1.1
offset_g = 0.01
gain_per_c = -2e-4
offset_g_per_c = 1e-4
gain_per_year = -0.01
range_g = 8
tachometer = true
[[sensor_fault]]
kind = "stuck"
begin = "10s"
end = "20s"
[[sensor_drift]]
kind = "gain"
from = 1
to = 1.2
begin = "30s"
end = "90s"
[[sensor_drift]]
kind = "offset"
value = -0.1
begin = "1h"
end = "2h"
)");
  ASSERT_TRUE(file.ok()) << errors_.front();
  const MachineSource::Options& source = file->source;
  const simulation::MachineConfig& machine = source.machine;
  EXPECT_EQ(source.seed, 77U);
  EXPECT_EQ(file->spread, 0.1F);
  EXPECT_EQ(source.seconds, 7'200);
  EXPECT_EQ(source.burst_frames, 1'024U);
  EXPECT_EQ(source.period_frames, 256'000U);
  EXPECT_EQ(machine.sample_rate_hz, 25'600U);
  EXPECT_EQ(machine.age_s, 400 * 86'400.0F);
  EXPECT_EQ(machine.time_of_day_s, 28'800);
  EXPECT_EQ(machine.bearing.balls, 8U);
  EXPECT_EQ(machine.bearing.ball_mm, 6.75F);
  EXPECT_EQ(machine.bearing.pitch_mm, 28.5F);
  EXPECT_EQ(machine.bearing.contact_deg, 10);
  EXPECT_EQ(machine.bearing.slip, 0.01F);
  EXPECT_EQ(machine.bearing.jitter, 0.02F);
  EXPECT_EQ(machine.bearing.load_zone, 0.6F);
  EXPECT_EQ(machine.drive.ramp_s, 20);
  EXPECT_EQ(machine.drive.wander, 0.002F);
  EXPECT_EQ(machine.drive.wander_s, 6);
  EXPECT_EQ(machine.drive.start_turns, 0.25F);
  ASSERT_EQ(machine.drive.regimes.size(), 2U);
  EXPECT_EQ(machine.drive.regimes[0].duration_s, 28'800);
  EXPECT_EQ(machine.drive.regimes[0].load, 0.8F);
  EXPECT_EQ(machine.drive.regimes[1].speed_hz, 0);
  ASSERT_EQ(machine.tones.size(), 1U);
  EXPECT_EQ(machine.tones[0].amplitude_g, 0.3F);
  EXPECT_EQ(machine.tones[0].phase_turns, 0.5F);
  EXPECT_EQ(machine.structure.floor_g, 0.02F);
  ASSERT_EQ(machine.structure.modes.size(), 1U);
  EXPECT_EQ(machine.structure.modes[0].frequency_hz, 5'200);
  EXPECT_EQ(machine.structure.modes[0].strike_gain, 0.9F);
  ASSERT_EQ(machine.faults.size(), 2U);
  EXPECT_EQ(machine.faults[0].kind, simulation::FaultKind::kInnerRace);
  EXPECT_EQ(machine.faults[0].strike_g, 2.5F);
  EXPECT_EQ(machine.faults[0].roughness_g, 0.3F);
  EXPECT_EQ(machine.faults[0].scatter, 0.4F);
  EXPECT_EQ(machine.faults[0].angle_turns, -0.1F);
  EXPECT_EQ(machine.faults[0].wear.initial, 0.01F);
  EXPECT_EQ(machine.faults[0].wear.final, 0.8F);
  EXPECT_EQ(machine.faults[0].wear.onset_s, 401 * 86'400.0F);
  EXPECT_EQ(machine.faults[0].wear.growth_s, 30 * 86'400.0F);
  EXPECT_EQ(machine.faults[1].kind, simulation::FaultKind::kCage);
  EXPECT_EQ(machine.faults[1].wear.final, 1);
  EXPECT_EQ(machine.climate.ambient_c, 5);
  EXPECT_EQ(machine.climate.daily_c, 9);
  EXPECT_EQ(machine.climate.heat_c, 25);
  EXPECT_EQ(machine.climate.heat_s, 2'700);
  EXPECT_EQ(machine.climate.mode_per_c, -1e-4F);
  EXPECT_EQ(machine.sensor.scale_g, 0.001F);
  EXPECT_EQ(machine.sensor.gain, 1.1F);
  EXPECT_EQ(machine.sensor.offset_g, 0.01F);
  EXPECT_EQ(machine.sensor.gain_per_c, -2e-4F);
  EXPECT_EQ(machine.sensor.offset_g_per_c, 1e-4F);
  EXPECT_EQ(machine.sensor.gain_per_year, -0.01F);
  EXPECT_EQ(machine.sensor.range_g, 8);
  EXPECT_TRUE(machine.sensor.tachometer);
  ASSERT_EQ(file->sensor_faults.size(), 1U);
  EXPECT_EQ(file->sensor_faults[0].kind, simulation::SensorFaultKind::kStuck);
  EXPECT_EQ(file->sensor_faults[0].end_s, 20);
  ASSERT_EQ(file->sensor_drifts.size(), 2U);
  EXPECT_EQ(file->sensor_drifts[0].kind, simulation::SensorDriftKind::kGain);
  EXPECT_EQ(file->sensor_drifts[0].from, 1);
  EXPECT_EQ(file->sensor_drifts[0].to, 1.2F);
  EXPECT_EQ(file->sensor_drifts[0].end_s, 90);
  EXPECT_TRUE(file->sensor_drifts[0].stays);
  EXPECT_EQ(file->sensor_drifts[1].from, -0.1F);
  EXPECT_EQ(file->sensor_drifts[1].to, -0.1F);
  EXPECT_FALSE(file->sensor_drifts[1].stays);
}

TEST_F(MachineFileTest, NamesWhatIsWrongAndWhere) {
  EXPECT_NE(Refused("[bearing]\nball = 9\n").find(":2: unknown key \"bearing.ball\""),
            std::string::npos);
  EXPECT_NE(Refused("[[fault]]\nkind = \"outer\"\n").find(":2: "), std::string::npos);
  EXPECT_NE(Refused("[bearing]\npitch_mm = 5\n").find("smaller than the pitch"), std::string::npos);
  EXPECT_NE(Refused("[sampling]\nburst_frames = 1024\n").find("go together"), std::string::npos);
  EXPECT_NE(Refused("[sampling]\nburst_frames = 13000\nperiod = \"1s\"\n").find("fit into"),
            std::string::npos);
  EXPECT_NE(
      Refused("[[sensor_fault]]\nkind = \"gap\"\nbegin = \"3s\"\nend = \"2s\"\n").find(":4: "),
      std::string::npos);
  const std::string drift = "[[sensor_drift]]\nkind = \"gain\"\nbegin = \"1s\"\nend = \"2s\"\n";
  EXPECT_NE(Refused(drift).find("either value, or from and to"), std::string::npos);
  EXPECT_NE(Refused(drift + "value = 1\nto = 2\n").find("either value, or from and to"),
            std::string::npos);
  EXPECT_NE(Refused(drift + "value = -1\n").find(":5: "), std::string::npos);
  EXPECT_NE(Refused("[[drive.regime]]\nspeed_hz = 0\n").find("nominal speed"), std::string::npos);
  EXPECT_NE(Refused("sample_rate_hz = 2500\n").find("give [[tone]]"), std::string::npos);
  std::string many;
  for (int i = 0; i < 5; ++i) {
    many += "[[fault]]\nkind = \"ball\"\n";
  }
  EXPECT_NE(Refused(many).find(":9: "), std::string::npos);
  std::filesystem::remove(path_);
  errors_.clear();
  EXPECT_EQ(LoadMachineFile(path_, errors_).status().code(), Code::kNotFound);
  EXPECT_EQ(errors_.size(), 1U);
}

// The ranges at the keys and those of Validate() are written twice: no file that is read may be
// refused later.
TEST_F(MachineFileTest, WhateverIsReadIsValid) {
  for (const char* text : {"sample_rate_hz = 1000000\n[[structure.mode]]\nfrequency_hz = 5300\n",
                           "[drive]\nramp = \"1000s\"\nwander = 0.02\nwander_time = \"1000s\"\n",
                           "[[drive.regime]]\nspeed_hz = 1000\n[[tone]]\norder = 5.98\n"
                           "amplitude_g = 0\n",
                           "[[structure.mode]]\nfrequency_hz = 5670\n",
                           "[climate]\nmode_per_c = 0.002\n[[structure.mode]]\n"
                           "frequency_hz = 4350\n",
                           "[bearing]\nballs = 64\nball_mm = 0.01\npitch_mm = 1e5\n"}) {
    const auto file = Load(text);
    ASSERT_TRUE(file.ok()) << text << errors_.front();
    EXPECT_TRUE(simulation::Validate(file->source.machine).ok()) << text;
  }
}

}  // namespace
}  // namespace trib::node::sim
