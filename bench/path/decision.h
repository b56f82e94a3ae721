#pragma once

#include <cstddef>
#include <vector>

namespace trib::bench::path {

/// Runs one node, commissioned, in this process and times each window of a simulated bearing from
/// its last sample being read to the Actuator being set. @returns milliseconds, `windows` of them.
std::vector<double> DecisionTimes(std::size_t windows);

}  // namespace trib::bench::path
