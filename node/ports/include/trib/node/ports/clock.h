#pragma once

#include "trib/common/base/time.h"

namespace trib::node {

class Clock {
 public:
  /// Logical time; may jump when SetTime() is called, and runs at any scale.
  virtual LogicalTime Now() = 0;
  /// True after the first SetTime() since boot, or where the platform keeps a real-time clock.
  virtual bool synchronised() = 0;
  /// The gateway's word on the time.
  virtual void SetTime(LogicalTime now) = 0;
  /// Never scaled, never set, never goes back.
  virtual MonotonicTime Monotonic() = 0;

 protected:
  ~Clock() = default;  // never deleted through the port
};

}  // namespace trib::node
