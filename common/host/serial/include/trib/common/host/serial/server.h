#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/base/time.h"
#include "trib/common/frame/channel.h"
#include "trib/common/host/serial/endpoint.h"
#include "trib/common/status/result.h"

namespace trib::host::serial {

struct ServerOptions {
  std::vector<Endpoint> endpoints = {};   ///< read for kListen
  std::uint64_t station = 0;              ///< who this end is: the gateway's id
  std::set<std::uint64_t> stations = {};  ///< who may speak; nobody else is listened to
  /// TCP connections at once; further ones are closed. Devices come on top.
  std::size_t max_wires = 256;
  /// A connection is closed after so long without a session, or ones that say nothing would keep
  /// others out.
  Millis silence{60'000};
  /// Wait before a lost device is opened again, doubled each time until a frame is heard.
  Millis retry{200};
  Millis retry_most{5'000};
  std::function<std::uint32_t()> nonce = {};       ///< empty: DrawNonce()
  std::function<void(std::string_view)> log = {};  ///< devices that come and go, stations refused
};

struct Metrics {
  std::uint64_t wires = 0;             ///< now: connections, and devices that are there
  std::uint64_t in_session = 0;        ///< now
  std::uint64_t accepted = 0;          ///< connections
  std::uint64_t wires_refused = 0;     ///< connections beyond max_wires
  std::uint64_t wires_silent = 0;      ///< connections closed for want of a session
  std::uint64_t accept_failures = 0;   ///< mostly no file descriptors left
  std::uint64_t devices_lost = 0;      ///< times a device went away
  std::uint64_t stations_refused = 0;  ///< sessions of who may not speak, ended
  std::uint64_t queue_full = 0;        ///< Send() that found no room
  frame::ChannelMetrics channel;       ///< of all wires that ever were
};

struct ReceivedMessage {
  std::string routing_id;     ///< where an answer goes; lives as long as the session
  std::uint64_t station = 0;  ///< who sent it, one of ServerOptions::stations; not proven
  std::string body;
};

/// Whether an id is of a Server's message. ZeroMQ's own begin with a zero byte, these never.
bool IsRoutingId(std::string_view id);

/// Accepts nodes over serial links: one frame::Channel per wire. As zmq::ServerSocket, but that
/// nothing is encrypted, and that a station is who it says.
///
/// Memory   Per wire 80 KiB, whatever happens on it. A wire whose messages nobody takes is not
///          read, and its session acknowledges nothing more.
/// Threads  One owner. Reads no clock.
/// Order    Messages of one session arrive in order, each once. Sending is not delivery.
class Server {
 public:
  /// @returns with the reason in `error`:
  ///   kInvalidArgument  a device that is no serial device
  ///   kAlreadyExists    somebody else has the port or the device
  ///   kUnavailable      anything else. A device that is not there now is no error.
  static Result<std::unique_ptr<Server>> Open(ServerOptions options,
                                              MonotonicTime now,
                                              std::string& error);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// With actual ports, in the order of the options.
  [[nodiscard]] std::vector<std::string> endpoints() const;

  /// Readable when Service() has something to do; the same for life.
  [[nodiscard]] int fd() const;
  /// When Service() is to be called though fd() is not readable; max(): never.
  [[nodiscard]] MonotonicTime next_due() const;
  /// Moves bytes, accepts, opens again. Never blocks.
  void Service(MonotonicTime now);

  /// Takes one message, from the wires in turn.
  /// @returns kUnavailable when there is none. Never blocks.
  Result<ReceivedMessage> Receive(MonotonicTime now);
  /// @returns kNotFound when that session is over, kResourceExhausted when its queue is full,
  ///   kInvalidArgument for a message that is empty or too long; nothing was sent then.
  Status Send(std::string_view routing_id, std::string_view body, MonotonicTime now);

  [[nodiscard]] Metrics metrics() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace trib::host::serial
