#include "trib/common/host/zmq/client_socket.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <random>
#include <utility>

#include "internal.h"

namespace trib::host::zmq {
namespace {

constexpr int kWatchedEvents =
    ZMQ_EVENT_CLOSED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_DISCONNECTED |
    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;

LinkState After(LinkState before, int event) {
  switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
      return LinkState::kUp;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      return LinkState::kRefused;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      // The same attempt may first have said that the key was refused, which is more precise.
      return before == LinkState::kRefused ? before : LinkState::kHandshakeFailed;
    case ZMQ_EVENT_CONNECT_RETRIED:
      // All that is raised when the first attempt did not even find the host's name.
      return before == LinkState::kUnknown ? LinkState::kUnreachable : before;
    case ZMQ_EVENT_DISCONNECTED:
      return before == LinkState::kUp ? LinkState::kDown : before;
    case ZMQ_EVENT_CLOSED:
      // Raised when a connection attempt found nobody.
      return LinkState::kUnreachable;
    default:
      return before;
  }
}

/// Watches `socket`; the returned socket gives its events.
::zmq::socket_t Watch(Context& context, ::zmq::socket_t& socket) {
  static constinit std::atomic<std::uint64_t> next{0};
  const std::string address = "inproc://trib.monitor." + std::to_string(next.fetch_add(1));
  if (::zmq_socket_monitor(socket.handle(), address.c_str(), kWatchedEvents) != 0) {
    throw ::zmq::error_t();
  }
  ::zmq::socket_t monitor(context.impl().context, ::zmq::socket_type::pair);
  monitor.set(::zmq::sockopt::linger, 0);
  monitor.connect(address);
  return monitor;
}

/// A wait between `base` and twice that, so that a fleet does not come back in one moment.
int Jittered(Millis base) {
  std::random_device device;
  std::uniform_int_distribution<std::int64_t> spread(0, base.count());
  return static_cast<int>(base.count() + spread(device));
}

}  // namespace

std::string_view NameOf(LinkState state) {
  switch (state) {
    case LinkState::kUnreachable:
      return "unreachable";
    case LinkState::kRefused:
      return "refused";
    case LinkState::kHandshakeFailed:
      return "handshake_failed";
    case LinkState::kUp:
      return "up";
    case LinkState::kDown:
      return "down";
    case LinkState::kUnknown:
      break;
  }
  return "connecting";
}

ClientSocket::ClientSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClientSocket::~ClientSocket() {
  if (impl_->monitor) {
    (void)::zmq_socket_monitor(impl_->socket.handle(), nullptr, 0);
  }
}

Result<std::unique_ptr<ClientSocket>> ClientSocket::Open(Context& context,
                                                         const CurveKeys& keys,
                                                         const ClientOptions& options,
                                                         std::string& error) {
  if (!options.endpoint.starts_with("tcp://") || options.max_message_bytes == 0 ||
      options.high_water_mark <= 0 || options.reconnect.count() <= 0) {
    error = "cannot connect to " + options.endpoint + ": not a valid endpoint or limit";
    return Code::kInvalidArgument;
  }
  try {
    auto impl = std::make_unique<Impl>();
    impl->socket = ::zmq::socket_t(context.impl().context, ::zmq::socket_type::dealer);
    auto& socket = impl->socket;
    socket.set(
        ::zmq::sockopt::curve_serverkey,
        ::zmq::const_buffer(options.server_public_key.data(), options.server_public_key.size()));
    socket.set(::zmq::sockopt::curve_publickey,
               ::zmq::const_buffer(keys.public_key.data(), keys.public_key.size()));
    socket.set(::zmq::sockopt::curve_secretkey,
               ::zmq::const_buffer(keys.secret_key.data(), keys.secret_key.size()));
    SetCommonOptions(
        socket, options.max_message_bytes, options.high_water_mark, options.handshake_limit);
    socket.set(::zmq::sockopt::reconnect_ivl, Jittered(options.reconnect));
    socket.set(::zmq::sockopt::reconnect_ivl_max, static_cast<int>(options.reconnect_max.count()));
    // What is sent waits for a live connection instead of piling up for a dead one.
    socket.set(::zmq::sockopt::immediate, true);
    impl->monitor = Watch(context, socket);
    impl->endpoint = options.endpoint;
    impl->redial_first = std::chrono::milliseconds(5 * Jittered(options.reconnect));
    impl->redial_max = std::chrono::milliseconds(Jittered(options.reconnect_max));
    impl->redial_after = impl->redial_first;
    socket.connect(options.endpoint);
    return std::unique_ptr<ClientSocket>(new ClientSocket(std::move(impl)));
  } catch (const ::zmq::error_t& failure) {
    return OpenFailure(failure, "connect to", options.endpoint, error);
  }
}

Result<std::string> ClientSocket::Receive() {
  impl_->Maintain();
  auto& socket = impl_->socket;
  try {
    while (true) {
      ::zmq::message_t body;
      if (!socket.recv(body, ::zmq::recv_flags::dontwait)) {
        return Code::kUnavailable;
      }
      if (body.more()) {
        DiscardRest(socket, true);
        continue;
      }
      return body.to_string();
    }
  } catch (const ::zmq::error_t& failure) {
    return failure.num() == ETERM ? Code::kCancelled : Code::kUnavailable;
  }
}

Status ClientSocket::Send(std::string_view body) {
  impl_->Maintain();
  try {
    if (!impl_->socket.send(::zmq::buffer(body), ::zmq::send_flags::dontwait)) {
      return Code::kResourceExhausted;
    }
    return {};
  } catch (const ::zmq::error_t&) {
    return Code::kUnavailable;
  }
}

LinkState ClientSocket::link() {
  impl_->Maintain();
  return impl_->link;
}

std::uint64_t ClientSocket::connections() const {
  return impl_->connections;
}

void ClientSocket::Impl::Maintain() {
  try {
    while (true) {
      ::zmq::message_t event;
      if (!monitor.recv(event, ::zmq::recv_flags::dontwait)) {
        break;
      }
      DiscardRest(monitor, event.more());
      if (event.size() >= sizeof(std::uint16_t)) {
        std::uint16_t number = 0;
        std::memcpy(&number, event.data(), sizeof number);
        link = After(link, number);
        connections += number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED ? 1U : 0U;
      }
    }
    // libzmq does not try again after a refused or broken handshake.
    if (link != LinkState::kRefused && link != LinkState::kHandshakeFailed) {
      redial_at.reset();
      redial_after = link == LinkState::kUp ? redial_first : redial_after;
      return;
    }
    const auto now = std::chrono::steady_clock::now();
    if (!redial_at) {
      redial_at = now + redial_after;
    } else if (now >= *redial_at) {
      redial_after = std::min(2 * redial_after, redial_max);
      redial_at = now + redial_after;
      socket.disconnect(endpoint);
      socket.connect(endpoint);
    }
  } catch (const ::zmq::error_t&) {
    // Only a terminating context gets here; Send and Receive then say so.
    redial_at.reset();
  }
}

}  // namespace trib::host::zmq
