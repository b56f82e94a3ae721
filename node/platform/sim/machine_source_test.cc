#include "trib/node/sim/machine_source.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace trib::node::sim {
namespace {

MachineSource::Options Machine(double normal_s, double fault_s) {
  MachineSource::Options options;
  options.machine.faults.push_back(simulation::FaultOf(simulation::FaultKind::kOuterRace));
  options.seed = 4;
  options.phases = {{.seconds = normal_s, .fault = false}, {.seconds = fault_s, .fault = true}};
  return options;
}

double Rms(const std::vector<std::int16_t>& samples) {
  double sum = 0;
  for (const std::int16_t sample : samples) {
    sum += static_cast<double>(sample) * sample;
  }
  return std::sqrt(sum / static_cast<double>(samples.size()));
}

std::vector<std::int16_t> All(MachineSource source, std::size_t step) {
  std::vector<std::int16_t> all;
  std::vector<std::int16_t> memory(step);
  for (auto block = source.Read(memory); block.ok(); block = source.Read(memory)) {
    all.insert(
        all.end(), memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(block->frames));
  }
  return all;
}

TEST(MachineSource, IsEqualForEqualSeedsHoweverItIsRead) {
  const auto whole = All(MachineSource(Machine(1, 1)), 1'000);
  EXPECT_EQ(whole.size(), 24'000U);
  EXPECT_EQ(All(MachineSource(Machine(1, 1)), 333), whole);
}

TEST(MachineSource, MarksPhasesAndMakesTheFaultLouder) {
  MachineSource source(Machine(1, 1));
  std::vector<std::int16_t> memory(12'000);
  auto block = source.Read(memory);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->frames, 12'000U);
  EXPECT_TRUE(block->boundary);
  EXPECT_EQ(source.label(), "normal");
  const double normal = Rms(memory);
  block = source.Read(memory);
  ASSERT_TRUE(block.ok());
  EXPECT_TRUE(block->boundary);
  EXPECT_EQ(source.label(), "outer_race");
  EXPECT_GT(Rms(memory), 2 * normal);
  EXPECT_EQ(source.Read(memory).status().code(), Code::kOutOfRange);
}

TEST(MachineSource, LivesOnWhenPhasesLoop) {
  MachineSource::Options options = Machine(1, 1);
  options.loop = true;
  MachineSource source(options);
  std::vector<std::int16_t> first(12'000);
  std::vector<std::int16_t> again(12'000);
  ASSERT_TRUE(source.Read(first).ok());
  ASSERT_TRUE(source.Read(again).ok());
  ASSERT_TRUE(source.Read(again).ok());
  EXPECT_EQ(source.label(), "normal");
  EXPECT_NE(first, again);
}

TEST(MachineSource, SamplesInBurstsWhatItWouldGiveAllTheTime) {
  MachineSource::Options options = Machine(27, 33);
  const auto whole = All(MachineSource(options), 4'096);
  options.burst_frames = 1'024;
  options.period_frames = 120'000;
  const auto bursts = All(MachineSource(options), 4'096);
  ASSERT_EQ(bursts.size(), 6U * 1'024U);
  for (std::size_t i = 0; i < bursts.size(); ++i) {
    ASSERT_NEAR(bursts[i], whole[i / 1'024 * 120'000 + i % 1'024], 3) << i;
  }
}

TEST(MachineSource, SaysTheSpeedOnlyWhenItIsMeasured) {
  MachineSource::Options options = Machine(1, 1);
  std::vector<std::int16_t> memory(100);
  auto block = MachineSource(options).Read(memory);
  ASSERT_TRUE(block.ok());
  EXPECT_TRUE(std::isnan(block->speed_hz));
  options.machine.sensor.tachometer = true;
  block = MachineSource(options).Read(memory);
  ASSERT_TRUE(block.ok());
  EXPECT_NEAR(block->speed_hz, 29.95, 0.1);
}

TEST(ParsePhases, TakesSecondsAndRefusesNonsense) {
  const auto phases = ParsePhases("normal:60,fault:2.5");
  ASSERT_TRUE(phases.ok());
  ASSERT_EQ(phases->size(), 2U);
  EXPECT_TRUE((*phases)[1].fault);
  EXPECT_EQ((*phases)[1].seconds, 2.5);
  for (const char* text :
       {"", "normal", "normal:", "normal:-1", "odd:3", "normal:1s", "normal:0"}) {
    EXPECT_FALSE(ParsePhases(text).ok()) << text;
  }
}

}  // namespace
}  // namespace trib::node::sim
