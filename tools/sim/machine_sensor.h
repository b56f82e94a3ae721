#pragma once

#include <cstdint>
#include <span>

#include "plan.h"
#include "trib/common/simulation/machine.h"
#include "trib/node/ports/sensor.h"

namespace trib::tools::sim {

/// The simulated machine of a node behind the Sensor port: samples when virtual time has passed
/// them. Of a recipe whose hop exceeds its window only the windows are sampled.
class MachineSensor final : public node::Sensor {
 public:
  struct Shape {
    std::uint32_t sample_rate_hz = 0;
    std::uint32_t window = 0;  ///< frames
    std::uint32_t hop = 0;
  };

  MachineSensor(const NodePlan& plan, const Shape& shape);

  void SetNow(VirtualTime now) { now_ = now; }
  /// The source ends: what is left says kOutOfRange.
  void End() { ended_ = true; }
  /// When the next samples are there.
  [[nodiscard]] VirtualTime NextReady() const;

  Result<node::SampleBlock> Read(std::span<std::int16_t> memory) override;
  [[nodiscard]] std::uint32_t sample_rate_hz() const override { return shape_.sample_rate_hz; }
  [[nodiscard]] std::uint32_t channels() const override { return 1; }

 private:
  [[nodiscard]] VirtualTime TimeOf(std::uint64_t frame) const;
  void Drift(std::span<std::int16_t> samples, VirtualTime at) const;
  /// @returns false when the samples are lost.
  bool Spoil(const SensorFaultPlan& fault,
             std::span<std::int16_t> samples,
             node::SampleBlock& block);

  const NodePlan& plan_;
  const Shape shape_;
  const std::uint32_t stretch_;  // frames sampled per hop
  simulation::Machine machine_;
  VirtualTime now_{0};
  std::uint64_t next_ = 0;  // frame
  std::uint64_t end_ = 0;   // of the stretch that next_ lies in
  std::int16_t stuck_at_ = 0;
  bool stuck_ = false;
  bool ended_ = false;
};

/// What `plan` says, as the simulator of machines takes it.
simulation::MachineConfig MachineOf(const NodePlan& plan, std::uint32_t sample_rate_hz);

}  // namespace trib::tools::sim
