#include "trib/common/simulation/machine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace trib::simulation {
namespace {

std::vector<std::int16_t> Read(Machine& machine, std::size_t frames, std::size_t step = 1'000) {
  std::vector<std::int16_t> out(frames);
  for (std::size_t at = 0; at < frames; at += step) {
    machine.Read(std::span(out).subspan(at, std::min(step, frames - at)));
  }
  return out;
}

MachineConfig Faulty(FaultKind kind) {
  MachineConfig config = DefaultMachine();
  (void)config.faults.push_back(FaultOf(kind));
  return config;
}

double Rms(const std::vector<std::int16_t>& samples) {
  double sum = 0;
  for (const std::int16_t sample : samples) {
    sum += static_cast<double>(sample) * sample;
  }
  return std::sqrt(sum / static_cast<double>(samples.size()));
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
  const MachineConfig config = Faulty(FaultKind::kOuterRace);
  Machine straight(config, 9);
  const auto whole = Read(straight, 100'000);
  Machine jumping(config, 9);
  for (const std::uint64_t frame : {70'001U, 300U, 256U, 99'000U, 12'345U, 0U}) {
    jumping.Seek(frame);
    EXPECT_EQ(jumping.next_frame(), frame);
    const auto part = Read(jumping, 1'000);
    int largest = 0;
    for (std::size_t i = 0; i < part.size(); ++i) {
      largest = std::max(largest, std::abs(part[i] - whole[frame + i]));
    }
    EXPECT_LE(largest, 3) << frame;
  }
}

TEST(Machine, StrikesAsOftenAsTheGeometrySays) {
  for (const FaultKind kind : {FaultKind::kOuterRace, FaultKind::kBall}) {
    MachineConfig config = Faulty(kind);
    config.drive.wander = 0;
    config.tones.clear();
    Machine quiet(DefaultMachine(), 3);
    Machine loud(config, 3);
    EXPECT_GT(Rms(Read(loud, 24'000)), 1.3 * Rms(Read(quiet, 24'000)));
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

TEST(Machine, DefaultsAreValid) {
  EXPECT_TRUE(Validate(DefaultMachine()).ok());
}

}  // namespace
}  // namespace trib::simulation
