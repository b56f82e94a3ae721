#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/time.h"
#include "trib/common/frame/channel_memory.h"
#include "trib/common/frame/frame.h"
#include "trib/common/frame/metrics.h"
#include "trib/common/frame/round_trip.h"
#include "trib/common/status/result.h"

namespace trib::frame {

/// The sending half of a Channel: keeps messages until they are acknowledged, cuts them to Data and
/// says what is to be sent when.
///
/// Memory   Borrows `flights` and `transmit` of ChannelMemory for life.
/// Threads  One caller at a time.
class Sender {
 public:
  struct Limits {
    Millis retransmit_least{};
    Millis retransmit_most{};
    std::uint8_t max_transmissions = 0;
  };

  Sender(const ChannelMemory& memory, const Limits& limits, ChannelMetrics& metrics);

  /// Forgets all messages and begins at sequence 0. `window`: what both ends can hold.
  void Begin(std::size_t mtu, std::size_t window);
  /// @returns kResourceExhausted when there is no room.
  Status Queue(std::span<const std::byte> message);
  void Take(const Acknowledgement& ack, MonotonicTime now);
  /// Looks whether the time for an acknowledgement is over.
  void Expire(MonotonicTime now);
  /// A frame would have to be sent once more than allowed.
  [[nodiscard]] bool exhausted() const;

  /// There is Data to send now.
  [[nodiscard]] bool ready() const;
  /// The next Data has room for an acknowledgement. Requires ready().
  [[nodiscard]] bool HasRoomForAcknowledgement() const;
  /// Fills in the next Data but for session and acknowledgement, and counts it as sent. Leaves room
  /// for an acknowledgement where it can if `room_for_ack`. Requires ready().
  void Next(bool room_for_ack, Frame& frame, MonotonicTime now);
  /// When there is something to do without an acknowledgement. MonotonicTime::min(): now.
  [[nodiscard]] MonotonicTime next_due() const;

 private:
  using Flight = ChannelMemory::Flight;

  [[nodiscard]] Flight& At(std::size_t i) const { return flights_[(oldest_ + i) % window_]; }
  [[nodiscard]] Flight* FirstDue() const;
  [[nodiscard]] MonotonicTime Deadline() const { return timer_ + round_trip_.timeout(); }
  Flight& Cut(bool room_for_ack);
  void Settle(Flight& flight, MonotonicTime now);
  static void Probe(Flight& flight);
  void Slide();
  void CopyIn(std::span<const std::byte> bytes);
  [[nodiscard]] std::uint32_t Wrap(std::uint32_t at) const;

  std::span<Flight> flights_;
  std::span<std::byte> transmit_;
  Limits limits_;
  ChannelMetrics& metrics_;
  RoundTrip round_trip_;
  std::size_t payload_bytes_ = MaxPayloadBytes(kMinMtu);
  std::size_t window_ = 1;

  // 1. flights oldest_ .. oldest_ + under_way_ (modulo window_) are the sequences from base_ on.
  // 2. The oldest of them is not acknowledged.
  // 3. The last queued_bytes_ of the used_bytes_ of the ring, from cut_at_ to put_at_, are not cut
  //    yet; message_left_ of them belong to a message that was begun.
  std::size_t oldest_ = 0;
  std::size_t under_way_ = 0;
  std::uint16_t base_ = 0;
  std::uint32_t order_ = 0;
  std::uint32_t cut_at_ = 0;
  std::uint32_t put_at_ = 0;
  std::uint32_t used_bytes_ = 0;
  std::uint32_t queued_bytes_ = 0;
  std::uint32_t message_left_ = 0;
  MonotonicTime timer_{};  ///< runs since then while something is under way
};

}  // namespace trib::frame
