#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "trib/cloud/ports/types.h"
#include "trib/common/status/result.h"

namespace trib::cloud::store {

/// A verdict with the window that it is about.
struct StoredVerdict {
  std::int64_t record = 0;
  message::RecordKey key;
  std::int64_t time_ms = 0;
  std::uint64_t received_ms = 0;
  bool audit = false;
  Verdict verdict;
};

/// A read-only connection to what concerns deferred windows. Every query is a seek or a walk over
/// what waits, never over all records.
///
/// Threads  One thread for life; runs beside the Writer and never blocks it.
class DeferredReader {
 public:
  static Result<std::unique_ptr<DeferredReader>> Open(const std::string& path, std::string* error);
  ~DeferredReader();
  DeferredReader(const DeferredReader&) = delete;
  DeferredReader& operator=(const DeferredReader&) = delete;

  /// Those of one package with id > `after`, oldest first, at most `max` and, but for the first
  /// one, at most `max_bytes` in sum.
  Result<std::vector<Undecided>> ReadUndecided(PackageHash package,
                                               std::int64_t after,
                                               std::size_t max,
                                               std::size_t max_bytes);
  /// How many wait, by package.
  Result<std::vector<std::pair<PackageHash, std::uint64_t>>> CountUndecided();
  /// Of all time: `gateway`, `cloud` (verdicts that an exit accepted), `gateway_unsure`,
  /// `cloud_unsure` (verdicts that none did), `damaged`.
  Result<std::vector<std::pair<std::string, std::uint64_t>>> ReadTotals();
  /// A node's newest, oldest first.
  Result<std::vector<StoredVerdict>> ReadLastVerdicts(NodeId node, std::size_t limit);

  [[nodiscard]] std::string last_error() const;

 private:
  struct Impl;
  explicit DeferredReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::cloud::store
