#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/time.h"
#include "trib/common/frame/channel_memory.h"
#include "trib/common/frame/frame.h"
#include "trib/common/frame/metrics.h"
#include "trib/common/status/result.h"

namespace trib::frame {

/// The receiving half of a Channel: brings Data into order, puts messages together and says what is
/// to be acknowledged when.
///
/// Memory   Borrows `slots`, `slot_bytes` and `message` of ChannelMemory for life.
/// Threads  One caller at a time.
class Receiver {
 public:
  Receiver(const ChannelMemory& memory, Millis ack_delay, ChannelMetrics& metrics);

  /// Begins at sequence 0 without half a message; one that waits whole goes on waiting. `window`:
  /// what both ends can hold.
  void Begin(std::size_t window);
  /// Requires  no message waits, not broken.
  void Take(const Frame& data, MonotonicTime now);
  /// The sender broke the rules of messages: the session has to end.
  [[nodiscard]] bool broken() const { return broken_; }

  [[nodiscard]] bool message_waits() const { return message_waits_; }
  Result<std::size_t> Receive(std::span<std::byte> memory);

  void AcknowledgeNow() { ack_due_ = MonotonicTime::min(); }
  /// When an acknowledgement has to go at last. MonotonicTime::max(): there is none to give.
  [[nodiscard]] MonotonicTime ack_due() const { return ack_due_; }
  /// What to say; counts as said.
  Acknowledgement Acknowledge();

 private:
  using Slot = ChannelMemory::Slot;

  [[nodiscard]] std::size_t Index(std::size_t ahead) const {
    return (front_ + ahead) % slots_.size();
  }
  void Keep(const Frame& data, std::size_t ahead);
  void Append(bool first, bool last, std::span<const std::byte> payload);
  void Drain();

  std::span<Slot> slots_;
  std::span<std::byte> slot_bytes_;
  std::span<std::byte> message_;
  std::size_t share_;  ///< bytes of a slot
  Millis ack_delay_;
  ChannelMetrics& metrics_;

  // 1. next_ is the first sequence that is not in the message; its place among the slots is front_.
  // 2. It is in its slot only while a message waits to be taken.
  std::uint16_t next_ = 0;
  std::size_t front_ = 0;
  std::size_t message_bytes_ = 0;
  bool in_message_ = false;
  bool message_waits_ = false;
  bool broken_ = false;
  std::size_t ack_at_once_ = 1;  ///< Data that may wait for an acknowledgement before it is due
  std::size_t unacknowledged_ = 0;
  MonotonicTime ack_due_ = MonotonicTime::max();
};

}  // namespace trib::frame
