#include "trib/cloud/store/drift_reader.h"

#include <algorithm>

#include "drift_blocks.h"
#include "for_each.h"
#include "schema.h"
#include "trib/common/host/sqlite/database.h"

namespace trib::cloud::store {
namespace {

using host::sqlite::Database;
using host::sqlite::Statement;

constexpr const char* kAlarm =
    "SELECT id, look, state, subject_kind, subject, family, cause, package_hash, begin_ms,"
    " raised_ms, p, threshold, resolution, tests, reasoning, nodes, evidence, note,"
    " acknowledged_ms, silenced_until_ms, resolved_ms FROM drift_alarm ";

DriftAlarmRow ReadAlarmRow(const Statement& s) {
  DriftAlarmRow alarm;
  alarm.id = s.Int(0);
  alarm.look = s.Int(1);
  alarm.state = static_cast<AlarmState>(s.Int(2));
  alarm.subject_kind = static_cast<std::uint8_t>(s.Int(3));
  alarm.subject = s.Uint(4);
  alarm.family = static_cast<std::uint8_t>(s.Int(5));
  alarm.cause = static_cast<std::uint8_t>(s.Int(6));
  alarm.package = PackageHash(s.Uint(7));
  alarm.begin_ms = s.Uint(8);
  alarm.raised_ms = s.Uint(9);
  alarm.p = s.Real(10);
  alarm.threshold = s.Real(11);
  alarm.resolution = s.Real(12);
  alarm.tests = s.Uint(13);
  alarm.reasoning = s.Text(14);
  alarm.nodes = s.Text(15);
  alarm.evidence = s.Text(16);
  alarm.note = s.Text(17);
  alarm.acknowledged_ms = s.Uint(18);
  alarm.silenced_until_ms = s.Uint(19);
  alarm.resolved_ms = s.Uint(20);
  return alarm;
}

Result<std::vector<DriftAlarmRow>> ReadAlarmRows(Statement& statement) {
  std::vector<DriftAlarmRow> out;
  TRIB_TRY(ForEach(statement, [&](const Statement& s) { out.push_back(ReadAlarmRow(s)); }));
  return out;
}

/// A block whose counts are damaged is left out: nothing can be judged of it.
Result<std::vector<StoredBlock>> ReadBlockRows(Statement& statement) {
  std::vector<StoredBlock> out;
  TRIB_TRY(ForEach(statement, [&](const Statement& s) {
    StoredBlock& stored = out.emplace_back();
    stored.id = s.Int(0);
    stored.revision = s.Uint(1);
    if (!DriftBlocks::Read(s, 2, stored.block).ok()) {
      out.pop_back();
    }
  }));
  return out;
}

constexpr const char* kFlag =
    "SELECT node, source, channel, idx, at_ms, package_hash, before, after, width, gateway,"
    " stored_ms FROM drift_flag ";

Result<std::vector<StoredFlag>> ReadFlagRows(Statement& statement) {
  std::vector<StoredFlag> out;
  TRIB_TRY(ForEach(statement, [&](const Statement& s) {
    StoredFlag& stored = out.emplace_back();
    stored.source = static_cast<FlagSource>(s.Int(1));
    stored.flag = {NodeId(s.Uint(0)),
                   static_cast<std::uint32_t>(s.Int(2)),
                   static_cast<std::uint32_t>(s.Int(3)),
                   s.Uint(4),
                   PackageHash(s.Uint(5)),
                   static_cast<float>(s.Real(6)),
                   static_cast<float>(s.Real(7)),
                   static_cast<std::uint32_t>(s.Int(8))};
    stored.gateway = GatewayId(s.Uint(9));
    stored.stored_ms = s.Uint(10);
  }));
  return out;
}

}  // namespace

struct DriftReader::Impl {
  Database database;
  Statement complete, steps, looked, unresolved, to_relearn, relearned, alarm, alarms, alarms_of;
  Statement looks, span, frames, activations, totals, open, other, flags, newest_flags;
  Statement flagged;

  Status Prepare() {
    const std::string block = std::string("SELECT id, revision, ") + DriftBlocks::kColumns;
    const std::string alarm_columns = kAlarm;
    const std::pair<Statement*, std::string> all[] = {
        {&complete,
         block +
             " FROM drift_block b WHERE look IS NULL AND length_ms = ?1 AND (max(begin_ms + ?1,"
             " changed_ms) + ?2 <= ?3 OR EXISTS(SELECT 1 FROM drift_block n WHERE n.node = b.node"
             " AND n.length_ms = ?1 AND n.begin_ms >= b.begin_ms + ?1)) ORDER BY begin_ms, node,"
             " newest_ms, package_hash LIMIT ?4"},
        {&steps,
         "SELECT look FROM drift_block WHERE look IS NOT NULL UNION SELECT relearn_look FROM"
         " drift_alarm WHERE relearn = 1 AND relearn_look IS NOT NULL ORDER BY 1"},
        {&looked,
         block +
             " FROM drift_block WHERE look = ? AND role <> 3 AND length_ms = ? ORDER BY begin_ms,"
             " node, newest_ms, package_hash"},
        {&unresolved, alarm_columns + "WHERE resolved_ms = 0 ORDER BY id"},
        {&to_relearn, alarm_columns + "WHERE relearn = 1 AND relearn_look IS NULL ORDER BY id"},
        {&relearned, alarm_columns + "WHERE relearn = 1 AND relearn_look = ? ORDER BY id"},
        {&alarm, alarm_columns + "WHERE id = ?"},
        {&alarms, alarm_columns + "WHERE id < ? ORDER BY id DESC LIMIT ?"},
        {&alarms_of, "SELECT id FROM drift_alarm WHERE look = ? ORDER BY id"},
        {&looks,
         "SELECT id, at_ms, blocks, too_small, learning, watched, families FROM drift_look WHERE"
         " at_ms >= ? ORDER BY id DESC LIMIT ?"},
        {&span,
         "SELECT min(begin_ms), max(begin_ms) + ?3 FROM (SELECT begin_ms FROM drift_block WHERE "
         "node"
         " = ?1 AND package_hash = ?2 AND length_ms = ?3 AND role = 1 AND begin_ms < ?4 ORDER BY"
         " begin_ms DESC LIMIT ?5)"},
        {&frames,
         "SELECT sealed FROM record WHERE node = ? AND time_ms >= ? AND time_ms < ? AND kind = 18"
         " AND audit = 1 AND package_hash = ? ORDER BY time_ms DESC LIMIT ?"},
        {&activations,
         "SELECT sealed FROM record INDEXED BY record_node_time WHERE node = ? AND time_ms >= ? AND"
         " time_ms < ? AND kind = 19 AND audit = 1 AND package_hash = ? ORDER BY time_ms DESC LIMIT"
         " ?"},
        {&totals, "SELECT name, value FROM drift_total"},
        {&open, "SELECT count(*) FROM drift_block WHERE look IS NULL AND length_ms = ?"},
        {&other, "SELECT count(*) FROM drift_block WHERE length_ms <> ?"},
        {&flags, std::string(kFlag) + "WHERE node = ? ORDER BY stored_ms DESC LIMIT ?"},
        {&newest_flags, std::string(kFlag) + "ORDER BY stored_ms DESC LIMIT ?"},
        {&flagged, "SELECT count(DISTINCT node) FROM drift_flag WHERE stored_ms >= ?"},
    };
    for (const auto& [statement, sql] : all) {
      TRIB_TRY_ASSIGN(*statement, database.Prepare(sql));
    }
    return {};
  }

  Result<std::uint64_t> Count(Statement& statement, std::uint64_t by) {
    std::uint64_t count = 0;
    statement.BindAll(by);
    TRIB_TRY(ForEach(statement, [&](const Statement& s) { count = s.Uint(0); }));
    return count;
  }
};

DriftReader::DriftReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DriftReader::~DriftReader() = default;

Result<std::unique_ptr<DriftReader>> DriftReader::Open(const std::string& path,
                                                       std::string* error) {
  auto impl = std::make_unique<Impl>();
  host::sqlite::OpenOptions options;
  options.mode = host::sqlite::Mode::kReadOnly;
  options.kind = kStoreFile;
  TRIB_TRY_ASSIGN(impl->database, Database::Open(path, options, error));
  if (const Status status = impl->Prepare(); !status.ok()) {
    if (error != nullptr) {
      *error = path + ": " + impl->database.last_error();
    }
    return status;
  }
  return std::unique_ptr<DriftReader>(new DriftReader(std::move(impl)));
}

Result<std::vector<StoredBlock>> DriftReader::ReadComplete(Millis length,
                                                           Millis grace,
                                                           std::uint64_t now_ms,
                                                           std::size_t max) {
  impl_->complete.BindAll(length.count(), grace.count(), now_ms, max);
  return ReadBlockRows(impl_->complete);
}

Result<std::vector<DriftReader::Step>> DriftReader::ReadSteps() {
  std::vector<Step> out;
  TRIB_TRY(ForEach(impl_->steps, [&](const Statement& s) { out.push_back({s.Int(0), {}}); }));
  for (Step& step : out) {
    impl_->relearned.BindAll(step.look);
    TRIB_TRY_ASSIGN(step.relearned, ReadAlarmRows(impl_->relearned));
  }
  TRIB_TRY_ASSIGN(auto waiting, ReadToRelearn());
  out.push_back({0, std::move(waiting)});
  return out;
}

Result<std::vector<StoredBlock>> DriftReader::ReadLooked(std::int64_t look, Millis length) {
  impl_->looked.BindAll(look, length.count());
  return ReadBlockRows(impl_->looked);
}

Result<std::vector<DriftAlarmRow>> DriftReader::ReadUnresolved() {
  return ReadAlarmRows(impl_->unresolved);
}

Result<std::vector<DriftAlarmRow>> DriftReader::ReadToRelearn() {
  return ReadAlarmRows(impl_->to_relearn);
}

Result<DriftAlarmRow> DriftReader::ReadAlarm(std::int64_t id) {
  impl_->alarm.BindAll(id);
  TRIB_TRY_ASSIGN(auto rows, ReadAlarmRows(impl_->alarm));
  if (rows.empty()) {
    return Code::kNotFound;
  }
  return std::move(rows.front());
}

Result<std::vector<DriftAlarmRow>> DriftReader::ReadAlarms(std::int64_t before, std::size_t limit) {
  impl_->alarms.BindAll(before != 0 ? before : INT64_MAX, limit);
  return ReadAlarmRows(impl_->alarms);
}

Result<std::vector<std::int64_t>> DriftReader::ReadAlarmsOf(std::int64_t look) {
  std::vector<std::int64_t> out;
  impl_->alarms_of.BindAll(look);
  TRIB_TRY(ForEach(impl_->alarms_of, [&](const Statement& s) { out.push_back(s.Int(0)); }));
  return out;
}

Result<std::vector<DriftLookRow>> DriftReader::ReadLooks(std::uint64_t since_ms,
                                                         std::size_t limit) {
  std::vector<DriftLookRow> out;
  impl_->looks.BindAll(since_ms, limit);
  TRIB_TRY(ForEach(impl_->looks, [&](const Statement& s) {
    out.push_back(
        {s.Int(0), s.Uint(1), s.Uint(2), s.Uint(3), s.Uint(4), s.Uint(5), std::string(s.Text(6))});
  }));
  return out;
}

Result<std::optional<DriftReader::Span>> DriftReader::ReadReferenceSpan(
    NodeId node, PackageHash package, Millis length, std::uint64_t before_ms, std::size_t blocks) {
  std::optional<Span> out;
  impl_->span.BindAll(node.value(), package.value(), length.count(), before_ms, blocks);
  TRIB_TRY(ForEach(impl_->span, [&](const Statement& s) {
    if (!s.IsNull(0)) {
      out = Span{s.Uint(0), s.Uint(1)};
    }
  }));
  return out;
}

Status DriftReader::ReadFrames(NodeId node,
                               PackageHash package,
                               const Span& span,
                               std::size_t limit,
                               const std::function<void(std::string_view sealed)>& take) {
  impl_->frames.BindAll(node.value(), span.begin_ms, span.end_ms, package.value(), limit);
  return ForEach(impl_->frames, [&](const Statement& s) { take(s.Blob(0)); });
}

Status DriftReader::ReadActivations(NodeId node,
                                    PackageHash package,
                                    const Span& span,
                                    std::size_t limit,
                                    const std::function<void(std::string_view sealed)>& take) {
  impl_->activations.BindAll(node.value(), span.begin_ms, span.end_ms, package.value(), limit);
  return ForEach(impl_->activations, [&](const Statement& s) { take(s.Blob(0)); });
}

Result<std::vector<std::pair<std::string, std::uint64_t>>> DriftReader::ReadTotals() {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  TRIB_TRY(ForEach(impl_->totals, [&](const Statement& s) {
    out.emplace_back(std::string(s.Text(0)), s.Uint(1));
  }));
  return out;
}

Result<std::uint64_t> DriftReader::CountOpen(Millis length) {
  return impl_->Count(impl_->open, static_cast<std::uint64_t>(length.count()));
}

Result<std::uint64_t> DriftReader::CountOthers(Millis length) {
  return impl_->Count(impl_->other, static_cast<std::uint64_t>(length.count()));
}

Result<std::vector<StoredFlag>> DriftReader::ReadFlags(NodeId node, std::size_t limit) {
  impl_->flags.BindAll(node.value(), limit);
  return ReadFlagRows(impl_->flags);
}

Result<std::vector<StoredFlag>> DriftReader::ReadNewestFlags(std::size_t limit) {
  impl_->newest_flags.BindAll(limit);
  return ReadFlagRows(impl_->newest_flags);
}

Result<std::uint64_t> DriftReader::CountFlagged(std::uint64_t since_ms) {
  return impl_->Count(impl_->flagged, since_ms);
}

std::string DriftReader::last_error() const {
  return impl_->database.last_error();
}

}  // namespace trib::cloud::store
