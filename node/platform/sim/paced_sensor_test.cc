#include "trib/node/sim/paced_sensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace trib::node::sim {
namespace {

GeneratorSource::Options Machine(double normal_s, double fault_s) {
  GeneratorSource::Options options;
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

TEST(GeneratorSource, IsEqualForEqualSeedsHoweverItIsRead) {
  GeneratorSource a(Machine(1, 1));
  GeneratorSource b(Machine(1, 1));
  std::vector<std::int16_t> all_a;
  std::vector<std::int16_t> all_b;
  std::vector<std::int16_t> memory(1000);
  for (auto block = a.Read(memory); block.ok(); block = a.Read(memory)) {
    all_a.insert(
        all_a.end(), memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(block->frames));
  }
  for (auto block = b.Read(std::span(memory).first(333)); block.ok();
       block = b.Read(std::span(memory).first(333))) {
    all_b.insert(
        all_b.end(), memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(block->frames));
  }
  EXPECT_EQ(all_a.size(), 24'000U);
  EXPECT_EQ(all_a, all_b);
}

TEST(GeneratorSource, MarksPhasesAndMakesTheFaultLouder) {
  GeneratorSource source(Machine(1, 1));
  std::vector<std::int16_t> memory(12'000);
  auto block = source.Read(memory);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->frames, 12'000U);
  EXPECT_TRUE(block->boundary);
  EXPECT_EQ(source.label(), "normal");
  const double normal = Rms(memory);
  block = source.Read(memory);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(source.label(), "fault");
  EXPECT_GT(Rms(memory), 2 * normal);
  EXPECT_EQ(source.Read(memory).status().code(), Code::kOutOfRange);
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

TEST(PacedSensor, MovesLogicalTimeWithTheSamplesAtFullSpeed) {
  SimClock clock({.pace = 0});
  PacedSensor sensor(std::make_unique<GeneratorSource>(Machine(1, 0.5)), clock, {.pace = 0});
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
  PacedSensor sensor(std::make_unique<GeneratorSource>(Machine(100, 1)), clock, {.pace = 0.01});
  std::vector<std::int16_t> memory(4096);
  EXPECT_EQ(sensor.Read(memory).status().code(), Code::kUnavailable);
  EXPECT_GT(sensor.UntilReady(), Millis(0));
}

TEST(PacedSensor, InjectsFaultsWhereAsked) {
  const auto inject = [](std::string_view text) {
    const auto fault = ParseInjectedFault(text);
    EXPECT_TRUE(fault.ok()) << text;
    return *fault;
  };
  SimClock clock({.pace = 0});
  PacedSensor sensor(std::make_unique<GeneratorSource>(Machine(10, 1)),
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
