#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "sim_options.h"
#include "trib/common/host/zmq/client_socket.h"
#include "trib/common/host/zmq/context.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/node/ports/clock.h"
#include "trib/node/sim/serial_port.h"
#include "trib/node/sim/zmq_link.h"

namespace trib::node::images {

/// What carries the node's messages to its gateway: ZeroMQ, a wire, or nothing.
///
/// Threads  The node's one.
class GatewayLink {
 public:
  /// What --gateway and its keys, or --serial, name. @returns false with one line in `error`.
  bool Open(const SimOptions& options, Clock& clock, std::string& error);
  /// Reads the keys as Open() does, and opens nothing.
  static bool Check(const SimOptions& options, std::string& error);

  [[nodiscard]] Link& link();
  /// Lets `poller` wait for it.
  void AddTo(host::zmq::Poller& poller);
  /// Before sleeping: sends what is due. @returns how long to sleep at most.
  Millis Settle();

  /// Of a wire: up while there is a session.
  host::zmq::LinkState state();
  /// Messages received.
  [[nodiscard]] std::uint64_t received() const;

 private:
  host::zmq::Context context_;
  std::unique_ptr<sim::ZmqLink> zmq_;
  std::unique_ptr<sim::SerialPort> serial_;
  sim::NoLink none_;
};

}  // namespace trib::node::images
