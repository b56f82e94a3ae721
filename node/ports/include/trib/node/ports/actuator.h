#pragma once

#include <cstdint>

namespace trib::node {

/// What the machine is told. Persisted and sent; values are never reused.
enum class ActuatorState : std::uint8_t {
  kUnspecified = 0,
  kNormal = 1,  ///< run
  kWarn = 2,    ///< show a warning, run
  kReduce = 3,  ///< run at reduced load
  kStop = 4,    ///< stop the machine
};

class Actuator {
 public:
  /// Called on every decision, also when nothing changes. Takes effect before it returns.
  virtual void Set(ActuatorState state) = 0;

 protected:
  ~Actuator() = default;
};

}  // namespace trib::node
