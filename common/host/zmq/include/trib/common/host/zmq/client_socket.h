#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "trib/common/base/time.h"
#include "trib/common/host/zmq/context.h"
#include "trib/common/host/zmq/curve.h"
#include "trib/common/status/result.h"

namespace trib::host::zmq {

struct ClientOptions {
  std::string endpoint;  ///< "tcp://ADDRESS:PORT"
  CurvePublicKey server_public_key{};
  std::size_t max_message_bytes = 4096;
  int high_water_mark = 64;  ///< messages queued in each direction
  /// First wait before connecting again, up to doubled at random; each further one doubles, up to
  /// `_max`, itself up to doubled at random: a fleet that lost its server at one moment comes back
  /// spread over that time.
  Millis reconnect{200};
  Millis reconnect_max{10'000};
  std::uint64_t seed = 0;  ///< of those random parts; 0 draws one
  Millis handshake_limit{30'000};
};

enum class LinkState : std::uint8_t {
  kUnknown = 0,          ///< nothing seen yet
  kUnreachable = 1,      ///< nobody listens there
  kRefused = 2,          ///< the server does not know our key
  kHandshakeFailed = 3,  ///< no common ground: other server key, or not CURVE
  kUp = 4,
  kDown = 5,  ///< was up, now lost
};

/// "connecting", "unreachable", "refused", "handshake_failed", "up", "down": what operators see.
std::string_view NameOf(LinkState state);

/// Connects to one server: a DEALER that cannot be opened without CURVE. Connects in the background
/// and again whenever the link is lost; also after a refusal, since a key may be enrolled later:
/// soon at first, in the end every `reconnect_max`. That last retry happens inside Receive(),
/// Send() and link(), so an owner calls one of them now and then.
///
/// Threads  One owner at a time; may be handed to another thread while nobody uses it.
/// Order    Messages arrive in order, at most once. Sending is not delivery; what is queued is lost
///          with the socket.
class ClientSocket {
 public:
  /// @returns kInvalidArgument for a bad endpoint, kUnavailable when out of sockets; the reason is
  ///   in `error`. An absent server is not an error.
  static Result<std::unique_ptr<ClientSocket>> Open(Context& context,
                                                    const CurveKeys& keys,
                                                    const ClientOptions& options,
                                                    std::string& error);
  ~ClientSocket();
  ClientSocket(const ClientSocket&) = delete;
  ClientSocket& operator=(const ClientSocket&) = delete;

  /// @returns kUnavailable when there is no message. Never blocks.
  Result<std::string> Receive();
  /// @returns kResourceExhausted when the queue is full or, before the first connection, absent.
  ///   Never blocks.
  Status Send(std::string_view body);
  /// What is known of the connection now.
  LinkState link();
  /// How often the connection came up, as of the last link(): tells a flap between two looks.
  [[nodiscard]] std::uint64_t connections() const;

  struct Impl;
  [[nodiscard]] Impl& impl() const { return *impl_; }

 private:
  explicit ClientSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::host::zmq
