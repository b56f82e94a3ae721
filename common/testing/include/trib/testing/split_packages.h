#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "trib/common/base/ids.h"
#include "trib/common/package/sections.h"
#include "trib/testing/small_networks.h"

/// A head package and its tail of the small network with three exits, for tests of every tier.
namespace trib::testing {

struct SplitShape {
  ThreeExits network;
  std::string version = "1";
  float accept = 0.6F;     ///< of every class at the first two exits
  float reject_alarm = 1;  ///< of every alarm class
  float inverse_temperature = 1;
  std::uint32_t sample_rate_hz = 1000;
  bool with_trigger = true;  ///< heads without one classify every window
  std::uint32_t commissioning_windows = 24;
  std::uint32_t verdict_wait_ms = 5'000;
  std::uint16_t audit_permille = 0;
  /// Changes the classifier of both packages before they are written.
  std::function<void(package::ClassifierSpec&)> change;
};

struct SplitPackages {
  std::vector<std::byte> head;  ///< unsigned
  std::vector<std::byte> tail;
  PackageHash hash;  ///< of the head: by this name everyone knows the network
};

/// Labels are normal, anomaly, fault_1, fault_2 ...; class 0 is normal, class c > 0 fault_c. The
/// recipe has one window per network input and one feature, log_rms.
///
/// Requires  A shape that packages allow: checked by the caller's own use of them.
SplitPackages MakeSplitPackages(const SplitShape& shape = {});

/// Samples of a window that the network's classes tell apart somewhat: a tone whose pitch `kind`
/// chooses, with noise from `seed`. [frame][channel]
std::vector<std::int16_t> ToneWindow(const ThreeExits& network, unsigned kind, std::uint32_t seed);

}  // namespace trib::testing
