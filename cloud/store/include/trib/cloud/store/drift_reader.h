#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trib/cloud/store/drift.h"
#include "trib/common/status/result.h"

namespace trib::cloud::store {

/// A read-only connection to what concerns drift.
///
/// Threads  One thread for life; runs beside the Writer and never blocks it.
class DriftReader {
 public:
  static Result<std::unique_ptr<DriftReader>> Open(const std::string& path, std::string* error);
  ~DriftReader();
  DriftReader(const DriftReader&) = delete;
  DriftReader& operator=(const DriftReader&) = delete;

  /// Open blocks of this length that are complete: a later block of the node has begun, or `grace`
  /// has passed since the block's end and since its newest sketch was stored. By time, then node,
  /// of two packages the former first; at most `max`. A walk over the open blocks.
  Result<std::vector<StoredBlock>> ReadComplete(Millis length,
                                                Millis grace,
                                                std::uint64_t now_ms,
                                                std::size_t max);
  /// What happened before, in order: looks, and alarms whose subjects were learned anew before
  /// theirs. The last step has look 0: alarms that are to be learned anew before the next look.
  struct Step {
    std::int64_t look = 0;
    std::vector<DriftAlarmRow> relearned;
  };
  Result<std::vector<Step>> ReadSteps();
  /// The blocks of this length that a look took, as they were judged, without those passed over.
  Result<std::vector<StoredBlock>> ReadLooked(std::int64_t look, Millis length);

  /// Those that are not resolved, oldest first.
  Result<std::vector<DriftAlarmRow>> ReadUnresolved();
  /// Resolved ones whose subjects are still to be learned anew, oldest first.
  Result<std::vector<DriftAlarmRow>> ReadToRelearn();
  /// @returns kNotFound
  Result<DriftAlarmRow> ReadAlarm(std::int64_t id);
  /// Newest first; with a number below `before` unless that is 0.
  Result<std::vector<DriftAlarmRow>> ReadAlarms(std::int64_t before, std::size_t limit);
  /// Of one look, by number.
  Result<std::vector<std::int64_t>> ReadAlarmsOf(std::int64_t look);
  /// Newest first, from `since_ms` on.
  Result<std::vector<DriftLookRow>> ReadLooks(std::uint64_t since_ms, std::size_t limit);

  struct Span {
    std::uint64_t begin_ms = 0;
    std::uint64_t end_ms = 0;  ///< exclusive
  };
  /// When a node's newest `blocks` reference blocks before `before_ms` began and ended; nullopt
  /// without any.
  Result<std::optional<Span>> ReadReferenceSpan(
      NodeId node, PackageHash package, Millis length, std::uint64_t before_ms, std::size_t blocks);
  /// Sealed bytes of a node's audited feature frames whose time is in `span`, newest first.
  Status ReadFrames(NodeId node,
                    PackageHash package,
                    const Span& span,
                    std::size_t limit,
                    const std::function<void(std::string_view sealed)>& take);

  /// The same of audited windows that were deferred: their activations.
  Status ReadActivations(NodeId node,
                         PackageHash package,
                         const Span& span,
                         std::size_t limit,
                         const std::function<void(std::string_view sealed)>& take);

  /// Of all time: `sketches` (in blocks), `learning` (of nodes without a baseline: not in blocks),
  /// `late`, `late_verdicts`, `judged`, `passed_blocks`, `unreadable`.
  Result<std::vector<std::pair<std::string, std::uint64_t>>> ReadTotals();
  /// Blocks of this length that no look took yet.
  Result<std::uint64_t> CountOpen(Millis length);
  /// Blocks of another length: of no use with this one.
  Result<std::uint64_t> CountOthers(Millis length);
  /// Newest first.
  Result<std::vector<StoredFlag>> ReadFlags(NodeId node, std::size_t limit);
  /// Of all nodes, newest first.
  Result<std::vector<StoredFlag>> ReadNewestFlags(std::size_t limit);
  /// Nodes with a flag that was stored from `since_ms` on.
  Result<std::uint64_t> CountFlagged(std::uint64_t since_ms);

  [[nodiscard]] std::string last_error() const;

 private:
  struct Impl;
  explicit DriftReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::cloud::store
