#include "trib/node/sim/paced_sensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "trib/node/sim/machine_source.h"

namespace trib::node::sim {
namespace {

MachineSource::Options Machine(double normal_s, double fault_s) {
  MachineSource::Options options;
  options.seed = 4;
  options.phases = {{.seconds = normal_s, .fault = false}, {.seconds = fault_s, .fault = true}};
  return options;
}

TEST(PacedSensor, MovesLogicalTimeWithTheSamplesAtFullSpeed) {
  SimClock clock({.pace = 0});
  PacedSensor sensor(std::make_unique<MachineSource>(Machine(1, 0.5)), clock, {.pace = 0});
  std::vector<std::int16_t> memory(1200);
  std::uint64_t frames = 0;
  for (auto block = sensor.Read(memory); block.ok(); block = sensor.Read(memory)) {
    EXPECT_EQ(block->first_frame, frames);
    frames += block->samples.size();
    EXPECT_EQ(clock.Now(), LogicalTime(Millis(static_cast<std::int64_t>(frames / 12))));
  }
  EXPECT_EQ(frames, 18'000U);
  EXPECT_TRUE(sensor.failure().ok());
}

TEST(PacedSensor, GivesNothingBeforeItsTime) {
  SimClock clock({.pace = 0.01});
  PacedSensor sensor(std::make_unique<MachineSource>(Machine(100, 1)), clock, {.pace = 0.01});
  std::vector<std::int16_t> memory(4096);
  EXPECT_EQ(sensor.Read(memory).status().code(), Code::kUnavailable);
  EXPECT_GT(sensor.UntilReady(), Millis(0));
}

TEST(PacedSensor, CountsTheTimeBetweenBursts) {
  SimClock clock({.pace = 0});
  MachineSource::Options options;
  options.seconds = 30;
  options.burst_frames = 1'024;
  options.period_frames = 120'000;
  PacedSensor sensor(std::make_unique<MachineSource>(options), clock, {.pace = 0});
  std::vector<std::int16_t> memory(700);
  std::vector<std::uint64_t> pauses;
  std::uint64_t next = 0;
  for (auto block = sensor.Read(memory); block.ok(); block = sensor.Read(memory)) {
    EXPECT_EQ(block->first_frame, next + block->pause_frames);
    next = block->first_frame + block->samples.size();
    EXPECT_EQ(block->boundary, block->samples.size() == 324);
    pauses.push_back(block->pause_frames);
    EXPECT_EQ(clock.Now(), LogicalTime(Millis(static_cast<std::int64_t>(next / 12))));
  }
  EXPECT_EQ(pauses, (std::vector<std::uint64_t>{0, 0, 118'976, 0, 118'976, 0}));
}

TEST(PacedSensor, InjectsFaultsWhereAsked) {
  const auto inject = [](std::string_view text) {
    const auto fault = ParseInjectedFault(text);
    EXPECT_TRUE(fault.ok()) << text;
    return *fault;
  };
  SimClock clock({.pace = 0});
  PacedSensor sensor(std::make_unique<MachineSource>(Machine(10, 1)),
                     clock,
                     {.pace = 0,
                      .faults = {inject("stuck@1..2"),
                                 inject("scale@3..4"),
                                 inject("missing@4..5"),
                                 inject("gap@6..7"),
                                 inject("nonfinite@7..8")}});
  std::vector<std::int16_t> memory(6000);
  std::uint64_t stuck = 0;
  std::uint64_t bad_scale = 0;
  std::uint64_t missing = 0;
  std::uint64_t non_finite = 0;
  std::uint64_t given = 0;
  for (auto block = sensor.Read(memory); block.status().code() != Code::kOutOfRange;
       block = sensor.Read(memory)) {
    if (!block.ok()) {
      continue;
    }
    const std::size_t frames = block->samples.size();
    given += frames;
    missing += block->missing_frames;
    non_finite += block->non_finite_frames;
    bad_scale += std::isnan(block->scale) ? frames : 0;
    const bool constant = std::all_of(block->samples.begin(),
                                      block->samples.end(),
                                      [&](std::int16_t s) { return s == block->samples[0]; });
    stuck += constant ? frames : 0;
  }
  EXPECT_EQ(stuck, 12'000U);
  EXPECT_EQ(bad_scale, 12'000U);
  EXPECT_EQ(missing, 12'000U);
  EXPECT_EQ(non_finite, 12'000U);
  EXPECT_EQ(given, 11U * 12'000U - 12'000U);
}

TEST(PacedSensor, KnowsWhatWasTrueOfTheFramesItGave) {
  MachineSource::Options machine;
  machine.phases = {{.seconds = 1, .fault = false}, {.seconds = 1, .fault = true}};
  (void)machine.machine.faults.push_back(simulation::FaultOf(simulation::FaultKind::kOuterRace));
  SimClock clock({.pace = 0});
  PacedSensor sensor(std::make_unique<MachineSource>(machine), clock, {.pace = 0});
  EXPECT_EQ(sensor.LabelAt(0), "");
  std::vector<std::int16_t> memory(5000);
  while (sensor.Read(memory).ok()) {
  }
  const std::uint64_t second = sensor.sample_rate_hz();
  EXPECT_EQ(sensor.LabelAt(0), "normal");
  EXPECT_EQ(sensor.LabelAt(second - 1), "normal");
  EXPECT_EQ(sensor.LabelAt(second), "outer_race");
  EXPECT_EQ(sensor.LabelAt(2 * second - 1), "outer_race");
}

/// Begins with a block that has a boundary and no samples.
class EmptyFirstSource final : public SampleSource {
 public:
  Result<Block> Read(std::span<std::int16_t> memory) override {
    const bool first = value_ == 0;
    Block block;
    block.frames = first ? 0 : memory.size();
    block.scale = 1;
    block.boundary = first;
    std::iota(memory.begin(), memory.end(), ++value_);
    return block;
  }
  [[nodiscard]] std::uint32_t sample_rate_hz() const override { return 100; }
  [[nodiscard]] std::uint32_t channels() const override { return 1; }
  [[nodiscard]] std::string_view label() const override { return ""; }

 private:
  std::int16_t value_ = 0;
};

TEST(PacedSensor, AnEmptyBlockIsNothingToBeStuckAt) {
  SimClock clock({.pace = 0});
  PacedSensor sensor(std::make_unique<EmptyFirstSource>(),
                     clock,
                     {.pace = 0, .faults = {*ParseInjectedFault("stuck@0..1")}});
  std::vector<std::int16_t> memory(4);
  auto block = sensor.Read(memory);
  ASSERT_TRUE(block.ok());
  EXPECT_TRUE(block->boundary);
  EXPECT_TRUE(block->samples.empty());
  block = sensor.Read(memory);
  ASSERT_TRUE(block.ok());
  // The value of the first real sample, not what lay in memory before.
  EXPECT_EQ(memory, (std::vector<std::int16_t>{2, 2, 2, 2}));
}

TEST(ParseInjectedFault, RefusesNonsense) {
  for (const char* text :
       {"", "stuck", "stuck@3", "stuck@3..2", "odd@1..2", "stuck@a..b", "@1..2"}) {
    EXPECT_FALSE(ParseInjectedFault(text).ok()) << text;
  }
}

}  // namespace
}  // namespace trib::node::sim
