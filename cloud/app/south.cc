#include "south.h"

#include <charconv>
#include <utility>
#include <variant>

#include "clock.h"
#include "trib/cloud/ingest/site_codec.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/logging/log.h"

namespace trib::cloud {
namespace {

using host::logging::Level;
using host::logging::Log;

constexpr int kMessagesPerTurn = 64;

/// The gateway of an identity that IdentityOf() made; 0 for anything else.
GatewayId GatewayOf(std::string_view identity) {
  std::uint64_t id = 0;
  (void)std::from_chars(identity.data(), identity.data() + identity.size(), id);
  return GatewayId(id);
}

}  // namespace

std::string IdentityOf(GatewayId gateway, const PublicKey& key) {
  return std::to_string(gateway.value()) + ":" + host::identity::ToHex(std::span(key).first(8));
}

South::South(std::unique_ptr<host::zmq::ServerSocket> socket, StoreLoop& store)
    : socket_(std::move(socket)),
      store_(store),
      snapshot_(std::make_shared<const registry::Snapshot>()) {}

South::~South() {
  Stop();
}

void South::Start() {
  thread_ = std::thread([this] { Run(); });
}

void South::StopReading() {
  reading_ = false;
  Wake();
}

void South::Stop() {
  stopping_ = true;
  Wake();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void South::SetSnapshot(std::shared_ptr<const registry::Snapshot> snapshot) {
  {
    const std::lock_guard lock(mutex_);
    snapshot_ = std::move(snapshot);
  }
  Wake();
}

std::shared_ptr<const registry::Snapshot> South::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

void South::Run() {
  host::zmq::Poller poller;
  const std::size_t socket = poller.Add(*socket_);
  poller.Add(wake_up_);
  while (!stopping_) {
    // Not reading is the backpressure: ZeroMQ's and then TCP's queues fill, and gateways keep.
    poller.Enable(socket, reading_ && held_ == nullptr);
    // A full peer queue delays a roster; the time-out is when it is tried again.
    poller.Wait(Millis(500));
    if (held_ != nullptr && store_.Offer(*held_)) {
      held_.reset();
    }
    if (reading_ && held_ == nullptr && poller.Ready(socket)) {
      Receive();
    }
    SendAnswers();
    SendRosters();
  }
  SendAnswers();
}

void South::Receive() {
  for (int i = 0; i < kMessagesPerTurn && held_ == nullptr; ++i) {
    Result<host::zmq::ReceivedMessage> message = socket_->Receive();
    if (!message.ok()) {
      return;
    }
    Handle(*std::move(message));
  }
}

void South::Handle(host::zmq::ReceivedMessage message) {
  const GatewayId gateway = GatewayOf(message.user_id);
  const std::shared_ptr<const registry::Snapshot> now = snapshot();
  const Device* device = now->Find(gateway.value());
  // ZAP does not end sessions that stand: a revoked or re-keyed gateway is refused here.
  if (!now->IsAcceptedGateway(gateway) ||
      message.user_id != IdentityOf(gateway, device->public_key)) {
    store_.CountRefused(gateway, "envelope_revoked");
    return;
  }
  Session& session = sessions_[gateway.value()];
  if (session.routing_id != message.routing_id) {
    session = {message.routing_id, message.user_id, 0};
  }
  ingest::Envelope envelope = ingest::Decode(message.body, gateway, *now);
  if (const auto* refused = std::get_if<ingest::RefusedEnvelope>(&envelope)) {
    store_.CountRefused(gateway, refused->reason);
  } else if (const auto* hello = std::get_if<ingest::Hello>(&envelope)) {
    HandleHello(gateway, session, hello->roster_version);
  } else if (auto* batch = std::get_if<Batch>(&envelope)) {
    PendingBatch pending{std::move(*batch), std::move(message.routing_id)};
    if (!store_.Offer(pending)) {
      held_ = std::make_unique<PendingBatch>(std::move(pending));
    }
  } else {
    store_.OfferReport(std::get<SiteReportRow>(std::move(envelope)));
  }
}

void South::HandleHello(GatewayId gateway, Session& session, std::uint64_t roster_version) {
  session.roster_version = roster_version;
  if (roster_version > snapshot()->RosterVersion(gateway)) {
    Log(Level::kWarn,
        "registry",
        "gateway ",
        gateway.value(),
        " has roster ",
        roster_version,
        ", newer than ours: was the database restored?");
    store_.Post([this, gateway, roster_version](registry::Registry& registry, store::Writer&) {
      // After a failure of the store the gateway's next Hello tries again.
      const Status status = registry.RaiseRosterVersion(gateway, roster_version, WallMs());
      if (status.code() == Code::kOutOfRange) {
        store_.CountRefused(gateway, "envelope_roster_claim");
      }
    });
  }
}

void South::SendAnswers() {
  for (const Answer& answer : store_.TakeAnswers()) {
    // A lost acknowledgement makes the gateway send again, and the records are then duplicates.
    (void)socket_->Send(answer.routing_id, answer.body);
  }
}

void South::SendRosters() {
  const std::shared_ptr<const registry::Snapshot> now = snapshot();
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    Session& session = it->second;
    const GatewayId gateway(it->first);
    const Device* device = now->Find(it->first);
    if (!now->IsAcceptedGateway(gateway) ||
        session.identity != IdentityOf(gateway, device->public_key)) {
      it = sessions_.erase(it);
      continue;
    }
    const std::uint64_t version = now->RosterVersion(gateway);
    if (version != session.roster_version && version != 0) {
      const Status status =
          socket_->Send(session.routing_id, ingest::EncodeRoster(now->RosterOf(gateway)));
      if (status.ok()) {
        session.roster_version = version;
      } else if (status.code() == Code::kNotFound) {
        it = sessions_.erase(it);
        continue;
      }
    }
    ++it;
  }
  connected_ = sessions_.size();
}

}  // namespace trib::cloud
