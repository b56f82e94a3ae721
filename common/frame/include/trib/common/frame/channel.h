#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/time.h"
#include "trib/common/frame/frame.h"
#include "trib/common/status/result.h"

namespace trib::frame {

enum class Role : std::uint8_t { kInitiator, kResponder };

struct ChannelOptions {
  Role role = Role::kInitiator;
  std::uint64_t station = 0;  ///< who this end is: a node's or gateway's id
  std::uint16_t mtu = 256;    ///< kMinMtu to kMaxMtu, and at most what the memory was made for
  Millis ack_delay{10};
  Millis retransmit_least{40};
  Millis retransmit_most{4'000};
  Millis open_first{200};
  Millis open_most{5'000};
  Millis refused_pause{30'000};
  std::uint8_t max_transmissions = 16;
};

/// Of one end, since construction. Frames and bytes as on the wire.
struct ChannelMetrics {
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_received = 0;  ///< well formed
  std::uint64_t retransmissions = 0;
  std::uint64_t duplicates = 0;  ///< Data that was here already
  std::uint64_t reordered = 0;   ///< Data that came before one it follows
  std::uint64_t out_of_window = 0;
  std::uint64_t malformed = 0;  ///< not COBS, wrong checksum, malformed body
  std::uint64_t oversized = 0;
  std::uint64_t stale = 0;  ///< of another session
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t sessions = 0;  ///< begun
  std::uint64_t closed = 0;    ///< ended by either end
};

/// Borrowed; ChannelStorage owns it.
struct ChannelMemory {
  struct Slot {
    std::uint16_t sequence = 0;
    std::uint16_t bytes = 0;
    bool first = false;
    bool last = false;
    bool used = false;
  };
  /// A frame under way: which part of `transmit` it carries.
  struct Flight {
    std::uint32_t begin = 0;
    std::uint16_t bytes = 0;
    std::uint8_t transmissions = 0;
    std::uint8_t passed = 0;  ///< frames sent later that were acknowledged
    bool first = false;
    bool last = false;
    bool used = false;
    bool acknowledged = false;
    bool due = false;  ///< to be sent again now
    MonotonicTime sent{};
  };
  std::span<std::byte> coded;       ///< of the frame being received
  std::span<std::byte> wire;        ///< of the frame being sent
  std::span<Slot> slots;            ///< window: Data out of order
  std::span<std::byte> slot_bytes;  ///< equal share per slot
  std::span<Flight> flights;        ///< window
  std::span<std::byte>
      transmit;  ///< ring of messages not wholly acknowledged, each behind its length
  std::span<std::byte> message;  ///< being put together; kMaxMessageBytes
};

template <std::size_t kMtu, std::size_t kWindow, std::size_t kTransmitBytes>
class ChannelStorage {
  static_assert(kMtu >= kMinMtu && kMtu <= kMaxMtu);
  static_assert(kWindow >= 1 && kWindow <= kBitmapBits);
  static_assert(kTransmitBytes >= kMaxMessageBytes + 8);

 public:
  ChannelMemory memory() {
    return {coded_, wire_, slots_, slot_bytes_, flights_, transmit_, message_};
  }

 private:
  std::array<std::byte, kMtu> coded_{};
  std::array<std::byte, kMtu + 1> wire_{};
  std::array<ChannelMemory::Slot, kWindow> slots_{};
  std::array<std::byte, kWindow * MaxDecodedBytes(kMtu)> slot_bytes_{};
  std::array<ChannelMemory::Flight, kWindow> flights_{};
  std::array<std::byte, kTransmitBytes> transmit_{};
  std::array<std::byte, kMaxMessageBytes> message_{};
};

/// One end of a serial link: messages in and out, bytes in and out. Owns no wire and reads no
/// clock. docs/formats/serial_link.md says what it does.
///
/// Memory   Borrows `memory` for life. No heap.
/// Threads  One caller at a time.
/// Order    Messages of a session arrive in the order of Send(), each once, or the session ends.
class Channel {
 public:
  Channel(const ChannelOptions& options, const ChannelMemory& memory);
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Initiator: begins a session as soon as there is something to do, with this nonce first; later
  /// ones follow from it. Responder: its nonces follow from it. Must never repeat over restarts
  /// except by chance.
  void Start(std::uint32_t nonce, MonotonicTime now);

  /// Queues one message of 1 to kMaxMessageBytes.
  /// @returns kUnavailable        no session now
  ///          kResourceExhausted  the queue has no room for it now
  ///          kInvalidArgument    empty or too long
  Status Send(std::span<const std::byte> message, MonotonicTime now);
  /// Takes the next whole message into `memory`.
  /// @returns its length; kUnavailable none; kResourceExhausted longer than `memory`: dropped
  Result<std::size_t> Receive(std::span<std::byte> memory);

  /// Bytes that came from the wire. Takes a front part of them and returns its length: it stops
  /// after a frame that completes a message, until Receive() took that.
  std::size_t TakeBytes(std::span<const std::byte> bytes, MonotonicTime now);
  /// Fills `wire` with whole frames that are due. @returns the length; 0: nothing now. Every frame
  /// returned counts as sent. `wire`: at least mtu + 1 bytes.
  std::size_t GiveBytes(std::span<std::byte> wire, MonotonicTime now);
  /// When GiveBytes() has something, unless bytes or messages come. MonotonicTime::max(): never.
  [[nodiscard]] MonotonicTime next_due() const;

  [[nodiscard]] bool in_session() const;
  /// The other end's id, of the standing session; 0 without one.
  [[nodiscard]] std::uint64_t peer() const;
  /// Counts sessions: whoever looks after a message can see that it was lost with its session.
  [[nodiscard]] std::uint64_t session_count() const { return metrics_.sessions; }
  /// Ends the session, and tells the other end.
  void Close(CloseReason reason, MonotonicTime now);
  [[nodiscard]] const ChannelMetrics& metrics() const { return metrics_; }

 private:
  // The implementer's.
  ChannelOptions options_;
  ChannelMemory memory_;
  ChannelMetrics metrics_;
};

}  // namespace trib::frame
