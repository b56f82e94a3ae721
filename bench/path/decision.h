#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace trib::bench::path {

/// Runs one node, commissioned, in this process and times each window of a simulated bearing from
/// its last sample being read to the Actuator being set. Its flash is a new `state_file`.
/// @returns milliseconds, `windows` of them.
std::vector<double> DecisionTimes(const std::filesystem::path& state_file, std::size_t windows);

}  // namespace trib::bench::path
