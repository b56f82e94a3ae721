#include "trib/cloud/app/cloud.h"

#include <utility>

#include "admin.h"
#include "drift_loop.h"
#include "south.h"
#include "store_loop.h"
#include "tail_loop.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/logging/log.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/host/zmq/zap_handler.h"
#include "trib/common/message/limits.h"

namespace trib::cloud {
namespace {

using host::logging::Level;
using host::logging::Log;

host::zmq::CurveKeys CurveOf(const crypto::KeyPair& pair) {
  const host::identity::CurveKeys keys = host::identity::ToCurve(pair);
  return {keys.public_key.bytes, keys.secret_key.bytes};
}

host::zmq::KeyTable GatewayTable(const registry::Snapshot& snapshot) {
  host::zmq::KeyTable table;
  for (const auto& [gateway, key] : snapshot.GatewayKeys()) {
    const Result<crypto::X25519Public> curve = host::identity::ToCurve(crypto::PublicKey{key});
    if (curve.ok()) {
      table[curve->bytes] = IdentityOf(gateway, key);
    } else {
      Log(Level::kError, "registry", "gateway ", gateway.value(), " has an unusable key");
    }
  }
  return table;
}

}  // namespace

struct Cloud::Impl {
  Endpoints endpoints;
  host::zmq::Context context;
  std::unique_ptr<host::zmq::ZapHandler> zap;
  std::unique_ptr<StoreLoop> store;
  std::unique_ptr<South> south;
  std::unique_ptr<TailLoop> tail;  // none without [tails]
  std::unique_ptr<PackageNames> names;
  std::unique_ptr<DriftLoop> drift;  // none when it is not enabled
  std::unique_ptr<Admin> admin;

  Status Start(const Config& config, std::string& error);
  Status StartTail(const Config& config, std::string& error);
  Status StartDrift(const Config& config, std::string& error);
};

Status Cloud::Impl::StartTail(const Config& config, std::string& error) {
  if (config.tails.directory.empty()) {
    return {};
  }
  TRIB_TRY_ASSIGN(auto reader, store::DeferredReader::Open(config.store_path.string(), &error));
  tail = std::make_unique<TailLoop>(
      config.tails, *store, std::move(reader), [this](const tail::Answer& answer) {
        message::Downlink down;
        down.node = answer.node;
        down.kind = message::Downlink::Kind::kVerdict;
        down.verdict = answer.verdict;
        south->SendDown(answer.node, answer.epoch, host::message::EncodeDownlink(down));
      });
  tail->Start();
  return {};
}

Status Cloud::Impl::StartDrift(const Config& config, std::string& error) {
  std::vector<std::filesystem::path> folders;
  for (const auto& folder : {config.tails.directory, config.drift.packages}) {
    if (!folder.empty()) {
      folders.push_back(folder);
    }
  }
  names = std::make_unique<PackageNames>(std::move(folders), config.tails.package_keys);
  if (!config.drift.enabled) {
    return {};
  }
  if (const auto needed = ReferenceBlocksNeeded(config.drift.options);
      needed > config.drift.options.reference_blocks) {
    Log(Level::kWarn,
        "drift",
        "[drift] reference_blocks = ",
        config.drift.options.reference_blocks,
        " are too few for an alarm of one node alone within the budget: ",
        needed,
        " are needed");
  }
  TRIB_TRY_ASSIGN(auto reader, store::DriftReader::Open(config.store_path.string(), &error));
  drift = std::make_unique<DriftLoop>(
      config.drift, *store, std::move(reader), *names, [this](PackageHash head) {
        return tail != nullptr ? tail->Find(head) : nullptr;
      });
  drift->Start();
  return {};
}

Status Cloud::Impl::Start(const Config& config, std::string& error) {
  TRIB_TRY_ASSIGN(const crypto::KeyPair pair, host::identity::LoadKeyPair(config.key_file, &error));
  const host::zmq::CurveKeys keys = CurveOf(pair);
  TRIB_TRY_ASSIGN(
      std::unique_ptr<store::Writer> writer,
      store::Writer::Open(
          config.store_path.string(),
          {.max_bytes = config.max_bytes,
           .wal_autocheckpoint_pages = config.wal_autocheckpoint_pages,
           .cache_bytes = config.cache_bytes,
           .rollup_window = config.retention.rollups.count() != 0 ? config.retention.rollups
                                                                  : store::kDefaultRollupWindow,
           .drift_block = config.drift.enabled ? config.drift.options.block : Millis(0)},
          &error));
  TRIB_TRY_ASSIGN(std::unique_ptr<store::Reader> reader,
                  store::Reader::Open(config.store_path.string(), &error));

  host::zmq::ZapHandler::Options zap_options;
  zap_options.log = [](std::string_view line) { Log(Level::kWarn, "identity", line); };
  Result<std::unique_ptr<host::zmq::ZapHandler>> handler =
      host::zmq::ZapHandler::Start(context, std::move(zap_options));
  if (!handler.ok()) {
    error = "the authentication thread did not start";
    return handler.status();
  }
  zap = *std::move(handler);
  host::zmq::KeyTable operators;
  for (const crypto::PublicKey& key : config.operators) {
    TRIB_TRY_ASSIGN(const crypto::X25519Public curve, host::identity::ToCurve(key));
    operators[curve.bytes] = host::identity::ToHex(key.span());
  }
  zap->SetDomain(host::control::kAdminDomain, std::move(operators));

  // The callbacks run once south exists: the store starts after it.
  store = std::make_unique<StoreLoop>(
      std::move(writer),
      config,
      [this] { south->Wake(); },
      [this](std::shared_ptr<const registry::Snapshot> snapshot) {
        zap->SetDomain(kGatewayDomain, GatewayTable(*snapshot));
        south->SetSnapshot(std::move(snapshot));
      });
  host::zmq::ServerOptions options;
  options.endpoint = config.south_bind;
  options.zap_domain = kGatewayDomain;
  options.max_message_bytes = message::kMaxSiteEnvelopeBytes;
  // An envelope has up to 1 MiB: what a gateway sends waits in its own memory, not here.
  options.send_high_water = 16;
  options.receive_high_water = 2;
  TRIB_TRY_ASSIGN(std::unique_ptr<host::zmq::ServerSocket> socket,
                  host::zmq::ServerSocket::Open(context, *zap, keys, options, error));
  south = std::make_unique<South>(std::move(socket), *store, config.credit);
  if (const Status status = store->Start(); !status.ok()) {
    error = config.store_path.string() + ": the registry in it cannot be read";
    return status;
  }
  TRIB_TRY_ASSIGN(auto deferred, store::DeferredReader::Open(config.store_path.string(), &error));
  TRIB_TRY_ASSIGN(auto drift_reader, store::DriftReader::Open(config.store_path.string(), &error));
  TRIB_TRY(StartTail(config, error));
  TRIB_TRY(StartDrift(config, error));
  admin = std::make_unique<Admin>(
      std::move(reader),
      std::move(deferred),
      *store,
      *south,
      [this] { return tail ? tail->snapshot() : TailSnapshot(); },
      std::make_unique<DriftAdmin>(
          config.drift, std::move(drift_reader), *store, drift.get(), *names),
      *zap,
      config.store_path);
  TRIB_TRY(admin->Start(context, *zap, keys, config.admin_bind, error));
  south->Start();
  endpoints = {south->endpoint(), admin->endpoint()};
  return {};
}

Cloud::Cloud(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cloud::~Cloud() {
  Stop();
}

Result<std::unique_ptr<Cloud>> Cloud::Start(const Config& config, std::string& error) {
  auto cloud = std::unique_ptr<Cloud>(new Cloud(std::make_unique<Impl>()));
  if (const Status status = cloud->impl_->Start(config, error); !status.ok()) {
    if (error.empty()) {
      error = "the cloud did not start";
    }
    return status;
  }
  return cloud;
}

void Cloud::Stop() {
  if (impl_->admin != nullptr) {
    impl_->admin->Stop();
  }
  if (impl_->south != nullptr) {
    impl_->south->StopReading();
  }
  if (impl_->tail != nullptr) {
    impl_->tail->Stop();
  }
  if (impl_->drift != nullptr) {
    impl_->drift->Stop();
  }
  if (impl_->store != nullptr) {
    impl_->store->Stop();
  }
  if (impl_->south != nullptr) {
    impl_->south->Stop();
  }
}

const Endpoints& Cloud::endpoints() const {
  return impl_->endpoints;
}

Status Cloud::SetMaxBytes(std::uint64_t bytes) {
  Status status = Code::kUnavailable;
  impl_->store->Call(
      [&](registry::Registry&, store::Writer& writer) { status = writer.SetMaxBytes(bytes); });
  return status;
}

}  // namespace trib::cloud
