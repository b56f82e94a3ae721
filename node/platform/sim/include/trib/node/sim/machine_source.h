#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "trib/common/simulation/machine.h"
#include "trib/node/sim/sample_source.h"

namespace trib::node::sim {

/// A simulated machine, sampled all the time or in bursts.
///
/// Threads  One caller at a time.
class MachineSource final : public SampleSource {
 public:
  struct Phase {
    double seconds = 0;
    bool fault = false;
  };
  struct Options {
    simulation::MachineConfig machine = simulation::DefaultMachine();
    std::uint64_t seed = 1;
    /// When given, they rule instead of wear: in a phase with `fault` every fault has its final
    /// severity, in another none. Played in order; a boundary ends each.
    std::vector<Phase> phases = {};
    bool loop = false;  ///< the phases, for ever; the machine lives on, nothing repeats
    /// Without phases: how long the machine is there; 0: for ever.
    double seconds = 0;
    /// So many frames at the start of every period, a boundary after each burst; 0: all of them.
    std::uint64_t burst_frames = 0;
    std::uint64_t period_frames = 0;
  };
  /// Requires  simulation::Validate(options.machine).ok().
  explicit MachineSource(Options options);
  MachineSource(const MachineSource&) = delete;
  MachineSource& operator=(const MachineSource&) = delete;

  Result<Block> Read(std::span<std::int16_t> memory) override;
  [[nodiscard]] std::uint64_t pause_frames() const override;
  [[nodiscard]] std::uint32_t sample_rate_hz() const override {
    return options_.machine.sample_rate_hz;
  }
  [[nodiscard]] std::uint32_t channels() const override { return 1; }
  /// "normal", or the worst fault: "outer_race", "inner_race", "ball", "cage".
  [[nodiscard]] std::string_view label() const override { return label_; }
  [[nodiscard]] const simulation::Machine& machine() const { return machine_; }

 private:
  bool EnterPhase(std::uint64_t frame);

  const Options options_;
  simulation::Machine machine_;
  const Phase* phase_ = nullptr;
  std::size_t next_phase_ = 0;
  std::uint64_t phase_end_ = 0;  // of *phase_, in frames
  std::string_view label_ = "normal";
};

/// "normal:60,fault:20": seconds of each. @returns kInvalidArgument for anything else.
Result<std::vector<MachineSource::Phase>> ParsePhases(std::string_view text);

}  // namespace trib::node::sim
