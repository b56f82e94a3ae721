#include "retainer.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace trib::cloud::store {

using host::sqlite::Database;
using host::sqlite::Statement;
using host::sqlite::Transaction;

Status Retainer::Prepare(Database& database) {
  const std::pair<Statement*, std::string_view> all[] = {
      {&oldest_,
       "SELECT id, node, epoch, boot, sequence, stored_ms FROM record ORDER BY id LIMIT ?"},
      {&delete_record_, "DELETE FROM record WHERE id = ?"},
      {&delete_verdicts_, "DELETE FROM verdict WHERE record = ?"},
      {&delete_undecided_, "DELETE FROM undecided WHERE record = ?"},
      {&before_,
       "SELECT first, last FROM forgotten WHERE node = ? AND epoch = ? AND boot = ? AND first <= ?"
       " ORDER BY first DESC LIMIT 1"},
      {&after_,
       "SELECT first, last FROM forgotten WHERE node = ? AND epoch = ? AND boot = ? AND first > ?"
       " ORDER BY first LIMIT 1"},
      {&remember_, "INSERT OR REPLACE INTO forgotten VALUES(?,?,?,?,?)"},
      {&forget_range_,
       "DELETE FROM forgotten WHERE node = ? AND epoch = ? AND boot = ? AND first = ?"},
      {&was_stored_,
       "SELECT last FROM forgotten WHERE node = ? AND epoch = ? AND boot = ? AND first <= ?"
       " ORDER BY first DESC LIMIT 1"},
      {&count_,
       "INSERT INTO retention VALUES(?,?) ON CONFLICT(name) DO UPDATE SET value = value +"
       " excluded.value"},
      {&set_clock_, "INSERT OR REPLACE INTO retention VALUES('clock_ms', ?)"},
      {&next_node_, "SELECT node FROM node_total WHERE node > ? ORDER BY node LIMIT 1"},
      {&old_rollups_,
       "DELETE FROM rollup_minute WHERE node = ?1 AND minute_ms IN (SELECT minute_ms FROM"
       " rollup_minute WHERE node = ?1 AND minute_ms < ?2 ORDER BY minute_ms LIMIT ?3)"},
      {&old_reports_,
       "DELETE FROM site_report WHERE rowid IN (SELECT s.rowid FROM device d JOIN site_report s ON"
       " s.gateway = d.id AND s.minute_ms < ?1 WHERE d.kind = 2 LIMIT ?2)"},
      {&old_audit_,
       "DELETE FROM audit_log WHERE id IN (SELECT id FROM (SELECT id, at_ms FROM audit_log ORDER BY"
       " id LIMIT ?2) WHERE at_ms < ?1)"},
      {&old_undecided_,
       "DELETE FROM undecided WHERE record IN (SELECT record FROM (SELECT record, stored_ms FROM"
       " undecided ORDER BY record LIMIT ?2) WHERE stored_ms < ?1)"},
      // What is normal for a node stays, and where it stands: its newest blocks.
      {&old_blocks_,
       "DELETE FROM drift_block WHERE id IN (SELECT b.id FROM drift_look l JOIN drift_block b ON"
       " b.look = l.id AND b.role IN (2, 3) WHERE l.at_ms < ?1 AND EXISTS(SELECT 1 FROM drift_block"
       " n WHERE n.node = b.node AND n.length_ms = b.length_ms AND n.begin_ms >= b.begin_ms"
       " + 8 * b.length_ms AND n.look IS NOT NULL) LIMIT ?2)"},
      {&old_looks_,
       "DELETE FROM drift_look WHERE id IN (SELECT id FROM drift_look l WHERE at_ms < ?1 AND NOT"
       " EXISTS(SELECT 1 FROM drift_block b WHERE b.look = l.id) AND NOT EXISTS(SELECT 1 FROM"
       " drift_alarm a WHERE a.look = l.id) LIMIT ?2)"},
  };
  for (const auto& [statement, sql] : all) {
    TRIB_TRY_ASSIGN(*statement, database.Prepare(sql));
  }
  const auto any = database.QueryInt("SELECT 1 FROM forgotten LIMIT 1");
  any_forgotten_ = any.ok();
  return any.ok() || any.status().code() == Code::kNotFound ? Status() : any.status();
}

Result<std::optional<std::uint64_t>> Retainer::LoadClock(Database& database) {
  const auto stored = database.QueryInt("SELECT value FROM retention WHERE name = 'clock_ms'");
  if (stored.ok()) {
    return std::optional(static_cast<std::uint64_t>(*stored));
  }
  if (stored.status().code() != Code::kNotFound) {
    return stored.status();
  }
  return std::optional<std::uint64_t>();
}

Result<bool> Retainer::WasStored(const message::RecordKey& key) {
  if (!any_forgotten_) {
    return false;
  }
  was_stored_.BindAll(key.node.value(), key.epoch.value(), key.boot, key.sequence);
  TRIB_TRY_ASSIGN(const bool found, was_stored_.Step());
  const bool within = found && was_stored_.Int(0) >= std::int64_t{key.sequence};
  was_stored_.Reset();
  return within;
}

Result<Retainer::Victims> Retainer::Choose(Database& database,
                                           const RetentionPolicy& policy,
                                           std::uint64_t now_ms) {
  Victims victims;
  std::uint64_t too_many = 0;
  if (policy.max_records != 0) {
    TRIB_TRY_ASSIGN(
        const auto held,
        database.QueryInt("SELECT (SELECT coalesce(sum(stored), 0) FROM gateway_total) -"
                          " (SELECT coalesce(sum(value), 0) FROM retention WHERE name ="
                          " 'records')"));
    const auto records = static_cast<std::uint64_t>(std::max<std::int64_t>(held, 0));
    too_many = records > policy.max_records ? records - policy.max_records : 0;
  }
  if (policy.max_bytes != 0) {
    TRIB_TRY_ASSIGN(const auto pages, database.PageCount());
    TRIB_TRY_ASSIGN(const auto free, database.FreePageCount());
    TRIB_TRY_ASSIGN(const auto page, database.PageSize());
    if (static_cast<std::uint64_t>((pages - free) * page) > policy.max_bytes) {
      too_many = std::max<std::uint64_t>(too_many, kRowsPerStep);
    }
  }
  const bool by_age = policy.records.count() > 0;
  if (too_many == 0 && !by_age) {
    return victims;
  }
  const auto age = static_cast<std::uint64_t>(policy.records.count());
  const std::uint64_t horizon = by_age && now_ms > age ? now_ms - age : 0;
  oldest_.Bind(1, kRowsPerStep);
  while (true) {
    const auto row = oldest_.Step();
    if (!row.ok() || !*row) {
      oldest_.Reset();
      TRIB_TRY(row.status());
      return victims;
    }
    if (victims.ids.size() >= too_many && oldest_.Uint(5) >= horizon) {
      oldest_.Reset();
      return victims;
    }
    victims.ids.push_back(oldest_.Int(0));
    victims
        .sequences[{oldest_.Uint(1), oldest_.Uint(2), static_cast<std::uint32_t>(oldest_.Int(3))}]
        .push_back(static_cast<std::uint32_t>(oldest_.Int(4)));
  }
}

Status Retainer::Remember(const Boot& boot, std::uint32_t first, std::uint32_t last) {
  const auto& [node, epoch, number] = boot;
  before_.BindAll(node, epoch, number, first);
  TRIB_TRY_ASSIGN(const bool before, before_.Step());
  if (before && before_.Int(1) + 1 >= std::int64_t{first}) {
    last = std::max(last, static_cast<std::uint32_t>(before_.Int(1)));
    first = static_cast<std::uint32_t>(before_.Int(0));
  }
  before_.Reset();
  after_.BindAll(node, epoch, number, first);
  TRIB_TRY_ASSIGN(const bool after, after_.Step());
  const bool touches = after && after_.Int(0) <= std::int64_t{last} + 1;
  const auto next = touches ? static_cast<std::uint32_t>(after_.Int(0)) : 0;
  last = touches ? std::max(last, static_cast<std::uint32_t>(after_.Int(1))) : last;
  after_.Reset();
  if (touches) {
    TRIB_TRY(forget_range_.BindAll(node, epoch, number, next).Run());
  }
  return remember_.BindAll(node, epoch, number, first, last).Run();
}

Status Retainer::Forget(const Victims& victims) {
  for (const std::int64_t id : victims.ids) {
    TRIB_TRY(delete_record_.BindAll(id).Run());
    TRIB_TRY(delete_verdicts_.BindAll(id).Run());
    TRIB_TRY(delete_undecided_.BindAll(id).Run());
  }
  for (auto [boot, sequences] : victims.sequences) {
    std::sort(sequences.begin(), sequences.end());
    for (std::size_t i = 0; i < sequences.size();) {
      const std::uint32_t first = sequences[i];
      std::uint32_t last = first;
      for (++i; i < sequences.size() && sequences[i] == last + 1; ++i) {
        last = sequences[i];
      }
      TRIB_TRY(Remember(boot, first, last));
    }
  }
  return Count("records", victims.ids.size());
}

Status Retainer::Count(const char* name, std::uint64_t rows) {
  return rows == 0 ? Status() : count_.BindAll(name, rows).Run();
}

Result<std::uint64_t> Retainer::DeleteOld(
    Database& database, Statement& statement, std::uint64_t now_ms, Millis age, const char* name) {
  const auto kept = static_cast<std::uint64_t>(age.count());
  if (kept == 0 || now_ms <= kept) {
    return std::uint64_t{0};
  }
  TRIB_TRY(statement.BindAll(now_ms - kept, kRowsPerStep).Run());
  const auto deleted = static_cast<std::uint64_t>(database.changes());
  TRIB_TRY(Count(name, deleted));
  return deleted;
}

/// Some nodes' minutes: in time the walk comes to each.
Result<std::uint64_t> Retainer::DeleteRollups(Database& database,
                                              std::uint64_t now_ms,
                                              Millis age,
                                              std::int64_t& walked) {
  constexpr std::size_t kNodesPerStep = 100;
  const auto kept = static_cast<std::uint64_t>(age.count());
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < kNodesPerStep && kept != 0 && now_ms > kept; ++i) {
    next_node_.BindAll(walked);
    TRIB_TRY_ASSIGN(const bool found, next_node_.Step());
    const std::int64_t node = found ? next_node_.Int(0) : 0;
    next_node_.Reset();
    if (!found) {
      walked = kBeforeAllNodes;
      break;
    }
    TRIB_TRY(old_rollups_.BindAll(node, now_ms - kept, kRowsPerStep).Run());
    const auto deleted = static_cast<std::uint64_t>(database.changes());
    rows += deleted;
    if (rows >= kRowsPerStep) {
      break;  // this node again, the next time
    }
    walked = node;
  }
  TRIB_TRY(Count("rollups", rows));
  return rows;
}

Result<RetentionStep> Retainer::Step(Database& database,
                                     const RetentionPolicy& policy,
                                     std::uint64_t now_ms) {
  constexpr std::uint64_t kTidyMs = 60'000;
  RetentionStep step;
  TRIB_TRY_ASSIGN(const Victims victims, Choose(database, policy, now_ms));
  const bool tidy = more_ || now_ms < tidied_ms_ || now_ms - tidied_ms_ >= kTidyMs;
  if (victims.ids.empty() && !tidy) {
    return step;  // an idle cloud writes once a minute
  }
  std::int64_t walked = rollup_node_;
  TRIB_TRY_ASSIGN(auto transaction, Transaction::Begin(database));
  TRIB_TRY(set_clock_.BindAll(now_ms).Run());
  TRIB_TRY(Forget(victims));
  step.deleted += victims.ids.size();
  step.more = victims.ids.size() >= kRowsPerStep;
  bool more = false;
  if (tidy) {
    TRIB_TRY_ASSIGN(const auto rollups, DeleteRollups(database, now_ms, policy.rollups, walked));
    TRIB_TRY_ASSIGN(const auto reports,
                    DeleteOld(database, old_reports_, now_ms, policy.reports, "reports"));
    TRIB_TRY_ASSIGN(const auto audit,
                    DeleteOld(database, old_audit_, now_ms, policy.audit, "audit"));
    TRIB_TRY_ASSIGN(const auto undecided,
                    DeleteOld(database, old_undecided_, now_ms, policy.undecided, "undecided"));
    TRIB_TRY_ASSIGN(const auto blocks,
                    DeleteOld(database, old_blocks_, now_ms, policy.drift, "drift_blocks"));
    TRIB_TRY_ASSIGN(const auto looks,
                    DeleteOld(database, old_looks_, now_ms, policy.drift, "drift_looks"));
    step.deleted += rollups + reports + audit + undecided + blocks + looks;
    more = std::max({rollups, reports, audit, undecided, blocks, looks}) >= kRowsPerStep ||
           (policy.rollups.count() > 0 && walked != kBeforeAllNodes);
  }
  TRIB_TRY(transaction.Commit());
  rollup_node_ = walked;
  more_ = more;
  tidied_ms_ = tidy ? now_ms : tidied_ms_;
  step.more = step.more || more;
  any_forgotten_ = any_forgotten_ || !victims.ids.empty();
  return step;
}

}  // namespace trib::cloud::store
