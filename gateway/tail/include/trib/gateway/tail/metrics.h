#pragma once

#include <cstdint>
#include <map>

#include "trib/common/base/ids.h"
#include "trib/common/base/latency_bins.h"

namespace trib::gateway::tail {

/// Since the start. Each record of a batch is in exactly one of `decided` and the reasons below it.
struct Metrics {
  std::uint64_t batches = 0;
  std::uint64_t records = 0;  ///< in batches
  std::uint64_t decided = 0;  ///< the gateway's answer stands
  // Passed on to the cloud, because
  std::uint64_t unsure = 0;           ///< the exit accepted no class
  std::uint64_t unknown_package = 0;  ///< its tail is not here
  std::uint64_t no_exit = 0;          ///< the network has none for gateways
  std::uint64_t damaged = 0;          ///< the payload is no activation of its package
  std::uint64_t overdue = 0;          ///< it waited longer than Options::patience

  std::uint64_t audited = 0;  ///< of all these: drawn for the audit
  LatencyBins
      latency;  ///< from the record's receipt to the end of its batch, of decided and unsure
  /// Records of packages that are not here, by package; at most kMaxUnknown of them.
  static constexpr std::size_t kMaxUnknown = 16;
  std::map<PackageHash, std::uint64_t> unknown;

  [[nodiscard]] std::uint64_t passed_on() const {
    return unsure + unknown_package + no_exit + damaged + overdue;
  }
};

}  // namespace trib::gateway::tail
