#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "trib/cloud/ports/types.h"
#include "trib/cloud/store/drift.h"
#include "trib/common/base/time.h"
#include "trib/common/host/sqlite/database.h"

namespace trib::cloud::store {

/// Adds sketches and the audit's verdicts to the blocks of their nodes, within the writer's
/// transactions. A block that is touched several times in one is read and written once.
///
/// Threads  The writer's.
/// State    Blocks are collected until Flush(): call Clear() when the transaction failed.
class DriftBlocks {
 public:
  /// Requires  The schema is up to date.
  /// `length` 0: nothing is collected. `window` as of SoundTime().
  Status Prepare(host::sqlite::Database& database, Millis length, Millis window);

  /// Takes what was just inserted: of sketches all, of statuses the flags.
  Status Add(const RecordRow& row, GatewayId gateway, std::uint64_t now_ms);
  /// Takes the last answer about an audited window whose own is known. Others are passed over.
  Status AddVerdict(const Decided& decided);
  /// Keeps a flag in place of the former one of its kind.
  Status PutFlag(const DriftFlag& flag, FlagSource source, GatewayId gateway, std::uint64_t now_ms);
  Status Flush();
  void Clear();

  /// @returns whether a row was read into `out`, of a SELECT of kColumns from column `first` on.
  static constexpr const char* kColumns =
      "node, begin_ms, package_hash, recipe_id, gateway, firmware_version, newest_ms, sketches,"
      " windows, triggered, invalid, judged, errors, counts";
  static Status Read(const host::sqlite::Statement& row, int first, DriftBlock& out);
  /// Of kColumns, in their order, from parameter 1 on; `packed` is PackCounts() of it.
  static void Bind(host::sqlite::Statement& statement,
                   const DriftBlock& block,
                   const std::string& packed);

 private:
  using Key = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;  // node, begin, package
  struct Pending {
    DriftBlock block;
    std::uint64_t changed_ms = 0;
  };

  [[nodiscard]] std::uint64_t BeginOf(std::int64_t time_ms,
                                      std::uint64_t received_ms,
                                      std::uint64_t now_ms) const;
  Pending& At(NodeId node, std::uint64_t begin_ms, PackageHash package);
  void AddSketchOf(const RecordRow& row, GatewayId gateway, std::uint64_t now_ms);
  Status AddFlagsOf(const RecordRow& row, GatewayId gateway, std::uint64_t now_ms);
  Status Write(const Pending& pending);
  void CountLate(const DriftBlock& block);

  host::sqlite::Statement read_, insert_, update_, was_passed_, count_late_, add_total_, record_,
      put_flag_;
  Millis length_{0};
  Millis window_{0};
  std::map<Key, Pending> pending_;
  std::map<std::string, std::uint64_t> totals_;
};

}  // namespace trib::cloud::store
