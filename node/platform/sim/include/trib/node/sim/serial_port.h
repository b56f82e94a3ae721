#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "trib/common/frame/channel.h"
#include "trib/common/host/serial/client.h"
#include "trib/node/ports/byte_stream.h"
#include "trib/node/ports/clock.h"
#include "trib/node/ports/link.h"
#include "trib/node/serial/serial_link.h"

namespace trib::node::sim {

/// A UART that is a TCP connection of this machine, or a device of it.
///
/// Threads  That of the client's owner.
class SerialWire final : public ByteStream {
 public:
  SerialWire(std::unique_ptr<host::serial::Client> client, Clock& clock)
      : client_(std::move(client)), clock_(clock) {}

  std::size_t Write(std::span<const std::byte> bytes) override { return client_->Write(bytes); }
  std::size_t Read(std::span<std::byte> memory) override {
    client_->Service(clock_.Monotonic());
    return client_->Read(memory);
  }
  [[nodiscard]] std::size_t room() const override { return client_->room(); }
  [[nodiscard]] const host::serial::Client& client() const { return *client_; }

 private:
  std::unique_ptr<host::serial::Client> client_;
  Clock& clock_;
};

/// The link to a gateway over a wire: what a board has, on the host.
///
/// Memory   Borrows the clock for life.
/// Threads  The node's one.
class SerialPort final : public Link {
 public:
  struct Options {
    std::uint64_t node = 0;
    std::uint16_t mtu = 256;  ///< frame::kMinMtu to frame::kMaxMtu
    std::uint32_t nonce = 0;  ///< drawn anew for each start
  };

  SerialPort(std::unique_ptr<host::serial::Client> client, Clock& clock, const Options& options);

  Status Send(std::span<const std::byte> message) override { return link_.Send(message); }
  Result<std::size_t> Receive(std::span<std::byte> memory) override;
  [[nodiscard]] std::size_t max_message_bytes() const override { return link_.max_message_bytes(); }

  /// Moves what is due; before sleeping.
  void Pump() { link_.Pump(); }
  /// How long to sleep at most unless fd() is readable.
  [[nodiscard]] Millis UntilDue();
  [[nodiscard]] int fd() const { return wire_.client().fd(); }
  [[nodiscard]] const host::serial::Client& client() const { return wire_.client(); }
  [[nodiscard]] const frame::Channel& channel() const { return channel_; }
  /// Messages received.
  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  Clock& clock_;
  SerialWire wire_;
  frame::ChannelStorage<frame::kMaxMtu, frame::kBitmapBits, 2 * (frame::kMaxMessageBytes + 8)>
      storage_;
  frame::Channel channel_;
  serial::SerialLink link_;
  std::uint64_t received_ = 0;
};

}  // namespace trib::node::sim
