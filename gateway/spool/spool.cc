#include "trib/gateway/spool/spool.h"

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

namespace trib::gateway::spool {
namespace {

using host::sqlite::Database;
using host::sqlite::Statement;
using host::sqlite::Transaction;

// AUTOINCREMENT: an id must not return while a batch that named it may still be acknowledged.
constexpr std::string_view kMigrations[] = {R"sql(
CREATE TABLE queue (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  node INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  received_ms INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  UNIQUE (node, epoch, boot, sequence)
) STRICT;
CREATE INDEX queue_by_priority ON queue (priority DESC, id);
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counter VALUES ('records', 0), ('bytes', 0), ('run', 0), ('roster_version', 0);
CREATE TABLE dropped (
  reason TEXT NOT NULL,
  priority INTEGER NOT NULL,
  total INTEGER NOT NULL,
  PRIMARY KEY (reason, priority)
) STRICT, WITHOUT ROWID;
CREATE TABLE roster (node INTEGER PRIMARY KEY, public_key BLOB NOT NULL) STRICT;
)sql",
                                            // Deferred windows and what the tail says about them.
                                            R"sql(
CREATE TABLE deferred (id INTEGER PRIMARY KEY, verdict BLOB) STRICT;
CREATE INDEX deferred_open ON deferred (id) WHERE verdict IS NULL;
)sql"};

// "TrbS"; docs/formats/spool.md.
constexpr host::sqlite::FileKind kSpoolFile{.id = 0x54726253, .name = "gateway spool"};

// Row, key index and priority index, as the file grows by them.
constexpr std::uint64_t kRowOverheadBytes = 96;

// Left free on the disk, twice over, for deletions.
constexpr std::uint64_t kReserveBytes = std::uint64_t{128} * 1024;

std::uint64_t CostOf(std::size_t sealed_bytes) {
  return sealed_bytes + kRowOverheadBytes;
}

constexpr std::string_view kReasonFull = "spool_full";
constexpr std::string_view kReasonRejected = "rejected";

std::size_t PriorityIndex(std::int64_t stored) {
  const auto last = static_cast<std::int64_t>(message::kPriorityCount) - 1;
  return static_cast<std::size_t>(std::clamp<std::int64_t>(stored, 0, last));
}

}  // namespace

Spool::Spool(host::sqlite::FileLock lock, Database database, const Options& options)
    : lock_(std::move(lock)), database_(std::move(database)), options_(options) {}

Result<std::unique_ptr<Spool>> Spool::Open(const Options& options, std::string& error) {
  TRIB_TRY_ASSIGN(auto lock, host::sqlite::FileLock::Take(options.path.string(), &error));
  TRIB_TRY_ASSIGN(Database database,
                  Database::Open(options.path.string(),
                                 {.synchronous = host::sqlite::Synchronous::kFull,
                                  .busy_timeout_ms = 1000,
                                  .wal_autocheckpoint_pages = options.wal_autocheckpoint_pages,
                                  .kind = kSpoolFile},
                                 &error));
  std::unique_ptr<Spool> spool(new Spool(std::move(lock), std::move(database), options));
  Status status = spool->database_.Migrate(kMigrations);
  if (status.ok()) {
    status = spool->Prepare();
  }
  if (status.ok()) {
    status = spool->LoadCounters();
  }
  if (!status.ok()) {
    error = status == Status(Code::kFailedPrecondition, host::sqlite::Reason::kNewerSchema)
                ? options.path.string() + ": written by a newer version of this program"
                : options.path.string() + ": " + spool->last_error();
    return status;
  }
  return spool;
}

Status Spool::Prepare() {
  const std::pair<Statement*, std::string_view> statements[] = {
      {&insert_,
       "INSERT INTO queue (node, epoch, boot, sequence, priority, received_ms, sealed) "
       "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"},
      {&exists_, "SELECT 1 FROM queue WHERE node = ? AND epoch = ? AND boot = ? AND sequence = ?"},
      {&peek_,
       "SELECT q.id, q.received_ms, q.sealed, q.priority, d.verdict FROM queue q"
       " LEFT JOIN deferred d ON d.id = q.id"
       " WHERE q.id > ? AND (d.id IS NULL OR d.verdict IS NOT NULL) ORDER BY q.id LIMIT ?"},
      {&peek_one_,
       "SELECT q.id, q.received_ms, q.sealed, q.priority, d.verdict FROM queue q"
       " LEFT JOIN deferred d ON d.id = q.id WHERE q.id = ?"},
      {&peek_deferred_,
       "SELECT q.id, q.received_ms, q.sealed, q.priority, NULL FROM deferred d"
       " JOIN queue q ON q.id = d.id WHERE d.verdict IS NULL AND d.id > ? ORDER BY d.id LIMIT ?"},
      {&defer_, "INSERT INTO deferred (id) VALUES (?)"},
      {&decide_, "UPDATE deferred SET verdict = ? WHERE id = ? AND verdict IS NULL"},
      {&release_, "DELETE FROM deferred WHERE id = ? AND verdict IS NULL"},
      {&delete_, "DELETE FROM queue WHERE id = ? RETURNING length(sealed), priority"},
      {&delete_run_, "DELETE FROM queue WHERE id BETWEEN ? AND ?"},
      {&undefer_run_, "DELETE FROM deferred WHERE id BETWEEN ? AND ?"},
      {&victims_,
       "SELECT id, length(sealed), priority FROM queue WHERE priority >= ? "
       "ORDER BY priority DESC, id"},
      {&set_counter_, "UPDATE counter SET value = ? WHERE name = ?"},
      {&set_drop_,
       "INSERT INTO dropped (reason, priority, total) VALUES (?, ?, ?) "
       "ON CONFLICT DO UPDATE SET total = excluded.total"},
  };
  for (const auto& [statement, sql] : statements) {
    TRIB_TRY_ASSIGN(*statement, database_.Prepare(sql));
  }
  return {};
}

Status Spool::LoadCounters() {
  TRIB_TRY_ASSIGN(auto transaction, Transaction::Begin(database_));
  TRIB_TRY(database_.Execute("UPDATE counter SET value = value + 1 WHERE name = 'run'"));
  TRIB_TRY_ASSIGN(const auto records,
                  database_.QueryInt("SELECT value FROM counter WHERE name = 'records'"));
  TRIB_TRY_ASSIGN(const auto bytes,
                  database_.QueryInt("SELECT value FROM counter WHERE name = 'bytes'"));
  TRIB_TRY_ASSIGN(const auto run,
                  database_.QueryInt("SELECT value FROM counter WHERE name = 'run'"));
  TRIB_TRY_ASSIGN(Statement drops,
                  database_.Prepare("SELECT reason, priority, total FROM dropped"));
  while (true) {
    TRIB_TRY_ASSIGN(const bool row, drops.Step());
    if (!row) {
      break;
    }
    auto& totals = drops.Text(0) == kReasonFull ? drops_.full : drops_.rejected;
    totals[PriorityIndex(drops.Int(1))] = drops.Uint(2);
  }
  TRIB_TRY(transaction.Commit());
  depth_ = {static_cast<std::uint64_t>(records), static_cast<std::uint64_t>(bytes)};
  run_ = static_cast<std::uint64_t>(run);
  return {};
}

bool Spool::Fits(const Depth& depth, std::uint64_t bytes) const {
  return depth.records < options_.max_records && depth.bytes + bytes <= options_.max_bytes;
}

Result<std::vector<Outcome>> Spool::Append(std::span<const Item> items,
                                           std::span<const Decided> decided) {
  std::vector<Outcome> outcomes;
  Status status = AppendOnce(items, decided, outcomes);
  if (items.empty() && status.code() == Code::kResourceExhausted) {
    // As for deletions: emptying the WAL may free the room that outcomes need.
    TRIB_TRY(database_.Checkpoint());
    status = AppendOnce(items, decided, outcomes);
  }
  if (!status.ok()) {
    ++metrics_.failures;
    return status;
  }
  return outcomes;
}

Status Spool::AppendOnce(std::span<const Item> items,
                         std::span<const Decided> decided,
                         std::vector<Outcome>& outcomes) {
  outcomes.clear();
  outcomes.reserve(items.size());
  std::vector<std::int64_t> freed;
  Group group{depth_, drops_};
  Metrics counted = metrics_;
  if (!items.empty()) {
    TRIB_TRY(KeepReserve(items));
  }
  TRIB_TRY_ASSIGN(auto transaction, Transaction::Begin(database_));
  for (const Item& item : items) {
    TRIB_TRY_ASSIGN(const Outcome outcome, Insert(item, group));
    outcomes.push_back(outcome);
    counted.stored += outcome == Outcome::kStored ? 1U : 0U;
    counted.duplicates += outcome == Outcome::kDuplicate ? 1U : 0U;
    counted.refused += outcome == Outcome::kRefused ? 1U : 0U;
  }
  TRIB_TRY(Decide(decided, freed));
  TRIB_TRY(Commit(transaction, group));
  counted.commits = metrics_.commits;
  counted.decided += freed.size();
  metrics_ = counted;
  for (const std::int64_t id : freed) {
    if (id <= passed_) {
      freed_.insert(id);
    }
  }
  return {};
}

/// `freed` gets the ids that waited and do not any more.
Status Spool::Decide(std::span<const Decided> decided, std::vector<std::int64_t>& freed) {
  for (const Decided& outcome : decided) {
    if (outcome.verdict.empty()) {
      TRIB_TRY(release_.BindAll(outcome.id).Run());
    } else {
      decide_.BindBlob(1, std::string_view(outcome.verdict)).Bind(2, outcome.id);
      TRIB_TRY(decide_.Run());
    }
    if (database_.changes() == 1) {
      freed.push_back(outcome.id);
    }
  }
  return {};
}

/// A disk that is full to the last block could not even take the deletions that make room again:
/// they too are written, and moving the WAL into the file may make the file longer by as much.
Status Spool::KeepReserve(std::span<const Item> items) {
  std::uint64_t bytes = kReserveBytes;
  for (const Item& item : items) {
    bytes += CostOf(item.sealed.size()) + kRowOverheadBytes;
  }
  // `reusable`: pages of the file that are free; the WAL grows by what is written all the same.
  const auto fits = [&](std::uint64_t reusable) {
    std::error_code failed;
    const auto space = std::filesystem::space(options_.path, failed);
    if (failed) {
      return true;  // SQLite will tell what is wrong
    }
    const auto wal = std::filesystem::file_size(options_.path.string() + "-wal", failed);
    const std::uint64_t moved = bytes + (failed ? 0 : wal);
    return space.available >= bytes + (moved > reusable ? moved - reusable : 0);
  };
  short_of_disk_ = false;
  if (fits(0)) {
    return {};
  }
  TRIB_TRY(database_.Checkpoint());
  TRIB_TRY_ASSIGN(const auto free_pages, database_.FreePageCount());
  TRIB_TRY_ASSIGN(const auto page_bytes, database_.PageSize());
  short_of_disk_ = !fits(static_cast<std::uint64_t>(free_pages * page_bytes));
  return short_of_disk_ ? Status(Code::kResourceExhausted) : Status();
}

Result<Outcome> Spool::Insert(const Item& item, Group& group) {
  const std::uint64_t bytes = CostOf(item.sealed.size());
  const auto& key = item.key;
  if (!Fits(group.depth, bytes)) {
    exists_.Reset();
    exists_.BindAll(key.node.value(), key.epoch.value(), key.boot, key.sequence);
    TRIB_TRY_ASSIGN(const bool known, exists_.Step());
    exists_.Reset();
    if (known) {
      return Outcome::kDuplicate;
    }
    if (options_.policy == FullPolicy::kReject || bytes > options_.max_bytes) {
      return Outcome::kRefused;
    }
    TRIB_TRY_ASSIGN(const bool room, MakeRoom(item, bytes, group));
    if (!room) {
      ++group.drops.full[static_cast<std::size_t>(item.priority)];
      return Outcome::kDropped;
    }
  }
  insert_.BindAll(
      key.node.value(), key.epoch.value(), key.boot, key.sequence, item.priority, item.received_ms);
  insert_.BindBlob(7, std::string_view(item.sealed));
  TRIB_TRY(insert_.Run());
  if (database_.changes() == 0) {
    return Outcome::kDuplicate;
  }
  if (item.deferred) {
    TRIB_TRY(defer_.BindAll(database_.last_insert_rowid()).Run());
  }
  ++group.depth.records;
  group.depth.bytes += bytes;
  return Outcome::kStored;
}

/// Gives up rows that are no more important than `item` until it fits.
/// @returns false when there are not enough of them: the item itself is the least important then.
Result<bool> Spool::MakeRoom(const Item& item, std::uint64_t bytes, Group& group) {
  struct Victim {
    std::int64_t id;
    std::uint64_t bytes;
    std::size_t priority;
  };
  std::vector<Victim> chosen;
  Depth depth = group.depth;
  victims_.Reset();
  victims_.Bind(1, item.priority);
  while (!Fits(depth, bytes)) {
    TRIB_TRY_ASSIGN(const bool row, victims_.Step());
    if (!row) {
      break;
    }
    const Victim victim{victims_.Int(0),
                        CostOf(static_cast<std::size_t>(victims_.Int(1))),
                        PriorityIndex(victims_.Int(2))};
    if (lent_.contains(victim.id)) {
      continue;
    }
    chosen.push_back(victim);
    --depth.records;
    depth.bytes -= std::min(depth.bytes, victim.bytes);
  }
  victims_.Reset();
  if (!Fits(depth, bytes)) {
    return false;
  }
  for (const Victim& victim : chosen) {
    delete_.Bind(1, victim.id);
    TRIB_TRY(delete_.Run());
    TRIB_TRY(undefer_run_.BindAll(victim.id, victim.id).Run());
    ++group.drops.full[victim.priority];
  }
  group.depth = depth;
  return true;
}

Status Spool::Commit(Transaction& transaction, const Group& group) {
  if (group.depth.records != depth_.records || group.depth.bytes != depth_.bytes) {
    set_counter_.BindAll(group.depth.records, "records");
    TRIB_TRY(set_counter_.Run());
    set_counter_.BindAll(group.depth.bytes, "bytes");
    TRIB_TRY(set_counter_.Run());
  }
  for (std::size_t i = 0; i < message::kPriorityCount; ++i) {
    if (group.drops.full[i] != drops_.full[i]) {
      set_drop_.BindAll(kReasonFull, i, group.drops.full[i]);
      TRIB_TRY(set_drop_.Run());
    }
    if (group.drops.rejected[i] != drops_.rejected[i]) {
      set_drop_.BindAll(kReasonRejected, i, group.drops.rejected[i]);
      TRIB_TRY(set_drop_.Run());
    }
  }
  TRIB_TRY(transaction.Commit());
  depth_ = group.depth;
  drops_ = group.drops;
  ++metrics_.commits;
  return {};
}

Result<std::vector<Stored>> Spool::Peek(std::int64_t after,
                                        std::size_t max,
                                        std::size_t max_bytes) {
  // Of a slow tail very many wait: they are passed over once, unless the reader goes back.
  const std::int64_t from = after >= given_ ? std::max(after, passed_) : after;
  std::vector<Stored> records;
  TRIB_TRY(TakeFreed(from, max, max_bytes, records));
  if (records.empty()) {
    peek_.Reset();
    peek_.BindAll(from, max);
    TRIB_TRY_ASSIGN(const bool all, ReadRows(peek_, true, max, max_bytes, records));
    if (all) {
      TRIB_TRY_ASSIGN(const auto newest, database_.QueryInt("SELECT max(id) FROM queue"));
      passed_ = std::max(passed_, newest);
    }
  }
  for (const Stored& record : records) {
    freed_.erase(record.id);
    given_ = std::max(given_, record.id);
  }
  passed_ = std::max(passed_, given_);
  return records;
}

/// What got its outcome when the reader was past it, up to `until`. A batch of these alone: they
/// are old.
Status Spool::TakeFreed(std::int64_t until,
                        std::size_t max,
                        std::size_t max_bytes,
                        std::vector<Stored>& records) {
  std::size_t bytes = 0;
  for (auto freed = freed_.begin();
       freed != freed_.end() && *freed <= until && records.size() < max && bytes < max_bytes;) {
    std::vector<Stored> row;
    peek_one_.Reset();
    peek_one_.BindAll(*freed);
    TRIB_TRY(ReadRows(peek_one_, true, 1, max_bytes, row).status());
    if (row.empty()) {
      freed = freed_.erase(freed);  // dropped by policy meanwhile
      continue;
    }
    if (!records.empty() && bytes + row[0].sealed.size() > max_bytes) {
      lent_.erase(row[0].id);
      break;
    }
    bytes += row[0].sealed.size();
    records.push_back(std::move(row[0]));
    ++freed;
  }
  return {};
}

/// Steps through rows of (id, received, sealed, priority, verdict), and lends them if asked to.
/// @returns whether there are no more of them.
Result<bool> Spool::ReadRows(Statement& rows,
                             bool lend,
                             std::size_t max,
                             std::size_t max_bytes,
                             std::vector<Stored>& records) {
  std::vector<Lent> lent;
  std::size_t bytes = 0;
  bool all = false;
  while (records.size() < max) {
    TRIB_TRY_ASSIGN(const bool row, rows.Step());
    if (!row) {
      all = true;
      break;
    }
    const std::string_view sealed = rows.Blob(2);
    if (!records.empty() && bytes + sealed.size() > max_bytes) {
      break;
    }
    bytes += sealed.size();
    records.push_back({rows.Int(0), rows.Uint(1), std::string(sealed), std::string(rows.Blob(4))});
    lent.push_back({CostOf(sealed.size()), PriorityIndex(rows.Int(3))});
  }
  rows.Reset();
  for (std::size_t i = 0; lend && i < records.size(); ++i) {
    lent_.emplace(records[i].id, lent[i]);
  }
  return all;
}

Result<std::vector<Stored>> Spool::PeekDeferred(std::int64_t after,
                                                std::size_t max,
                                                std::size_t max_bytes) {
  std::vector<Stored> records;
  peek_deferred_.Reset();
  peek_deferred_.BindAll(after, max);
  TRIB_TRY(ReadRows(peek_deferred_, false, max, max_bytes, records).status());
  return records;
}

Result<std::uint64_t> Spool::ReleaseDeferred() {
  TRIB_TRY(database_.Execute("DELETE FROM deferred WHERE verdict IS NULL"));
  return static_cast<std::uint64_t>(database_.changes());
}

Status Spool::Delete(std::span<const std::int64_t> ids) {
  return Forget(ids, false);
}
Status Spool::Discard(std::span<const std::int64_t> ids) {
  return Forget(ids, true);
}

Status Spool::Forget(std::span<const std::int64_t> ids, bool rejected) {
  Status status = ForgetOnce(ids, rejected);
  if (status.code() == Code::kResourceExhausted) {
    // Deleting writes too. Emptying the WAL may free the room that it needs.
    TRIB_TRY(database_.Checkpoint());
    status = ForgetOnce(ids, rejected);
  }
  if (!status.ok()) {
    ++metrics_.failures;
    return status;
  }
  for (const std::int64_t id : ids) {
    lent_.erase(id);
  }
  return {};
}

Status Spool::ForgetOnce(std::span<const std::int64_t> ids, bool rejected) {
  Group group{depth_, drops_};
  std::uint64_t deleted = 0;
  TRIB_TRY_ASSIGN(auto transaction, Transaction::Begin(database_));
  std::vector<std::int64_t> sorted(ids.begin(), ids.end());
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  for (std::span<const std::int64_t> rest(sorted); !rest.empty();) {
    TRIB_TRY_ASSIGN(const std::size_t run, ForgetRun(rest, rejected, group, deleted));
    if (run == 0) {
      TRIB_TRY(ForgetRow(rest.front(), rejected, group, deleted));
    }
    rest = rest.subspan(std::max<std::size_t>(run, 1));
  }
  TRIB_TRY(Commit(transaction, group));
  metrics_.deleted += deleted;
  return {};
}

/// Deletes the rows of the longest run of ids that follow each other and that Peek() gave, which is
/// what a batch's acknowledgement names: one statement, and what they weigh is known.
/// @returns how many ids that settles; 0 when there is no such run, or the file is not as expected.
Result<std::size_t> Spool::ForgetRun(std::span<const std::int64_t> ids,
                                     bool rejected,
                                     Group& group,
                                     std::uint64_t& deleted) {
  std::size_t run = 0;
  Group after = group;
  for (auto lent = lent_.find(ids.front());
       run < ids.size() && lent != lent_.end() && lent->first == ids[run] &&
       ids[run] == ids.front() + static_cast<std::int64_t>(run);
       ++lent, ++run) {
    TakeOff(lent->second, rejected, after);
  }
  if (run < 2) {
    return std::size_t{0};
  }
  TRIB_TRY(database_.Execute("SAVEPOINT run"));
  delete_run_.BindAll(ids.front(), ids[run - 1]);
  TRIB_TRY(delete_run_.Run());
  const bool all = database_.changes() == static_cast<std::int64_t>(run);
  TRIB_TRY(undefer_run_.BindAll(ids.front(), ids[run - 1]).Run());
  TRIB_TRY(database_.Execute(all ? "RELEASE run" : "ROLLBACK TO run; RELEASE run"));
  if (!all) {
    return std::size_t{0};
  }
  group = after;
  deleted += run;
  return run;
}

Status Spool::ForgetRow(std::int64_t id, bool rejected, Group& group, std::uint64_t& deleted) {
  delete_.Reset();
  delete_.Bind(1, id);
  TRIB_TRY_ASSIGN(const bool row, delete_.Step());
  if (row) {
    TakeOff({CostOf(static_cast<std::size_t>(delete_.Int(0))), PriorityIndex(delete_.Int(1))},
            rejected,
            group);
    ++deleted;
  }
  delete_.Reset();
  return row ? undefer_run_.BindAll(id, id).Run() : Status();
}

void Spool::TakeOff(const Lent& row, bool rejected, Group& group) {
  group.depth.records -= std::min<std::uint64_t>(group.depth.records, 1);
  group.depth.bytes -= std::min(group.depth.bytes, row.bytes);
  group.drops.rejected[row.priority] += rejected ? 1U : 0U;
}

Status Spool::StoreRoster(const Roster& roster) {
  const auto store = [&]() -> Status {
    TRIB_TRY_ASSIGN(Statement add,
                    database_.Prepare("INSERT INTO roster (node, public_key) VALUES (?, ?)"));
    TRIB_TRY_ASSIGN(auto transaction, Transaction::Begin(database_));
    TRIB_TRY(database_.Execute("DELETE FROM roster"));
    for (const RosterMember& member : roster.members) {
      add.Bind(1, member.node.value());
      add.BindBlob(2, std::span<const std::byte>(member.public_key));
      TRIB_TRY(add.Run());
    }
    set_counter_.BindAll(roster.version, "roster_version");
    TRIB_TRY(set_counter_.Run());
    return transaction.Commit();
  };
  const Status status = store();
  metrics_.failures += status.ok() ? 0U : 1U;
  return status;
}

Result<Roster> Spool::LoadRoster() {
  Roster roster;
  TRIB_TRY_ASSIGN(const auto version,
                  database_.QueryInt("SELECT value FROM counter WHERE name = 'roster_version'"));
  roster.version = static_cast<std::uint64_t>(version);
  TRIB_TRY_ASSIGN(Statement rows,
                  database_.Prepare("SELECT node, public_key FROM roster ORDER BY node"));
  while (true) {
    TRIB_TRY_ASSIGN(const bool row, rows.Step());
    if (!row) {
      return roster;
    }
    RosterMember member{NodeId(rows.Uint(0)), {}};
    const std::string_view key = rows.Blob(1);
    if (key.size() != member.public_key.size()) {
      return Code::kDataLoss;
    }
    std::transform(key.begin(), key.end(), member.public_key.begin(), [](char c) {
      return static_cast<std::byte>(c);
    });
    roster.members.push_back(member);
  }
}

}  // namespace trib::gateway::spool
