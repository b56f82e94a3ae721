#include "south.h"

#include <algorithm>
#include <charconv>
#include <iterator>
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
constexpr Millis kActive{60'000};
constexpr Millis kPenalty{30'000};
constexpr std::uint32_t kStrikeLimit = 64;
constexpr std::uint32_t kExcessLimit = 64;
constexpr std::size_t kMaxDownlinks = 1024;
constexpr Millis kDownlinkTurn{5};

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

South::South(std::unique_ptr<host::zmq::ServerSocket> socket,
             StoreLoop& store,
             std::uint32_t credit)
    : socket_(std::move(socket)),
      store_(store),
      credit_(credit),
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
    // Reading goes on also when the store's queue is full: what then waited unread in connections
    // that end would be kept beside what comes over the next ones.
    poller.Enable(socket, reading_);
    // A full peer queue delays a roster; the time-out is when it is tried again.
    const bool waiting = !waiting_down_.empty() || !waiting_answers_.empty();
    poller.Wait(waiting ? kDownlinkTurn : Millis(500));
    if (reading_ && poller.Ready(socket)) {
      Receive();
    }
    SendAnswers();
    SendGrants();
    SendDownlinks();
    SendRosters();
  }
  SendAnswers();
}

void South::Receive() {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    Result<host::zmq::ReceivedMessage> message = socket_->Receive();
    if (!message.ok()) {
      return;
    }
    Handle(*message);
  }
}

void South::Handle(const host::zmq::ReceivedMessage& message) {
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
    // A new connection is no way out of a penalty.
    const auto closed_until = session.closed_until;
    session = {};
    session.routing_id = message.routing_id;
    session.identity = message.user_id;
    session.closed_until = closed_until;
  }
  session.heard = SteadyNow();
  if (session.closed_until && session.heard < *session.closed_until) {
    store_.CountRefused(gateway, "envelope_penalised");
    return;
  }
  session.closed_until.reset();
  ingest::Envelope envelope = ingest::Decode(message.body, gateway, *now);
  if (const auto* refused = std::get_if<ingest::RefusedEnvelope>(&envelope)) {
    // A hello for another gateway: what else comes from it is not believed either.
    session.misnamed = session.misnamed || std::string_view(refused->reason) == "envelope_gateway";
    Refuse(gateway, session, refused->reason);
  } else if (const auto* hello = std::get_if<ingest::Hello>(&envelope)) {
    session.misnamed = false;
    session.strikes = 0;
    HandleHello(gateway, session, hello->roster_version);
  } else if (session.misnamed) {
    Refuse(gateway, session, "envelope_gateway");
  } else if (auto* batch = std::get_if<Batch>(&envelope)) {
    session.strikes = 0;
    HandleBatch(session, std::move(*batch), message.body.size());
  } else {
    session.strikes = 0;
    store_.OfferReport(std::get<SiteReportRow>(std::move(envelope)));
  }
}

void South::Refuse(GatewayId gateway, Session& session, const char* reason) {
  store_.CountRefused(gateway, reason);
  if (++session.strikes >= kStrikeLimit) {
    Close(session);
  }
}

void South::Close(Session& session) {
  session.strikes = 0;
  session.excess = 0;
  session.closed_until = SteadyNow() + kPenalty;
  ++counters_.sessions_closed;
}

void South::HandleBatch(Session& session, Batch batch, std::size_t bytes) {
  if (session.open.contains(batch.batch_id)) {
    ++counters_.batches_again;  // its answer is on the way
    return;
  }
  if (session.open.size() >= credit_) {
    ++counters_.batches_over;
    if (++session.excess >= kExcessLimit) {
      Close(session);
    }
    return;
  }
  session.excess = 0;
  session.open.insert(batch.batch_id);
  PendingBatch pending{std::move(batch), session.routing_id, bytes};
  if (!store_.Offer(pending)) {
    // More gateways than places. This one keeps its batch and sends it again.
    session.open.erase(pending.batch.batch_id);
    ++counters_.batches_refused;
    SendCredit(session);
  }
}

void South::HandleHello(GatewayId gateway, Session& session, std::uint64_t roster_version) {
  session.roster_version = roster_version;
  SendCredit(session);
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

std::uint32_t South::CreditOf(Session& session) {
  const std::size_t room = store_.Room();
  if (room == 0) {
    if (session.paused == 0) {
      session.paused = next_pause_++;
      ++counters_.pauses;
    }
    return 0;
  }
  session.paused = 0;
  return static_cast<std::uint32_t>(
      std::clamp<std::size_t>(room / std::max<std::size_t>(active_, 1), 1, credit_));
}

void South::SendCredit(Session& session) {
  const bool waited = session.paused != 0;
  const std::uint32_t credit = CreditOf(session);
  const Status sent = socket_->Send(session.routing_id, ingest::EncodeBatchAck(0, {}, credit));
  if (sent.code() == Code::kResourceExhausted && waited && session.paused == 0) {
    session.paused = next_pause_++;  // granted in a later turn
    return;
  }
  counters_.grants += waited && credit != 0 ? 1U : 0U;
  // What is lost is asked for by the gateway's next Hello.
  counters_.sends_failed += sent.ok() ? 0U : 1U;
}

void South::SendGrants() {
  const MonotonicTime now = SteadyNow();
  const bool blocked = store_.blocked();
  std::map<std::uint64_t, Session*> paused;  // by their turn
  active_ = 0;
  for (auto& [gateway, session] : sessions_) {
    active_ += now - session.heard < kActive ? 1U : 0U;
    if (blocked && !told_blocked_ && session.paused == 0) {
      SendCredit(session);  // nobody sends again meanwhile what is held here
    } else if (session.paused != 0) {
      paused.emplace(session.paused, &session);
    }
  }
  told_blocked_ = blocked;
  std::size_t left = store_.Room();
  for (const auto& [turn, session] : paused) {
    if (left == 0) {
      break;
    }
    --left;
    SendCredit(*session);
  }
  paused_ = static_cast<std::size_t>(std::count_if(
      sessions_.begin(), sessions_.end(), [](const auto& s) { return s.second.paused != 0; }));
}

void South::SendAnswers() {
  std::vector<Answer> answers = std::exchange(waiting_answers_, {});
  std::ranges::move(store_.TakeAnswers(), std::back_inserter(answers));
  for (Answer& answer : answers) {
    const auto found = sessions_.find(answer.gateway.value());
    Session* const session =
        found != sessions_.end() && found->second.routing_id == answer.routing_id ? &found->second
                                                                                  : nullptr;
    if (answer.outcome) {
      const std::uint64_t paused = session != nullptr ? session->paused : 0;
      const std::uint32_t credit = session != nullptr ? CreditOf(*session) : 1;
      const Status sent = socket_->Send(
          answer.routing_id, ingest::EncodeBatchAck(answer.batch_id, *answer.outcome, credit));
      if (sent.code() == Code::kResourceExhausted && session != nullptr) {
        // Behind verdicts on their way down, or the gateway does not read. Its batch stays open, so
        // that no more answers wait than it has credit.
        session->paused = paused;
        waiting_answers_.push_back(std::move(answer));
        continue;
      }
      // A lost acknowledgement makes the gateway send again, and the records are then duplicates.
      counters_.sends_failed += sent.ok() ? 0U : 1U;
    }
    if (session != nullptr) {
      session->open.erase(answer.batch_id);
    }
  }
}

void South::SendDown(NodeId node, EnrolmentEpoch epoch, std::string envelope) {
  {
    const std::lock_guard lock(mutex_);
    if (downlinks_.size() >= kMaxDownlinks) {
      ++counters_.downlinks_dropped;
      return;
    }
    downlinks_.push_back({node, epoch, std::move(envelope)});
  }
  Wake();
}

void South::SendDownlinks() {
  {
    const std::lock_guard lock(mutex_);
    std::move(downlinks_.begin(), downlinks_.end(), std::back_inserter(waiting_down_));
    downlinks_.clear();
  }
  if (waiting_down_.empty()) {
    return;
  }
  const std::shared_ptr<const registry::Snapshot> now = snapshot();
  std::set<std::uint64_t> full;  // gateways that get the rest in order, when they have read
  std::vector<Down> left;
  for (Down& down : waiting_down_) {
    const Device* device = now->Find(down.node.value());
    const auto session =
        device == nullptr ? sessions_.end() : sessions_.find(device->gateway.value());
    if (session == sessions_.end()) {
      ++counters_.downlinks_dropped;
      continue;
    }
    if (full.contains(session->first)) {
      left.push_back(std::move(down));
      continue;
    }
    const Status sent = socket_->Send(session->second.routing_id,
                                      ingest::EncodeDownlink(down.node, down.epoch, down.envelope));
    if (sent.code() == Code::kResourceExhausted) {
      full.insert(session->first);
      left.push_back(std::move(down));
      continue;
    }
    ++(sent.ok() ? counters_.downlinks : counters_.downlinks_dropped);
  }
  const std::size_t kept = std::min(left.size(), kMaxDownlinks);
  counters_.downlinks_dropped += left.size() - kept;
  left.resize(kept);
  waiting_down_ = std::move(left);
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
  const host::zmq::ServerCounts& counts = socket_->counts();
  counters_.wrong_server_key = counts.wrong_server_key;
  counters_.wrong_protocol = counts.wrong_protocol;
  counters_.accept_failures = counts.accept_failures;
}

}  // namespace trib::cloud
