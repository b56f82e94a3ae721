#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "trib/common/base/time.h"
#include "trib/common/host/control/types.h"
#include "trib/common/host/zmq/client_socket.h"

namespace trib::host::control {

struct ControlClientOptions {
  std::string endpoint;
  zmq::CurvePublicKey server_public_key{};
  Millis deadline{5'000};  ///< of each call
};

/// Calls one daemon.
///
/// Threads  One.
class ControlClient {
 public:
  static Result<std::unique_ptr<ControlClient>> Open(zmq::Context& context,
                                                     const zmq::CurveKeys& operator_keys,
                                                     const ControlClientOptions& options,
                                                     std::string& error);

  /// Blocks until the answer or the deadline. Apart from what the daemon itself answers, fails with
  ///   kUnavailable       nobody listens at the endpoint for the whole deadline
  ///   kUnauthenticated   the daemon refused our key, at once
  ///   kFailedPrecondition  what listens there has another key, or is no daemon of ours
  ///   kDeadlineExceeded  connected, but no answer: the call may or may not have taken effect
  Outcome Call(std::string_view name, const nlohmann::json& args);

 private:
  ControlClient(std::unique_ptr<zmq::ClientSocket> socket, ControlClientOptions options);
  ControlError NotConnected(zmq::LinkState link) const;

  std::unique_ptr<zmq::ClientSocket> socket_;
  ControlClientOptions options_;
  std::uint64_t next_id_ = 1;
};

}  // namespace trib::host::control
