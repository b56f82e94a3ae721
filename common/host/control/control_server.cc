#include "trib/common/host/control/control_server.h"

#include <utility>

namespace trib::host::control {

ControlServer::ControlServer(std::unique_ptr<zmq::ServerSocket> socket, const Registry& registry)
    : socket_(std::move(socket)), registry_(registry) {}

Result<std::unique_ptr<ControlServer>> ControlServer::Open(zmq::Context& context,
                                                           zmq::ZapHandler& zap,
                                                           const zmq::CurveKeys& keys,
                                                           const std::string& endpoint,
                                                           const Registry& registry,
                                                           std::string& error) {
  TRIB_TRY_ASSIGN(auto socket,
                  zmq::ServerSocket::Open(context,
                                          zap,
                                          keys,
                                          {.endpoint = endpoint,
                                           .zap_domain = std::string(kAdminDomain),
                                           .max_message_bytes = kMaxRequestBytes,
                                           .send_high_water = 16},
                                          error));
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(socket), registry));
}

std::size_t ControlServer::Serve(std::size_t max) {
  std::size_t served = 0;
  (void)socket_->counts();  // what the socket's monitor saw would pile up
  while (served < max) {
    const auto request = socket_->Receive();
    if (!request.ok()) {
      break;
    }
    ++served;
    // An operator who left or reads nothing loses only the own answer.
    (void)socket_->Send(request->routing_id, registry_.Answer(request->body));
  }
  return served;
}

}  // namespace trib::host::control
