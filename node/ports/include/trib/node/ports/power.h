#pragma once

#include "trib/common/base/time.h"

namespace trib::node {

/// Why the node started. Same values as message::ResetReason.
enum class ResetCause : unsigned char {
  kUnspecified = 0,
  kPowerOn = 1,
  kSoftware = 2,
  kWatchdog = 3,
  kFault = 4,
  kBrownOut = 5,
};

class Power {
 public:
  virtual ResetCause reset_cause() = 0;
  /// Sleeps until `limit` has passed in monotonic time or the sensor or link has something.
  virtual void Sleep(Millis limit) = 0;

 protected:
  ~Power() = default;
};

}  // namespace trib::node
