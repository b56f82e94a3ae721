#include "trib/common/host/serial/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "trib/common/host/serial/client.h"
#include "trib/common/host/serial/descriptors.h"
#include "wire.h"

namespace trib::host::serial {
namespace {

constexpr std::string_view kPrefix = "serial:";
constexpr int kEventsPerTurn = 64;
constexpr int kAcceptsPerTurn = 16;
constexpr Millis kAcceptPause{500};
constexpr Millis kRefusalsToldEvery{10'000};
constexpr std::uint64_t kListenerBit = std::uint64_t{1} << 63U;

/// Which wire and which of its sessions.
struct Route {
  std::uint64_t wire = 0;
  std::uint64_t session = 0;
};

std::string ToText(const Route& route) {
  return std::string(kPrefix) + std::to_string(route.wire) + ":" + std::to_string(route.session);
}

std::optional<Route> ParseRoute(std::string_view text) {
  if (!text.starts_with(kPrefix)) {
    return std::nullopt;
  }
  Route route;
  const char* const end = text.data() + text.size();
  const auto wire = std::from_chars(text.data() + kPrefix.size(), end, route.wire);
  if (wire.ec != std::errc() || wire.ptr == end || *wire.ptr != ':') {
    return std::nullopt;
  }
  const auto session = std::from_chars(wire.ptr + 1, end, route.session);
  return session.ec == std::errc() && session.ptr == end ? std::optional(route) : std::nullopt;
}

void Add(const frame::ChannelMetrics& from, frame::ChannelMetrics& to) {
  to.bytes_sent += from.bytes_sent;
  to.bytes_received += from.bytes_received;
  to.frames_sent += from.frames_sent;
  to.frames_received += from.frames_received;
  to.retransmissions += from.retransmissions;
  to.duplicates += from.duplicates;
  to.reordered += from.reordered;
  to.out_of_window += from.out_of_window;
  to.malformed += from.malformed;
  to.oversized += from.oversized;
  to.stale += from.stale;
  to.messages_sent += from.messages_sent;
  to.messages_received += from.messages_received;
  to.sessions += from.sessions;
  to.closed += from.closed;
}

}  // namespace

struct Server::Impl {
  struct Listener {
    std::size_t endpoint;  // index in options.endpoints
    Descriptor descriptor;
    // When it listens again after descriptors had run out; max(): it does.
    MonotonicTime paused_until = MonotonicTime::max();
  };
  using Wires = std::map<std::uint64_t, std::unique_ptr<Wire>>;

  explicit Impl(ServerOptions given)
      : options(std::move(given)), epoll(::epoll_create1(EPOLL_CLOEXEC)) {}

  Status Open(MonotonicTime now, std::string& error);
  Wire& AddWire(const Endpoint& endpoint, MonotonicTime now);
  void Accept(std::size_t index, MonotonicTime now);
  void WatchListener(std::size_t index, bool add, bool on);
  /// Opens a device, or says when to try again.
  Status OpenAgain(std::uint64_t number, Wire& wire, MonotonicTime now, std::string& error);
  /// Moves a wire's bytes. @returns false when it is gone for good.
  bool Serve(std::uint64_t number, Wire& wire, MonotonicTime now);
  void Lose(Wire& wire, MonotonicTime now);
  void Watch(std::uint64_t number, Wire& wire);
  void CountRefusals(Wire& wire, MonotonicTime now);
  Wires::iterator Remove(Wires::iterator at);
  void Log(const std::string& line) const {
    if (options.log) {
      options.log(line);
    }
  }

  ServerOptions options;
  Descriptor epoll;
  std::vector<Listener> listeners;
  Wires wires;
  std::uint64_t next_wire = 1;
  std::uint64_t served = 0;  // whose message was taken last
  MonotonicTime tell_refusal = MonotonicTime::min();
  std::size_t connections = 0;  // of `wires`, those that are no device
  Metrics counters;             // the fields that are not of now; channels of wires that are gone
  std::array<std::byte, frame::kMaxMessageBytes> memory{};
};

Status Server::Impl::Open(MonotonicTime now, std::string& error) {
  if (!epoll.ok()) {
    error = "no more file descriptors";
    return Code::kUnavailable;
  }
  for (std::size_t i = 0; i < options.endpoints.size(); ++i) {
    Endpoint& endpoint = options.endpoints[i];
    if (endpoint.kind == Endpoint::Kind::kDevice) {
      Wire& wire = AddWire(endpoint, now);
      const Status opened = OpenAgain(next_wire - 1, wire, now, error);
      if (opened.code() == Code::kNotFound) {
        Log(error + "; waiting for it");
      } else if (!opened.ok()) {
        return opened;
      }
      continue;
    }
    TRIB_TRY_ASSIGN(auto descriptor, Listen(endpoint, error));
    listeners.push_back({i, std::move(descriptor)});
    WatchListener(listeners.size() - 1, true, true);
  }
  error.clear();
  return {};
}

Wire& Server::Impl::AddWire(const Endpoint& endpoint, MonotonicTime now) {
  const std::uint32_t nonce = options.nonce ? options.nonce() : DrawNonce();
  auto& wire = wires[next_wire++];
  wire = std::make_unique<Wire>(endpoint, options, nonce, now);
  return *wire;
}

void Server::Impl::WatchListener(std::size_t index, bool add, bool on) {
  epoll_event event{};
  event.events = on ? EPOLLIN : 0U;
  event.data.u64 = kListenerBit | index;
  (void)::epoll_ctl(
      epoll.get(), add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, listeners[index].descriptor.get(), &event);
}

void Server::Impl::Accept(std::size_t index, MonotonicTime now) {
  Listener& listener = listeners[index];
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    Descriptor descriptor(
        ::accept4(listener.descriptor.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!descriptor.ok()) {
      const bool more = errno == EINTR || errno == ECONNABORTED;
      if (!more && errno != EAGAIN && errno != EWOULDBLOCK) {
        // Who waits goes on waiting, and would be told of again and again.
        ++counters.accept_failures;
        listener.paused_until = now + kAcceptPause;
        WatchListener(index, false, false);
      }
      return;
    }
    if (connections >= options.max_wires) {
      ++counters.wires_refused;
      continue;
    }
    SetNoDelay(descriptor.get());
    ++counters.accepted;
    ++connections;
    Wire& wire = AddWire(options.endpoints[listener.endpoint], now);
    wire.Attach(std::move(descriptor));
    Watch(next_wire - 1, wire);
  }
}

Status Server::Impl::OpenAgain(std::uint64_t number,
                               Wire& wire,
                               MonotonicTime now,
                               std::string& error) {
  auto opened = OpenDevice(wire.endpoint(), error);
  if (!opened.ok()) {
    wire.retry_at = now + wire.pause;
    wire.pause = std::min(2 * wire.pause, options.retry_most);
    return opened.status();
  }
  wire.Attach(*std::move(opened));
  Watch(number, wire);
  Log(serial::ToText(wire.endpoint()) + ": open");
  return {};
}

void Server::Impl::Lose(Wire& wire, MonotonicTime now) {
  wire.Detach();
  wire.watched = 0;
  ++counters.devices_lost;
  wire.retry_at = now + wire.pause;
  wire.pause = std::min(2 * wire.pause, options.retry_most);
  Log(serial::ToText(wire.endpoint()) + ": gone; waiting for it");
}

void Server::Impl::Watch(std::uint64_t number, Wire& wire) {
  const std::uint32_t wanted =
      (wire.wants_in() ? EPOLLIN : 0U) | (wire.wants_out() ? EPOLLOUT : 0U);
  if (!wire.attached() || wire.watched == wanted) {
    return;
  }
  epoll_event event{};
  event.events = wanted;
  event.data.u64 = number;
  // Epoll tells of a broken connection unasked. A wire that waits for its message to be taken is
  // out of it altogether, or that would be told again and again.
  const int change = wanted == 0         ? EPOLL_CTL_DEL
                     : wire.watched == 0 ? EPOLL_CTL_ADD
                                         : EPOLL_CTL_MOD;
  (void)::epoll_ctl(epoll.get(), change, wire.descriptor(), &event);
  wire.watched = wanted;
}

void Server::Impl::CountRefusals(Wire& wire, MonotonicTime now) {
  const std::uint64_t refused = wire.TakeRefusals();
  counters.stations_refused += refused;
  if (refused > 0 && now >= tell_refusal) {
    tell_refusal = now + kRefusalsToldEvery;
    Log("station " + std::to_string(wire.station()) +
        " may not speak over a wire: it is not in [serial] nodes");
  }
}

bool Server::Impl::Serve(std::uint64_t number, Wire& wire, MonotonicTime now) {
  std::string ignored;  // as when it was lost
  if (!wire.attached() && now >= wire.retry_at) {
    (void)OpenAgain(number, wire, now, ignored);
  }
  const bool there = wire.Pump(now);
  CountRefusals(wire, now);
  if (!there && wire.endpoint().kind == Endpoint::Kind::kTcp) {
    return false;
  }
  if (wire.Silent(now)) {
    ++counters.wires_silent;
    return false;
  }
  if (!there) {
    Lose(wire, now);
  }
  Watch(number, wire);
  return true;
}

Server::Impl::Wires::iterator Server::Impl::Remove(Wires::iterator at) {
  Add(at->second->channel().metrics(), counters.channel);
  --connections;
  return wires.erase(at);
}

Result<std::unique_ptr<Server>> Server::Open(ServerOptions options,
                                             MonotonicTime now,
                                             std::string& error) {
  auto impl = std::make_unique<Impl>(std::move(options));
  TRIB_TRY(impl->Open(now, error));
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

std::vector<std::string> Server::endpoints() const {
  std::vector<std::string> out;
  for (const Endpoint& endpoint : impl_->options.endpoints) {
    out.push_back(serial::ToText(endpoint));
  }
  return out;
}

int Server::fd() const {
  return impl_->epoll.get();
}

MonotonicTime Server::next_due() const {
  MonotonicTime due = MonotonicTime::max();
  for (const Impl::Listener& listener : impl_->listeners) {
    due = std::min(due, listener.paused_until);
  }
  for (const auto& [number, wire] : impl_->wires) {
    due = std::min(due, wire->next_due());
  }
  return due;
}

void Server::Service(MonotonicTime now) {
  Impl& impl = *impl_;
  std::array<epoll_event, kEventsPerTurn> events{};
  const int count = ::epoll_wait(impl.epoll.get(), events.data(), kEventsPerTurn, 0);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t tag = events[static_cast<std::size_t>(i)].data.u64;
    if ((tag & kListenerBit) != 0) {
      impl.Accept(tag & ~kListenerBit, now);
      continue;
    }
    const auto at = impl.wires.find(tag);
    if (at != impl.wires.end() && !impl.Serve(tag, *at->second, now)) {
      impl.Remove(at);
    }
  }
  for (std::size_t i = 0; i < impl.listeners.size(); ++i) {
    if (impl.listeners[i].paused_until <= now) {
      impl.listeners[i].paused_until = MonotonicTime::max();
      impl.WatchListener(i, false, true);
    }
  }
  for (auto at = impl.wires.begin(); at != impl.wires.end();) {
    const bool kept = at->second->next_due() > now || impl.Serve(at->first, *at->second, now);
    at = kept ? std::next(at) : impl.Remove(at);
  }
}

Result<ReceivedMessage> Server::Receive(MonotonicTime now) {
  Impl& impl = *impl_;
  auto at = impl.wires.upper_bound(impl.served);
  for (std::size_t seen = 0; seen < impl.wires.size(); ++seen, ++at) {
    at = at == impl.wires.end() ? impl.wires.begin() : at;
    Wire& wire = *at->second;
    // Of the session that the message is of: what follows it is looked at only once it is taken.
    const Route route{at->first, wire.channel().session_count()};
    const std::uint64_t station = wire.station();
    const auto got = wire.Receive(impl.memory, now);
    if (!got.ok()) {
      continue;
    }
    impl.served = at->first;
    impl.CountRefusals(wire, now);
    impl.Watch(at->first, wire);
    return ReceivedMessage{ToText(route),
                           station,
                           std::string(reinterpret_cast<const char*>(impl.memory.data()), *got)};
  }
  return Code::kUnavailable;
}

Status Server::Send(std::string_view routing_id, std::string_view body, MonotonicTime now) {
  Impl& impl = *impl_;
  const auto route = ParseRoute(routing_id);
  const auto at = route ? impl.wires.find(route->wire) : impl.wires.end();
  if (at == impl.wires.end() || at->second->channel().session_count() != route->session) {
    return Code::kNotFound;
  }
  Wire& wire = *at->second;
  const Status sent = wire.Send(body, now);
  if (sent.code() == Code::kUnavailable) {
    return Code::kNotFound;
  }
  impl.counters.queue_full += sent.code() == Code::kResourceExhausted ? 1U : 0U;
  if (!impl.Serve(at->first, wire, now)) {
    impl.Remove(at);
    return Code::kNotFound;
  }
  return sent;
}

Metrics Server::metrics() const {
  Metrics out = impl_->counters;
  for (const auto& [number, wire] : impl_->wires) {
    out.wires += wire->attached() ? 1U : 0U;
    out.in_session += wire->channel().in_session() ? 1U : 0U;
    Add(wire->channel().metrics(), out.channel);
  }
  return out;
}

bool IsRoutingId(std::string_view id) {
  return id.starts_with(kPrefix);
}

}  // namespace trib::host::serial
