#include "trib/common/host/zmq/client_socket.h"

#include <algorithm>
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

/// A wait between `base` and twice that, so that a fleet does not come back in one moment.
int Jittered(Millis base, std::mt19937_64& random) {
  const auto spread = static_cast<std::uint64_t>(base.count()) + 1;
  return static_cast<int>(base.count() + static_cast<std::int64_t>(random() % spread));
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
    SetCommonOptions(socket,
                     options.max_message_bytes,
                     options.high_water_mark,
                     options.high_water_mark,
                     options.handshake_limit);
    std::random_device device;
    std::mt19937_64 random(options.seed != 0 ? options.seed : device());
    socket.set(::zmq::sockopt::reconnect_ivl, Jittered(options.reconnect, random));
    // libzmq adds a random part of the first wait to each, which is little once the waits have
    // grown to the longest: those differ between peers from the start.
    socket.set(::zmq::sockopt::reconnect_ivl_max, Jittered(options.reconnect_max, random));
    // What is sent waits for a live connection instead of piling up for a dead one.
    socket.set(::zmq::sockopt::immediate, true);
    impl->monitor = StartMonitor(context, socket, kWatchedEvents);
    impl->endpoint = options.endpoint;
    impl->redial_first = std::chrono::milliseconds(5 * Jittered(options.reconnect, random));
    impl->redial_max = std::chrono::milliseconds(Jittered(options.reconnect_max, random));
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
    if (!SendNow(impl_->socket, body)) {
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
    while (const auto event = NextEvent(monitor)) {
      link = After(link, event->number);
      reconnecting = event->number == ZMQ_EVENT_CONNECT_RETRIED ||
                     (reconnecting && event->number != ZMQ_EVENT_DISCONNECTED);
      connections += event->number == ZMQ_EVENT_HANDSHAKE_SUCCEEDED ? 1U : 0U;
    }
    // libzmq does not try again after a refused or broken handshake, nor after a message that was
    // too long; after any other loss it says that it does.
    const bool given_up = link == LinkState::kRefused || link == LinkState::kHandshakeFailed ||
                          (link == LinkState::kDown && !reconnecting);
    if (!given_up) {
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
      try {
        socket.disconnect(endpoint);
      } catch (const ::zmq::error_t&) {
        // Nothing is left of it.
      }
      socket.connect(endpoint);
      reconnecting = true;  // and says when it fails
    }
  } catch (const ::zmq::error_t&) {
    // Only a terminating context gets here; Send and Receive then say so.
    redial_at.reset();
  }
}

}  // namespace trib::host::zmq
