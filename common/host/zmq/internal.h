#pragma once

// Private to this module: the only header that shows ZeroMQ's own types.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <zmq.hpp>

#include "trib/common/host/zmq/client_socket.h"
#include "trib/common/host/zmq/context.h"
#include "trib/common/host/zmq/server_socket.h"
#include "trib/common/status/status.h"

namespace trib::host::zmq {

struct Context::Impl {
  explicit Impl(int io_threads) : context(io_threads) {}
  ::zmq::context_t context;
};

struct ServerSocket::Impl {
  ::zmq::socket_t socket;
  ::zmq::socket_t monitor;
  ServerCounts counts;
  std::string endpoint;

  /// Counts what the monitor saw.
  void Watch();

  std::size_t max_message_bytes = 0;
  std::uint64_t misshapen = 0;
};

struct ClientSocket::Impl {
  ::zmq::socket_t socket;
  ::zmq::socket_t monitor;
  std::string endpoint;
  std::chrono::milliseconds redial_first{};  // after a refusal, then doubling up to _max
  std::chrono::milliseconds redial_max{};
  std::chrono::milliseconds redial_after{};
  LinkState link = LinkState::kUnknown;
  std::uint64_t connections = 0;
  std::optional<std::chrono::steady_clock::time_point> redial_at;
  bool reconnecting = false;  // libzmq tries by itself

  /// Reads what the monitor saw; connects again where libzmq has given up.
  void Maintain();
};

/// What went wrong when opening, as a Status; the text goes to `error`.
inline Status OpenFailure(const ::zmq::error_t& failure,
                          std::string_view verb,
                          const std::string& endpoint,
                          std::string& error) {
  error = "cannot " + std::string(verb) + " " + endpoint + ": ";
  switch (failure.num()) {
    case EADDRINUSE:
      error += "the address is in use by another process";
      return Code::kAlreadyExists;
    case EADDRNOTAVAIL:
    case ENODEV:
      error += "this machine has no such address";
      return Code::kUnavailable;
    case EACCES:
      error += "not permitted";
      return Code::kPermissionDenied;
    case EINVAL:
    case EPROTONOSUPPORT:
      error += "not a valid endpoint; expected tcp://ADDRESS:PORT";
      return Code::kInvalidArgument;
    default:
      error += failure.what();
      return Code::kUnavailable;
  }
}

/// CURVE adds 33 bytes to a message, and the socket's own limit counts them. Above this the peer is
/// disconnected; between the two Receive() drops the message.
inline constexpr std::int64_t kCurveOverheadBytes = 64;

/// The rules that hold for every TCP socket here. The caller has set the CURVE options.
inline void SetCommonOptions(::zmq::socket_t& socket,
                             std::size_t max_message_bytes,
                             int send_high_water,
                             int receive_high_water,
                             Millis handshake_limit) {
  socket.set(::zmq::sockopt::linger, 0);
  socket.set(::zmq::sockopt::ipv6, false);
  socket.set(::zmq::sockopt::maxmsgsize,
             static_cast<std::int64_t>(max_message_bytes) + kCurveOverheadBytes);
  socket.set(::zmq::sockopt::sndhwm, send_high_water);
  socket.set(::zmq::sockopt::rcvhwm, receive_high_water);
  socket.set(::zmq::sockopt::handshake_ivl, static_cast<int>(handshake_limit.count()));
  // A peer that vanished without a word is noticed within 45 s and its memory freed: by the kernel.
  // ZeroMQ's own heartbeats end connections that nobody reads for a while, and where one of these
  // breaks first, the next heartbeat aborts the process (libzmq 4.3.4, `!_io_error`).
  socket.set(::zmq::sockopt::tcp_keepalive, 1);
  socket.set(::zmq::sockopt::tcp_keepalive_idle, 15);
  socket.set(::zmq::sockopt::tcp_keepalive_intvl, 10);
  socket.set(::zmq::sockopt::tcp_keepalive_cnt, 3);
  // One that is there and does not read: the kernel ends the connection when nothing of what waits
  // was taken for so long.
  socket.set(::zmq::sockopt::tcp_maxrt, 60'000);
}

/// Sends without waiting; false when the queue is full. libzmq looks at most once a millisecond for
/// room that a reader made, and until then calls a queue full that is not; being asked for its
/// events it looks at once.
inline bool SendNow(::zmq::socket_t& socket,
                    std::string_view part,
                    ::zmq::send_flags flags = ::zmq::send_flags::none) {
  flags = flags | ::zmq::send_flags::dontwait;
  if (socket.send(::zmq::buffer(part), flags)) {
    return true;
  }
  (void)socket.get(::zmq::sockopt::events);
  return socket.send(::zmq::buffer(part), flags).has_value();
}

/// One event of a socket's monitor.
struct MonitorEvent {
  std::uint16_t number = 0;
  std::uint32_t value = 0;
};

/// Watches `socket` for `events`; the returned socket gives them. They wait without limit, since a
/// full monitor would hold up libzmq's I/O thread: read them often.
::zmq::socket_t StartMonitor(Context& context, ::zmq::socket_t& socket, int events);
/// The next event, if there is one.
std::optional<MonitorEvent> NextEvent(::zmq::socket_t& monitor);

/// Takes the remaining parts of a message whose shape is wrong.
inline void DiscardRest(::zmq::socket_t& socket, bool more) {
  while (more) {
    ::zmq::message_t part;
    if (!socket.recv(part, ::zmq::recv_flags::dontwait)) {
      return;
    }
    more = part.more();
  }
}

}  // namespace trib::host::zmq
