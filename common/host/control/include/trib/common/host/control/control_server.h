#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "trib/common/host/control/registry.h"
#include "trib/common/host/zmq/server_socket.h"

namespace trib::host::control {

/// Answers operators on an admin socket.
///
/// Memory   Borrows the registry.
/// Threads  One: handlers run on it too.
class ControlServer {
 public:
  /// Listens in domain kAdminDomain; the caller gives `zap` that domain's table.
  /// @returns as zmq::ServerSocket::Open.
  static Result<std::unique_ptr<ControlServer>> Open(zmq::Context& context,
                                                     zmq::ZapHandler& zap,
                                                     const zmq::CurveKeys& keys,
                                                     const std::string& endpoint,
                                                     const Registry& registry,
                                                     std::string& error);

  /// The socket, to wait on and to read the endpoint from.
  [[nodiscard]] zmq::ServerSocket& socket() { return *socket_; }

  /// Answers what waits, at most `max` requests. @returns how many. Never blocks.
  std::size_t Serve(std::size_t max = 64);

 private:
  ControlServer(std::unique_ptr<zmq::ServerSocket> socket, const Registry& registry);

  std::unique_ptr<zmq::ServerSocket> socket_;
  const Registry& registry_;
};

}  // namespace trib::host::control
