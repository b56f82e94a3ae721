#include "admin.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "clock.h"

namespace trib::gateway {
namespace {

using host::control::HashText;
using host::control::IdText;
using host::control::Outcome;
using host::zmq::LinkState;
using nlohmann::json;

constexpr const char* kPriorityNames[] = {"event", "fault", "status", "sketch", "frame"};
static_assert(std::size(kPriorityNames) == message::kPriorityCount);
constexpr const char* kRefusalNames[] = {
    "unspecified", "malformed", "too_large", "key_mismatch", "bad_mac"};

json ByPriority(const std::array<std::uint64_t, message::kPriorityCount>& counts) {
  json out = json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    out[kPriorityNames[i]] = counts[i];
  }
  return out;
}

json LinkJson(const SouthSnapshot& south) {
  const link::Metrics& m = south.link;
  json refused = json::object();
  for (std::size_t i = 1; i < m.refused.size(); ++i) {
    refused[kRefusalNames[i]] = m.refused[i];
  }
  refused["unnamed"] = m.unnamed;
  return {{"messages", m.messages},
          {"bytes", m.bytes},
          {"hellos", m.hellos},
          {"accepted", m.accepted},
          {"durable", m.durable},
          {"unsettled", m.unsettled},
          {"pending", south.pending},
          {"duplicates", m.duplicates},
          {"pending_again", m.pending_again},
          {"over_credit", m.over_credit},
          {"chunks", m.chunks},
          {"chunks_refused", m.chunks_refused},
          {"acks", m.acks},
          {"sessions", south.sessions},
          {"sessions_closed", m.closed_malformed + m.closed_over_credit + m.closed_unread},
          {"closed",
           {{"malformed", m.closed_malformed},
            {"over_credit", m.closed_over_credit},
            {"unread", m.closed_unread}}},
          {"pending_bytes", south.pending_bytes},
          {"credit",
           {{"room", south.credit_room},
            {"promised", south.credit_promised},
            {"share", south.credit_share},
            {"active", south.active},
            {"waiting", south.waiting},
            {"pauses", m.pauses},
            {"grants", m.grants}}},
          {"reading_stopped", south.pauses},
          {"sends_failed", south.sends_failed},
          {"undeliverable", m.undeliverable},
          {"downlinks_dropped", south.downlinks_dropped},
          {"refused", std::move(refused)},
          {"dropped",
           {{"identity_mismatch", m.identity_mismatch},
            {"not_in_roster", m.not_in_roster},
            {"malformed", m.malformed},
            {"penalised", m.penalised},
            {"too_many_sessions", m.too_many_sessions},
            {"misshapen", south.misshapen}}}};
}

json ConnectionsJson(const host::zmq::ServerCounts& c) {
  return {{"open", c.connections},
          {"accepted", c.accepted},
          {"handshakes", c.handshakes},
          {"refused_keys", c.refused_keys},
          {"wrong_server_key", c.wrong_server_key},
          {"wrong_protocol", c.wrong_protocol},
          {"accept_failures", c.accept_failures}};
}

json SerialJson(const host::serial::Metrics& serial) {
  const frame::ChannelMetrics& c = serial.channel;
  return {{"wires", serial.wires},
          {"in_session", serial.in_session},
          {"accepted", serial.accepted},
          {"wires_refused", serial.wires_refused},
          {"wires_silent", serial.wires_silent},
          {"accept_failures", serial.accept_failures},
          {"devices_lost", serial.devices_lost},
          {"stations_refused", serial.stations_refused},
          {"queue_full", serial.queue_full},
          {"sessions", c.sessions},
          {"closed", c.closed},
          {"messages_received", c.messages_received},
          {"messages_sent", c.messages_sent},
          {"frames_received", c.frames_received},
          {"frames_sent", c.frames_sent},
          {"bytes_received", c.bytes_received},
          {"bytes_sent", c.bytes_sent},
          {"retransmissions", c.retransmissions},
          {"duplicates", c.duplicates},
          {"reordered", c.reordered},
          {"out_of_window", c.out_of_window},
          {"malformed", c.malformed},
          {"oversized", c.oversized},
          {"stale", c.stale}};
}

json TotalsJson(const aggregate::Totals& totals) {
  return {{"records", totals.records},
          {"events", totals.events},
          {"faults", totals.faults},
          {"windows", totals.windows},
          {"bytes", totals.bytes},
          {"energy_nj", totals.energy_nj}};
}

json AggregateJson(const SouthSnapshot& south) {
  json out = TotalsJson(south.total);
  out["sketches_merged"] = south.aggregate.sketches_merged;
  out["sketches_skipped"] = south.aggregate.sketches_skipped;
  out["nodes_in_event"] = south.aggregate.nodes_in_event;
  out["nodes_in_fault"] = south.aggregate.nodes_in_fault;
  return out;
}

json DriftJson(const drift::Metrics& drift) {
  return {{"nodes", drift.nodes},
          {"sketches", drift.sketches},
          {"sketches_left", drift.sketches_left},
          {"sketches_strange", drift.sketches_strange},
          {"flags", drift.flags},
          {"flags_dropped", drift.flags_dropped}};
}

json SpoolJson(const SpoolSnapshot& spool) {
  return {{"records", spool.depth.records},
          {"bytes", spool.depth.bytes},
          {"stored", spool.metrics.stored},
          {"duplicates", spool.metrics.duplicates},
          {"refused", spool.metrics.refused},
          {"deleted", spool.metrics.deleted},
          {"commits", spool.metrics.commits},
          {"decided", spool.metrics.decided},
          {"failures", spool.metrics.failures},
          {"blocked", spool.blocked},
          {"held", spool.held},
          {"dropped_full", ByPriority(spool.drops.full)},
          {"dropped_rejected", ByPriority(spool.drops.rejected)}};
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
  json unknown = json::object();
  for (const auto& [package, records] : m.unknown) {
    unknown[HashText(package.value())] = records;
  }
  return {{"networks", std::move(networks)},
          {"queued", tail.queued},
          {"uncommitted", tail.uncommitted},
          {"batches", m.batches},
          {"records", m.records},
          {"mean_batch",
           m.batches == 0 ? 0.0 : static_cast<double>(m.records) / static_cast<double>(m.batches)},
          {"decided", m.decided},
          {"passed_on",
           {{"unsure", m.unsure},
            {"unknown_package", m.unknown_package},
            {"no_exit", m.no_exit},
            {"damaged", m.damaged},
            {"overdue", m.overdue}}},
          {"audited", m.audited},
          {"answers", tail.answers},
          {"answers_dropped", tail.answers_dropped},
          {"unknown_packages", std::move(unknown)},
          {"latency_ms", {{"p50", m.latency.Quantile(500)}, {"p99", m.latency.Quantile(990)}}}};
}

json ForwardJson(const NorthSnapshot& north) {
  const forward::Metrics& m = north.metrics;
  return {{"link", host::zmq::NameOf(north.link)},
          {"connections", north.connections},
          {"open_batches", north.open_batches},
          {"batches", m.batches},
          {"retransmissions", m.retransmissions},
          {"forwarded", m.forwarded},
          {"cloud_duplicates", m.cloud_duplicates},
          {"verdicts", m.verdicts},
          {"rejected", m.rejected},
          {"acks_unknown", m.acks_unknown},
          {"malformed", m.malformed},
          {"rosters", m.rosters},
          {"rosters_stale", m.rosters_stale},
          {"downlinks", m.downlinks},
          {"downlinks_dropped", north.downlinks_dropped},
          {"reports", m.reports},
          {"reports_dropped", m.reports_dropped},
          {"sends_failed", north.sends_failed},
          {"hellos", m.hellos},
          {"credit", north.credit},
          {"pauses", m.pauses},
          {"grants", m.grants}};
}

json ZapJson(const host::zmq::ZapCounts& counts) {
  return {{"accepted", counts.accepted}, {"refused", counts.refused}};
}

json NodesJson(const SouthLists& south, const SpoolSnapshot& spool) {
  std::map<NodeId, json> rows;
  for (const NodeId node : spool.roster) {
    rows[node] = {{"node", IdText(node.value())}, {"in_roster", true}, {"session", nullptr}};
  }
  const MonotonicTime now = MonotonicNow();
  for (const link::SessionInfo& session : south.sessions) {
    json& row = rows[session.node];
    row["node"] = IdText(session.node.value());
    row["session"] = {{"epoch", HashText(session.epoch.value())},
                      {"boot", session.boot},
                      {"firmware_version", session.firmware_version},
                      {"silent_ms", (now - session.last_seen).count()},
                      {"records", session.records},
                      {"pending", session.pending},
                      {"credit", session.credit},
                      {"over_credit", session.over_credit},
                      {"waiting", session.waiting},
                      {"closed", session.closed},
                      {"over", host::serial::IsRoutingId(session.routing_id) ? "serial" : "zmq"}};
  }
  for (const aggregate::NodeRollup& rollup : south.nodes) {
    json& row = rows[rollup.node];
    row["node"] = IdText(rollup.node.value());
    row["total"] = TotalsJson(rollup.total);
    row["minute"] = TotalsJson(rollup.minute);
    row["minute_ms"] = rollup.minute_ms;
    row["last_record_ms"] = rollup.last_record_ms;
    row["in_event"] = rollup.in_event;
    row["in_fault"] = rollup.in_fault;
  }
  json list = json::array();
  for (auto& [node, row] : rows) {
    row.emplace("in_roster", false);
    list.push_back(std::move(row));
  }
  return list;
}

enum class Severity { kWarn, kFail };

/// Collects checks in the shape that every daemon's doctor gives: docs/formats/admin_calls.md.
struct Doctor {
  json checks = json::array();
  bool ok = true;
  /// When not `good`, `otherwise` is the status and `fix` says what to do.
  void Check(const char* name, bool good, Severity otherwise, std::string text, const char* fix) {
    const bool fails = !good && otherwise == Severity::kFail;
    checks.push_back({{"name", name},
                      {"status", good ? "ok" : (fails ? "fail" : "warn")},
                      {"text", std::move(text)},
                      {"fix", good ? "" : fix}});
    ok = ok && !fails;
  }
};

void CheckTail(const TailSnapshot& tail, Doctor& doctor) {
  if (!tail.configured) {
    return;
  }
  doctor.Check("tails",
               !tail.networks.empty(),
               Severity::kWarn,
               std::to_string(tail.networks.size()) + " networks to finish what nodes defer",
               "put a head and its tail package, signed by a key of [tails] package_keys, into "
               "[tails] directory; the log says why a file was not taken");
  const tail::Metrics& m = tail.metrics;
  std::string packages;
  for (const auto& [package, records] : m.unknown) {
    packages += (packages.empty() ? ": " : ", ") + HashText(package.value());
  }
  doctor.Check("unknown_packages",
               m.unknown_package == 0,
               Severity::kWarn,
               std::to_string(m.unknown_package) +
                   " deferred windows of packages that are not here went on to the cloud" +
                   packages,
               "put these packages' heads and tails into [tails] directory");
  doctor.Check("deferred",
               m.damaged + m.overdue == 0,
               Severity::kWarn,
               std::to_string(m.damaged) + " deferred windows were damaged, " +
                   std::to_string(m.overdue) + " waited too long",
               "damaged: the node runs another network under this package's name; too long: the "
               "gateway is too slow for what its nodes defer");
}

json DoctorJson(const Config& config, const AdminSources& sources) {
  const SouthSnapshot south = sources.south();
  const SpoolSnapshot spool = sources.spool();
  const NorthSnapshot north = sources.north();
  Doctor doctor;
  doctor.Check("cloud",
               north.link == LinkState::kUp,
               Severity::kFail,
               "connection to " + config.north_endpoint + " is " +
                   std::string(host::zmq::NameOf(north.link)),
               north.link == LinkState::kRefused
                   ? "enrol and accept this gateway's public key at the cloud with trib"
                   : "check that trib-cloud runs and that [north] names its endpoint and key");
  doctor.Check("roster",
               spool.roster_version > 0,
               Severity::kFail,
               spool.roster_version > 0
                   ? std::to_string(spool.roster.size()) + " nodes may connect (roster version " +
                         std::to_string(spool.roster_version) + ")"
                   : "the cloud has not sent a roster yet: no node can connect",
               "enrol and accept this gateway's nodes at the cloud with trib");
  const auto fill = std::max(100 * spool.depth.bytes / config.spool.max_bytes,
                             100 * spool.depth.records / config.spool.max_records);
  doctor.Check("spool",
               fill < 80,
               Severity::kWarn,
               std::to_string(spool.depth.records) + " records wait, " + std::to_string(fill) +
                   " % of the room",
               "restore the way to the cloud before the spool is full");
  doctor.Check("disk",
               !spool.blocked,
               Severity::kFail,
               spool.blocked ? "the spool cannot be written: " + std::to_string(spool.held) +
                                   " records wait in memory, nodes keep theirs"
                             : std::to_string(spool.metrics.failures) +
                                   " transactions failed since the start",
               "see the log for the reason; make room on the disk of [spool] path");
  std::uint64_t dropped = 0;
  for (std::size_t i = 0; i < message::kPriorityCount; ++i) {
    dropped += spool.drops.full[i] + spool.drops.rejected[i];
  }
  doctor.Check("drops",
               dropped == 0,
               Severity::kWarn,
               std::to_string(dropped) + " acknowledged records given up",
               "stats tells which: a full spool needs more room, a refusal shows at the cloud");
  const auto zap = sources.zap("south");
  doctor.Check("keys",
               zap.refused == 0,
               Severity::kWarn,
               std::to_string(zap.refused) + " handshakes of unknown keys refused",
               "enrol and accept the node that tries to connect, or switch it off");
  if (!config.serial.endpoints.empty()) {
    doctor.Check("serial",
                 south.serial.stations_refused == 0,
                 Severity::kWarn,
                 std::to_string(south.serial.in_session) + " nodes on wires, which are not " +
                     "encrypted; " + std::to_string(south.serial.stations_refused) +
                     " sessions of nodes that may not speak there refused",
                 "name the node in [serial] nodes, or take it off the wire; the log says which");
  }
  const auto& m = south.link;
  const std::uint64_t odd = m.identity_mismatch + m.not_in_roster + m.malformed + m.penalised;
  doctor.Check("messages",
               odd == 0,
               Severity::kWarn,
               std::to_string(odd) + " messages of nodes dropped",
               "see link.dropped of stats for the reasons");
  const std::uint64_t closed = m.closed_malformed + m.closed_over_credit + m.closed_unread;
  doctor.Check("abuse",
               closed == 0,
               Severity::kWarn,
               std::to_string(closed) + " sessions closed for a while since the start, " +
                   std::to_string(m.over_credit) + " records over credit dropped",
               "see link.closed of stats for the reasons, nodes list for who");
  CheckTail(sources.tail(), doctor);
  doctor.Check("credit",
               south.waiting == 0,
               Severity::kWarn,
               std::to_string(south.waiting) + " nodes are paused until there is room for more",
               "restore the way to the cloud, make room on disk, or raise [south] memory");
  return {{"ok", doctor.ok}, {"checks", std::move(doctor.checks)}};
}

}  // namespace

void AddCalls(host::control::Registry& registry, const Config& config, AdminSources sources) {
  const auto shared = std::make_shared<const AdminSources>(std::move(sources));
  registry.Add("stats", [shared, config](const json&) -> Outcome {
    const SouthSnapshot south = shared->south();
    const SpoolSnapshot spool = shared->spool();
    return json{{"gateway", IdText(config.id.value())},
                {"run", HashText(spool.run)},
                {"link", LinkJson(south)},
                {"connections", ConnectionsJson(south.connections)},
                {"serial", config.serial.endpoints.empty() ? json() : SerialJson(south.serial)},
                {"aggregate", AggregateJson(south)},
                {"drift", DriftJson(south.drift)},
                {"spool", SpoolJson(spool)},
                {"tail", TailJson(shared->tail())},
                {"forward", ForwardJson(shared->north())},
                {"zap",
                 {{"south", ZapJson(shared->zap("south"))},
                  {"admin", ZapJson(shared->zap(host::control::kAdminDomain))}}}};
  });
  registry.Add("site.show", [shared, config](const json&) -> Outcome {
    const SouthSnapshot south = shared->south();
    const SpoolSnapshot spool = shared->spool();
    return json{
        {"gateway", IdText(config.id.value())},
        {"run", HashText(spool.run)},
        {"cloud",
         {{"endpoint", config.north_endpoint}, {"link", host::zmq::NameOf(shared->north().link)}}},
        {"roster", {{"version", spool.roster_version}, {"nodes", spool.roster.size()}}},
        {"sessions", south.sessions},
        {"spool", {{"records", spool.depth.records}, {"bytes", spool.depth.bytes}}},
        {"total", AggregateJson(south)}};
  });
  registry.Add("nodes.list", [shared](const json&) -> Outcome {
    return json{{"nodes", NodesJson(shared->lists(), shared->spool())}};
  });
  registry.Add("doctor",
               [shared, config](const json&) -> Outcome { return DoctorJson(config, *shared); });
}

AdminLoop::AdminLoop(std::unique_ptr<host::control::ControlServer> server)
    : server_(std::move(server)) {}

void AdminLoop::Run() {
  thread_ = std::thread([this] {
    host::zmq::Poller poller;
    poller.Add(server_->socket());
    poller.Add(wake_up_);
    while (!stopping_) {
      poller.Wait(Millis(1'000));  // strangers who are refused wake nobody, and are counted
      (void)server_->Serve();
    }
  });
}

void AdminLoop::Stop() {
  stopping_ = true;
  wake_up_.Notify();
  if (thread_.joinable()) {
    thread_.join();
  }
}

}  // namespace trib::gateway
