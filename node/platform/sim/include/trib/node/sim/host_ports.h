#pragma once

#include <functional>

#include "trib/node/ports/actuator.h"
#include "trib/node/ports/entropy.h"
#include "trib/node/ports/power.h"
#include "trib/node/ports/watchdog.h"

/// The small ports of a node that is a Linux process.
namespace trib::node::sim {

/// The kernel's generator.
class SystemEntropy final : public Entropy {
 public:
  Status Fill(std::span<std::byte> out) override;
};

/// Logs every change.
class LogActuator final : public Actuator {
 public:
  void Set(ActuatorState state) override;
  [[nodiscard]] ActuatorState state() const { return state_; }
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

 private:
  ActuatorState state_ = ActuatorState::kUnspecified;
  std::uint64_t changes_ = 0;
};

/// Says when the loop came too late; resets nothing, because a stopped process under a debugger or
/// a loaded machine is no fault of the node.
class SimWatchdog final : public Watchdog {
 public:
  void Start(Millis timeout) override;
  void Feed() override;
  [[nodiscard]] std::uint64_t late() const { return late_; }

 private:
  Millis timeout_{0};
  std::int64_t fed_ms_ = 0;
  std::uint64_t late_ = 0;
};

/// Sleeps by calling `wait`, which the composition root makes from its sockets.
class SimPower final : public Power {
 public:
  /// `peripherals`: of the board that is simulated.
  SimPower(ResetCause cause, std::function<void(Millis)> wait, Peripherals peripherals = {})
      : cause_(cause), wait_(std::move(wait)), peripherals_(peripherals) {}
  ResetCause reset_cause() override { return cause_; }
  Peripherals peripherals() override { return peripherals_; }
  void Sleep(Millis limit) override { wait_(limit); }

 private:
  ResetCause cause_;
  std::function<void(Millis)> wait_;
  Peripherals peripherals_;
};

}  // namespace trib::node::sim
