#pragma once

#include <cstdint>
#include <string_view>

namespace trib::node {

/// What the machine is told. Persisted and sent; values are never reused.
enum class ActuatorState : std::uint8_t {
  kUnspecified = 0,
  kNormal = 1,  ///< run
  kWarn = 2,    ///< show a warning, run
  kReduce = 3,  ///< run at reduced load
  kStop = 4,    ///< stop the machine
};

/// As operators read it.
constexpr std::string_view NameOf(ActuatorState state) {
  switch (state) {
    case ActuatorState::kNormal:
      return "normal";
    case ActuatorState::kWarn:
      return "warn";
    case ActuatorState::kReduce:
      return "reduce";
    case ActuatorState::kStop:
      return "stop";
    case ActuatorState::kUnspecified:
      break;
  }
  return "unspecified";
}

class Actuator {
 public:
  /// Called on every decision, also when nothing changes. Takes effect before it returns.
  virtual void Set(ActuatorState state) = 0;

 protected:
  ~Actuator() = default;
};

}  // namespace trib::node
