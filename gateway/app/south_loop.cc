#include "south_loop.h"

#include <algorithm>
#include <map>
#include <utility>

#include "clock.h"
#include "site_report.h"

namespace trib::gateway {
namespace {

// Beyond this many records between here and the disk, reading stops until the spool catches up.
constexpr std::size_t kMaxPending = 8192;
constexpr std::size_t kMaxDownlinks = 1024;
// A node asks about a few windows at once; what an outage has heaped up must not fill its pipe,
// where its acknowledgements go as well.
constexpr std::size_t kDownlinksPerNodeAndTurn = 8;
constexpr Millis kDownlinkTurn{2};
constexpr std::size_t kReadsPerTurn = 256;
constexpr Millis kPublishInterval{200};
// While a few messages come at a time, they are gathered for so long: waking up costs more than
// they do. Well below a commit interval, which they wait for anyway.
constexpr Millis kGather{4};
constexpr std::size_t kFewReads = 32;
// Copying the lists costs with every node, so a large site's are told less often.
constexpr std::size_t kManySessions = 500;
constexpr Millis kManySessionsInterval{2'000};
constexpr Millis kDrainLimit{5'000};

}  // namespace

SouthLoop::SouthLoop(std::unique_ptr<host::zmq::ServerSocket> socket,
                     std::unique_ptr<host::serial::Server> serial,
                     const link::Options& options,
                     GatewayId gateway,
                     bool defer,
                     Callbacks callbacks)
    : socket_(std::move(socket)),
      serial_(std::move(serial)),
      gateway_(gateway),
      defer_(defer),
      memory_bytes_(options.credit.memory_bytes),
      callbacks_(std::move(callbacks)),
      link_(options),
      settlements_([this] { wake_up_.Notify(); }),
      rosters_([this] { wake_up_.Notify(); }),
      downlinks_([this] { wake_up_.Notify(); }, kMaxDownlinks) {}

void SouthLoop::Run(const std::vector<Member>& roster) {
  Apply(roster);
  thread_ = std::thread([this] { Work(); });
}

void SouthLoop::Stop() {
  stopping_ = true;
  wake_up_.Notify();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void SouthLoop::Settle(std::vector<spool::Item> items, std::vector<spool::Outcome> outcomes) {
  (void)settlements_.Push({std::move(items), std::move(outcomes)});
}
void SouthLoop::SetRoster(std::vector<Member> members) {
  (void)rosters_.Push(std::move(members));
}
bool SouthLoop::SendDown(forward::Downlink downlink) {
  return downlinks_.Push(std::move(downlink));
}

void SouthLoop::Work() {
  host::zmq::Poller poller;
  const std::size_t socket = poller.Add(*socket_);
  poller.Add(wake_up_);
  if (serial_) {
    poller.AddFd(serial_->fd());
  }
  MonotonicTime drain_until = MonotonicTime::max();
  MonotonicTime gather_until{};
  bool reading = true;
  bool few = false;
  while (true) {
    const bool stopping = stopping_;
    const MonotonicTime now = MonotonicNow();
    if (stopping && drain_until == MonotonicTime::max()) {
      drain_until = now + kDrainLimit;
    }
    if (stopping && (link_.pending() == 0 || now >= drain_until)) {
      break;
    }
    const bool read_now = !stopping && !Behind();
    counters_.pauses += reading && !read_now && !stopping ? 1U : 0U;
    reading = read_now;
    poller.Enable(socket, reading);
    Wait(poller, waiting_down_.empty() ? Millis(100) : kDownlinkTurn);
    if (reading && poller.Ready(socket) && few && MonotonicNow() < gather_until) {
      poller.Enable(socket, false);
      Wait(poller, gather_until - MonotonicNow());  // a settlement, a wire or a stop ends it
    }

    link::Output out;
    link_.SetRoom(callbacks_.spool_room());
    TakeMail(out);
    if (serial_) {
      serial_->Service(MonotonicNow());
    }
    if (reading) {
      few = ReadBoth(out) < kFewReads;
      gather_until = MonotonicNow() + kGather;
    }
    EndTurn(out);
  }
  Publish();
}

void SouthLoop::Wait(host::zmq::Poller& poller, Millis limit) {
  if (serial_) {
    // What may not be read now is no reason to wake up.
    const bool unread = wires_unread_ && !stopping_ && !Behind();
    const MonotonicTime due = unread ? MonotonicTime::min() : serial_->next_due();
    const MonotonicTime now = MonotonicNow();
    limit = due <= now ? Millis(0) : std::min(limit, due - now);
  }
  poller.Wait(std::max(limit, Millis(0)));
}

/// What is due by time, and the turn's answers.
void SouthLoop::EndTurn(link::Output& out) {
  if (MonotonicNow() >= next_second_) {
    next_second_ = MonotonicNow() + Millis(1000);
    EverySecond(out);
  }
  Flush(out);
  if (MonotonicNow() >= next_publish_) {
    next_publish_ = MonotonicNow() + kPublishInterval;
    Publish();
  }
}

void SouthLoop::Apply(const std::vector<Member>& roster) {
  users_.clear();
  std::vector<NodeId> nodes;
  nodes.reserve(roster.size());
  for (const Member& member : roster) {
    users_.emplace(member.identity, std::to_string(member.node.value()));
    nodes.push_back(member.node);
  }
  link_.SetRoster(nodes);
  aggregate_.Keep({nodes.begin(), nodes.end()});
  drift_.Keep({nodes.begin(), nodes.end()});
}

void SouthLoop::TakeMail(link::Output& out) {
  for (const auto& members : rosters_.Drain()) {
    Apply(members);
  }
  for (const Settlement& settlement : settlements_.Drain()) {
    std::vector<link::Settled> settled;
    settled.reserve(settlement.items.size());
    for (std::size_t i = 0; i < settlement.items.size(); ++i) {
      const spool::Item& item = settlement.items[i];
      const spool::Outcome outcome = settlement.outcomes[i];
      settled.push_back({item.key, outcome != spool::Outcome::kRefused});
      if (outcome == spool::Outcome::kStored) {
        aggregate_.Add(item.sealed, item.received_ms);
        if (item.priority == message::Priority::kSketch) {
          drift_.Add(item.sealed);
        }
      }
    }
    link_.Settle(settled, {MonotonicNow(), UnixNowMs()}, out);
  }
  PassDown(out);
}

void SouthLoop::PassDown(link::Output& out) {
  for (forward::Downlink& down : downlinks_.Drain()) {
    if (waiting_down_.size() >= kMaxDownlinks) {
      ++counters_.downlinks_dropped;
      continue;
    }
    waiting_down_.push_back(std::move(down));
  }
  std::map<NodeId, std::size_t> passed;
  std::erase_if(waiting_down_, [&](const forward::Downlink& down) {
    if (++passed[down.node] > kDownlinksPerNodeAndTurn) {
      return false;
    }
    (void)link_.SendDown(down.node, down.envelope, out, down.epoch);  // counted as undeliverable
    return true;
  });
}

/// The first to be read has the room: each is it every other turn.
std::size_t SouthLoop::ReadBoth(link::Output& out) {
  wires_first_ = !wires_first_;
  std::size_t read = wires_first_ ? ReadWires(out) : Read(out);
  read += wires_first_ ? Read(out) : ReadWires(out);
  return read;
}

std::size_t SouthLoop::Read(link::Output& out) {
  const link::Now now{MonotonicNow(), UnixNowMs()};
  std::size_t read = 0;
  for (; read < kReadsPerTurn && !Behind(); ++read) {
    const auto received = socket_->Receive();
    if (!received.ok()) {
      break;
    }
    // ZAP judged the key when the connection was made; link counts who is nobody by now.
    const auto user = users_.find(received->user_id);
    link_.Receive(received->routing_id,
                  user != users_.end() ? std::string_view(user->second) : std::string_view(),
                  received->body,
                  now,
                  out);
  }
  return read;
}

std::size_t SouthLoop::ReadWires(link::Output& out) {
  wires_unread_ = false;
  if (!serial_) {
    return 0;
  }
  const link::Now now{MonotonicNow(), UnixNowMs()};
  std::size_t read = 0;
  for (; read < kReadsPerTurn && !Behind(); ++read) {
    const auto received = serial_->Receive(now.monotonic);
    if (!received.ok()) {
      return read;
    }
    // Only stations of [serial] nodes are heard at all; who is not in the roster is nobody to link.
    link_.Receive(
        received->routing_id, std::to_string(received->station), received->body, now, out);
  }
  wires_unread_ = true;
  return read;
}

Status SouthLoop::Send(const link::Outgoing& outgoing) {
  if (!host::serial::IsRoutingId(outgoing.routing_id)) {
    return socket_->Send(outgoing.routing_id, outgoing.body);
  }
  return serial_ ? serial_->Send(outgoing.routing_id, outgoing.body, MonotonicNow())
                 : Status(Code::kNotFound);
}

void SouthLoop::Flush(link::Output& out) {
  if (!out.offered.empty()) {
    std::vector<spool::Item> items;
    items.reserve(out.offered.size());
    for (link::Offered& record : out.offered) {
      items.push_back({record.key,
                       message::PriorityOf(record.kind),
                       record.received_ms,
                       std::move(record.sealed),
                       defer_ && record.kind == message::RecordKind::kActivation});
    }
    callbacks_.append(std::move(items));
  }
  const link::Now now{MonotonicNow(), UnixNowMs()};
  for (const link::Outgoing& outgoing : out.send) {
    // An answer that does not get through is asked for again: the node resends.
    const Status sent = Send(outgoing);
    if (outgoing.best_effort) {
      counters_.downlinks_dropped += sent.ok() ? 0U : 1U;
      continue;
    }
    counters_.sends_failed += sent.ok() ? 0U : 1U;
    link_.Sent(outgoing.node, sent, now);
  }
}

bool SouthLoop::Behind() const {
  return link_.pending() >= kMaxPending || link_.pending_bytes() >= memory_bytes_;
}

void SouthLoop::EverySecond(link::Output& out) {
  link_.Tick({MonotonicNow(), UnixNowMs()}, out);
  while (const auto rollup = aggregate_.TakeFinished(UnixNowMs())) {
    callbacks_.report(
        EncodeReport(*rollup, drift_.TakeFlags(), gateway_, callbacks_.spool_depth()));
  }
}

void SouthLoop::Publish() {
  const MonotonicTime now = MonotonicNow();
  if (link_.session_count() <= kManySessions || now >= next_lists_ || stopping_) {
    next_lists_ = now + kManySessionsInterval;
    lists_.Set({link_.sessions(), aggregate_.nodes()});
  }
  SouthSnapshot snapshot = counters_;
  snapshot.link = link_.metrics();
  snapshot.aggregate = aggregate_.metrics();
  snapshot.total = aggregate_.total();
  snapshot.drift = drift_.metrics();
  snapshot.sessions = link_.session_count();
  snapshot.pending = link_.pending();
  snapshot.pending_bytes = link_.pending_bytes();
  snapshot.credit_room = link_.credit().room();
  snapshot.credit_promised = link_.credit().committed();
  snapshot.credit_share = link_.credit().share();
  snapshot.active = link_.credit().active();
  snapshot.waiting = link_.credit().waiting();
  snapshot.misshapen = socket_->misshapen();
  snapshot.connections = socket_->counts();
  if (serial_) {
    snapshot.serial = serial_->metrics();
  }
  published_.Set(snapshot);
}

}  // namespace trib::gateway
