#include "trib/cloud/store/writer.h"

#include <algorithm>
#include <map>
#include <utility>

#include "drift_blocks.h"
#include "drift_looks.h"
#include "retainer.h"
#include "schema.h"
#include "summary.h"
#include "trib/common/host/sqlite/database.h"
#include "trib/common/host/sqlite/file_lock.h"
#include "verdicts.h"

namespace trib::cloud::store {
namespace {

using host::sqlite::Database;
using host::sqlite::Statement;
using host::sqlite::Transaction;

constexpr std::string_view kInsertRecord =
    "INSERT INTO record(node, epoch, boot, sequence, kind, time_ms, sample_index, package_hash,"
    " recipe_id, tier, cut_id, audit, block_begin_ms, block_length_ms, flags, energy_nj,"
    " firmware_version, reset_reason, event_state, label, confidence, severity, fault_code,"
    " fault_channel, fault_detail, fault_value, windows, actuator, score, gateway, received_ms,"
    " stored_ms, sealed, condition, velocity_mm_s, zone, distance)"
    " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,"
    "?20,?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31,?32,?33,?34,?35,?36,?37)"
    " ON CONFLICT(node, epoch, boot, sequence) DO NOTHING";
constexpr std::string_view kSameBytes =
    "SELECT sealed = ?5 FROM record WHERE node = ?1 AND epoch = ?2 AND boot = ?3 AND sequence = ?4";
// Energy is a claim of the node. An integer overflow would make this and every later commit fail,
// so its sums stop at the largest integer.
constexpr std::string_view kAddRollup =
    "INSERT INTO rollup_minute VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(node, minute_ms) DO UPDATE SET"
    " records = records + excluded.records, events = events + excluded.events,"
    " faults = faults + excluded.faults, windows = windows + excluded.windows,"
    " bytes = bytes + excluded.bytes,"
    " energy_nj = energy_nj + min(excluded.energy_nj, 9223372036854775807 - energy_nj)";
constexpr std::string_view kAddNodeTotal =
    "INSERT INTO node_total VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(node) DO UPDATE SET"
    " records = records + excluded.records, events = events + excluded.events,"
    " faults = faults + excluded.faults, windows = windows + excluded.windows,"
    " bytes = bytes + excluded.bytes,"
    " energy_nj = energy_nj + min(excluded.energy_nj, 9223372036854775807 - energy_nj),"
    " stored_ms = excluded.stored_ms";
// Newer within an epoch is a higher (boot, sequence). Between epochs only the gateway's clock
// tells.
constexpr std::string_view kPutLatest =
    "INSERT INTO latest(node, kind, record, epoch, boot, sequence, time_ms, received_ms)"
    " VALUES(?,?,?,?,?,?,?,?) ON CONFLICT(node, kind) DO UPDATE SET"
    " record = excluded.record, epoch = excluded.epoch, boot = excluded.boot,"
    " sequence = excluded.sequence, time_ms = excluded.time_ms, received_ms = excluded.received_ms"
    " WHERE (excluded.epoch = epoch AND (excluded.boot, excluded.sequence) > (boot, sequence))"
    " OR (excluded.epoch <> epoch AND excluded.received_ms >= received_ms)";
// A status row is replaced whole, and only when kPutLatest just made this record the newest.
constexpr std::string_view kPutLatestStatus =
    "INSERT OR REPLACE INTO latest_status VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
    "?,?,?,?,?,?,?,?,?,?)";
constexpr std::string_view kAddGatewayTotal =
    "INSERT INTO gateway_total VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(gateway) DO UPDATE SET"
    " batches = batches + excluded.batches, stored = stored + excluded.stored,"
    " duplicates = duplicates + excluded.duplicates, rejected = rejected + excluded.rejected,"
    " former = former + excluded.former, events = events + excluded.events,"
    " faults = faults + excluded.faults, windows = windows + excluded.windows,"
    " bytes = bytes + excluded.bytes,"
    " energy_nj = energy_nj + min(excluded.energy_nj, 9223372036854775807 - energy_nj),"
    " last_batch_ms = excluded.last_batch_ms,"
    " last_received_ms = max(last_received_ms, excluded.last_received_ms)";
constexpr std::string_view kRaiseDrop =
    "INSERT INTO gateway_drop VALUES(?,?,?,?) ON CONFLICT(gateway, priority, reason) DO UPDATE SET"
    " total = max(total, excluded.total)";
constexpr std::string_view kAddRejected =
    "INSERT INTO ingest_rejected VALUES(?,?,?) ON CONFLICT(gateway, reason) DO UPDATE SET"
    " total = total + excluded.total";
constexpr std::string_view kPutSiteReport =
    "INSERT OR REPLACE INTO site_report VALUES(?,?,?,?,?,?,?,?,?,?)";
constexpr std::string_view kPutDevice =
    "INSERT INTO device VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(id) DO UPDATE SET"
    " kind = excluded.kind, state = excluded.state, name = excluded.name,"
    " public_key = excluded.public_key, gateway = excluded.gateway,"
    " hardware_class = excluded.hardware_class, enrolled_ms = excluded.enrolled_ms,"
    " changed_ms = excluded.changed_ms";
constexpr std::string_view kPutBinding = "INSERT OR REPLACE INTO binding VALUES(?,?,?)";
constexpr std::string_view kPutRoster = "INSERT OR REPLACE INTO roster VALUES(?,?)";
constexpr std::string_view kCountMoved =
    "INSERT INTO retention VALUES('times_moved', ?) ON CONFLICT(name) DO UPDATE SET"
    " value = value + excluded.value";
constexpr std::string_view kAudit =
    "INSERT INTO audit_log(at_ms, operator, action, device, detail) VALUES(?,?,?,?,?)";

void BindSums(Statement& statement, int first, const Sums& sums) {
  statement.Bind(first, sums.records)
      .Bind(first + 1, sums.events)
      .Bind(first + 2, sums.faults)
      .Bind(first + 3, sums.windows)
      .Bind(first + 4, sums.bytes)
      .Bind(first + 5, sums.energy_nj);
}

/// Velocity and zone in two parameters from `first` on; NULL when there was no measurement.
void BindSeverity(Statement& statement,
                  int first,
                  float velocity_mm_s,
                  message::SeverityZone zone) {
  if (zone != message::SeverityZone::kUnspecified) {
    statement.Bind(first, static_cast<double>(velocity_mm_s)).Bind(first + 1, zone);
  }
}

}  // namespace

struct Writer::Impl {
  host::sqlite::FileLock lock;  // given back after the database is closed
  Database database;
  Statement insert_record, same_bytes, add_rollup, add_node_total, put_latest, put_latest_status;
  Statement add_gateway_total, raise_drop, add_rejected, put_site_report;
  Statement put_device, put_binding, put_roster, audit, count_moved;
  Retainer retainer;
  Verdicts verdicts;
  DriftBlocks drift_blocks;
  DriftLooks drift_looks;
  Millis rollup_window = kDefaultRollupWindow;

  Status PrepareAll(Millis drift_block) {
    const std::pair<Statement*, std::string_view> all[] = {
        {&insert_record, kInsertRecord},
        {&same_bytes, kSameBytes},
        {&add_rollup, kAddRollup},
        {&add_node_total, kAddNodeTotal},
        {&put_latest, kPutLatest},
        {&put_latest_status, kPutLatestStatus},
        {&add_gateway_total, kAddGatewayTotal},
        {&raise_drop, kRaiseDrop},
        {&add_rejected, kAddRejected},
        {&put_site_report, kPutSiteReport},
        {&put_device, kPutDevice},
        {&put_binding, kPutBinding},
        {&put_roster, kPutRoster},
        {&audit, kAudit},
        {&count_moved, kCountMoved},
    };
    for (const auto& [statement, sql] : all) {
      TRIB_TRY_ASSIGN(*statement, database.Prepare(sql));
    }
    TRIB_TRY(verdicts.Prepare(database));
    TRIB_TRY(drift_blocks.Prepare(database, drift_block, rollup_window));
    TRIB_TRY(drift_looks.Prepare(database, drift_block));
    return retainer.Prepare(database);
  }

  Status InsertRecord(const RecordRow& row, GatewayId gateway, std::uint64_t now_ms);
  Result<BatchOutcome> InsertBatch(const Batch& batch, std::uint64_t now_ms, Summary& summary);
  Status PutLatest(const Summary::Newest& newest);
  Status Flush(const Summary& summary, std::uint64_t now_ms);
  Status Put(const RegistryChange& change);
};

Status Writer::Impl::InsertRecord(const RecordRow& row, GatewayId gateway, std::uint64_t now_ms) {
  const message::RecordHeader& header = row.header;
  Statement& s = insert_record;
  s.BindAll(header.key.node.value(),
            header.key.epoch.value(),
            header.key.boot,
            header.key.sequence,
            row.kind,
            header.time.time_since_epoch().count(),
            header.sample_index,
            header.package_hash.value(),
            header.recipe_id.value(),
            header.tier,
            header.cut_id,
            header.audit,
            header.block.begin_ms,
            header.block.length_ms,
            header.flags,
            header.energy_nj,
            header.firmware_version,
            header.reset_reason);
  // Unbound parameters are NULL: a column that the kind does not have.
  if (const auto* event = std::get_if<message::Event>(&row.body)) {
    s.Bind(19, event->state)
        .Bind(20, event->label)
        .Bind(21, static_cast<double>(event->confidence))
        .Bind(22, static_cast<double>(event->severity))
        .Bind(27, event->windows)
        .Bind(28, event->actuator);
    BindSeverity(s, 35, event->velocity_mm_s, event->zone);
    if (event->distance > 0) {
      s.Bind(37, static_cast<double>(event->distance));
    }
  } else if (const auto* fault = std::get_if<message::Fault>(&row.body)) {
    s.Bind(23, fault->code)
        .Bind(24, fault->channel)
        .Bind(25, fault->detail)
        .Bind(26, static_cast<double>(fault->value))
        .Bind(27, fault->windows)
        .Bind(28, fault->actuator);
  } else if (const auto* sketch = std::get_if<SketchSummary>(&row.body)) {
    s.Bind(27, sketch->windows);
  } else if (const auto* frame = std::get_if<FrameSummary>(&row.body)) {
    s.Bind(29, static_cast<double>(frame->score));
  } else if (const auto* status = std::get_if<message::NodeStatus>(&row.body)) {
    BindSeverity(s, 35, status->velocity_mm_s, status->zone);
  }
  return s.Bind(30, gateway.value())
      .Bind(31, row.received_ms)
      .Bind(32, now_ms)
      .BindBlob(33, row.sealed)
      .Bind(34, header.condition)
      .Run();
}

Result<BatchOutcome> Writer::Impl::InsertBatch(const Batch& batch,
                                               std::uint64_t now_ms,
                                               Summary& summary) {
  BatchOutcome outcome;
  outcome.rejected = batch.rejected;
  Sums sums;
  std::uint64_t former = 0;
  std::uint64_t last_received_ms = 0;
  for (const RecordRow& row : batch.records) {
    last_received_ms = std::max(last_received_ms, row.received_ms);
    // Of a record that retention deleted only the key is known: it was stored, once.
    TRIB_TRY_ASSIGN(const bool forgotten, retainer.WasStored(row.header.key));
    if (forgotten) {
      ++outcome.duplicates;
      continue;
    }
    TRIB_TRY(InsertRecord(row, batch.gateway, now_ms));
    if (database.changes() == 1) {
      ++outcome.stored;
      former += row.former ? 1 : 0;
      sums.Add(row);
      const std::int64_t record = database.last_insert_rowid();
      summary.Add(row, record);
      TRIB_TRY(verdicts.Add(row, record, now_ms));
      TRIB_TRY(drift_blocks.Add(row, batch.gateway, now_ms));
      continue;
    }
    const message::RecordKey& key = row.header.key;
    same_bytes.BindAll(key.node.value(), key.epoch.value(), key.boot, key.sequence)
        .BindBlob(5, row.sealed);
    TRIB_TRY_ASSIGN(const bool found, same_bytes.Step());
    const bool equal = found && same_bytes.Int(0) == 1;
    same_bytes.Reset();
    if (equal) {
      ++outcome.duplicates;
    } else {
      outcome.rejected.push_back({row.index, "key_conflict"});
    }
  }
  std::map<std::string, std::uint64_t> reasons;
  for (const Rejection& rejection : outcome.rejected) {
    ++reasons[rejection.reason];
  }
  if (batch.verdicts_refused > 0) {
    reasons["verdict_refused"] += batch.verdicts_refused;
  }
  for (const auto& [reason, count] : reasons) {
    TRIB_TRY(add_rejected.Bind(1, batch.gateway.value()).Bind(2, reason).Bind(3, count).Run());
  }
  for (const DropTotal& drop : batch.drops) {
    TRIB_TRY(raise_drop.Bind(1, batch.gateway.value())
                 .Bind(2, drop.priority)
                 .Bind(3, drop.reason)
                 .Bind(4, drop.total)
                 .Run());
  }
  add_gateway_total.BindAll(batch.gateway.value(),
                            1,
                            outcome.stored,
                            outcome.duplicates,
                            outcome.rejected.size(),
                            former,
                            sums.events,
                            sums.faults,
                            sums.windows,
                            sums.bytes,
                            sums.energy_nj,
                            now_ms,
                            last_received_ms);
  TRIB_TRY(add_gateway_total.Run());
  return outcome;
}

Status Writer::Impl::PutLatest(const Summary::Newest& newest) {
  const message::RecordHeader& header = newest.row->header;
  const std::int64_t time_ms = header.time.time_since_epoch().count();
  TRIB_TRY(put_latest
               .BindAll(header.key.node.value(),
                        newest.row->kind,
                        newest.record,
                        header.key.epoch.value(),
                        header.key.boot,
                        header.key.sequence,
                        time_ms,
                        newest.row->received_ms)
               .Run());
  const auto* status = std::get_if<message::NodeStatus>(&newest.row->body);
  if (status == nullptr || database.changes() == 0) {
    return {};
  }
  put_latest_status.BindAll(header.key.node.value(),
                            header.key.epoch.value(),
                            header.key.boot,
                            header.key.sequence,
                            newest.row->received_ms,
                            time_ms,
                            header.firmware_version,
                            header.flags,
                            status->uptime_ms,
                            status->windows,
                            status->windows_invalid,
                            status->windows_triggered,
                            status->events,
                            status->records);
  int column = 14;
  for (const std::uint64_t dropped : status->records_dropped) {
    put_latest_status.Bind(++column, dropped);
  }
  if (status->zone != message::SeverityZone::kUnspecified) {
    put_latest_status.Bind(30, static_cast<double>(status->velocity_mm_s));
  }
  return put_latest_status.Bind(20, status->backlog_records)
      .Bind(21, status->backlog_bytes)
      .Bind(22, status->bytes_sent)
      .Bind(23, status->bytes_raw)
      .Bind(24, status->energy_nj)
      .BindBlob(25, status->package_digest)
      .Bind(26, status->commissioning_permille)
      .Bind(27, status->hardware_class)
      .Bind(28, status->messages_refused)
      .Bind(29, header.condition)
      .Bind(31, status->zone)
      .Bind(32, status->commissioning)
      .Bind(33, status->commissioning_refusals)
      .Bind(34, status->commissioning_reason)
      .Bind(35, status->baselines)
      .Run();
}

Status Writer::Impl::Flush(const Summary& summary, std::uint64_t now_ms) {
  for (const auto& [where, sums] : summary.minutes) {
    add_rollup.Bind(1, where.first).Bind(2, where.second);
    BindSums(add_rollup, 3, sums);
    TRIB_TRY(add_rollup.Run());
  }
  if (summary.moved > 0) {
    TRIB_TRY(count_moved.BindAll(summary.moved).Run());
  }
  for (const auto& [node, sums] : summary.nodes) {
    add_node_total.Bind(1, node).Bind(8, now_ms);
    BindSums(add_node_total, 2, sums);
    TRIB_TRY(add_node_total.Run());
  }
  for (const auto& [where, newest] : summary.newest) {
    TRIB_TRY(PutLatest(newest));
  }
  return {};
}

Writer::Writer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Writer::~Writer() = default;

Result<std::unique_ptr<Writer>> Writer::Open(const std::string& path,
                                             const WriterOptions& options,
                                             std::string* error) {
  auto impl = std::make_unique<Impl>();
  TRIB_TRY_ASSIGN(impl->lock, host::sqlite::FileLock::Take(path, error));
  host::sqlite::OpenOptions open;
  open.wal_autocheckpoint_pages = options.wal_autocheckpoint_pages;
  open.cache_kib = static_cast<std::uint32_t>(options.cache_bytes >> 10U);
  open.busy_timeout_ms = 1000;  // a lock that lasts is reported, and the caller tries again
  open.kind = kStoreFile;
  TRIB_TRY_ASSIGN(impl->database, Database::Open(path, open, error));
  impl->rollup_window = options.rollup_window;
  Status status = impl->database.Migrate(Migrations());
  if (status.ok()) {
    status = impl->PrepareAll(options.drift_block);
  }
  auto writer = std::unique_ptr<Writer>(new Writer(std::move(impl)));
  if (status.ok() && options.max_bytes != 0) {
    status = writer->SetMaxBytes(options.max_bytes);
  }
  if (!status.ok()) {
    if (error != nullptr) {
      *error = path + ": " + writer->last_error();
    }
    return status;
  }
  return writer;
}

Result<std::vector<BatchOutcome>> Writer::Commit(std::span<const Batch> batches,
                                                 std::uint64_t now_ms) {
  std::vector<BatchOutcome> outcomes;
  outcomes.reserve(batches.size());
  Summary summary;
  summary.now_ms = now_ms;
  summary.window = impl_->rollup_window;
  impl_->verdicts.Clear();
  impl_->drift_blocks.Clear();
  TRIB_TRY_ASSIGN(Transaction transaction, Transaction::Begin(impl_->database));
  for (const Batch& batch : batches) {
    Result<BatchOutcome> outcome = impl_->InsertBatch(batch, now_ms, summary);
    if (!outcome.ok()) {
      impl_->same_bytes.Reset();
      return outcome.status();
    }
    outcomes.push_back(*std::move(outcome));
  }
  TRIB_TRY(impl_->Flush(summary, now_ms));
  TRIB_TRY(impl_->verdicts.Flush());
  TRIB_TRY(impl_->drift_blocks.Flush());
  TRIB_TRY(transaction.Commit());
  return outcomes;
}

Status Writer::PutVerdicts(std::span<const Decided> decided) {
  impl_->verdicts.Clear();
  impl_->drift_blocks.Clear();
  TRIB_TRY_ASSIGN(Transaction transaction, Transaction::Begin(impl_->database));
  for (const Decided& one : decided) {
    TRIB_TRY_ASSIGN(const bool taken, impl_->verdicts.Decide(one));
    if (taken) {
      TRIB_TRY(impl_->drift_blocks.AddVerdict(one));
    }
  }
  TRIB_TRY(impl_->verdicts.Flush());
  TRIB_TRY(impl_->drift_blocks.Flush());
  return transaction.Commit();
}

Result<std::int64_t> Writer::PutLook(const DriftLookPut& put) {
  TRIB_TRY_ASSIGN(Transaction transaction, Transaction::Begin(impl_->database));
  TRIB_TRY_ASSIGN(const std::int64_t look, impl_->drift_looks.Put(impl_->database, put));
  TRIB_TRY(transaction.Commit());
  return look;
}

Result<bool> Writer::ChangeAlarm(const AlarmChange& change) {
  TRIB_TRY_ASSIGN(Transaction transaction, Transaction::Begin(impl_->database));
  TRIB_TRY_ASSIGN(const bool changed, impl_->drift_looks.Change(change));
  TRIB_TRY(transaction.Commit());
  return changed;
}

Status Writer::PutSiteReport(const SiteReportRow& report, std::uint64_t now_ms) {
  TRIB_TRY_ASSIGN(Transaction transaction, Transaction::Begin(impl_->database));
  TRIB_TRY(impl_->put_site_report
               .BindAll(report.gateway.value(),
                        report.minute_ms,
                        report.records,
                        report.events,
                        report.faults,
                        report.windows,
                        report.nodes_seen,
                        report.spool_depth,
                        now_ms)
               .BindBlob(10, report.encoded)
               .Run());
  for (const DriftFlag& flag : report.flags) {
    TRIB_TRY(impl_->drift_blocks.PutFlag(flag, FlagSource::kGateway, report.gateway, now_ms));
  }
  if (report.flags_refused > 0) {
    TRIB_TRY(CountRefusedEnvelope(report.gateway, "flag_refused", report.flags_refused));
  }
  return transaction.Commit();
}

Status Writer::CountRefusedEnvelope(GatewayId gateway,
                                    const std::string& reason,
                                    std::uint64_t count) {
  return impl_->add_rejected.Bind(1, gateway.value()).Bind(2, reason).Bind(3, count).Run();
}

Result<RegistryContent> Writer::LoadRegistry() {
  RegistryContent content;
  Database& database = impl_->database;
  TRIB_TRY_ASSIGN(Statement devices,
                  database.Prepare("SELECT id, kind, state, name, public_key, gateway,"
                                   " hardware_class, enrolled_ms, changed_ms FROM device"));
  while (true) {
    TRIB_TRY_ASSIGN(const bool row, devices.Step());
    if (!row) {
      break;
    }
    Device device;
    device.id = devices.Uint(0);
    device.kind = static_cast<DeviceKind>(devices.Int(1));
    device.state = static_cast<DeviceState>(devices.Int(2));
    device.name = devices.Text(3);
    const std::string_view key = devices.Blob(4);
    if (key.size() != device.public_key.size()) {
      return Code::kDataLoss;
    }
    std::copy_n(
        reinterpret_cast<const std::byte*>(key.data()), key.size(), device.public_key.begin());
    device.gateway = GatewayId(devices.Uint(5));
    device.hardware_class = static_cast<std::uint32_t>(devices.Int(6));
    device.enrolled_ms = devices.Uint(7);
    device.changed_ms = devices.Uint(8);
    content.devices.push_back(std::move(device));
  }
  TRIB_TRY_ASSIGN(Statement bindings,
                  database.Prepare("SELECT node, gateway, until_ms FROM binding"));
  while (true) {
    TRIB_TRY_ASSIGN(const bool row, bindings.Step());
    if (!row) {
      break;
    }
    BindingPeriod period{NodeId(bindings.Uint(0)), GatewayId(bindings.Uint(1)), std::nullopt};
    if (!bindings.IsNull(2)) {
      period.until_ms = bindings.Uint(2);
    }
    content.bindings.push_back(period);
  }
  TRIB_TRY_ASSIGN(Statement rosters, database.Prepare("SELECT gateway, version FROM roster"));
  while (true) {
    TRIB_TRY_ASSIGN(const bool row, rosters.Step());
    if (!row) {
      break;
    }
    content.roster_versions.emplace_back(GatewayId(rosters.Uint(0)), rosters.Uint(1));
  }
  return content;
}

Status Writer::ApplyRegistryChanges(std::span<const RegistryChange> changes) {
  TRIB_TRY_ASSIGN(Transaction transaction, Transaction::Begin(impl_->database));
  for (const RegistryChange& change : changes) {
    TRIB_TRY(impl_->Put(change));
  }
  return transaction.Commit();
}

Status Writer::Impl::Put(const RegistryChange& change) {
  if (change.device.has_value()) {
    const Device& device = *change.device;
    TRIB_TRY(put_device.BindAll(device.id, device.kind, device.state, device.name)
                 .BindBlob(5, device.public_key)
                 .Bind(6, device.gateway.value())
                 .Bind(7, device.hardware_class)
                 .Bind(8, device.enrolled_ms)
                 .Bind(9, device.changed_ms)
                 .Run());
  }
  for (const BindingPeriod& period : change.bindings) {
    TRIB_TRY(
        put_binding.BindAll(period.node.value(), period.gateway.value(), period.until_ms).Run());
  }
  for (const auto& [gateway, version] : change.roster_versions) {
    TRIB_TRY(put_roster.BindAll(gateway.value(), version).Run());
  }
  return audit
      .BindAll(change.audit.at_ms,
               change.audit.operator_name,
               change.audit.action,
               change.audit.device,
               change.audit.detail)
      .Run();
}

Status Writer::SetMaxBytes(std::uint64_t bytes) {
  TRIB_TRY_ASSIGN(const std::int64_t page, impl_->database.PageSize());
  const std::uint64_t pages =
      std::clamp<std::uint64_t>(bytes / static_cast<std::uint64_t>(page), 1, 0xFFFFFFFE);
  return impl_->database.SetMaxPages(static_cast<std::uint32_t>(pages));
}

Result<RetentionStep> Writer::Retain(const RetentionPolicy& policy, std::uint64_t now_ms) {
  return impl_->retainer.Step(impl_->database, policy, now_ms);
}

Result<std::optional<std::uint64_t>> Writer::RetentionTime() {
  return impl_->retainer.LoadClock(impl_->database);
}

Status Writer::Checkpoint() {
  return impl_->database.Checkpoint();
}

std::string Writer::last_error() const {
  return impl_->database.last_error();
}

}  // namespace trib::cloud::store
