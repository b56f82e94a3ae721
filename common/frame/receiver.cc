#include "trib/common/frame/receiver.h"

#include <algorithm>

#include "trib/common/base/check.h"

namespace trib::frame {

Receiver::Receiver(const ChannelMemory& memory, Millis ack_delay, ChannelMetrics& metrics)
    : slots_(memory.slots),
      slot_bytes_(memory.slot_bytes),
      message_(memory.message),
      share_(memory.slots.empty() ? 0 : memory.slot_bytes.size() / memory.slots.size()),
      ack_delay_(ack_delay),
      metrics_(metrics) {
  TRIB_CHECK(!slots_.empty() && slots_.size() <= kMaxWindow);
  TRIB_CHECK(message_.size() >= kMaxMessageBytes);
}

void Receiver::Begin(std::size_t window) {
  std::ranges::fill(slots_, Slot{});
  next_ = 0;
  front_ = 0;
  in_message_ = false;
  message_bytes_ = message_waits_ ? message_bytes_ : 0;
  broken_ = false;
  ack_at_once_ = std::max<std::size_t>(std::min(window, slots_.size()) / 2, 1);
  unacknowledged_ = 0;
  ack_due_ = MonotonicTime::max();
}

void Receiver::Take(const Frame& data, MonotonicTime now) {
  constexpr std::uint16_t kBehind = 0x8000;
  const auto ahead = static_cast<std::uint16_t>(data.sequence - next_);
  if (ahead >= kBehind) {
    ++metrics_.duplicates;
    AcknowledgeNow();
    return;
  }
  if (ahead >= slots_.size() || data.payload.size() > share_) {
    ++metrics_.out_of_window;
    return;
  }
  if (ahead > 0) {
    Keep(data, ahead);
    AcknowledgeNow();
    return;
  }
  const bool fills_gap = slots_[Index(1)].used;
  Append(data.first, data.last, data.payload);
  Drain();
  if (fills_gap || ++unacknowledged_ >= ack_at_once_) {
    AcknowledgeNow();
  } else {
    ack_due_ = std::min(ack_due_, now + ack_delay_);
  }
}

void Receiver::Keep(const Frame& data, std::size_t ahead) {
  const std::size_t index = Index(ahead);
  Slot& slot = slots_[index];
  if (slot.used) {
    ++metrics_.duplicates;
    return;
  }
  ++metrics_.reordered;
  slot = {static_cast<std::uint16_t>(data.payload.size()), data.first, data.last, true};
  std::ranges::copy(data.payload, slot_bytes_.subspan(index * share_, share_).begin());
}

/// The next piece in order.
void Receiver::Append(bool first, bool last, std::span<const std::byte> payload) {
  ++next_;
  front_ = Index(1);
  if (first == in_message_ || payload.size() > kMaxMessageBytes - message_bytes_) {
    broken_ = true;
    return;
  }
  std::ranges::copy(payload, message_.subspan(message_bytes_).begin());
  message_bytes_ += payload.size();
  in_message_ = !last;
  message_waits_ = last;
}

/// What came early, until it ends or a message is whole.
void Receiver::Drain() {
  while (!message_waits_ && !broken_ && slots_[front_].used) {
    Slot& slot = slots_[front_];
    slot.used = false;
    Append(slot.first, slot.last, slot_bytes_.subspan(front_ * share_, slot.bytes));
  }
}

Result<std::size_t> Receiver::Receive(std::span<std::byte> memory) {
  if (!message_waits_) {
    return Code::kUnavailable;
  }
  const auto message = message_.first(message_bytes_);
  const bool fits = message.size() <= memory.size();
  if (fits) {
    std::ranges::copy(message, memory.begin());
  }
  const std::size_t bytes = message.size();
  message_waits_ = false;
  message_bytes_ = 0;
  ++metrics_.messages_received;
  Drain();
  return fits ? Result<std::size_t>(bytes) : Code::kResourceExhausted;
}

Acknowledgement Receiver::Acknowledge() {
  // While a message waits, what follows it is in the slots, and here all the same.
  std::size_t ahead = 0;
  while (ahead < slots_.size() && slots_[Index(ahead)].used) {
    ++ahead;
  }
  Acknowledgement ack{static_cast<std::uint16_t>(next_ + ahead), 0};
  for (std::size_t i = ahead + 1; i < slots_.size(); ++i) {
    ack.bitmap |= slots_[Index(i)].used ? 1U << (i - ahead - 1) : 0U;
  }
  unacknowledged_ = 0;
  ack_due_ = MonotonicTime::max();
  return ack;
}

}  // namespace trib::frame
