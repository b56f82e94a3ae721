#include "trib/cloud/store/reader.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "for_each.h"
#include "schema.h"
#include "trib/common/host/sqlite/database.h"

namespace trib::cloud::store {
namespace {

using host::sqlite::Database;
using host::sqlite::Statement;

constexpr std::string_view kFleet =
    "SELECT d.id, d.kind, d.state, d.name, d.public_key, d.gateway, d.hardware_class,"
    " d.enrolled_ms, d.changed_ms,"
    " t.records, t.events, t.faults, t.windows, t.bytes, t.energy_nj, t.stored_ms,"
    " s.time_ms, s.received_ms, s.firmware_version, s.flags, s.uptime_ms, s.windows,"
    " s.windows_invalid, s.windows_triggered, s.events, s.records, s.dropped_event,"
    " s.dropped_fault, s.dropped_status, s.dropped_sketch, s.dropped_frame, s.backlog_records,"
    " s.backlog_bytes, s.bytes_sent, s.bytes_raw, s.energy_nj, s.package_digest,"
    " s.commissioning_permille, s.hardware_class, s.messages_refused, s.condition,"
    " s.velocity_mm_s, s.zone, s.commissioning, s.commissioning_refusals, s.commissioning_reason,"
    " s.baselines"
    " FROM device d LEFT JOIN node_total t ON t.node = d.id"
    " LEFT JOIN latest_status s ON s.node = d.id WHERE d.kind = 1";
constexpr std::string_view kGatewayTotals =
    "SELECT gateway, stored, duplicates, rejected, former, batches, events, faults, windows, bytes,"
    " energy_nj, last_batch_ms, last_received_ms FROM gateway_total";
constexpr std::string_view kNotable =
    "SELECT id, node, epoch, boot, sequence, kind, time_ms, sample_index, package_hash, tier, "
    "audit,"
    " flags, event_state, label, confidence, severity, fault_code, fault_channel, fault_detail,"
    " fault_value, windows, actuator, gateway, received_ms, stored_ms, condition, velocity_mm_s,"
    " zone, distance FROM record"
    " WHERE kind IN (16, 20)";
// Ids of each node's newest event and fault: a few seeks a node.
constexpr const char* kAmongLatest = " AND id IN (SELECT record FROM latest WHERE kind IN (16, 20)";

// Statuses of the newest condition over the last days, by the partial index on them.
constexpr std::string_view kVelocities =
    "SELECT time_ms, velocity_mm_s FROM record WHERE node = ?1 AND condition = ?2 AND"
    " time_ms >= ?3 AND kind = 21 AND velocity_mm_s IS NOT NULL ORDER BY time_ms LIMIT ?4";
constexpr std::int64_t kTrendDays = 30;
constexpr std::int64_t kMsPerDay = 86'400'000;
// A status each five minutes for the 30 days is 8,640.
constexpr std::int64_t kMostVelocities = 20'000;

std::uint32_t U32(const Statement& s, int column) {
  return static_cast<std::uint32_t>(s.Int(column));
}

Device ReadDevice(const Statement& s) {
  Device device;
  device.id = s.Uint(0);
  device.kind = static_cast<DeviceKind>(s.Int(1));
  device.state = static_cast<DeviceState>(s.Int(2));
  device.name = s.Text(3);
  const std::string_view key = s.Blob(4);
  std::copy_n(reinterpret_cast<const std::byte*>(key.data()),
              std::min(key.size(), device.public_key.size()),
              device.public_key.begin());
  device.gateway = GatewayId(s.Uint(5));
  device.hardware_class = U32(s, 6);
  device.enrolled_ms = s.Uint(7);
  device.changed_ms = s.Uint(8);
  return device;
}

NodeSummary ReadSummary(const Statement& s) {
  NodeSummary out;
  out.device = ReadDevice(s);
  out.records = s.Uint(9);
  out.events = s.Uint(10);
  out.faults = s.Uint(11);
  out.windows = s.Uint(12);
  out.bytes = s.Uint(13);
  out.energy_nj = s.Uint(14);
  out.stored_ms = s.Uint(15);
  if (s.IsNull(16)) {
    return out;
  }
  LatestStatus& latest = out.status.emplace();
  latest.time_ms = s.Int(16);
  latest.received_ms = s.Uint(17);
  latest.firmware_version = U32(s, 18);
  latest.flags = U32(s, 19);
  message::NodeStatus& status = latest.status;
  status.uptime_ms = s.Uint(20);
  status.windows = s.Uint(21);
  status.windows_invalid = s.Uint(22);
  status.windows_triggered = s.Uint(23);
  status.events = s.Uint(24);
  status.records = s.Uint(25);
  for (std::size_t i = 0; i < status.records_dropped.size(); ++i) {
    status.records_dropped[i] = s.Uint(26 + static_cast<int>(i));
  }
  status.backlog_records = U32(s, 31);
  status.backlog_bytes = U32(s, 32);
  status.bytes_sent = s.Uint(33);
  status.bytes_raw = s.Uint(34);
  status.energy_nj = s.Uint(35);
  const std::string_view digest = s.Blob(36);
  std::copy_n(reinterpret_cast<const std::byte*>(digest.data()),
              std::min(digest.size(), status.package_digest.size()),
              status.package_digest.begin());
  status.commissioning_permille = U32(s, 37);
  status.hardware_class = U32(s, 38);
  status.messages_refused = U32(s, 39);
  latest.condition = U32(s, 40);
  status.velocity_mm_s = static_cast<float>(s.Real(41));  // NULL reads as 0: not measured
  status.zone = static_cast<message::SeverityZone>(s.Int(42));
  status.commissioning = static_cast<message::CommissioningState>(s.Int(43));
  status.commissioning_refusals = U32(s, 44);
  status.commissioning_reason = static_cast<message::CommissioningReason>(s.Int(45));
  status.baselines = U32(s, 46);
  return out;
}

Totals ReadTotals(const Statement& s) {
  Totals out;
  out.stored = s.Uint(1);
  out.duplicates = s.Uint(2);
  out.rejected = s.Uint(3);
  out.former = s.Uint(4);
  out.batches = s.Uint(5);
  out.events = s.Uint(6);
  out.faults = s.Uint(7);
  out.windows = s.Uint(8);
  out.bytes = s.Uint(9);
  out.energy_nj = s.Uint(10);
  out.last_batch_ms = s.Uint(11);
  out.last_received_ms = s.Uint(12);
  return out;
}

void AddTotals(Totals& sum, const Totals& one) {
  sum.stored += one.stored;
  sum.duplicates += one.duplicates;
  sum.rejected += one.rejected;
  sum.former += one.former;
  sum.batches += one.batches;
  sum.events += one.events;
  sum.faults += one.faults;
  sum.windows += one.windows;
  sum.bytes += one.bytes;
  sum.energy_nj +=
      std::min(one.energy_nj, std::numeric_limits<std::uint64_t>::max() - sum.energy_nj);
  sum.last_batch_ms = std::max(sum.last_batch_ms, one.last_batch_ms);
  sum.last_received_ms = std::max(sum.last_received_ms, one.last_received_ms);
}

NotableRecord ReadNotable(const Statement& s) {
  NotableRecord out;
  out.id = s.Int(0);
  message::RecordHeader& header = out.header;
  header.key = {NodeId(s.Uint(1)), EnrolmentEpoch(s.Uint(2)), U32(s, 3), U32(s, 4)};
  out.kind = static_cast<message::RecordKind>(s.Int(5));
  header.time = LogicalTime(Millis(s.Int(6)));
  header.sample_index = s.Uint(7);
  header.package_hash = PackageHash(s.Uint(8));
  header.tier = static_cast<message::Tier>(s.Int(9));
  header.audit = s.Int(10) != 0;
  header.flags = U32(s, 11);
  if (out.kind == message::RecordKind::kEvent) {
    out.event.state = static_cast<message::EventState>(s.Int(12));
    out.event.label = U32(s, 13);
    out.event.confidence = static_cast<float>(s.Real(14));
    out.event.severity = static_cast<float>(s.Real(15));
    out.event.windows = U32(s, 20);
    out.event.actuator = U32(s, 21);
  } else {
    out.fault.code = static_cast<message::FaultCode>(s.Int(16));
    out.fault.channel = U32(s, 17);
    out.fault.detail = U32(s, 18);
    out.fault.value = static_cast<float>(s.Real(19));
    out.fault.windows = U32(s, 20);
    out.fault.actuator = U32(s, 21);
  }
  out.gateway = GatewayId(s.Uint(22));
  out.received_ms = s.Uint(23);
  out.stored_ms = s.Uint(24);
  header.condition = U32(s, 25);
  out.event.velocity_mm_s = static_cast<float>(s.Real(26));
  out.event.zone = static_cast<message::SeverityZone>(s.Int(27));
  out.event.distance = static_cast<float>(s.Real(28));
  return out;
}

void AddNotable(NodeSummary& node, NotableRecord record) {
  (record.kind == message::RecordKind::kEvent ? node.last_event : node.last_fault) =
      std::move(record);
}

}  // namespace

struct Reader::Impl {
  Database database;

  /// Of the days up to the newest status; per day.
  Result<std::optional<Trend>> VelocityTrend(NodeId node, const LatestStatus& latest) {
    TRIB_TRY_ASSIGN(Statement query, database.Prepare(kVelocities));
    const std::int64_t since = latest.time_ms - kTrendDays * kMsPerDay;
    query.BindAll(node.value(), latest.condition, since, kMostVelocities);
    std::vector<TimedValue> series;
    TRIB_TRY(ForEach(query, [&](const Statement& s) {
      series.push_back({static_cast<double>(s.Int(0)) / kMsPerDay, s.Real(1)});
    }));
    return TrendOf(series);
  }

  Result<std::vector<NotableRecord>> Events(std::string_view where,
                                            std::string_view order,
                                            std::int64_t after,
                                            std::size_t limit,
                                            const EventFilter& filter) {
    // The literal `kind IN (16, 20)` lets SQLite use the partial indices.
    std::string sql(kNotable);
    sql += where;
    if (filter.node.has_value()) {
      sql += " AND node = ?2";
    }
    if (filter.kind.has_value()) {
      sql += " AND +kind = ?3";
    }
    sql += order;
    TRIB_TRY_ASSIGN(Statement query, database.Prepare(sql));
    // ?4 exists in every variant, so ?1 to ?3 may be bound even where they are not used.
    query.Bind(1, after)
        .Bind(2, filter.node.value_or(NodeId()).value())
        .Bind(3, filter.kind.value_or(message::RecordKind::kNone))
        .Bind(4, limit);
    std::vector<NotableRecord> out;
    TRIB_TRY(ForEach(query, [&](const Statement& s) { out.push_back(ReadNotable(s)); }));
    return out;
  }
};

Reader::Reader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Reader::~Reader() = default;

Result<std::unique_ptr<Reader>> Reader::Open(const std::string& path, std::string* error) {
  auto impl = std::make_unique<Impl>();
  host::sqlite::OpenOptions open;
  open.mode = host::sqlite::Mode::kReadOnly;
  open.kind = kStoreFile;
  TRIB_TRY_ASSIGN(impl->database, Database::Open(path, open, error));
  return std::unique_ptr<Reader>(new Reader(std::move(impl)));
}

Result<Stats> Reader::ReadStats() {
  Stats stats;
  Database& database = impl_->database;
  TRIB_TRY_ASSIGN(Statement totals, database.Prepare(kGatewayTotals));
  TRIB_TRY(ForEach(totals, [&](const Statement& s) { AddTotals(stats.totals, ReadTotals(s)); }));
  TRIB_TRY_ASSIGN(Statement rejected,
                  database.Prepare("SELECT reason, sum(total) FROM ingest_rejected GROUP BY reason"
                                   " ORDER BY reason"));
  TRIB_TRY(ForEach(rejected, [&](const Statement& s) {
    stats.rejected.emplace_back(std::string(s.Text(0)), s.Uint(1));
  }));
  TRIB_TRY_ASSIGN(Statement drops, database.Prepare("SELECT priority, total FROM gateway_drop"));
  TRIB_TRY(ForEach(drops, [&](const Statement& s) {
    const std::size_t priority = std::min<std::uint64_t>(s.Uint(0), stats.drops.size() - 1);
    stats.drops[priority] += s.Uint(1);
  }));
  TRIB_TRY_ASSIGN(
      Statement retention,
      database.Prepare("SELECT name, value FROM retention WHERE name <> 'clock_ms' ORDER BY name"));
  TRIB_TRY(ForEach(retention, [&](const Statement& s) {
    stats.retention.emplace_back(std::string(s.Text(0)), s.Uint(1));
  }));
  TRIB_TRY_ASSIGN(const std::int64_t pages, database.PageCount());
  TRIB_TRY_ASSIGN(const std::int64_t page_bytes, database.PageSize());
  stats.database_bytes = static_cast<std::uint64_t>(pages * page_bytes);
  return stats;
}

Result<std::vector<NodeSummary>> Reader::ReadFleet() {
  std::vector<NodeSummary> fleet;
  TRIB_TRY_ASSIGN(Statement query, impl_->database.Prepare(std::string(kFleet) + " ORDER BY d.id"));
  TRIB_TRY(ForEach(query, [&](const Statement& s) { fleet.push_back(ReadSummary(s)); }));
  // Both are in the order of the nodes.
  TRIB_TRY_ASSIGN(
      Statement notable,
      impl_->database.Prepare(std::string(kNotable) + kAmongLatest + ") ORDER BY node"));
  auto at = fleet.begin();
  TRIB_TRY(ForEach(notable, [&](const Statement& s) {
    NotableRecord record = ReadNotable(s);
    const auto id = record.header.key.node.value();
    at = std::find_if(at, fleet.end(), [&](const NodeSummary& n) { return n.device.id >= id; });
    if (at != fleet.end() && at->device.id == id) {
      AddNotable(*at, std::move(record));
    }
  }));
  return fleet;
}

Result<NodeDetail> Reader::ReadNode(NodeId node) {
  NodeDetail detail;
  Database& database = impl_->database;
  TRIB_TRY_ASSIGN(Statement query, database.Prepare(std::string(kFleet) + " AND d.id = ?"));
  query.Bind(1, node.value());
  TRIB_TRY_ASSIGN(const bool found, query.Step());
  if (!found) {
    return Code::kNotFound;
  }
  detail.summary = ReadSummary(query);
  TRIB_TRY_ASSIGN(Statement notable,
                  database.Prepare(std::string(kNotable) + kAmongLatest + " AND node = ?1)"));
  notable.Bind(1, node.value());
  TRIB_TRY(
      ForEach(notable, [&](const Statement& s) { AddNotable(detail.summary, ReadNotable(s)); }));
  TRIB_TRY_ASSIGN(Statement latest,
                  database.Prepare("SELECT kind, record, epoch, boot, sequence, time_ms,"
                                   " received_ms FROM latest WHERE node = ? ORDER BY kind"));
  latest.Bind(1, node.value());
  TRIB_TRY(ForEach(latest, [&](const Statement& s) {
    detail.latest.push_back({static_cast<message::RecordKind>(s.Int(0)),
                             s.Int(1),
                             {node, EnrolmentEpoch(s.Uint(2)), U32(s, 3), U32(s, 4)},
                             s.Int(5),
                             s.Uint(6)});
  }));
  TRIB_TRY_ASSIGN(Statement epochs,
                  database.Prepare("SELECT epoch, count(*) FROM record WHERE node = ?"
                                   " GROUP BY epoch"));
  epochs.Bind(1, node.value());
  TRIB_TRY(ForEach(epochs, [&](const Statement& s) {
    detail.epochs.push_back({s.Uint(0), s.Uint(1)});
  }));
  if (detail.summary.status.has_value()) {
    TRIB_TRY_ASSIGN(detail.velocity_trend, impl_->VelocityTrend(node, *detail.summary.status));
  }
  return detail;
}

Result<std::vector<GatewaySummary>> Reader::ReadGateways() {
  Database& database = impl_->database;
  std::map<std::uint64_t, GatewaySummary> gateways;
  TRIB_TRY_ASSIGN(Statement devices,
                  database.Prepare("SELECT d.id, d.kind, d.state, d.name, d.public_key, d.gateway,"
                                   " d.hardware_class, d.enrolled_ms, d.changed_ms,"
                                   " coalesce(r.version, 0), (SELECT count(*) FROM device n WHERE"
                                   " n.kind = 1 AND n.state = 2 AND n.gateway = d.id)"
                                   " FROM device d LEFT JOIN roster r ON r.gateway = d.id"
                                   " WHERE d.kind = 2"));
  TRIB_TRY(ForEach(devices, [&](const Statement& s) {
    GatewaySummary& gateway = gateways[s.Uint(0)];
    gateway.device = ReadDevice(s);
    gateway.roster_version = s.Uint(9);
    gateway.nodes = s.Uint(10);
  }));
  const auto find = [&](std::uint64_t id) -> GatewaySummary* {
    const auto it = gateways.find(id);
    return it == gateways.end() ? nullptr : &it->second;
  };
  TRIB_TRY_ASSIGN(Statement totals, database.Prepare(kGatewayTotals));
  TRIB_TRY(ForEach(totals, [&](const Statement& s) {
    if (GatewaySummary* gateway = find(s.Uint(0))) {
      gateway->totals = ReadTotals(s);
    }
  }));
  TRIB_TRY_ASSIGN(Statement drops,
                  database.Prepare("SELECT gateway, priority, reason, total FROM gateway_drop"));
  TRIB_TRY(ForEach(drops, [&](const Statement& s) {
    if (GatewaySummary* gateway = find(s.Uint(0))) {
      gateway->drops.push_back({U32(s, 1), std::string(s.Text(2)), s.Uint(3)});
    }
  }));
  TRIB_TRY_ASSIGN(Statement report,
                  database.Prepare("SELECT minute_ms, records, events, faults, windows, nodes_seen,"
                                   " spool_depth FROM site_report WHERE gateway = ?"
                                   " ORDER BY minute_ms DESC LIMIT 1"));
  std::vector<GatewaySummary> out;
  for (auto& [id, gateway] : gateways) {
    report.Bind(1, id);
    TRIB_TRY_ASSIGN(const bool found, report.Step());
    if (found) {
      SiteReportRow& row = gateway.report.emplace();
      row.gateway = GatewayId(id);
      row.minute_ms = report.Uint(0);
      row.records = report.Uint(1);
      row.events = report.Uint(2);
      row.faults = report.Uint(3);
      row.windows = report.Uint(4);
      row.nodes_seen = U32(report, 5);
      row.spool_depth = report.Uint(6);
    }
    report.Reset();
    out.push_back(std::move(gateway));
  }
  return out;
}

Result<std::vector<NotableRecord>> Reader::ReadEventsAfter(std::int64_t after,
                                                           std::size_t limit,
                                                           const EventFilter& filter) {
  return impl_->Events(" AND id > ?1", " ORDER BY id LIMIT ?4", after, limit, filter);
}

Result<std::vector<NotableRecord>> Reader::ReadLastEvents(std::size_t limit,
                                                          const EventFilter& filter) {
  TRIB_TRY_ASSIGN(std::vector<NotableRecord> out,
                  impl_->Events("", " ORDER BY id DESC LIMIT ?4", 0, limit, filter));
  std::reverse(out.begin(), out.end());
  return out;
}

Result<std::int64_t> Reader::SchemaVersion() {
  return impl_->database.UserVersion();
}
Status Reader::QuickCheck() {
  return impl_->database.QuickCheck();
}
std::string Reader::last_error() const {
  return impl_->database.last_error();
}

std::int64_t KnownSchemaVersion() {
  return static_cast<std::int64_t>(Migrations().size());
}

}  // namespace trib::cloud::store
