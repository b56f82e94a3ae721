#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "trib/common/host/zmq/client_socket.h"
#include "trib/node/ports/link.h"

namespace trib::node::sim {

/// The link to a gateway over ZeroMQ: one message per frame, CURVE always. A connection that was
/// lost is told once by Send(), also when there is another one by then: to the gateway that is
/// another session, and what was under way is lost.
///
/// Threads  That of the socket's owner.
class ZmqLink final : public Link {
 public:
  ZmqLink(std::unique_ptr<host::zmq::ClientSocket> socket, std::size_t max_message_bytes)
      : socket_(std::move(socket)), max_message_bytes_(max_message_bytes) {}

  Status Send(std::span<const std::byte> message) override;
  Result<std::size_t> Receive(std::span<std::byte> memory) override;
  [[nodiscard]] std::size_t max_message_bytes() const override { return max_message_bytes_; }

  [[nodiscard]] host::zmq::ClientSocket& socket() { return *socket_; }
  /// Messages received.
  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  std::unique_ptr<host::zmq::ClientSocket> socket_;
  const std::size_t max_message_bytes_;
  std::uint64_t received_ = 0;
  std::uint64_t connection_ = 0;  // of the last Send()
  bool in_use_ = false;           // something was sent over it
};

/// A link to nowhere, for a node without a gateway.
class NoLink final : public Link {
 public:
  Status Send(std::span<const std::byte> /*message*/) override { return Code::kUnavailable; }
  Result<std::size_t> Receive(std::span<std::byte> /*memory*/) override {
    return Code::kUnavailable;
  }
  [[nodiscard]] std::size_t max_message_bytes() const override { return 4096; }
};

}  // namespace trib::node::sim
