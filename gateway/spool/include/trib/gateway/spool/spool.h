#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "trib/common/host/sqlite/database.h"
#include "trib/common/host/sqlite/file_lock.h"
#include "trib/common/status/result.h"
#include "trib/gateway/spool/metrics.h"
#include "trib/gateway/spool/types.h"

namespace trib::gateway::spool {

/// The gateway's durable queue: what is in it was acknowledged to a node and is owed to the cloud.
/// Also keeps the roster. The file's law: docs/formats/spool.md.
///
/// Threads  One for life: opens, uses and destroys it.
/// Durable  What a function changed is on disk when it returns ok; after a failure nothing changed.
/// State    Opening costs the same for any depth; the queue is read only through Peek().
class Spool {
 public:
  /// @returns with a line in `error`: kUnavailable, kDataLoss, kFailedPrecondition (newer schema,
  ///   or in use by another process).
  static Result<std::unique_ptr<Spool>> Open(const Options& options, std::string& error);

  /// Stores a group in one transaction, together with outcomes about records that are here already.
  /// Outcomes about records that are gone, or have one, are ignored. Outcomes alone may use what is
  /// left on the disk for deletions, since they lead to deletions.
  ///
  /// @returns one Outcome per item, in order; or, nothing stored and nothing to acknowledge,
  ///   kResourceExhausted  the disk is full, but for what deletions need
  ///   kUnavailable        locked or an I/O error
  Result<std::vector<Outcome>> Append(std::span<const Item> items,
                                      std::span<const Decided> decided = {});

  /// Reads records with id > `after`, oldest first, at most `max` and, but for the first one, at
  /// most `max_bytes` in sum. What was read is never dropped by policy, since it may be on its way.
  /// Deferred records are passed over until they have an outcome; those that got it after they were
  /// passed over come first, whatever `after` is, and once. Passing over costs once, however often
  /// it is asked, unless `after` is below what was given already.
  Result<std::vector<Stored>> Peek(std::int64_t after, std::size_t max, std::size_t max_bytes);

  /// Reads deferred records without an outcome with id > `after`, bounded in the same way. They may
  /// be dropped by policy all the same.
  Result<std::vector<Stored>> PeekDeferred(std::int64_t after,
                                           std::size_t max,
                                           std::size_t max_bytes);
  /// Lets all deferred records go without an outcome: there is no tail that they could wait for.
  ///
  /// Requires  Before the first Peek().
  /// @returns how many there were.
  Result<std::uint64_t> ReleaseDeferred();

  /// Forgets records that the cloud has. Unknown ids are ignored.
  Status Delete(std::span<const std::int64_t> ids);
  /// Forgets records that the cloud refused for good, counting them in the same transaction.
  Status Discard(std::span<const std::int64_t> ids);

  Status StoreRoster(const Roster& roster);
  Result<Roster> LoadRoster();

  [[nodiscard]] Depth depth() const { return depth_; }
  [[nodiscard]] const DropTotals& drops() const { return drops_; }
  /// How often the file was opened, this time included.
  [[nodiscard]] std::uint64_t run() const { return run_; }
  [[nodiscard]] const Metrics& metrics() const { return metrics_; }
  /// What the last failure was, as SQLite or we say it.
  [[nodiscard]] std::string last_error() const {
    return short_of_disk_ ? "the disk is full, but for what deletions need"
                          : database_.last_error();
  }
  /// Bounds the file, in pages: lets tests fill the disk.
  Status SetMaxPages(std::uint32_t pages) { return database_.SetMaxPages(pages); }

 private:
  // 1. depth_ and drops_ equal what the file says; they change only after a commit.
  // 2. lent_ holds the ids that Peek() gave and nobody forgot yet, with what their rows weigh.
  // 3. freed_ holds the ids up to passed_ that got their outcome after Peek() had passed them over
  //    and that it has not given since: what else lies there was given, or waits for its outcome.
  struct Lent {
    std::uint64_t bytes = 0;  // as depth_ counts them
    std::size_t priority = 0;
  };
  struct Group {
    Depth depth;
    DropTotals drops;
  };

  Spool(host::sqlite::FileLock lock, host::sqlite::Database database, const Options& options);
  Status Prepare();
  Status LoadCounters();
  Status KeepReserve(std::span<const Item> items);
  Result<Outcome> Insert(const Item& item, Group& group);
  Result<bool> MakeRoom(const Item& item, std::uint64_t bytes, Group& group);
  Status Commit(host::sqlite::Transaction& transaction, const Group& group);
  Status Decide(std::span<const Decided> decided, std::vector<std::int64_t>& freed);
  Status AppendOnce(std::span<const Item> items,
                    std::span<const Decided> decided,
                    std::vector<Outcome>& outcomes);
  Status TakeFreed(std::int64_t until,
                   std::size_t max,
                   std::size_t max_bytes,
                   std::vector<Stored>& records);
  Result<bool> ReadRows(host::sqlite::Statement& rows,
                        bool lend,
                        std::size_t max,
                        std::size_t max_bytes,
                        std::vector<Stored>& records);
  Status Forget(std::span<const std::int64_t> ids, bool rejected);
  Status ForgetOnce(std::span<const std::int64_t> ids, bool rejected);
  Result<std::size_t> ForgetRun(std::span<const std::int64_t> ids,
                                bool rejected,
                                Group& group,
                                std::uint64_t& deleted);
  Status ForgetRow(std::int64_t id, bool rejected, Group& group, std::uint64_t& deleted);
  static void TakeOff(const Lent& row, bool rejected, Group& group);
  [[nodiscard]] bool Fits(const Depth& depth, std::uint64_t bytes) const;

  host::sqlite::FileLock lock_;  // given back after the database is closed
  host::sqlite::Database database_;
  host::sqlite::Statement insert_;
  host::sqlite::Statement exists_;
  host::sqlite::Statement peek_;
  host::sqlite::Statement peek_one_;
  host::sqlite::Statement peek_deferred_;
  host::sqlite::Statement defer_;
  host::sqlite::Statement decide_;
  host::sqlite::Statement release_;
  host::sqlite::Statement delete_;
  host::sqlite::Statement delete_run_;
  host::sqlite::Statement undefer_run_;
  host::sqlite::Statement victims_;
  host::sqlite::Statement set_counter_;
  host::sqlite::Statement set_drop_;
  Options options_;
  Depth depth_;
  DropTotals drops_;
  std::uint64_t run_ = 0;
  std::map<std::int64_t, Lent> lent_;
  std::set<std::int64_t> freed_;
  std::int64_t given_ = 0;   // the highest id that Peek() has given
  std::int64_t passed_ = 0;  // the highest id that it has given or passed over
  bool short_of_disk_ = false;
  Metrics metrics_;
};

}  // namespace trib::gateway::spool
