#include "deployment.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "trib/common/host/identity/identity.h"

namespace trib::tools::sim {
namespace {

using launcher::WaitUntil;
using nlohmann::json;

// A DEALER: its mailbox, its connection, both ends of its monitor.
constexpr std::uint64_t kDescriptorsPerNode = 4;
constexpr std::uint64_t kOtherDescriptors = 128;
constexpr std::size_t kDevicesPerCall = 256;
// A page cache as large as the database of a day would grow all day and look like a leak, or hide
// one.
constexpr const char* kCloudStore = "cache = \"8MiB\"\n";

/// Counts may come as numbers or as strings.
std::uint64_t Number(const json& object, const char* key) {
  if (!object.is_object() || !object.contains(key)) {
    return 0;
  }
  const json& value = object.at(key);
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

std::uint64_t Sum(const json& object) {
  std::uint64_t sum = 0;
  for (const auto& [name, value] : object.items()) {
    sum += value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
  }
  return sum;
}

}  // namespace

Deployment::Deployment(const Scenario& scenario, std::span<const NodePlan> plan, Options options)
    : scenario_(scenario),
      plan_(plan),
      options_(std::move(options)),
      fleet_({.bin = options_.bin,
              .folder = options_.folder,
              .start_limit = options_.limit,
              .cloud_store = kCloudStore}),
      context_(1, static_cast<int>(plan.size())) {}

Deployment::~Deployment() = default;

bool Deployment::Fail(std::string text) {
  error_ = std::move(text);
  return false;
}

std::uint64_t Deployment::DescriptorsFor(std::size_t nodes) {
  return nodes * kDescriptorsPerNode + kOtherDescriptors;
}

bool Deployment::Start() {
  if (!fleet_.MakeKeys()) {
    return Fail(fleet_.error());
  }
  if (!LoadPackage()) {
    return false;
  }
  if (!fleet_.StartCloud()) {
    return Fail(fleet_.error());
  }
  for (std::uint32_t site = 0; site < scenario_.site_count(); ++site) {
    if (!fleet_.AdmitGateway(GatewayId(site))) {
      return Fail(fleet_.error());
    }
  }
  if (!OpenRelays()) {
    return false;
  }
  if (!Enroll()) {
    return false;
  }
  for (std::uint32_t site = 0; site < scenario_.site_count(); ++site) {
    if (!fleet_.StartGateway(GatewayId(site))) {
      return Fail(fleet_.error());
    }
  }
  return AwaitRosters() && Connect();
}

bool Deployment::LoadPackage() {
  const auto package = fleet_.SignedPackage(scenario_.package);
  if (!package) {
    return Fail(fleet_.error());
  }
  std::ifstream in(*package, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const auto view = std::as_bytes(std::span(bytes));
  package_.assign(view.begin(), view.end());
  const auto key = host::identity::LoadPublicKey(fleet_.File("package.key.pub"), &error_);
  if (!key.ok()) {
    return false;
  }
  package_keys_.push_back(*key);
  return true;
}

bool Deployment::OpenRelays() {
  for (const OutageSpec& outage : scenario_.outages) {
    for (const std::uint32_t site : outage.sites) {
      if (outage.what == OutageSpec::What::kCloud && !relays_.contains(site - 1)) {
        auto relay = Relay::Open(fleet_.cloud_south(), error_);
        if (relay == nullptr) {
          return false;
        }
        fleet_.SetNorth(GatewayId(site - 1), relay->endpoint());
        relays_.emplace(site - 1, std::move(relay));
      }
    }
  }
  return true;
}

bool Deployment::Enroll() {
  json devices = json::array();
  const auto flush = [&] {
    const bool ok =
        devices.empty() ||
        !fleet_
             .CallCloud("enroll.many",
                        {{"devices", std::exchange(devices, json::array())}, {"accept", true}})
             .is_null();
    return ok || Fail(fleet_.error());
  };
  for (const NodePlan& plan : plan_) {
    const auto pair = host::identity::GenerateKeyPair();
    if (!pair.ok()) {
      return Fail("no source of randomness for a key");
    }
    keys_.push_back(*pair);
    devices.push_back({{"id", plan.node.value()},
                       {"public_key", host::identity::ToHex(pair->public_key.span())},
                       {"gateway", GatewayId(plan.site)}});
    if (devices.size() == kDevicesPerCall && !flush()) {
      return false;
    }
  }
  return flush();
}

bool Deployment::AwaitRosters() {
  std::vector<std::uint64_t> wanted(scenario_.site_count());
  for (const NodePlan& plan : plan_) {
    ++wanted[plan.site];
  }
  for (std::uint32_t site = 0; site < wanted.size(); ++site) {
    const bool there = WaitUntil(
        [&] {
          const json shown = fleet_.CallGateway(GatewayId(site), "site.show", json::object());
          return shown.is_object() &&
                 Number(shown.value("roster", json()), "nodes") == wanted[site];
        },
        options_.limit);
    if (!there) {
      return Fail("gateway " + std::to_string(GatewayId(site)) +
                  " did not get its roster in time; see its log in " + options_.folder.string());
    }
  }
  return true;
}

bool Deployment::Connect() {
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    const std::uint64_t gateway = GatewayId(plan_[i].site);
    const auto key = host::identity::LoadPublicKey(
        fleet_.File("gateway-" + std::to_string(gateway) + ".key.pub"), &error_);
    if (!key.ok()) {
      return false;
    }
    const auto server = host::identity::ToCurve(*key);
    if (!server.ok()) {
      return Fail("gateway " + std::to_string(gateway) + " has no usable key");
    }
    const auto own = host::identity::ToCurve(keys_[i]);
    auto socket = host::zmq::ClientSocket::Open(
        context_,
        {.public_key = own.public_key.bytes, .secret_key = own.secret_key.bytes},
        {.endpoint = fleet_.gateway_south(gateway),
         .server_public_key = server->bytes,
         .high_water_mark = 256,
         .reconnect = Millis(50),
         .reconnect_max = Millis(1'000)},
        error_);
    if (!socket.ok()) {
      return false;
    }
    transports_.push_back(std::make_unique<SocketTransport>(*std::move(socket)));
  }
  connections_.assign(plan_.size(), 0);
  return AwaitConnected(std::nullopt);
}

bool Deployment::AwaitConnected(std::optional<std::uint32_t> site) {
  std::size_t missing = 0;
  const bool all = WaitUntil(
      [&] {
        missing = 0;
        for (std::size_t i = 0; i < plan_.size(); ++i) {
          if (site && plan_[i].site != *site) {
            continue;
          }
          auto& socket = transports_[i]->socket();
          const bool up =
              socket.link() == host::zmq::LinkState::kUp && socket.connections() > connections_[i];
          missing += up ? 0U : 1U;
        }
        return missing == 0;
      },
      options_.limit);
  return all || Fail(std::to_string(missing) + " nodes could not connect in time");
}

bool Deployment::KillGateway(std::uint32_t site) {
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    (void)transports_[i]->socket().link();
    connections_[i] = transports_[i]->socket().connections();
  }
  launcher::Process* process = fleet_.gateway(GatewayId(site));
  if (process == nullptr) {
    return Fail("gateway " + std::to_string(GatewayId(site)) + " does not run");
  }
  process->Kill();
  return true;
}

bool Deployment::RestartGateway(std::uint32_t site) {
  return (fleet_.StartGateway(GatewayId(site)) || Fail(fleet_.error())) && AwaitConnected(site);
}

bool Deployment::KillCloud() {
  launcher::Process* process = fleet_.cloud();
  if (process == nullptr) {
    return Fail("the cloud does not run");
  }
  process->Kill();
  return true;
}

bool Deployment::RestartCloud() {
  return fleet_.StartCloud() || Fail(fleet_.error());
}

void Deployment::SetCloudLink(std::uint32_t site, bool open) {
  const auto relay = relays_.find(site);
  if (relay != relays_.end()) {
    relay->second->SetOpen(open);
  }
}

void Deployment::Sample(ProcessMeter& meter, VirtualTime now) {
  meter.Sample("sim", getpid(), now);
  if (launcher::Process* cloud = fleet_.cloud()) {
    meter.Sample("cloud", cloud->pid(), now);
  }
  for (std::uint32_t site = 0; site < scenario_.site_count(); ++site) {
    if (launcher::Process* gateway = fleet_.gateway(GatewayId(site))) {
      meter.Sample("gateway-" + std::to_string(GatewayId(site)), gateway->pid(), now);
    }
  }
}

bool Deployment::Settle(GatewayTotals& totals) {
  for (std::uint32_t site = 0; site < scenario_.site_count(); ++site) {
    json stats;
    const bool empty = WaitUntil(
        [&] {
          stats = fleet_.CallGateway(GatewayId(site), "stats", json::object());
          return stats.is_object() && stats["spool"].value("records", std::uint64_t{1}) == 0;
        },
        options_.limit);
    if (!empty) {
      return Fail("gateway " + std::to_string(GatewayId(site)) +
                  " still keeps records that the cloud did not take");
    }
    totals.dropped[site] =
        Sum(stats["spool"]["dropped_full"]) + Sum(stats["spool"]["dropped_rejected"]);
    totals.duplicates += Number(stats["link"], "duplicates");
    totals.commits += Number(stats["spool"], "commits");
    totals.stored += Number(stats["spool"], "stored");
    totals.batches += Number(stats["forward"], "batches");
  }
  return true;
}

bool Deployment::Stop() {
  transports_.clear();
  return fleet_.Stop(options_.limit) || Fail(fleet_.error());
}

}  // namespace trib::tools::sim
