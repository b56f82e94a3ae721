#include "trib/common/host/zmq/server_socket.h"

#include <utility>

#include "internal.h"

namespace trib::host::zmq {
namespace {

constexpr int kCountedEvents =
    ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_DISCONNECTED |
    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH |
    ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;

/// Without this, a missing ZAP handler would let everyone in.
Status EnforceZap(::zmq::socket_t& socket) {
  // ZMQ_ZAP_ENFORCE_DOMAIN: libzmq 4.3 has it in every build, its header only names it in drafts.
  constexpr int kZapEnforceDomain = 93;
  const int enabled = 1;
  if (::zmq_setsockopt(socket.handle(), kZapEnforceDomain, &enabled, sizeof enabled) != 0) {
    return Code::kUnimplemented;
  }
  return {};
}

/// What ZAP calls the peer; empty when ZAP did not judge it. (cmake/tsan.supp names this function:
/// it reads libzmq's own string and touches nothing of ours.)
std::string ReadUserId(::zmq::message_t& message) {
  const char* user_id = ::zmq_msg_gets(message.handle(), "User-Id");
  return user_id == nullptr ? std::string() : std::string(user_id);
}

}  // namespace

ServerSocket::ServerSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ServerSocket::~ServerSocket() {
  if (impl_->monitor) {
    (void)::zmq_socket_monitor(impl_->socket.handle(), nullptr, 0);
  }
}

void ServerSocket::Impl::Watch() {
  try {
    while (const auto event = NextEvent(monitor)) {
      switch (event->number) {
        case ZMQ_EVENT_ACCEPTED:
          ++counts.accepted;
          ++counts.connections;
          break;
        case ZMQ_EVENT_DISCONNECTED:
          counts.connections -= counts.connections > 0 ? 1U : 0U;
          break;
        case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
          ++counts.handshakes;
          break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
          ++counts.refused_keys;
          break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
          ++(event->value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC ? counts.wrong_server_key
                                                                   : counts.wrong_protocol);
          break;
        case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
          ++counts.wrong_protocol;
          break;
        case ZMQ_EVENT_ACCEPT_FAILED:
          ++counts.accept_failures;
          break;
        default:
          break;
      }
    }
  } catch (const ::zmq::error_t&) {
    // Only a terminating context gets here.
  }
}

const ServerCounts& ServerSocket::counts() {
  impl_->Watch();
  return impl_->counts;
}

Result<std::unique_ptr<ServerSocket>> ServerSocket::Open(Context& context,
                                                         ZapHandler& /*zap: proof that one runs*/,
                                                         const CurveKeys& keys,
                                                         const ServerOptions& options,
                                                         std::string& error) {
  if (!options.endpoint.starts_with("tcp://") || options.zap_domain.empty() ||
      options.max_message_bytes == 0 || options.send_high_water <= 0 ||
      options.receive_high_water <= 0) {
    error = "cannot listen on " + options.endpoint + ": not a valid endpoint, domain or limit";
    return Code::kInvalidArgument;
  }
  try {
    auto impl = std::make_unique<Impl>();
    impl->socket = ::zmq::socket_t(context.impl().context, ::zmq::socket_type::router);
    impl->max_message_bytes = options.max_message_bytes;
    auto& socket = impl->socket;
    socket.set(::zmq::sockopt::curve_server, true);
    socket.set(::zmq::sockopt::curve_secretkey,
               ::zmq::const_buffer(keys.secret_key.data(), keys.secret_key.size()));
    socket.set(::zmq::sockopt::zap_domain, options.zap_domain);
    if (const Status enforced = EnforceZap(socket); !enforced.ok()) {
      error = "cannot listen: this libzmq cannot enforce ZAP";
      return enforced;
    }
    SetCommonOptions(socket,
                     options.max_message_bytes,
                     options.send_high_water,
                     options.receive_high_water,
                     options.handshake_limit);
    socket.set(::zmq::sockopt::backlog, 4096);
    socket.set(::zmq::sockopt::router_mandatory, true);
    impl->monitor = StartMonitor(context, socket, kCountedEvents);
    socket.bind(options.endpoint);
    impl->endpoint = socket.get(::zmq::sockopt::last_endpoint);
    return std::unique_ptr<ServerSocket>(new ServerSocket(std::move(impl)));
  } catch (const ::zmq::error_t& failure) {
    return OpenFailure(failure, "listen on", options.endpoint, error);
  }
}

const std::string& ServerSocket::endpoint() const {
  return impl_->endpoint;
}
std::uint64_t ServerSocket::misshapen() const {
  return impl_->misshapen;
}

Result<ReceivedMessage> ServerSocket::Receive() {
  auto& socket = impl_->socket;
  try {
    while (true) {
      ::zmq::message_t routing_id;
      if (!socket.recv(routing_id, ::zmq::recv_flags::dontwait)) {
        return Code::kUnavailable;
      }
      ::zmq::message_t body;
      if (!routing_id.more() || !socket.recv(body, ::zmq::recv_flags::dontwait)) {
        ++impl_->misshapen;
        continue;
      }
      std::string user_id = ReadUserId(body);
      if (body.more() || body.size() > impl_->max_message_bytes || user_id.empty()) {
        DiscardRest(socket, body.more());
        ++impl_->misshapen;
        continue;
      }
      return ReceivedMessage{routing_id.to_string(), std::move(user_id), body.to_string()};
    }
  } catch (const ::zmq::error_t& failure) {
    return failure.num() == ETERM ? Code::kCancelled : Code::kUnavailable;
  }
}

Status ServerSocket::Send(std::string_view routing_id, std::string_view body) {
  auto& socket = impl_->socket;
  try {
    if (!SendNow(socket, routing_id, ::zmq::send_flags::sndmore) || !SendNow(socket, body)) {
      return Code::kResourceExhausted;
    }
    return {};
  } catch (const ::zmq::error_t& failure) {
    return failure.num() == EHOSTUNREACH ? Code::kNotFound : Code::kUnavailable;
  }
}

}  // namespace trib::host::zmq
