#pragma once

#include <cstdint>

#include "trib/common/message/types.h"

namespace trib::node::app {

/// What was decided about a window for good.
struct SettledDecision {
  std::uint64_t first_frame = 0;                     ///< of the window, since boot
  message::Tier tier = message::Tier::kUnspecified;  ///< whose decision stands
  std::uint32_t label = 0;                           ///< in the package's labels
  float confidence = 0;   ///< 0..1 of the network's answer; 0 when none was asked
  bool deferred = false;  ///< it was asked about further up; nobody may have answered in time
};

/// Told about every window that was cut, once, when its decision settles: at once, or when the
/// verdict comes or its time is over. For programs that know what is true of their samples.
class DecisionObserver {
 public:
  /// Called from NodeLoop::Step(), after the Actuator was set; does not call the loop.
  virtual void OnDecision(const SettledDecision& decision) = 0;

 protected:
  ~DecisionObserver() = default;
};

}  // namespace trib::node::app
