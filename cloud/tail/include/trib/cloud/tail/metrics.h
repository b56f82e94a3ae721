#pragma once

#include <cstdint>

#include "trib/common/base/latency_bins.h"

namespace trib::cloud::tail {

/// Since the start. A batch that the store refused counts again when it is worked on again.
struct Metrics {
  std::uint64_t batches = 0;
  std::uint64_t records = 0;  ///< in batches
  std::uint64_t decided = 0;  ///< a class was accepted
  std::uint64_t unsure = 0;   ///< none was: the last exit's answer stands all the same
  std::uint64_t damaged = 0;  ///< the payload is no activation of its package
  std::uint64_t left = 0;     ///< its package went meanwhile: it waits for it to come back
  std::uint64_t audited = 0;  ///< of all these: drawn for the audit
  LatencyBins latency;        ///< from storing the record to storing its verdict
};

}  // namespace trib::cloud::tail
