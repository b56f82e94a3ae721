#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/frame/channel.h"
#include "trib/node/ports/byte_stream.h"
#include "trib/node/ports/clock.h"
#include "trib/node/ports/link.h"

namespace trib::node::serial {

/// The Link port over a wire: frame::Channel between the node's loop and a ByteStream.
///
/// Memory   Borrows all for life; 1.3 kB of its own.
/// Threads  The node's loop.
class SerialLink final : public Link {
 public:
  /// `channel` is an initiator, and is started before anything below is called.
  SerialLink(frame::Channel& channel, ByteStream& wire, Clock& clock);

  /// Moves bytes between wire and channel. Send() and Receive() do it, too; call it before
  /// sleeping.
  void Pump();
  /// How long the platform may sleep unless bytes arrive; 0: not at all; Millis::max(): for ever.
  [[nodiscard]] Millis UntilDue();

  /// kUnavailable: the other end did not answer yet, or the session ended.
  Status Send(std::span<const std::byte> message) override;
  Result<std::size_t> Receive(std::span<std::byte> memory) override;
  [[nodiscard]] std::size_t max_message_bytes() const override { return frame::kMaxMessageBytes; }
  [[nodiscard]] const frame::Channel& channel() const { return channel_; }

 private:
  static constexpr std::size_t kReadBytes = 256;

  void TakeIn(MonotonicTime now);
  void GiveOut(MonotonicTime now);

  frame::Channel& channel_;
  ByteStream& wire_;
  Clock& clock_;
  std::array<std::byte, kReadBytes> in_{};  ///< from the wire, not taken by the channel yet
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  std::array<std::byte, frame::kMaxMtu + 1>
      out_{};  ///< from the channel, not taken by the wire yet
  std::size_t out_begin_ = 0;
  std::size_t out_end_ = 0;
};

}  // namespace trib::node::serial
