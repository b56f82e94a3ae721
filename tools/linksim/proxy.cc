#include "proxy.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "trib/common/base/random.h"

namespace trib::tools::linksim {
namespace {

namespace serial = host::serial;

MonotonicTime ToMonotonic(Time time) {
  return MonotonicTime(std::chrono::duration_cast<Millis>(time));
}

void Add(const AirMetrics& from, AirMetrics& to) {
  to.frames += from.frames;
  to.bytes += from.bytes;
  to.dropped += from.dropped;
  to.doubled += from.doubled;
  to.reordered += from.reordered;
  to.changed += from.changed;
  to.bits_flipped += from.bits_flipped;
  to.frames_delivered += from.frames_delivered;
  to.bytes_delivered += from.bytes_delivered;
}

void Drop(Bytes& bytes, std::size_t count) {
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
}

/// @returns the earlier of two moments that may not come.
std::optional<Time> Earlier(std::optional<Time> a, std::optional<Time> b) {
  return a && b ? std::min(*a, *b) : (a ? a : b);
}

}  // namespace

Time Now() {
  static const auto begin = std::chrono::steady_clock::now();
  return std::chrono::duration_cast<Time>(std::chrono::steady_clock::now() - begin);
}

Proxy::Connection::Connection(serial::Descriptor accepted,
                              std::unique_ptr<serial::Client> opened,
                              const ProxyOptions& options,
                              std::uint64_t number)
    : node(std::move(accepted)),
      gateway(std::move(opened)),
      up(options.air, SplitMix64::Mix(options.seed) ^ SplitMix64::Mix(2 * number)),
      down(options.air, SplitMix64::Mix(options.seed) ^ SplitMix64::Mix(2 * number + 1)) {}

std::unique_ptr<Proxy> Proxy::Open(const ProxyOptions& options, std::string& error) {
  ProxyOptions actual = options;
  auto listener = serial::Listen(actual.listen, error);
  if (!listener.ok()) {
    return nullptr;
  }
  return std::unique_ptr<Proxy>(new Proxy(actual, *std::move(listener)));
}

void Proxy::Accept() {
  serial::Descriptor node(
      ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!node.ok()) {
    return;
  }
  serial::SetNoDelay(node.get());
  std::string ignored;
  auto gateway = serial::Client::Open(options_.connect, {}, ignored);
  if (!gateway.ok()) {
    return;  // the node tries again
  }
  const std::uint64_t number = totals_.connections++;
  connections_.try_emplace(number, std::move(node), *std::move(gateway), options_, number);
}

bool Proxy::Move(Connection& connection, Time now) {
  std::array<std::byte, 16'384> bytes{};
  connection.gateway->Service(ToMonotonic(now));
  if (!connection.up.full()) {
    const serial::Moved got = serial::ReadSome(connection.node.get(), bytes);
    if (got.ended) {
      return false;
    }
    connection.up.Take(std::span(bytes).first(got.bytes), now);
  }
  if (!connection.down.full()) {
    connection.down.Take(std::span(bytes).first(connection.gateway->Read(bytes)), now);
  }
  if (connection.to_gateway.empty()) {
    connection.up.Give(now, connection.to_gateway);
  }
  Drop(connection.to_gateway, connection.gateway->Write(connection.to_gateway));
  if (connection.to_node.empty()) {
    connection.down.Give(now, connection.to_node);
  }
  if (connection.to_node.empty()) {
    return true;
  }
  const serial::Moved put =
      serial::WriteSome(connection.node.get(), serial::Endpoint::Kind::kTcp, connection.to_node);
  Drop(connection.to_node, put.bytes);
  return !put.ended;
}

void Proxy::Wait(int stop_fd, std::optional<Time> until, Time now, bool& stopped) {
  constexpr short kIn = POLLIN;
  constexpr short kOut = POLLOUT;
  std::vector<pollfd> watched = {{stop_fd, kIn, 0}, {listener_.get(), kIn, 0}};
  std::optional<Time> due = until;
  for (const auto& [number, connection] : connections_) {
    const auto in = connection.up.full() ? short{0} : kIn;
    const auto out = connection.to_node.empty() ? short{0} : kOut;
    watched.push_back({connection.node.get(), static_cast<short>(in | out), 0});
    if (!connection.down.full()) {
      watched.push_back({connection.gateway->fd(), kIn, 0});
    }
    // What has arrived and is not taken is woken by the one who takes it.
    if (connection.to_gateway.empty()) {
      due = Earlier(due, connection.up.next_due());
    }
    if (connection.to_node.empty()) {
      due = Earlier(due, connection.down.next_due());
    }
    const MonotonicTime connect = connection.gateway->next_due();
    if (connect != MonotonicTime::max()) {
      due = Earlier(due, Time(std::max(connect.time_since_epoch(), Millis(0))));
    }
  }
  const Time left = due ? std::max(*due - now, Time(0)) : Time(0);
  const timespec limit{static_cast<time_t>(left.count() / 1'000'000),
                       static_cast<long>(left.count() % 1'000'000 * 1'000)};
  (void)::ppoll(watched.data(), watched.size(), due ? &limit : nullptr, nullptr);
  stopped = watched[0].revents != 0;
  if (watched[1].revents != 0) {
    Accept();
  }
}

bool Proxy::Run(int stop_fd, std::optional<Time> until) {
  bool stopped = false;
  while (!stopped) {
    const Time now = Now();
    if (until && now >= *until) {
      return true;
    }
    for (auto at = connections_.begin(); at != connections_.end();) {
      if (Move(at->second, now)) {
        ++at;
        continue;
      }
      Add(at->second.up.metrics(), totals_.up);
      Add(at->second.down.metrics(), totals_.down);
      at = connections_.erase(at);
    }
    Wait(stop_fd, until, now, stopped);
  }
  return false;
}

ProxyTotals Proxy::totals() const {
  ProxyTotals out = totals_;
  out.open = connections_.size();
  for (const auto& [number, connection] : connections_) {
    Add(connection.up.metrics(), out.up);
    Add(connection.down.metrics(), out.down);
  }
  return out;
}

}  // namespace trib::tools::linksim
