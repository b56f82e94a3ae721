#pragma once

#include <cstddef>
#include <span>

#include "trib/common/status/status.h"

namespace trib::node {

class Entropy {
 public:
  /// Unpredictable bytes. @returns kFailedPrecondition on a node that was never seeded.
  virtual Status Fill(std::span<std::byte> out) = 0;

 protected:
  ~Entropy() = default;
};

}  // namespace trib::node
