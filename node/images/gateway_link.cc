#include "gateway_link.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "trib/common/host/identity/identity.h"
#include "trib/common/host/serial/client.h"
#include "trib/common/message/types.h"

namespace trib::node::images {
namespace {

namespace identity = host::identity;
using host::zmq::LinkState;

/// The node's keys and its gateway's, as the socket wants them.
bool ReadKeys(const SimOptions& options,
              host::zmq::CurveKeys& keys,
              host::zmq::ClientOptions& client,
              std::string& error) {
  const auto pair = identity::LoadKeyPair(options.key, &error);
  if (!pair.ok()) {
    error = "--key: " + error;
    return false;
  }
  const auto server = identity::ParsePublicKeyArgument(options.gateway_key, &error);
  if (!server.ok()) {
    error = "--gateway-key: " + error;
    return false;
  }
  const auto curve = identity::ToCurve(*server);
  if (!curve.ok()) {
    error = "--gateway-key: is no usable key";
    return false;
  }
  const identity::CurveKeys own = identity::ToCurve(*pair);
  std::memcpy(keys.public_key.data(), own.public_key.bytes.data(), keys.public_key.size());
  std::memcpy(keys.secret_key.data(), own.secret_key.bytes.data(), keys.secret_key.size());
  client.endpoint = options.gateway;
  std::memcpy(
      client.server_public_key.data(), curve->bytes.data(), client.server_public_key.size());
  client.max_message_bytes = message::kMaxEnvelopeBytes;
  return true;
}

std::unique_ptr<sim::SerialPort> OpenSerial(const SimOptions& options,
                                            Clock& clock,
                                            std::string& error) {
  const auto endpoint =
      host::serial::ParseEndpoint(options.serial, host::serial::Use::kConnect, error);
  auto client = endpoint.ok() ? host::serial::Client::Open(*endpoint, {}, error)
                              : Result<std::unique_ptr<host::serial::Client>>(endpoint.status());
  if (!client.ok()) {
    error = "--serial: " + error;
    return nullptr;
  }
  return std::make_unique<sim::SerialPort>(
      *std::move(client),
      clock,
      sim::SerialPort::Options{
          .node = options.id, .mtu = options.serial_mtu, .nonce = host::serial::DrawNonce()});
}

}  // namespace

bool GatewayLink::Open(const SimOptions& options, Clock& clock, std::string& error) {
  if (!options.serial.empty()) {
    serial_ = OpenSerial(options, clock, error);
    return serial_ != nullptr;
  }
  if (options.gateway.empty()) {
    return true;
  }
  host::zmq::CurveKeys keys;
  host::zmq::ClientOptions client;
  if (!ReadKeys(options, keys, client, error)) {
    return false;
  }
  auto socket = host::zmq::ClientSocket::Open(context_, keys, client, error);
  if (!socket.ok()) {
    error = "--gateway: " + error;
    return false;
  }
  zmq_ = std::make_unique<sim::ZmqLink>(*std::move(socket), message::kMaxEnvelopeBytes);
  return true;
}

bool GatewayLink::Check(const SimOptions& options, std::string& error) {
  host::zmq::CurveKeys keys;
  host::zmq::ClientOptions client;
  return options.gateway.empty() || ReadKeys(options, keys, client, error);
}

Link& GatewayLink::link() {
  if (serial_) {
    return *serial_;
  }
  return zmq_ ? static_cast<Link&>(*zmq_) : none_;
}

void GatewayLink::AddTo(host::zmq::Poller& poller) {
  if (serial_) {
    (void)poller.AddFd(serial_->fd());
  } else if (zmq_) {
    (void)poller.Add(zmq_->socket());
  }
}

Millis GatewayLink::Settle() {
  if (!serial_) {
    return Millis::max();
  }
  serial_->Pump();
  return serial_->UntilDue();
}

LinkState GatewayLink::state() {
  if (!serial_) {
    return zmq_ ? zmq_->socket().link() : LinkState::kUnknown;
  }
  const frame::Channel& channel = serial_->channel();
  const bool connected = serial_->client().connected();
  if (channel.in_session() && connected) {
    return LinkState::kUp;
  }
  if (!channel.in_session() && channel.close_reason() == frame::CloseReason::kNotAllowed) {
    return LinkState::kRefused;
  }
  if (channel.session_count() > 0) {
    return LinkState::kDown;
  }
  return connected ? LinkState::kUnknown : LinkState::kUnreachable;
}

std::uint64_t GatewayLink::received() const {
  return serial_ ? serial_->received() : (zmq_ ? zmq_->received() : 0);
}

}  // namespace trib::node::images
