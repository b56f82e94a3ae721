#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "trib/gateway/tail/metrics.h"
#include "trib/gateway/tail/types.h"

namespace trib::gateway::tail {

/// Finishes what nodes are unsure of: batches of deferred windows through the rest of their network
/// up to the gateway's exit. Pure: records, time and the network come as arguments.
///
/// Works on what the spool holds durably and reads it back in order, whether it came this minute or
/// before a crash; an outcome counts once it is written beside its record. The same bytes give the
/// same answer, so working twice does no harm.
///
/// Memory   At most Options::max_records records, in sum max_bytes and one record more.
/// Threads  One caller at a time.
class Tail {
 public:
  Tail(const Options& options, Finish finish);

  /// What to read from the spool; nullopt while the queue is full or an answer is outstanding.
  std::optional<Wanted> Want();
  /// Takes the answer.
  void Offer(std::vector<Deferred> records, MonotonicTime now);
  /// So many outcomes are durable.
  void Committed(std::size_t outcomes);

  /// When the next batch is to start; nullopt while there is nothing to do.
  [[nodiscard]] std::optional<MonotonicTime> due() const;
  /// Works on one batch; `now` is its start.
  void Run(const Now& now, Output& out);
  /// What the last Run() gave was passed on by `unix_ms`: counts how long its records took.
  void Answered(std::uint64_t unix_ms);

  [[nodiscard]] const Metrics& metrics() const { return metrics_; }
  [[nodiscard]] std::size_t queued() const { return queue_.size(); }
  /// Outcomes that are not known to be durable.
  [[nodiscard]] std::size_t uncommitted() const { return uncommitted_; }

 private:
  void Decide(const Deferred& deferred, const Now& now, Output& out);
  void Judge(const Deferred& deferred, const message::Record& record, const Now& now, Output& out);
  std::uint64_t& ReasonOf(Status status, PackageHash package);
  static void PassOn(std::int64_t id, std::uint64_t& reason, Output& out);

  const Options options_;
  const Finish finish_;
  std::deque<Deferred> queue_;
  std::size_t queued_bytes_ = 0;
  std::size_t uncommitted_ = 0;
  std::int64_t last_id_ = 0;
  bool asked_ = false;
  MonotonicTime first_at_{};           // when the oldest of a queue that was empty came
  std::vector<std::uint64_t> judged_;  // when those were received that this exit judged last
  Metrics metrics_;
};

}  // namespace trib::gateway::tail
