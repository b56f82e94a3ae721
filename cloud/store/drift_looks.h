#pragma once

#include <cstdint>

#include "trib/cloud/store/drift.h"
#include "trib/common/base/time.h"
#include "trib/common/host/sqlite/database.h"

namespace trib::cloud::store {

/// Writes what the looks for drift made, and what operators do about their alarms. Every call
/// belongs into a transaction of the caller's.
///
/// Threads  The writer's.
class DriftLooks {
 public:
  /// Requires  The schema is up to date.
  Status Prepare(host::sqlite::Database& database, Millis length);

  /// @returns the look's id.
  Result<std::int64_t> Put(host::sqlite::Database& database, const DriftLookPut& put);
  /// @returns whether anything changed; kNotFound; kFailedPrecondition when the alarm is resolved
  ///   and something else is asked for.
  Result<bool> Change(const AlarmChange& change);

 private:
  Status Mark(const LookedBlock& looked, std::int64_t look);
  Status PutAlarm(const DriftAlarmRow& alarm, std::int64_t look);

  host::sqlite::Statement insert_look_, mark_, restore_, pass_, pass_total_, insert_alarm_;
  host::sqlite::Statement told_, relearned_, unsilence_, read_alarm_, change_alarm_, audit_;
  Millis length_{0};
};

}  // namespace trib::cloud::store
