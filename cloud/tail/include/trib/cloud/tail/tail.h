#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trib/cloud/tail/metrics.h"
#include "trib/cloud/tail/types.h"

namespace trib::cloud::tail {

/// Decides the deferred windows that no gateway has decided, and those of the audit: to the last
/// exit, whose answer stands even when it accepts no class, since there is nobody left to ask.
/// Pure: records, time and the network come as arguments. Keeps no record between batches: what
/// waits is in the store, and the same bytes give the same answer.
///
/// Threads  One caller at a time.
class Tail {
 public:
  Tail(const Options& options, Finish finish);

  /// How long a batch may wait for more: 0 when it is to start.
  ///
  /// Requires  waiting > 0
  [[nodiscard]] Millis Rest(std::size_t waiting,
                            std::uint64_t oldest_stored_ms,
                            std::uint64_t now_ms) const;
  /// Works on records of one package or of several; `now_ms` is the start.
  Output Run(std::span<const Undecided> batch, std::uint64_t now_ms);
  /// What the last Run() gave was stored by `now_ms`: counts how long its records took.
  void Stored(std::uint64_t now_ms);

  [[nodiscard]] const Metrics& metrics() const { return metrics_; }
  [[nodiscard]] const Options& options() const { return options_; }

 private:
  void Decide(const Undecided& waiting, std::uint64_t now_ms, Output& out);
  void Judge(const Undecided& waiting,
             const message::Record& record,
             std::uint64_t now_ms,
             Output& out);

  const Options options_;
  const Finish finish_;
  std::vector<std::uint64_t> judged_;  // when those were stored that the last exit judged last
  Metrics metrics_;
};

}  // namespace trib::cloud::tail
