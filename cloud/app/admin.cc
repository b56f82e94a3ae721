#include "admin.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

#include "arguments.h"
#include "clock.h"
#include "json.h"
#include "trib/common/host/identity/identity.h"

namespace trib::cloud {
namespace {

using host::control::ControlError;
using nlohmann::json;

constexpr std::uint64_t kMaxTail = 1000;
constexpr std::size_t kVerdictsShown = 10;
/// One thread answers everyone, so a tail may not hold it for long: clients ask again.
// All calls wait for each other: some twenty followers and everybody else fit a caller's deadline.
constexpr std::uint64_t kMaxWaitMs = 200;
constexpr std::uint64_t kQuickCheckBytes = 1U << 30U;
constexpr std::uintmax_t kLowDiskBytes = 256U << 20U;
constexpr std::uint64_t kQuietMs = std::uint64_t{10} * 60 * 1000;
constexpr std::uint64_t kClockAheadMs = 5000;

/// What helps when a gateway's envelopes are refused for `reason`.
const char* EnvelopeFix(std::string_view reason) {
  if (reason == "envelope_protocol") {
    return "run a trib-gateway and a trib-cloud of the same version; its records wait in its spool";
  }
  if (reason == "envelope_revoked") {
    return "stop that gateway, or enrol and accept its key";
  }
  if (reason == "envelope_roster_claim") {
    return "its roster is not of this cloud; when it has delivered all, start it with a new spool";
  }
  return "update that gateway's trib-gateway; what it cannot deliver waits in its spool";
}

/// Whether an accepted gateway delivers, and by which clock.
void CheckGateway(const store::GatewaySummary& gateway, std::uint64_t now, json& checks) {
  const std::string who = "gateway " + std::to_string(gateway.device.id);
  const std::uint64_t last = gateway.totals.last_batch_ms;
  const std::uint64_t age = now > last ? now - last : 0;
  checks.push_back(
      Check("gateway_batches",
            OkOr(last != 0 && age <= kQuietMs, "warn"),
            who + (last == 0 ? " never sent a batch"
                             : ": last batch " + std::to_string(age / 1000) + " s ago"),
            "check that the gateway runs and reaches [south] bind"));
  // Records may wait in a spool, so only a clock that runs ahead shows for certain.
  const std::uint64_t received = gateway.totals.last_received_ms;
  const std::uint64_t ahead = received > last ? received - last : 0;
  checks.push_back(Check("gateway_clock",
                         OkOr(ahead <= kClockAheadMs, "warn"),
                         who + "'s clock was " + std::to_string(ahead) + " ms ahead of ours",
                         "set the gateway's clock, for example with NTP"));
}

}  // namespace

Admin::Admin(std::unique_ptr<store::Reader> reader,
             std::unique_ptr<store::DeferredReader> deferred,
             StoreLoop& store,
             const South& south,
             std::function<TailSnapshot()> tail,
             std::unique_ptr<DriftAdmin> drift,
             const host::zmq::ZapHandler& zap,
             std::filesystem::path store_path)
    : reader_(std::move(reader)),
      deferred_(std::move(deferred)),
      store_(store),
      south_(south),
      tail_(std::move(tail)),
      drift_(std::move(drift)),
      zap_(zap),
      store_path_(std::move(store_path)),
      started_(SteadyNow()) {
  AddCalls();
}

Admin::~Admin() {
  Stop();
}

Status Admin::Start(host::zmq::Context& context,
                    host::zmq::ZapHandler& zap,
                    const host::zmq::CurveKeys& keys,
                    const std::string& endpoint,
                    std::string& error) {
  TRIB_TRY_ASSIGN(server_,
                  host::control::ControlServer::Open(context, zap, keys, endpoint, calls_, error));
  thread_ = std::thread([this] { Run(); });
  return {};
}

void Admin::Stop() {
  stopping_ = true;
  wake_up_.Notify();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Admin::Run() {
  host::zmq::Poller poller;
  poller.Add(server_->socket());
  poller.Add(wake_up_);
  while (!stopping_) {
    poller.Wait(Millis(1'000));  // strangers who are refused wake nobody, and are counted
    while (!stopping_ && server_->Serve(1) > 0) {
    }
  }
}

void Admin::AddCalls() {
  calls_.Add("enroll", [this](const json& args) { return Enroll(args); });
  calls_.Add("enroll.many", [this](const json& args) { return EnrollMany(args); });
  calls_.Add("accept", [this](const json& args) { return Change(args, Action::kAccept); });
  calls_.Add("revoke", [this](const json& args) { return Change(args, Action::kRevoke); });
  calls_.Add("fleet.list", [this](const json&) { return FleetList(); });
  calls_.Add("node.show", [this](const json& args) { return NodeShow(args); });
  calls_.Add("gateway.list", [this](const json&) { return GatewayList(); });
  calls_.Add("event.tail", [this](const json& args) { return EventTail(args); });
  calls_.Add("stats", [this](const json&) { return Stats(); });
  calls_.Add("doctor", [this](const json& args) { return Doctor(args); });
  drift_->AddCalls(calls_);
}

Admin::Outcome Admin::ReadFailed(Status status) const {
  return ControlError{status.code(), "the store could not be read: " + reader_->last_error()};
}

namespace {

/// The request that `args` spell out; nullopt with `error` set when they do not.
std::optional<registry::EnrollRequest> RequestOf(const json& args, std::string& error) {
  registry::EnrollRequest request;
  if (!args.is_object()) {
    error = "a device is an object";
    return std::nullopt;
  }
  const auto id = Id(args, "id", std::nullopt, error);
  const auto gateway = Id(args, "gateway", 0, error);
  const auto hardware_class = Number(args, "hardware_class", 0, error);
  const std::string kind = args.value("kind", "node");
  if (error.empty() && kind != "node" && kind != "gateway") {
    error = "\"kind\" must be \"node\" or \"gateway\"";
  }
  const Result<crypto::PublicKey> key =
      host::identity::ParsePublicKeyHex(args.value("public_key", ""));
  if (error.empty() && (!key.ok() || !host::identity::ToCurve(*key).ok())) {
    error = "\"public_key\" must be the 64 hex digits of an Ed25519 public key";
  }
  if (error.empty() && *hardware_class > 0xFFFFFFFF) {
    error = "\"hardware_class\" must be below 2^32";
  }
  if (!error.empty()) {
    return std::nullopt;
  }
  request.id = *id;
  request.kind = kind == "node" ? DeviceKind::kNode : DeviceKind::kGateway;
  request.public_key = key->bytes;
  request.gateway = GatewayId(*gateway);
  request.name = args.value("name", "");
  request.hardware_class = static_cast<std::uint32_t>(*hardware_class);
  request.replace = args.value("replace", false);
  return request;
}

}  // namespace

Admin::Outcome Admin::EnrollMany(const json& args) {
  if (!args.contains("devices") || !args.at("devices").is_array()) {
    return Wrong("\"devices\" must be a list of devices");
  }
  std::vector<registry::EnrollRequest> requests;
  for (const json& device : args.at("devices")) {
    std::string error;
    auto request = RequestOf(device, error);
    if (!request) {
      return Wrong("device " + std::to_string(requests.size() + 1) + " of the list: " + error);
    }
    requests.push_back(*std::move(request));
  }
  const bool accept = args.value("accept", false);
  registry::ManyOutcome outcome;
  if (!store_.Call([&](registry::Registry& registry, store::Writer&) {
        outcome = registry.EnrollMany(requests, accept, WallMs(), kActor);
      })) {
    return ControlError{Code::kUnavailable, "the cloud is stopping"};
  }
  if (!outcome.status.ok()) {
    return ControlError{outcome.status.code(), outcome.error};
  }
  return json{{"devices", requests.size()}, {"changed", outcome.changed}};
}

Admin::Outcome Admin::Enroll(const json& args) {
  std::string error;
  const auto request = RequestOf(args, error);
  if (!request) {
    return Wrong(error);
  }
  registry::Outcome outcome;
  if (!store_.Call([&](registry::Registry& registry, store::Writer&) {
        outcome = registry.Enroll(*request, WallMs(), kActor);
      })) {
    return ControlError{Code::kUnavailable, "the cloud is stopping"};
  }
  if (!outcome.status.ok()) {
    return ControlError{outcome.status.code(), outcome.error};
  }
  return ToJson(outcome);
}

Admin::Outcome Admin::Change(const json& args, Action action) {
  std::string error;
  const auto id = Id(args, "id", std::nullopt, error);
  if (!id.has_value()) {
    return Wrong(error);
  }
  registry::Outcome outcome;
  if (!store_.Call([&](registry::Registry& registry, store::Writer&) {
        outcome = action == Action::kAccept ? registry.Accept(*id, WallMs(), kActor)
                                            : registry.Revoke(*id, WallMs(), kActor);
      })) {
    return ControlError{Code::kUnavailable, "the cloud is stopping"};
  }
  if (!outcome.status.ok()) {
    return ControlError{outcome.status.code(), outcome.error};
  }
  return ToJson(outcome);
}

Admin::Outcome Admin::FleetList() {
  const Result<std::vector<store::NodeSummary>> fleet = reader_->ReadFleet();
  if (!fleet.ok()) {
    return ReadFailed(fleet.status());
  }
  json nodes = json::array();
  for (const store::NodeSummary& node : *fleet) {
    nodes.push_back(ToJson(node));
  }
  return json{{"nodes", std::move(nodes)}, {"now_ms", WallMs()}};
}

Admin::Outcome Admin::NodeShow(const json& args) {
  std::string error;
  const auto node = Id(args, "node", std::nullopt, error);
  if (!node.has_value()) {
    return Wrong(error);
  }
  const Result<store::NodeDetail> detail = reader_->ReadNode(NodeId(*node));
  if (detail.status().code() == Code::kNotFound) {
    return ControlError{Code::kNotFound, "no node " + std::to_string(*node) + " is enrolled"};
  }
  const auto verdicts = deferred_->ReadLastVerdicts(NodeId(*node), kVerdictsShown);
  if (!detail.ok() || !verdicts.ok()) {
    return ReadFailed(detail.ok() ? verdicts.status() : detail.status());
  }
  json out = ToJson(*detail);
  out["verdicts"] = json::array();
  for (const store::StoredVerdict& verdict : *verdicts) {
    out["verdicts"].push_back(ToJson(verdict));
  }
  return out;
}

Admin::Outcome Admin::GatewayList() {
  const Result<std::vector<store::GatewaySummary>> read = reader_->ReadGateways();
  if (!read.ok()) {
    return ReadFailed(read.status());
  }
  json gateways = json::array();
  for (const store::GatewaySummary& gateway : *read) {
    gateways.push_back(ToJson(gateway));
  }
  return json{{"gateways", std::move(gateways)}};
}

Admin::Outcome Admin::EventTail(const json& args) {
  std::string error;
  const auto since = Number(args, "since", 0, error);
  const auto limit = Number(args, "limit", 100, error);
  const auto wait_ms = Number(args, "wait_ms", 0, error);
  const auto node = Id(args, "node", 0, error);
  if (!error.empty()) {
    return Wrong(error);
  }
  if (*limit == 0 || *limit > kMaxTail || *since > INT64_MAX) {
    return Wrong("\"limit\" must be 1 to " + std::to_string(kMaxTail));
  }
  store::EventFilter filter;
  if (args.contains("node")) {
    filter.node = NodeId(*node);
  }
  if (const std::string kind = args.value("kind", ""); kind == "event") {
    filter.kind = message::RecordKind::kEvent;
  } else if (kind == "fault") {
    filter.kind = message::RecordKind::kFault;
  } else if (!kind.empty()) {
    return Wrong("\"kind\" must be \"event\" or \"fault\"");
  }

  const bool follow = args.contains("since");
  const auto cursor = static_cast<std::int64_t>(*since);
  const MonotonicTime deadline =
      SteadyNow() + Millis(static_cast<std::int64_t>(std::min(*wait_ms, kMaxWaitMs)));
  while (true) {
    std::uint64_t commits = store_.commits();
    const Result<std::vector<store::NotableRecord>> events =
        follow ? reader_->ReadEventsAfter(cursor, *limit, filter)
               : reader_->ReadLastEvents(*limit, filter);
    if (!events.ok()) {
      return ReadFailed(events.status());
    }
    const Millis left = deadline - SteadyNow();
    if (events->empty() && left > Millis(0) && !stopping_) {
      store_.WaitForCommit(commits, left);
      continue;
    }
    json out = json::array();
    for (const store::NotableRecord& event : *events) {
      out.push_back(ToJson(event));
    }
    return json{{"events", std::move(out)},
                {"cursor", events->empty() ? cursor : events->back().id}};
  }
}

Admin::Outcome Admin::Stats() {
  const Result<store::Stats> stats = reader_->ReadStats();
  const TailSnapshot tail = tail_();
  std::uint64_t waiting = 0;
  const auto unknown = Unknown(tail, waiting);
  const auto totals = deferred_->ReadTotals();
  if (!stats.ok() || !unknown.ok() || !totals.ok()) {
    return ReadFailed(stats.ok() ? Status(Code::kUnavailable) : stats.status());
  }
  json out = ToJson(*stats);
  out["deferred"] = {{"waiting", waiting}, {"unknown_packages", json::object()}};
  for (const auto& [package, records] : *unknown) {
    out["deferred"]["unknown_packages"][host::control::HashText(package.value())] = records;
  }
  out["verdicts"] = json::object();
  for (const auto& [name, total] : *totals) {
    out["verdicts"][name] = total;
  }
  out["tail"] = TailJson(tail);
  out["drift"] = drift_->Stats();
  out["commits"] = store_.commits();
  out["commit_failures"] = store_.commit_failures();
  out["blocked"] = store_.blocked();
  out["clock_jumps"] = store_.clock_jumps();
  const SouthCounters& south = south_.counters();
  out["flow"] = {{"paused", south_.paused()},
                 {"pauses", south.pauses.load()},
                 {"grants", south.grants.load()},
                 {"batches_again", south.batches_again.load()},
                 {"batches_over_credit", south.batches_over.load()},
                 {"batches_refused", south.batches_refused.load()},
                 {"sessions_closed", south.sessions_closed.load()},
                 {"downlinks", south.downlinks.load()},
                 {"downlinks_dropped", south.downlinks_dropped.load()},
                 {"sends_failed", south.sends_failed.load()}};
  out["connections"] = {{"wrong_server_key", south.wrong_server_key.load()},
                        {"wrong_protocol", south.wrong_protocol.load()},
                        {"accept_failures", south.accept_failures.load()}};
  out["reports_refused"] = store_.reports_refused();
  out["queued_batches"] = store_.queued();
  out["gateways_connected"] = south_.connected();
  out["gateway_handshakes_refused"] = zap_.counts(kGatewayDomain).refused;
  out["operator_handshakes_refused"] = zap_.counts(host::control::kAdminDomain).refused;
  out["uptime_ms"] = (SteadyNow() - started_).count();
  return out;
}

Result<std::vector<std::pair<PackageHash, std::uint64_t>>> Admin::Unknown(const TailSnapshot& tail,
                                                                          std::uint64_t& waiting) {
  TRIB_TRY_ASSIGN(auto packages, deferred_->CountUndecided());
  for (const auto& [package, records] : packages) {
    waiting += records;
  }
  std::erase_if(packages, [&](const auto& entry) {
    return std::find(tail.networks.begin(), tail.networks.end(), entry.first) !=
           tail.networks.end();
  });
  return packages;
}

void Admin::CheckTails(json& checks) {
  const TailSnapshot tail = tail_();
  std::uint64_t waiting = 0;
  const auto unknown = Unknown(tail, waiting);
  if (!unknown.ok()) {
    checks.push_back(Check("deferred", "fail", deferred_->last_error(), kRestore));
    return;
  }
  if (tail.configured) {
    checks.push_back(
        Check("tails",
              OkOr(!tail.networks.empty(), "warn"),
              std::to_string(tail.networks.size()) + " networks to decide deferred windows",
              "put a head and its tail package, signed by a key of [tails] package_keys, into "
              "[tails] directory; the log says why a file was not taken"));
  }
  std::uint64_t records = 0;
  std::string packages;
  for (const auto& [package, count] : *unknown) {
    records += count;
    packages += (packages.empty() ? ": " : ", ") + host::control::HashText(package.value());
  }
  checks.push_back(Check(
      "unknown_packages",
      OkOr(records == 0, "warn"),
      std::to_string(records) + " deferred windows wait for packages that are not here" + packages,
      tail.configured ? "put these packages' heads and tails into [tails] directory"
                      : "configure [tails], so that the cloud decides deferred windows"));
}

Admin::Outcome Admin::Doctor(const json& args) {
  const Result<store::Stats> stats = reader_->ReadStats();
  const Result<std::int64_t> schema = reader_->SchemaVersion();
  const Result<std::vector<store::GatewaySummary>> gateways = reader_->ReadGateways();
  if (!stats.ok() || !schema.ok() || !gateways.ok()) {
    return json{
        {"ok", false},
        {"checks", json::array({Check("database", "fail", reader_->last_error(), kRestore)})}};
  }
  json checks = json::array();
  if (stats->database_bytes <= kQuickCheckBytes || args.value("full", false)) {
    const Status status = reader_->QuickCheck();
    checks.push_back(Check("database",
                           OkOr(status.ok(), "fail"),
                           status.ok() ? "sound" : reader_->last_error(),
                           kRestore));
  } else {
    checks.push_back(Check("database", "ok", "readable; large, so not walked: ask with full", ""));
  }
  checks.push_back(Check("schema",
                         OkOr(*schema == store::KnownSchemaVersion(), "fail"),
                         "version " + std::to_string(*schema) + ", this program writes " +
                             std::to_string(store::KnownSchemaVersion()),
                         "restart the newest trib-cloud"));
  std::error_code failed;
  const auto space =
      std::filesystem::space(std::filesystem::absolute(store_path_).parent_path(), failed);
  checks.push_back(
      Check("disk",
            OkOr(!failed && space.available >= kLowDiskBytes, "fail"),
            failed ? failed.message() : std::to_string(space.available >> 20U) + " MiB free",
            "make room on the disk of [store] path"));
  checks.push_back(Check("commits",
                         OkOr(!store_.blocked(), "fail"),
                         std::to_string(store_.commits()) + " done, " +
                             std::to_string(store_.commit_failures()) + " failed since start" +
                             (store_.blocked() ? ", the last one too" : ""),
                         "see the log for the reason; gateways keep what was not committed"));
  constexpr std::uint64_t kClockRunsAheadMs = 3'600'000;
  const std::uint64_t ahead_ms = store_.clock_ahead_ms();
  checks.push_back(
      Check("clock",
            OkOr(ahead_ms < kClockRunsAheadMs, "warn"),
            "jumped " + std::to_string(store_.clock_jumps()) + " times since start, " +
                std::to_string(ahead_ms / 1000) + " s ahead of what retention believes",
            "set the clock right soon: retention follows it at a hundred times real time"));
  const std::uint64_t now = WallMs();
  for (const store::GatewaySummary& gateway : *gateways) {
    if (gateway.device.state == DeviceState::kAccepted) {
      CheckGateway(gateway, now, checks);
    }
  }
  CheckTails(checks);
  drift_->AddChecks(checks);
  const StoreLoop::RefusedCounts refused = store_.refused_since_start();
  if (refused.empty()) {
    checks.push_back(Check("gateway_envelopes", "ok", "none refused since start", ""));
  }
  for (const auto& [where, count] : refused) {
    checks.push_back(Check("gateway_envelopes",
                           "warn",
                           "gateway " + std::to_string(where.first) + ": " + std::to_string(count) +
                               " refused since start, reason " + where.second,
                           EnvelopeFix(where.second)));
  }
  const bool ok = std::none_of(
      checks.begin(), checks.end(), [](const json& check) { return check["status"] == "fail"; });
  return json{{"ok", ok}, {"checks", std::move(checks)}};
}

}  // namespace trib::cloud
