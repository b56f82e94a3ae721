#include "trib/node/sim/paced_sensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "trib/node/sim/machine_source.h"

namespace trib::node::sim {
namespace {

MachineSource::Options Phases(double normal_s, double fault_s) {
  MachineSource::Options options;
  options.seed = 4;
  options.phases = {{.seconds = normal_s, .fault = false}, {.seconds = fault_s, .fault = true}};
  return options;
}

TEST(PacedSensor, MovesLogicalTimeWithTheSamplesAtFullSpeed) {
  SimClock clock({.pace = 0});
  PacedSensor sensor(std::make_unique<MachineSource>(Phases(1, 0.5)), clock, {.pace = 0});
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
  PacedSensor sensor(std::make_unique<MachineSource>(Phases(100, 1)), clock, {.pace = 0.01});
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
  PacedSensor sensor(std::make_unique<MachineSource>(Phases(10, 1)),
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

TEST(PacedSensor, InjectsDriftWhereAskedHoweverItIsRead) {
  const auto read = [](std::size_t room, std::uint64_t seed) {
    SimClock clock({.pace = 0});
    PacedSensor::Options options{.pace = 0};
    for (const char* text : {"gain:2@1..2", "offset:0-0.5@2..3", "noise:0.05@4..5"}) {
      const auto drift = ParseInjectedDrift(text);
      EXPECT_TRUE(drift.ok()) << text;
      options.drifts.push_back(*drift);
    }
    options.seed = seed;
    PacedSensor sensor(std::make_unique<MachineSource>(Phases(5, 0.5)), clock, options);
    std::vector<std::int16_t> memory(room);
    std::vector<std::int16_t> all;
    for (auto block = sensor.Read(memory); block.ok(); block = sensor.Read(memory)) {
      all.insert(all.end(), block->samples.begin(), block->samples.end());
    }
    return all;
  };
  SimClock clock({.pace = 0});
  MachineSource plain(Phases(5, 0.5));
  std::vector<std::int16_t> clean;
  std::vector<std::int16_t> memory(5'000);
  for (auto block = plain.Read(memory); block.ok(); block = plain.Read(memory)) {
    clean.insert(clean.end(), memory.begin(), memory.begin() + static_cast<long>(block->frames));
  }
  const auto drifted = read(5'000, 1);
  ASSERT_EQ(drifted.size(), clean.size());
  const std::size_t second = 12'000;
  const auto at = [&](std::size_t frame) { return drifted[frame] - clean[frame]; };
  const float scale = Phases(1, 1).machine.sensor.scale_g;
  const int half_g = static_cast<int>(std::lround(0.5F / scale));
  for (std::size_t i = 0; i < second; i += 7) {
    EXPECT_EQ(at(i), 0);
    EXPECT_EQ(at(second + i), clean[second + i]);
    EXPECT_NEAR(at(2 * second + i), half_g * static_cast<double>(i) / second, 1);
    EXPECT_NEAR(at(3 * second + i), half_g, 1) << "kept";
  }
  double squares = 0;
  for (std::size_t i = 4 * second; i < 5 * second; ++i) {
    squares += (at(i) - half_g) * (at(i) - half_g);
  }
  EXPECT_NEAR(std::sqrt(squares / second) * scale, 0.05, 0.002);
  EXPECT_EQ(read(333, 1), drifted) << "at any pace and in any pieces";
  EXPECT_NE(read(333, 2), drifted);
}

TEST(ParseInjectedDrift, ReadsStepsAndRamps) {
  const auto step = ParseInjectedDrift("offset:-0.25@30..90.5");
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(step->kind, InjectedDrift::Kind::kOffset);
  EXPECT_EQ(step->from, -0.25F);
  EXPECT_EQ(step->to, -0.25F);
  EXPECT_EQ(step->begin_s, 30);
  EXPECT_EQ(step->end_s, 90.5);
  EXPECT_FALSE(step->stays);
  const auto ramp = ParseInjectedDrift("offset:-1--2e-1@0..1");
  ASSERT_TRUE(ramp.ok());
  EXPECT_EQ(ramp->from, -1);
  EXPECT_EQ(ramp->to, -0.2F);
  EXPECT_TRUE(ramp->stays);
}

TEST(ParseInjectedDrift, RefusesNonsense) {
  for (const char* text : {"",
                           "gain",
                           "gain@1..2",
                           "gain:@1..2",
                           "gain:1.2",
                           "gain:1.2@3..2",
                           "gain:1.2@3",
                           "gain:1-@1..2",
                           "gain:1x@1..2",
                           "gain:1-2-3@1..2",
                           "stuck:1@1..2",
                           "gain:a@1..2",
                           ":1@1..2",
                           "gain@1..2:3"}) {
    EXPECT_EQ(ParseInjectedDrift(text).status().code(), Code::kInvalidArgument) << text;
  }
  for (const char* text : {"gain:-1@1..2",
                           "gain:1-101@1..2",
                           "noise:-0.1@1..2",
                           "offset:1e7@1..2",
                           "gain:nan@1..2",
                           "offset:inf@1..2"}) {
    EXPECT_EQ(ParseInjectedDrift(text).status().code(), Code::kOutOfRange) << text;
  }
}

TEST(ParseInjectedFault, RefusesNonsense) {
  for (const char* text :
       {"", "stuck", "stuck@3", "stuck@3..2", "odd@1..2", "stuck@a..b", "@1..2"}) {
    EXPECT_FALSE(ParseInjectedFault(text).ok()) << text;
  }
}

}  // namespace
}  // namespace trib::node::sim
