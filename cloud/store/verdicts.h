#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "trib/cloud/ports/types.h"
#include "trib/common/host/sqlite/database.h"

namespace trib::cloud::store {

/// Writes what the tiers said about deferred windows, within the writer's transactions.
///
/// Threads  The writer's.
/// State    Totals are collected until Flush(): call Clear() when the transaction failed.
class Verdicts {
 public:
  /// Requires  The schema is up to date.
  Status Prepare(host::sqlite::Database& database);

  /// Keeps the gateway's verdict of a record that was just inserted, and notes the record for the
  /// cloud's tail if there is none, or it was drawn for the audit.
  Status Add(const RecordRow& row, std::int64_t record, std::uint64_t now_ms);
  /// Keeps the cloud's verdict of a record that waits for one. Others are left alone: those that
  /// have one, and ids that belong to another record by now. @returns whether it was kept.
  Result<bool> Decide(const Decided& decided);
  Status Flush();
  void Clear() { totals_.clear(); }

 private:
  Status Insert(std::int64_t record, const Verdict& verdict);

  host::sqlite::Statement insert_, note_, is_open_, close_, add_total_;
  std::map<std::string, std::uint64_t> totals_;
};

/// Scores as the column `scores` holds them: 32-bit floats, little-endian.
std::string PackScores(std::span<const float> scores);
FixedVector<float, message::kMaxLabels> UnpackScores(std::string_view bytes);

}  // namespace trib::cloud::store
