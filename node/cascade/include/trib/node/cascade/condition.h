#pragma once

#include <cstdint>

#include "trib/common/package/sections.h"

namespace trib::node::cascade {

/// The operating condition at this shaft speed: 1 .. ranges, or 0 outside all of them and for NaN.
inline std::uint32_t ConditionOf(const package::ConditionSpec& spec, float speed_hz) {
  for (std::uint32_t i = 0; i < spec.ranges.size(); ++i) {
    if (speed_hz >= spec.ranges[i].low_hz && speed_hz < spec.ranges[i].high_hz) {
      return i + 1;
    }
  }
  return 0;
}

}  // namespace trib::node::cascade
