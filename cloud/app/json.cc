#include "json.h"

#include <nlohmann/json.hpp>
#include <string>

#include "trib/common/host/control/types.h"
#include "trib/common/host/identity/identity.h"

namespace trib::cloud {
namespace {

using host::control::HashText;
using host::control::IdText;
using nlohmann::json;

constexpr const char* kPriorityNames[message::kPriorityCount] = {
    "event", "fault", "status", "sketch", "frame"};

template <typename Counts>
json PerPriority(const Counts& counts) {
  json out = json::object();
  for (std::size_t i = 0; i < message::kPriorityCount; ++i) {
    out[kPriorityNames[i]] = counts[i];
  }
  return out;
}

const char* NameOf(message::Tier tier) {
  switch (tier) {
    case message::Tier::kFallback:
      return "fallback";
    case message::Tier::kTrigger:
      return "trigger";
    case message::Tier::kClassifier:
      return "classifier";
    case message::Tier::kGateway:
      return "gateway";
    case message::Tier::kCloud:
      return "cloud";
    case message::Tier::kUnspecified:
      break;
  }
  return "unspecified";
}

const char* NameOf(message::EventState state) {
  switch (state) {
    case message::EventState::kOnset:
      return "onset";
    case message::EventState::kContinuing:
      return "continuing";
    case message::EventState::kCleared:
      return "cleared";
    case message::EventState::kUnspecified:
      break;
  }
  return "unspecified";
}

const char* NameOf(message::FaultCode code) {
  switch (code) {
    case message::FaultCode::kSensorStuck:
      return "sensor_stuck";
    case message::FaultCode::kSensorClipped:
      return "sensor_clipped";
    case message::FaultCode::kSensorMissing:
      return "sensor_missing";
    case message::FaultCode::kSensorOutOfRange:
      return "sensor_out_of_range";
    case message::FaultCode::kSensorNonFinite:
      return "sensor_non_finite";
    case message::FaultCode::kPackageRefused:
      return "package_refused";
    case message::FaultCode::kStateCorrupt:
      return "state_corrupt";
    case message::FaultCode::kWatchdog:
      return "watchdog";
    case message::FaultCode::kSensorRecovered:
      return "sensor_recovered";
    case message::FaultCode::kCommissioningRefused:
      return "commissioning_refused";
    case message::FaultCode::kCommissioningWarning:
      return "commissioning_warning";
    case message::FaultCode::kBaselineDiscarded:
      return "baseline_discarded";
    case message::FaultCode::kCrash:
      return "crash";
    case message::FaultCode::kUnspecified:
      break;
  }
  return "unspecified";
}

const char* NameOf(message::CrashKind kind) {
  switch (kind) {
    case message::CrashKind::kHardFault:
      return "hard_fault";
    case message::CrashKind::kMemoryFault:
      return "memory_fault";
    case message::CrashKind::kBusFault:
      return "bus_fault";
    case message::CrashKind::kUsageFault:
      return "usage_fault";
    case message::CrashKind::kStackOverflow:
      return "stack_overflow";
    case message::CrashKind::kHang:
      return "hang";
    case message::CrashKind::kPanic:
      return "panic";
    case message::CrashKind::kNone:
      break;
  }
  return "unspecified";
}

const char* NameOf(message::CommissioningReason reason) {
  switch (reason) {
    case message::CommissioningReason::kTooFewWindows:
      return "too_few_windows";
    case message::CommissioningReason::kTooManyRefused:
      return "too_many_refused_windows";
    case message::CommissioningReason::kHalvesDiffer:
      return "halves_differ";
    case message::CommissioningReason::kTrend:
      return "trend";
    case message::CommissioningReason::kSpreadTooWide:
      return "spread_too_wide";
    case message::CommissioningReason::kSpreadTooNarrow:
      return "spread_too_narrow";
    case message::CommissioningReason::kAlreadyFaulty:
      return "already_faulty";
    case message::CommissioningReason::kZoneTooHigh:
      return "zone_too_high";
    case message::CommissioningReason::kUnspecified:
      break;
  }
  return "unspecified";
}

const char* NameOf(message::CommissioningState state) {
  switch (state) {
    case message::CommissioningState::kLearning:
      return "learning";
    case message::CommissioningState::kAccepted:
      return "accepted";
    case message::CommissioningState::kAcceptedWithWarning:
      return "accepted_with_warning";
    case message::CommissioningState::kOnRules:
      return "on_rules";
    case message::CommissioningState::kUnspecified:
      break;
  }
  return "unspecified";
}

const char* NameOf(message::SeverityZone zone) {
  switch (zone) {
    case message::SeverityZone::kA:
      return "A";
    case message::SeverityZone::kB:
      return "B";
    case message::SeverityZone::kC:
      return "C";
    case message::SeverityZone::kD:
      return "D";
    case message::SeverityZone::kUnspecified:
      break;
  }
  return "unspecified";
}

json DeviceJson(const Device& device) {
  json out = {{"id", IdText(device.id)},
              {"kind", NameOf(device.kind)},
              {"name", device.name},
              {"state", NameOf(device.state)},
              {"public_key", host::identity::ToHex(device.public_key)},
              {"enrolled_ms", device.enrolled_ms},
              {"changed_ms", device.changed_ms}};
  if (device.kind == DeviceKind::kNode) {
    out["gateway"] = IdText(device.gateway.value());
    out["hardware_class"] = device.hardware_class;
  }
  return out;
}

json VelocityJson(float velocity_mm_s, message::SeverityZone zone) {
  return zone == message::SeverityZone::kUnspecified ? json() : json(velocity_mm_s);
}

json StatusJson(const store::LatestStatus& latest) {
  const message::NodeStatus& status = latest.status;
  return {{"time_ms", latest.time_ms},
          {"received_ms", latest.received_ms},
          {"firmware_version", latest.firmware_version},
          {"flags", latest.flags},
          {"uptime_ms", status.uptime_ms},
          {"windows", status.windows},
          {"windows_invalid", status.windows_invalid},
          {"windows_triggered", status.windows_triggered},
          {"events", status.events},
          {"records", status.records},
          {"records_dropped", PerPriority(status.records_dropped)},
          {"backlog_records", status.backlog_records},
          {"backlog_bytes", status.backlog_bytes},
          {"bytes_sent", status.bytes_sent},
          {"bytes_raw", status.bytes_raw},
          {"energy_nj", status.energy_nj},
          {"package_digest", host::identity::ToHex(status.package_digest)},
          {"commissioning_permille", status.commissioning_permille},
          {"hardware_class", status.hardware_class},
          {"messages_refused", status.messages_refused},
          {"condition", latest.condition},
          {"velocity_mm_s", VelocityJson(status.velocity_mm_s, status.zone)},
          {"zone", NameOf(status.zone)},
          {"commissioning", NameOf(status.commissioning)},
          {"commissioning_refusals", status.commissioning_refusals},
          {"commissioning_reason", NameOf(status.commissioning_reason)},
          {"baselines", status.baselines}};
}

json TotalsJson(const store::Totals& totals) {
  return {{"batches", totals.batches},
          {"events", totals.events},
          {"faults", totals.faults},
          {"windows", totals.windows},
          {"bytes", totals.bytes},
          {"energy_nj", totals.energy_nj},
          {"last_batch_ms", totals.last_batch_ms},
          {"last_received_ms", totals.last_received_ms}};
}

}  // namespace

const char* NameOf(DeviceKind kind) {
  return kind == DeviceKind::kNode ? "node" : "gateway";
}

const char* NameOf(DeviceState state) {
  switch (state) {
    case DeviceState::kAccepted:
      return "accepted";
    case DeviceState::kRevoked:
      return "revoked";
    case DeviceState::kPending:
      break;
  }
  return "pending";
}

const char* NameOf(message::RecordKind kind) {
  switch (kind) {
    case message::RecordKind::kEvent:
      return "event";
    case message::RecordKind::kSketch:
      return "sketch";
    case message::RecordKind::kFeatureFrame:
      return "feature_frame";
    case message::RecordKind::kActivation:
      return "activation";
    case message::RecordKind::kFault:
      return "fault";
    case message::RecordKind::kStatus:
      return "status";
    case message::RecordKind::kNone:
      break;
  }
  return "none";
}

json ToJson(const store::NodeSummary& node) {
  json out = DeviceJson(node.device);
  out["records"] = node.records;
  out["events"] = node.events;
  out["faults"] = node.faults;
  out["windows"] = node.windows;
  out["bytes"] = node.bytes;
  out["energy_nj"] = node.energy_nj;
  out["stored_ms"] = node.stored_ms;
  out["status"] = node.status.has_value() ? StatusJson(*node.status) : json();
  out["last_event"] = node.last_event.has_value() ? ToJson(*node.last_event) : json();
  out["last_fault"] = node.last_fault.has_value() ? ToJson(*node.last_fault) : json();
  return out;
}

json ToJson(const store::NodeDetail& node) {
  json out = ToJson(node.summary);
  out["latest"] = json::array();
  for (const store::LatestRecord& latest : node.latest) {
    out["latest"].push_back({{"kind", NameOf(latest.kind)},
                             {"record", latest.record},
                             {"epoch", HashText(latest.key.epoch.value())},
                             {"boot", latest.key.boot},
                             {"sequence", latest.key.sequence},
                             {"time_ms", latest.time_ms},
                             {"received_ms", latest.received_ms}});
  }
  out["epochs"] = json::array();
  for (const store::NodeDetail::Epoch& epoch : node.epochs) {
    out["epochs"].push_back({{"epoch", HashText(epoch.epoch)}, {"records", epoch.records}});
  }
  out["velocity_trend"] = nullptr;
  if (node.velocity_trend.has_value()) {
    const store::Trend& trend = *node.velocity_trend;
    out["velocity_trend"] = {{"statuses", trend.points},
                             {"days", trend.to - trend.from},
                             {"mm_s_per_day", trend.slope},
                             {"low_95", trend.low},
                             {"high_95", trend.high}};
  }
  return out;
}

json ToJson(const store::GatewaySummary& gateway) {
  json out = DeviceJson(gateway.device);
  out.update(TotalsJson(gateway.totals));
  out["records_stored"] = gateway.totals.stored;
  out["records_duplicated"] = gateway.totals.duplicates;
  out["records_rejected"] = gateway.totals.rejected;
  out["records_former"] = gateway.totals.former;
  out["nodes"] = gateway.nodes;
  out["roster_version"] = gateway.roster_version;
  out["drops"] = json::array();
  for (const DropTotal& drop : gateway.drops) {
    out["drops"].push_back({{"priority", kPriorityNames[drop.priority % message::kPriorityCount]},
                            {"reason", drop.reason},
                            {"total", drop.total}});
  }
  out["report"] = nullptr;
  if (gateway.report.has_value()) {
    const SiteReportRow& report = *gateway.report;
    out["report"] = {{"minute_ms", report.minute_ms},
                     {"records", report.records},
                     {"events", report.events},
                     {"faults", report.faults},
                     {"windows", report.windows},
                     {"nodes_seen", report.nodes_seen},
                     {"spool_depth", report.spool_depth}};
  }
  return out;
}

json ToJson(const store::NotableRecord& record) {
  const message::RecordHeader& header = record.header;
  json out = {{"record", record.id},
              {"kind", NameOf(record.kind)},
              {"node", IdText(header.key.node.value())},
              {"epoch", HashText(header.key.epoch.value())},
              {"boot", header.key.boot},
              {"sequence", header.key.sequence},
              {"time_ms", header.time.time_since_epoch().count()},
              {"package_hash", HashText(header.package_hash.value())},
              {"tier", NameOf(header.tier)},
              {"flags", header.flags},
              {"condition", header.condition},
              {"gateway", IdText(record.gateway.value())},
              {"received_ms", record.received_ms},
              {"stored_ms", record.stored_ms}};
  if (record.kind == message::RecordKind::kEvent) {
    out["state"] = NameOf(record.event.state);
    out["label"] = record.event.label;
    out["confidence"] = record.event.confidence;
    out["severity"] = record.event.severity;
    out["windows"] = record.event.windows;
    out["actuator"] = record.event.actuator;
    out["velocity_mm_s"] = VelocityJson(record.event.velocity_mm_s, record.event.zone);
    out["zone"] = NameOf(record.event.zone);
    out["distance"] = record.event.distance > 0 ? json(record.event.distance) : json();
  } else {
    out["fault"] = NameOf(record.fault.code);
    out["channel"] = record.fault.channel;
    out["detail"] = record.fault.detail;
    if (record.fault.code == message::FaultCode::kCommissioningRefused ||
        record.fault.code == message::FaultCode::kCommissioningWarning) {
      out["reason"] = NameOf(static_cast<message::CommissioningReason>(record.fault.detail));
    }
    if (record.fault.code == message::FaultCode::kCrash) {
      out["reason"] = NameOf(static_cast<message::CrashKind>(record.fault.channel));
      out["address"] = record.fault.windows;
    } else {
      out["windows"] = record.fault.windows;
    }
    out["value"] = record.fault.value;
    out["actuator"] = record.fault.actuator;
  }
  return out;
}

json ToJson(const store::Stats& stats) {
  json out = TotalsJson(stats.totals);
  out["records_stored"] = stats.totals.stored;
  out["records_duplicated"] = stats.totals.duplicates;
  out["records_rejected"] = stats.totals.rejected;
  out["records_former"] = stats.totals.former;
  out["rejected"] = json::object();
  out["envelopes_refused"] = json::object();
  out["verdicts_refused"] = 0U;
  for (const auto& [reason, total] : stats.rejected) {
    if (reason == "verdict_refused") {
      out["verdicts_refused"] = total;  // their records were taken
      continue;
    }
    const bool envelope = reason.starts_with("envelope_");
    out[envelope ? "envelopes_refused" : "rejected"][reason] = total;
  }
  out["gateway_drops"] = PerPriority(stats.drops);
  out["database_bytes"] = stats.database_bytes;
  out["deleted"] = json::object();
  out["times_moved"] = 0U;
  for (const auto& [name, value] : stats.retention) {
    (name == "times_moved" ? out[name] : out["deleted"][name]) = value;
  }
  return out;
}

json ToJson(const registry::Outcome& outcome) {
  json out = DeviceJson(outcome.device);
  out["changed"] = outcome.changed;
  return out;
}

json ToJson(const store::StoredVerdict& stored) {
  const Verdict& verdict = stored.verdict;
  json scores = json::array();
  for (const float score : verdict.scores) {
    scores.push_back(score);
  }
  return {{"record", stored.record},
          {"epoch", HashText(stored.key.epoch.value())},
          {"boot", stored.key.boot},
          {"sequence", stored.key.sequence},
          {"time_ms", stored.time_ms},
          {"received_ms", stored.received_ms},
          {"audit", stored.audit},
          {"tier", NameOf(verdict.tier)},
          {"package_hash", HashText(verdict.package_hash.value())},
          {"label", verdict.label},
          {"confidence", verdict.confidence},
          {"scores", std::move(scores)},
          {"accepted", verdict.accepted},
          {"final", verdict.final},
          {"decided_ms", verdict.decided_ms}};
}

json TailJson(const TailSnapshot& tail) {
  if (!tail.configured) {
    return nullptr;
  }
  const tail::Metrics& m = tail.metrics;
  json networks = json::array();
  for (const PackageHash hash : tail.networks) {
    networks.push_back(HashText(hash.value()));
  }
  const double mean =
      m.batches == 0 ? 0 : static_cast<double>(m.records) / static_cast<double>(m.batches);
  return {{"networks", std::move(networks)},
          {"batches", m.batches},
          {"records", m.records},
          {"mean_batch", mean},
          {"decided", m.decided},
          {"unsure", m.unsure},
          {"damaged", m.damaged},
          {"left", m.left},
          {"audited", m.audited},
          {"answers", tail.answers},
          {"put_failures", tail.put_failures},
          {"read_failures", tail.read_failures},
          {"latency_ms", {{"p50", m.latency.Quantile(500)}, {"p99", m.latency.Quantile(990)}}}};
}

}  // namespace trib::cloud
