// Question   What does a simulated machine cost, read on and in bursts: how many nodes feed one
// core? Baseline   Gaussian noise from the standard library plus one libm sine per sample, in the
// same run. Input      The default machine, sound and with each kind of fault; windows of 1,024
// frames, in
//            bursts one per 10 s at 12 kHz.
// Command    ./dev bench --benchmark_filter=Machine
#include "trib/common/simulation/machine.h"

#include <benchmark/benchmark.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <random>

namespace trib::bench {
namespace {

using simulation::FaultKind;

constexpr std::size_t kFrames = 1'024;
constexpr std::uint64_t kPeriodFrames = 120'000;

simulation::Machine MachineWith(std::int64_t kind) {
  simulation::MachineConfig config = simulation::DefaultMachine();
  if (kind != 0) {
    (void)config.faults.push_back(simulation::FaultOf(static_cast<FaultKind>(kind)));
  }
  return simulation::Machine(config, 1);
}

void ReportSamples(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kFrames));
}

void MachineRead(benchmark::State& state) {
  simulation::Machine machine = MachineWith(state.range(0));
  std::array<std::int16_t, kFrames> counts{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(machine.Read(counts));
  }
  ReportSamples(state);
}
BENCHMARK(MachineRead)->DenseRange(0, 4)->ArgName("fault");

void MachineBurst(benchmark::State& state) {
  simulation::Machine machine = MachineWith(state.range(0));
  std::array<std::int16_t, kFrames> counts{};
  std::uint64_t frame = 0;
  for (auto _ : state) {
    machine.Seek(frame += kPeriodFrames);
    benchmark::DoNotOptimize(machine.Read(counts));
  }
  ReportSamples(state);
}
BENCHMARK(MachineBurst)->DenseRange(0, 4)->ArgName("fault");

void MachineBaselineNoiseAndSine(benchmark::State& state) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> noise;
  std::array<std::int16_t, kFrames> counts{};
  double time_s = 0;
  for (auto _ : state) {
    for (std::int16_t& count : counts) {
      time_s += 1.0 / 12'000;
      const double value = 0.03 * noise(random) + 0.04 * std::sin(188.2 * time_s);
      count = static_cast<std::int16_t>(std::lround(value * 2'048));
    }
    benchmark::DoNotOptimize(counts.data());
    benchmark::ClobberMemory();
  }
  ReportSamples(state);
}
BENCHMARK(MachineBaselineNoiseAndSine);

}  // namespace
}  // namespace trib::bench
