#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "trib/common/message/limits.h"

namespace trib::node::app {

/// Why a verdict changed nothing.
enum class VerdictRefusal : std::uint8_t {
  kLate = 0,     ///< its question is settled, or was never one
  kUnknown = 1,  ///< names another boot, or a record that was not made yet
  kPackage = 2,  ///< of another package
  kTier = 3,     ///< from a tier that gives no verdicts
  kLabel = 4,    ///< a label that no class of the package has
};
inline constexpr std::size_t kVerdictRefusals = 5;

/// Time from asking to the verdict, of verdicts that were taken.
///
/// Units  ms of monotonic time.
struct VerdictLatency {
  static constexpr std::array<std::uint32_t, 7> kBounds_ms = {
      10, 30, 100, 300, 1'000, 3'000, 10'000};
  std::uint64_t sum_ms = 0;
  std::uint32_t max_ms = 0;
  /// bins[i] counts what is below kBounds_ms[i] and not below the bound before; the last the rest.
  std::array<std::uint32_t, kBounds_ms.size() + 1> bins{};

  void Add(std::uint64_t ms) {
    sum_ms += ms;
    const auto capped = static_cast<std::uint32_t>(ms < UINT32_MAX ? ms : UINT32_MAX);
    max_ms = capped > max_ms ? capped : max_ms;
    std::size_t bin = 0;
    while (bin < kBounds_ms.size() && capped >= kBounds_ms[bin]) {
      ++bin;
    }
    ++bins[bin];
  }
};

/// Of the network and of those that are asked about its doubts. Since boot.
struct CascadeMetrics {
  /// Windows by the message::Tier whose decision stands; a deferred one counts once it is settled.
  std::array<std::uint64_t, message::kTierCount> exits{};
  std::uint64_t classified = 0;  ///< windows that the node's network looked at
  std::uint64_t deferred = 0;    ///< windows asked about because the node was unsure
  std::uint64_t timeouts = 0;    ///< of those, nobody answered in time: the node's own exit stood
  std::uint64_t not_asked = 0;   ///< unsure, but no session, no place or no room to ask
  std::uint64_t audits = 0;      ///< windows asked about only because they were drawn
  std::uint64_t audits_not_asked = 0;  ///< drawn, but nobody was asked, of a doubt neither
  std::uint64_t audit_timeouts = 0;
  std::uint64_t audits_agreed = 0;
  std::uint64_t audits_disagreed = 0;
  /// Verdicts taken, by the message::Tier that gave them; audits included.
  std::array<std::uint64_t, message::kTierCount> verdicts{};
  std::array<std::uint32_t, kVerdictRefusals> refused{};  ///< index: VerdictRefusal
  VerdictLatency latency;
};

struct NodeMetrics {
  std::uint64_t windows = 0;
  std::uint64_t windows_invalid = 0;
  std::uint64_t windows_triggered = 0;  ///< over the threshold
  std::uint64_t episodes = 0;           ///< onsets
  std::uint64_t drift_flags = 0;        ///< of cascade::DriftWatch
  std::uint64_t events = 0;             ///< Event records
  std::uint64_t faults = 0;             ///< Fault records
  std::uint64_t records = 0;            ///< stored in the backlog
  std::uint64_t records_failed = 0;     ///< not stored: no room at their priority, or flash failed
  std::uint64_t bytes_raw = 0;  ///< of samples taken: what sending the signal would have cost
  std::uint64_t verdicts = 0;   ///< received; CascadeMetrics says what became of them
  std::uint32_t downlink_refused = 0;  ///< decoded, but not applicable
  std::uint32_t sensor_errors = 0;
  CascadeMetrics cascade;
};

}  // namespace trib::node::app
