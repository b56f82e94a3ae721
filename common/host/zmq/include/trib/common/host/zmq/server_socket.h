#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "trib/common/base/time.h"
#include "trib/common/host/zmq/context.h"
#include "trib/common/host/zmq/curve.h"
#include "trib/common/host/zmq/zap_handler.h"
#include "trib/common/status/result.h"

namespace trib::host::zmq {

struct ServerOptions {
  std::string endpoint;                  ///< "tcp://ADDRESS:PORT"; port * takes a free one
  std::string zap_domain;                ///< not empty
  std::size_t max_message_bytes = 4096;  ///< a peer that sends more is disconnected
  // Messages that may wait for one peer and from one peer. Beyond them Send() says so, and libzmq
  // does not read on from the peer.
  int send_high_water = 64;
  int receive_high_water = 16;
  Millis handshake_limit{30'000};
};

/// Since Open(). What never became a connection is told by nothing else.
struct ServerCounts {
  std::uint64_t connections = 0;       ///< open now, handshaking ones included
  std::uint64_t accepted = 0;          ///< TCP connections
  std::uint64_t handshakes = 0;        ///< completed
  std::uint64_t refused_keys = 0;      ///< by ZAP
  std::uint64_t wrong_server_key = 0;  ///< peers that expect another server, or broken cryptography
  std::uint64_t wrong_protocol = 0;    ///< not CURVE, not ZMTP, or broken off
  std::uint64_t accept_failures = 0;   ///< mostly no file descriptors left
};

struct ReceivedMessage {
  std::string routing_id;  ///< where an answer goes; lives as long as the connection
  std::string user_id;     ///< identity that ZAP bound to the peer's key; never empty
  std::string body;
};

/// Accepts many peers: a ROUTER that cannot be opened without CURVE and ZAP. Routing ids are drawn
/// by the socket, so that a peer cannot take another's.
///
/// Memory   Per peer at most receive_high_water x max_message_bytes + send_high_water x what is
/// sent to
///          it + 48 KiB of libzmq's own (measured: 28 to 39 KB); the kernel's socket buffers come
///          on top. A peer that takes nothing for a minute while something waits for it is
///          disconnected.
/// Threads  One owner at a time; may be handed to another thread while nobody uses it.
/// Order    Messages of one peer arrive in order, at most once. Sending is not delivery.
class ServerSocket {
 public:
  /// @returns with the reason in `error`:
  ///   kInvalidArgument  bad endpoint, empty domain
  ///   kAlreadyExists    the address is in use
  ///   kUnavailable      the address is not of this machine, no more sockets
  static Result<std::unique_ptr<ServerSocket>> Open(Context& context,
                                                    ZapHandler& zap,
                                                    const CurveKeys& keys,
                                                    const ServerOptions& options,
                                                    std::string& error);
  ~ServerSocket();
  ServerSocket(const ServerSocket&) = delete;
  ServerSocket& operator=(const ServerSocket&) = delete;

  /// The bound endpoint with its actual port.
  [[nodiscard]] const std::string& endpoint() const;

  /// Takes one message. Messages of a wrong shape (not exactly one part, or a little
  /// above the size limit) are dropped and counted.
  /// @returns kUnavailable when there is none. Never blocks.
  Result<ReceivedMessage> Receive();

  /// @returns kNotFound when the peer is gone, kResourceExhausted when its queue is full; nothing
  ///   was sent then. Never blocks.
  Status Send(std::string_view routing_id, std::string_view body);

  /// Messages dropped by Receive() because of their shape.
  [[nodiscard]] std::uint64_t misshapen() const;
  /// Call now and then, also while nothing is received: what happened waits to be counted.
  const ServerCounts& counts();

  struct Impl;
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  explicit ServerSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::host::zmq
