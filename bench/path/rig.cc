#include "rig.h"

#include <sqlite3.h>
#include <unistd.h>

#include "records.h"
#include "trib/cloud/registry/registry.h"
#include "trib/cloud/store/writer.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/message/codec.h"

namespace trib::bench::path {
namespace {

constexpr std::chrono::seconds kPatience{180};

}  // namespace

Rig::Rig(const Run& run, const std::string& name, std::size_t nodes) : nodes_(nodes) {
  const auto folder = run.folder / name;
  std::filesystem::create_directories(folder);
  fleet_ = std::make_unique<tools::launcher::Fleet>(tools::launcher::Fleet::Options{
      .bin = run.bin, .folder = folder, .gateway_spool = "max_bytes = \"16GiB\"\n"});
  if (!fleet_->MakeKeys() || !fleet_->StartCloud() || !fleet_->AdmitGateway(kGateway)) {
    Fail("cloud: " + fleet_->error());
  }
  StopCloud();
  Enrol(nodes);
  if (!fleet_->StartCloud() || !fleet_->StartGateway(kGateway)) {
    Fail("gateway: " + fleet_->error());
  }
  std::string error;
  const auto key = host::identity::LoadPublicKey(fleet_->File("gateway-1.key.pub"), &error);
  const auto curve = key.ok() ? host::identity::ToCurve(*key) : key.status();
  if (!curve.ok()) {
    Fail("gateway key: " + error);
  }
  gateway_key_ = curve->bytes;
  AwaitRoster(nodes);
}

/// Straight into the database: an operator would take a while for thousands.
void Rig::Enrol(std::size_t nodes) {
  std::string error;
  auto writer = cloud::store::Writer::Open(fleet_->File("cloud.db").string(), {}, &error);
  if (!writer.ok()) {
    Fail(error);
  }
  cloud::registry::Registry registry(**writer);
  if (!registry.Load().ok()) {
    Fail("the registry does not load");
  }
  for (std::size_t i = 0; i < nodes; ++i) {
    const std::uint64_t id = kFirstNode + i;
    if (!registry
             .Enroll({.id = id, .public_key = IdentityOf(id), .gateway = GatewayId(kGateway)},
                     1'760'000'000'000,
                     "bench")
             .status.ok() ||
        !registry.Accept(id, 1'760'000'000'000, "bench").status.ok()) {
      Fail("node " + std::to_string(id) + " could not be enrolled");
    }
  }
}

void Rig::AwaitRoster(std::size_t nodes) {
  const auto complete = [&] {
    const auto site = fleet_->CallGateway(kGateway, "site.show", nlohmann::json::object());
    return site.is_object() && site.contains("roster") && site["roster"]["nodes"] >= nodes;
  };
  if (!tools::launcher::WaitUntil(complete, kPatience)) {
    Fail("the gateway did not get its roster: " + fleet_->error());
  }
  // Durable is not yet enforced, and libzmq does not try again after a refusal: knock until the
  // last of them gets in.
  message::Hello hello;
  hello.epoch = EnrolmentEpoch(1);
  hello.max_message_bytes = message::kMaxEnvelopeBytes;
  const std::uint64_t last = kFirstNode + nodes - 1;
  const auto admitted = [&] {
    Dealers knocking(endpoint(), gateway_key_, last, 1);
    return knocking.Send(0, host::message::EncodeHello(NodeId(last), hello)) &&
           knocking.WaitReadable(0, 1000);
  };
  if (!tools::launcher::WaitUntil(admitted, kPatience)) {
    Fail("the gateway does not let its nodes in");
  }
}

void Rig::StopCloud() {
  (void)fleet_->cloud()->Stop(kPatience);
}

void Rig::RestartGateway() {
  (void)fleet_->gateway(kGateway)->Stop(kPatience);
  if (!fleet_->StartGateway(kGateway)) {
    Fail("gateway: " + fleet_->error());
  }
  AwaitRoster(nodes_);
}

void Rig::OpenStore() {
  if (store_ != nullptr) {
    return;
  }
  store_ = std::make_unique<BareDatabase>(fleet_->File("cloud.db").string(), 4096, 0);
  stored_ = store_->Prepare("SELECT coalesce(sum(stored), 0) FROM gateway_total");
  visible_ = store_->Prepare(
      "SELECT 1 FROM record WHERE node = ? AND epoch = ? AND boot = 3 AND sequence = ?");
}

std::uint64_t Rig::Stored() {
  OpenStore();
  return static_cast<std::uint64_t>(store_->Ask(stored_));
}

void Rig::AwaitStored(std::uint64_t records) {
  const Stopwatch watch;
  while (Stored() < records) {
    if (watch.seconds() > static_cast<double>(kPatience.count())) {
      Fail("the cloud stored " + std::to_string(Stored()) + " of " + std::to_string(records) +
           " records");
    }
    ::usleep(2000);
  }
}

bool Rig::Visible(std::uint64_t node, std::uint32_t sequence) {
  OpenStore();
  sqlite3_bind_int64(visible_, 1, static_cast<sqlite3_int64>(node));
  sqlite3_bind_int64(visible_, 2, static_cast<sqlite3_int64>(0x1234'5678'9ABC'0000ULL + node));
  sqlite3_bind_int64(visible_, 3, sequence);
  return store_->Ask(visible_) == 1;
}

}  // namespace trib::bench::path
