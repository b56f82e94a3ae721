#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "trib/cloud/store/retention.h"
#include "trib/common/host/sqlite/database.h"
#include "trib/common/message/types.h"

namespace trib::cloud::store {

/// Deletes what is too old or too much, oldest first, a little at a time, and remembers the keys of
/// deleted records as ranges, so that an old resend is still a duplicate.
///
/// Memory   One step's keys.
/// Threads  The writer's.
class Retainer {
 public:
  static constexpr std::size_t kRowsPerStep = 1000;

  /// Requires  The schema is up to date.
  Status Prepare(host::sqlite::Database& database);

  /// Whether this key was stored and deleted since.
  Result<bool> WasStored(const message::RecordKey& key);
  /// One transaction. `now_ms` is RetentionClock's.
  Result<RetentionStep> Step(host::sqlite::Database& database,
                             const RetentionPolicy& policy,
                             std::uint64_t now_ms);
  /// nullopt: never stored.
  Result<std::optional<std::uint64_t>> LoadClock(host::sqlite::Database& database);

 private:
  using Boot = std::tuple<std::uint64_t, std::uint64_t, std::uint32_t>;  // node, epoch, boot
  struct Victims {
    std::vector<std::int64_t> ids;
    std::map<Boot, std::vector<std::uint32_t>> sequences;
  };

  Result<Victims> Choose(host::sqlite::Database& database,
                         const RetentionPolicy& policy,
                         std::uint64_t now_ms);
  Status Forget(const Victims& victims);
  Status Remember(const Boot& boot, std::uint32_t first, std::uint32_t last);
  Status Count(const char* name, std::uint64_t rows);
  Result<std::uint64_t> DeleteOld(host::sqlite::Database& database,
                                  host::sqlite::Statement& statement,
                                  std::uint64_t now_ms,
                                  Millis age,
                                  const char* name);
  Result<std::uint64_t> DeleteRollups(host::sqlite::Database& database,
                                      std::uint64_t now_ms,
                                      Millis age,
                                      std::int64_t& walked);

  static constexpr std::int64_t kBeforeAllNodes = std::numeric_limits<std::int64_t>::min();

  host::sqlite::Statement oldest_, delete_record_, delete_verdicts_, delete_undecided_;
  host::sqlite::Statement before_, after_, remember_, forget_range_;
  host::sqlite::Statement was_stored_, count_, set_clock_;
  host::sqlite::Statement next_node_, old_rollups_, old_reports_, old_audit_, old_undecided_;
  host::sqlite::Statement old_blocks_, old_looks_;
  bool any_forgotten_ = false;
  std::int64_t rollup_node_ = kBeforeAllNodes;  // where the walk over the nodes' minutes stands
  std::uint64_t tidied_ms_ = 0;
  bool more_ = false;  // of what is tidied once a minute
};

}  // namespace trib::cloud::store
