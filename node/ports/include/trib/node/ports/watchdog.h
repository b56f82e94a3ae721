#pragma once

#include "trib/common/base/time.h"

namespace trib::node {

class Watchdog {
 public:
  /// Resets the node unless Feed() comes within `timeout`, again and again. Cannot be stopped.
  virtual void Start(Millis timeout) = 0;
  virtual void Feed() = 0;

 protected:
  ~Watchdog() = default;
};

}  // namespace trib::node
