#include "trib/gateway/app/gateway.h"

#include <random>
#include <utility>

#include "admin.h"
#include "clock.h"
#include "north_loop.h"
#include "south_loop.h"
#include "spool_loop.h"
#include "tail_loop.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/logging/log.h"
#include "trib/common/host/serial/server.h"
#include "trib/common/host/zmq/context.h"

namespace trib::gateway {
namespace {

namespace zmq = host::zmq;
using host::logging::Level;
using host::logging::Log;

constexpr std::string_view kSouthDomain = "south";

/// Names the key too: a connection made with a key that was replaced since is not the node's.
std::string IdentityOf(const spool::RosterMember& member) {
  return std::to_string(member.node.value()) + ":" + host::identity::ToHex(member.public_key);
}

zmq::KeyTable TableOf(const spool::Roster& roster) {
  zmq::KeyTable table;
  for (const spool::RosterMember& member : roster.members) {
    const auto curve = host::identity::ToCurve(crypto::PublicKey{member.public_key});
    if (!curve.ok()) {
      Log(Level::kWarn, "link", "node ", member.node.value(), " has an unusable key in the roster");
      continue;
    }
    table.emplace(curve->bytes, IdentityOf(member));
  }
  return table;
}

std::vector<SouthLoop::Member> MembersOf(const spool::Roster& roster) {
  std::vector<SouthLoop::Member> members;
  members.reserve(roster.members.size());
  for (const spool::RosterMember& member : roster.members) {
    members.push_back({member.node, IdentityOf(member)});
  }
  return members;
}

/// Nobody must have wires without knowing what they are.
void WarnOfWires(const std::vector<std::string>& endpoints, const SerialConfig& config) {
  constexpr std::size_t kNamed = 16;
  std::string at;
  for (const std::string& endpoint : endpoints) {
    at += (at.empty() ? "" : ", ") + endpoint;
  }
  std::string who;
  std::size_t named = 0;
  for (const std::uint64_t node : config.nodes) {
    if (++named > kNamed) {
      who += " and " + std::to_string(config.nodes.size() - kNamed) + " more";
      break;
    }
    who += (who.empty() ? "" : ", ") + std::to_string(node);
  }
  Log(Level::kWarn,
      "serial",
      "wires are neither encrypted nor authenticated: whoever can write to ",
      at,
      config.nodes.empty() ? " could speak for a node, so nobody may until [serial] nodes names who"
                           : " can speak for nodes ",
      who);
}

spool::Roster ToSpool(const forward::Roster& roster) {
  spool::Roster out;
  out.version = roster.version;
  out.members.reserve(roster.members.size());
  for (const forward::Member& member : roster.members) {
    out.members.push_back({member.node, member.public_key});
  }
  return out;
}

}  // namespace

// Members in the order of the flow; each is made after, and destroyed before, what it uses.
struct Gateway::Impl {
  explicit Impl(const Config& given) : config(given), spool(given.spool, given.commit_interval) {}

  Status Start(std::string& error);
  Status OpenWires(std::unique_ptr<host::serial::Server>& wires, std::string& error);
  void Join();
  void Stop();

  const Config config;
  Endpoints endpoints;
  zmq::Context context;
  std::unique_ptr<zmq::ZapHandler> zap;
  host::control::Registry registry;
  SpoolLoop spool;
  std::unique_ptr<SouthLoop> south;
  std::unique_ptr<TailLoop> tail;  // none without [tails]
  std::unique_ptr<NorthLoop> north;
  std::unique_ptr<AdminLoop> admin;
  spool::Roster roster;
};

/// Leaves `wires` empty without [serial] endpoints.
Status Gateway::Impl::OpenWires(std::unique_ptr<host::serial::Server>& wires, std::string& error) {
  if (config.serial.endpoints.empty()) {
    return {};
  }
  TRIB_TRY_ASSIGN(wires,
                  host::serial::Server::Open(
                      {.endpoints = config.serial.endpoints,
                       .station = config.id.value(),
                       .stations = config.serial.nodes,
                       .log = [](std::string_view line) { Log(Level::kWarn, "serial", line); }},
                      MonotonicNow(),
                      error));
  endpoints.serial = wires->endpoints();
  WarnOfWires(endpoints.serial, config.serial);
  return {};
}

Status Gateway::Impl::Start(std::string& error) {
  TRIB_TRY_ASSIGN(const auto pair, host::identity::LoadKeyPair(config.key_file, &error));
  const auto curve = host::identity::ToCurve(pair);
  const zmq::CurveKeys keys{curve.public_key.bytes, curve.secret_key.bytes};
  TRIB_TRY_ASSIGN(const auto cloud_key, host::identity::ToCurve(config.cloud_key));

  const bool tails = !config.tails.directory.empty();
  TRIB_TRY_ASSIGN(roster, spool.Start(tails, error));
  TRIB_TRY_ASSIGN(zap, zmq::ZapHandler::Start(context, {.log = [](std::string_view line) {
                                                Log(Level::kWarn, "zap", line);
                                              }}));
  zap->SetDomain(kSouthDomain, TableOf(roster));
  zmq::KeyTable operators;
  for (const crypto::PublicKey& key : config.operators) {
    TRIB_TRY_ASSIGN(const auto operator_key, host::identity::ToCurve(key));
    operators.emplace(operator_key.bytes, "operator");
  }
  zap->SetDomain(host::control::kAdminDomain, std::move(operators));

  TRIB_TRY_ASSIGN(auto south_socket,
                  zmq::ServerSocket::Open(context,
                                          *zap,
                                          keys,
                                          {.endpoint = config.south_bind,
                                           .zap_domain = std::string(kSouthDomain),
                                           .max_message_bytes = message::kMaxEnvelopeBytes},
                                          error));
  TRIB_TRY_ASSIGN(
      auto control,
      host::control::ControlServer::Open(context, *zap, keys, config.admin_bind, registry, error));
  TRIB_TRY_ASSIGN(auto north_socket,
                  zmq::ClientSocket::Open(context,
                                          keys,
                                          {.endpoint = config.north_endpoint,
                                           .server_public_key = cloud_key.bytes,
                                           .max_message_bytes = message::kMaxSiteEnvelopeBytes,
                                           // After an outage: its reports, a Hello, open batches.
                                           .high_water_mark = 128,
                                           .reconnect_max = Millis(5'000)},
                                          error));
  std::unique_ptr<host::serial::Server> wires;
  TRIB_TRY(OpenWires(wires, error));
  endpoints.south = south_socket->endpoint();
  endpoints.admin = control->socket().endpoint();
  admin = std::make_unique<AdminLoop>(std::move(control));
  south = std::make_unique<SouthLoop>(
      std::move(south_socket),
      std::move(wires),
      link::Options{
          .credit = {.most_bytes = config.credit_bytes, .memory_bytes = config.memory_bytes}},
      config.id,
      tails,
      SouthLoop::Callbacks{
          .append = [this](auto items) { spool.Append(std::move(items)); },
          .report = [this](std::string report) { north->Report(std::move(report)); },
          .spool_depth = [this] { return spool.snapshot().depth.records; },
          .spool_room = [this] { return spool.room(); }});
  std::random_device device;
  const auto draw = [&device] { return (std::uint64_t{device()} << 32U) | device(); };
  north = std::make_unique<NorthLoop>(
      std::move(north_socket),
      forward::Options{.gateway = config.id,
                       .software_version = TRIB_VERSION,
                       .first_batch = draw() >> 1U},  // half the range: counting up does not wrap
      roster.version,
      draw(),
      NorthLoop::Callbacks{
          .ask =
              [this](const forward::Wanted& wanted) {
                spool.Ask({wanted.after, wanted.max, wanted.max_bytes});
              },
          .forget = [this](auto stored,
                           auto rejected) { spool.Forget(std::move(stored), std::move(rejected)); },
          .roster = [this](const forward::Roster& taken) { spool.StoreRoster(ToSpool(taken)); },
          .downlink =
              [this](forward::Downlink downlink) { return south->SendDown(std::move(downlink)); }});
  if (tails) {
    tail = std::make_unique<TailLoop>(
        config.tails,
        TailLoop::Callbacks{
            .ask =
                [this](const tail::Wanted& wanted) {
                  spool.AskDeferred({wanted.after, wanted.max, wanted.max_bytes});
                },
            .decide = [this](auto decided) { spool.Decide(std::move(decided)); },
            .answer = [this](forward::Downlink down) { return south->SendDown(std::move(down)); }});
  }
  Join();
  return {};
}

/// Starts the threads; from here on they talk to each other.
void Gateway::Impl::Join() {
  AddCalls(registry,
           config,
           {.south = [this] { return south->snapshot(); },
            .lists = [this] { return south->lists(); },
            .spool = [this] { return spool.snapshot(); },
            .tail = [this] { return tail ? tail->snapshot() : TailSnapshot(); },
            .north = [this] { return north->snapshot(); },
            .zap = [this](std::string_view domain) { return zap->counts(domain); }});
  spool.Run(
      {.settled = [this](auto items,
                         auto outcomes) { south->Settle(std::move(items), std::move(outcomes)); },
       .peeked = [this](
                     auto records,
                     const spool::DropTotals& drops) { north->Peeked(std::move(records), drops); },
       .grew = [this](std::size_t records) { north->Grew(records); },
       .deferred = [this](auto records) { tail->Deferred(std::move(records)); },
       .decided = [this](std::size_t outcomes) { tail->Committed(outcomes); },
       .roster_stored =
           [this](const spool::Roster& stored) {
             // Handshakes first: a node that is gone must not come back in between.
             zap->SetDomain(kSouthDomain, TableOf(stored));
             south->SetRoster(MembersOf(stored));
             north->RosterStored(stored.version);
             Log(Level::kInfo,
                 "link",
                 "roster version ",
                 stored.version,
                 ": ",
                 stored.members.size(),
                 " nodes");
           }});
  south->Run(MembersOf(roster));
  if (tail) {
    tail->Run();
  }
  north->Run();
  admin->Run();
}

void Gateway::Impl::Stop() {
  if (south) {
    south->Stop();
  }
  if (tail) {
    tail->Stop();
  }
  if (north) {
    north->Stop();
  }
  spool.Stop();
  if (admin) {
    admin->Stop();
  }
}

Gateway::Gateway(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Gateway::~Gateway() {
  Stop();
}

Result<std::unique_ptr<Gateway>> Gateway::Start(const Config& config, std::string& error) {
  auto impl = std::make_unique<Impl>(config);
  if (const Status status = impl->Start(error); !status.ok()) {
    impl->Stop();
    if (error.empty()) {
      error = "cannot start: " + std::string(CodeName(status.code()));
    }
    return status;
  }
  return std::unique_ptr<Gateway>(new Gateway(std::move(impl)));
}

const Endpoints& Gateway::endpoints() const {
  return impl_->endpoints;
}
void Gateway::Stop() {
  impl_->Stop();
}

}  // namespace trib::gateway
