#include "north_loop.h"

#include <algorithm>
#include <utility>

#include "clock.h"
#include "trib/common/host/logging/log.h"

namespace trib::gateway {
namespace {

using host::logging::Level;
using host::logging::Log;
using host::zmq::LinkState;

constexpr std::size_t kReadsPerTurn = 64;
constexpr Millis kTurn{50};
constexpr Millis kGather{50};

std::vector<forward::Drop> DropsOf(const spool::DropTotals& totals) {
  std::vector<forward::Drop> drops;
  for (std::size_t i = 0; i < message::kPriorityCount; ++i) {
    const auto priority = static_cast<message::Priority>(i);
    if (totals.full[i] != 0) {
      drops.push_back({priority, "spool_full", totals.full[i]});
    }
    if (totals.rejected[i] != 0) {
      drops.push_back({priority, "rejected", totals.rejected[i]});
    }
  }
  return drops;
}

std::string_view Describe(LinkState link) {
  switch (link) {
    case LinkState::kUp:
      return "connected to the cloud";
    case LinkState::kUnreachable:
      return "the cloud cannot be reached; records stay in the spool";
    case LinkState::kRefused:
      return "the cloud refused this gateway's key; is the gateway enrolled and accepted?";
    case LinkState::kHandshakeFailed:
      return "no secure connection: north.cloud_key is not the key of what listens there";
    case LinkState::kDown:
      return "connection to the cloud lost; records stay in the spool";
    case LinkState::kUnknown:
      break;
  }
  return "connecting to the cloud";
}

}  // namespace

NorthLoop::NorthLoop(std::unique_ptr<host::zmq::ClientSocket> socket,
                     const forward::Options& options,
                     std::uint64_t roster_version,
                     std::uint64_t seed,
                     Callbacks callbacks)
    : socket_(std::move(socket)),
      callbacks_(std::move(callbacks)),
      forward_(options, roster_version, seed),
      mail_([this] { wake_up_.Notify(); }),
      full_batch_(options.max_batch_records) {}

void NorthLoop::Run() {
  thread_ = std::thread([this] { Work(); });
}

void NorthLoop::Stop() {
  stopping_ = true;
  wake_up_.Notify();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void NorthLoop::Peeked(std::vector<spool::Stored> records, const spool::DropTotals& drops) {
  Mail mail;
  mail.records = std::move(records);
  mail.drops = drops;
  (void)mail_.Push(std::move(mail));
}

void NorthLoop::Grew(std::size_t records) {
  const std::size_t before = grew_.fetch_add(records);
  if (before == 0 || (before < full_batch_ && before + records >= full_batch_)) {
    wake_up_.Notify();
  }
}

void NorthLoop::RosterStored(std::uint64_t version) {
  Mail mail;
  mail.kind = Mail::Kind::kRosterStored;
  mail.version = version;
  (void)mail_.Push(std::move(mail));
}

void NorthLoop::Report(std::string report) {
  Mail mail;
  mail.kind = Mail::Kind::kReport;
  mail.report = std::move(report);
  (void)mail_.Push(std::move(mail));
}

void NorthLoop::Work() {
  host::zmq::Poller poller;
  poller.Add(*socket_);
  poller.Add(wake_up_);
  while (!stopping_) {
    const Millis gather = next_nudge_ - MonotonicNow();
    poller.Wait(grew_ > 0 ? std::clamp(gather, Millis(0), kTurn) : kTurn);
    const MonotonicTime now = MonotonicNow();
    WatchLink(now);
    forward::Output out;
    TakeMail(now, out);
    for (std::size_t i = 0; i < kReadsPerTurn; ++i) {
      const auto received = socket_->Receive();
      if (!received.ok()) {
        break;
      }
      forward_.Receive(*received, now, out);
    }
    forward_.Tick(now, out);
    if (const auto wanted = forward_.Want()) {
      callbacks_.ask(*wanted);
    }
    Flush(out);
    Publish();
  }
}

void NorthLoop::WatchLink(MonotonicTime now) {
  const LinkState link = socket_->link();
  if (link != counters_.link) {
    Log(link == LinkState::kUp ? Level::kInfo : Level::kWarn, "forward", Describe(link));
    counters_.link = link;
  }
  if (socket_->connections() != connections_) {
    connections_ = socket_->connections();
    forward_.SetConnected(false, now);  // a new connection, however short the gap was
  }
  forward_.SetConnected(link == LinkState::kUp, now);
}

void NorthLoop::TakeMail(MonotonicTime now, forward::Output& out) {
  for (Mail& mail : mail_.Drain()) {
    switch (mail.kind) {
      case Mail::Kind::kPeeked: {
        std::vector<forward::Record> records;
        records.reserve(mail.records.size());
        for (spool::Stored& stored : mail.records) {
          records.push_back(
              {stored.id, stored.received_ms, std::move(stored.sealed), std::move(stored.verdict)});
        }
        forward_.Offer(std::move(records), DropsOf(mail.drops), now, out);
        break;
      }
      case Mail::Kind::kRosterStored:
        forward_.SetRosterVersion(mail.version);
        break;
      case Mail::Kind::kReport:
        forward_.Report(std::move(mail.report));
        break;
    }
  }
  // Last: the answer "nothing there" above may be older than the growth.
  const std::size_t grown = grew_;
  if (grown > 0 && (grown >= full_batch_ || now >= next_nudge_)) {
    grew_ -= grown;
    next_nudge_ = now + kGather;
    forward_.Nudge();
  }
}

void NorthLoop::Flush(forward::Output& out) {
  for (const std::string& message : out.send) {
    // What does not get through is sent again when its time comes; reports are not.
    counters_.sends_failed += socket_->Send(message).ok() ? 0U : 1U;
  }
  if (!out.stored.empty() || !out.rejected.empty()) {
    callbacks_.forget(std::move(out.stored), std::move(out.rejected));
  }
  if (out.roster) {
    callbacks_.roster(*std::move(out.roster));
  }
  for (forward::Downlink& down : out.downlinks) {
    counters_.downlinks_dropped += callbacks_.downlink(std::move(down)) ? 0U : 1U;
  }
}

void NorthLoop::Publish() {
  NorthSnapshot snapshot = counters_;
  snapshot.metrics = forward_.metrics();
  snapshot.connections = connections_;
  snapshot.open_batches = forward_.open_batches();
  snapshot.credit = forward_.credit();
  published_.Set(snapshot);
}

}  // namespace trib::gateway
