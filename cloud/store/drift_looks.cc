#include "drift_looks.h"

#include <string>
#include <string_view>
#include <utility>

#include "drift_blocks.h"

namespace trib::cloud::store {
namespace {

using host::sqlite::Database;
using host::sqlite::Statement;

const char* NameOf(AlarmChange::Action action) {
  switch (action) {
    case AlarmChange::Action::kAcknowledge:
      return "drift.acknowledge";
    case AlarmChange::Action::kSilence:
      return "drift.silence";
    case AlarmChange::Action::kResolve:
      break;
  }
  return "drift.resolve";
}

/// What may be changed of an alarm.
struct Standing {
  AlarmState state = AlarmState::kOpen;
  std::string note;
  std::uint64_t acknowledged_ms = 0;
  std::uint64_t silenced_until_ms = 0;
  std::uint64_t resolved_ms = 0;
  bool relearn = false;
  friend bool operator==(const Standing&, const Standing&) = default;
};

Standing After(Standing standing, const AlarmChange& change) {
  standing.note = change.note.value_or(standing.note);
  switch (change.action) {
    case AlarmChange::Action::kAcknowledge:
      if (standing.state != AlarmState::kAcknowledged) {
        standing.state = AlarmState::kAcknowledged;
        standing.acknowledged_ms = change.at_ms;
        standing.silenced_until_ms = 0;
      }
      break;
    case AlarmChange::Action::kSilence:
      standing.state = AlarmState::kSilenced;
      standing.silenced_until_ms = change.until_ms;
      break;
    case AlarmChange::Action::kResolve:
      if (standing.state != AlarmState::kResolved) {
        standing.state = AlarmState::kResolved;
        standing.resolved_ms = change.at_ms;
        standing.relearn = change.relearn;
      }
      break;
  }
  return standing;
}

}  // namespace

Status DriftLooks::Prepare(Database& database, Millis length) {
  length_ = length;
  // What was judged is what is kept: sketches that came in between are late.
  const std::string restore = std::string("UPDATE drift_block SET (") + DriftBlocks::kColumns +
                              ", late, role, look) = (?,?,?,?,?,?,?,?,?,?,?,?,?,?, late +"
                              " max(sketches - ?8, 0), ?15, ?16) WHERE id = ?17 AND look IS NULL";
  const std::pair<Statement*, std::string_view> all[] = {
      {&insert_look_,
       "INSERT INTO drift_look(at_ms, blocks, too_small, learning, watched, families)"
       " VALUES(?,?,?,?,?,?)"},
      {&mark_,
       "UPDATE drift_block SET role = ?, look = ? WHERE id = ? AND look IS NULL AND revision = ?"},
      {&restore_, restore},
      {&pass_,
       "UPDATE drift_block SET role = 3, look = ? WHERE look IS NULL AND node = ? AND begin_ms < ?"
       " AND length_ms = ?"},
      {&pass_total_,
       "INSERT INTO drift_total VALUES('passed_blocks', ?) ON CONFLICT(name) DO UPDATE SET value ="
       " value + excluded.value"},
      {&insert_alarm_,
       "INSERT INTO drift_alarm(look, state, subject_kind, subject, family, cause, package_hash,"
       " begin_ms, raised_ms, p, threshold, resolution, tests, reasoning, nodes, evidence, note,"
       " acknowledged_ms, silenced_until_ms, resolved_ms, relearn)"
       " VALUES(?,1,?,?,?,?,?,?,?,?,?,?,?,?,?,?,'',0,0,0,0)"},
      {&told_, "UPDATE drift_alarm SET nodes = ? WHERE id = ? AND resolved_ms = 0"},
      {&relearned_,
       "UPDATE drift_alarm SET relearn_look = ? WHERE id = ? AND relearn = 1 AND relearn_look IS"
       " NULL"},
      {&unsilence_,
       "UPDATE drift_alarm SET state = 4, resolved_ms = ?1 WHERE id = ?2 AND state = 3 AND"
       " silenced_until_ms <= ?1"},
      {&read_alarm_,
       "SELECT state, note, acknowledged_ms, silenced_until_ms, resolved_ms, relearn, subject FROM"
       " drift_alarm WHERE id = ?"},
      {&change_alarm_,
       "UPDATE drift_alarm SET state = ?, note = ?, acknowledged_ms = ?, silenced_until_ms = ?,"
       " resolved_ms = ?, relearn = ? WHERE id = ?"},
      {&audit_, "INSERT INTO audit_log(at_ms, operator, action, device, detail) VALUES(?,?,?,?,?)"},
  };
  for (const auto& [statement, sql] : all) {
    TRIB_TRY_ASSIGN(*statement, database.Prepare(sql));
  }
  return {};
}

Result<std::int64_t> DriftLooks::Put(Database& database, const DriftLookPut& put) {
  const DriftLookRow& look = put.look;
  TRIB_TRY(insert_look_.Bind(1, look.at_ms)
               .Bind(2, look.blocks)
               .Bind(3, look.too_small)
               .Bind(4, look.learning)
               .Bind(5, look.watched)
               .Bind(6, std::string_view(look.families))
               .Run());
  const std::int64_t id = database.last_insert_rowid();
  for (const LookedBlock& looked : put.blocks) {
    TRIB_TRY(Mark(looked, id));
    if (database.changes() == 0) {
      const std::string packed = PackCounts(looked.stored.block.counts);
      DriftBlocks::Bind(restore_, looked.stored.block, packed);
      TRIB_TRY(restore_.Bind(15, looked.role).Bind(16, id).Bind(17, looked.stored.id).Run());
    }
  }
  std::int64_t passed = 0;
  for (const LookedBlock& looked : put.blocks) {
    const DriftBlock& block = looked.stored.block;
    TRIB_TRY(pass_.BindAll(id, block.node.value(), block.begin_ms, length_.count()).Run());
    passed += database.changes();
  }
  if (passed > 0) {
    TRIB_TRY(pass_total_.BindAll(passed).Run());
  }
  for (const DriftAlarmRow& alarm : put.alarms) {
    TRIB_TRY(PutAlarm(alarm, id));
  }
  for (const DriftLookPut::Told& told : put.told) {
    TRIB_TRY(told_.BindAll(std::string_view(told.nodes), told.alarm).Run());
  }
  for (const std::int64_t alarm : put.relearned) {
    TRIB_TRY(relearned_.BindAll(id, alarm).Run());
  }
  for (const std::int64_t alarm : put.unsilenced) {
    TRIB_TRY(unsilence_.BindAll(look.at_ms, alarm).Run());
  }
  return id;
}

Status DriftLooks::Mark(const LookedBlock& looked, std::int64_t look) {
  return mark_.BindAll(looked.role, look, looked.stored.id, looked.stored.revision).Run();
}

Status DriftLooks::PutAlarm(const DriftAlarmRow& alarm, std::int64_t look) {
  return insert_alarm_
      .BindAll(look,
               alarm.subject_kind,
               alarm.subject,
               alarm.family,
               alarm.cause,
               alarm.package.value(),
               alarm.begin_ms,
               alarm.raised_ms,
               alarm.p,
               alarm.threshold,
               alarm.resolution,
               alarm.tests,
               std::string_view(alarm.reasoning),
               std::string_view(alarm.nodes),
               std::string_view(alarm.evidence))
      .Run();
}

Result<bool> DriftLooks::Change(const AlarmChange& change) {
  read_alarm_.BindAll(change.alarm);
  TRIB_TRY_ASSIGN(const bool found, read_alarm_.Step());
  Standing before;
  std::uint64_t subject = 0;
  if (found) {
    before.state = static_cast<AlarmState>(read_alarm_.Int(0));
    before.note = read_alarm_.Text(1);
    before.acknowledged_ms = read_alarm_.Uint(2);
    before.silenced_until_ms = read_alarm_.Uint(3);
    before.resolved_ms = read_alarm_.Uint(4);
    before.relearn = read_alarm_.Int(5) != 0;
    subject = read_alarm_.Uint(6);
  }
  read_alarm_.Reset();
  if (!found) {
    return Code::kNotFound;
  }
  if (before.state == AlarmState::kResolved && change.action != AlarmChange::Action::kResolve) {
    return Code::kFailedPrecondition;
  }
  const Standing after = After(before, change);
  if (after == before) {
    return false;
  }
  TRIB_TRY(change_alarm_
               .BindAll(after.state,
                        std::string_view(after.note),
                        after.acknowledged_ms,
                        after.silenced_until_ms,
                        after.resolved_ms,
                        after.relearn,
                        change.alarm)
               .Run());
  std::string detail = "alarm " + std::to_string(change.alarm);
  if (change.action == AlarmChange::Action::kSilence) {
    detail += " until " + std::to_string(change.until_ms);
  } else if (change.action == AlarmChange::Action::kResolve) {
    detail += after.relearn ? ", to be learned anew" : ", against its former reference";
  }
  detail += after.note.empty() ? "" : ": " + after.note;
  TRIB_TRY(audit_
               .BindAll(change.at_ms,
                        std::string_view(change.operator_name),
                        NameOf(change.action),
                        subject,
                        std::string_view(detail))
               .Run());
  return true;
}

}  // namespace trib::cloud::store
