#include "trib/common/frame/sender.h"

#include <algorithm>
#include <array>

#include "trib/common/base/check.h"

namespace trib::frame {
namespace {

// In the ring before each message.
constexpr std::uint32_t kLengthBytes = 2;
// So many frames sent later and acknowledged mean that one was lost and is not just late.
constexpr std::uint8_t kPassedMeansLost = 3;
// From this silence since the last measurement on two frames probe: one, or its answer, is lost too
// easily.
constexpr std::uint32_t kTwoProbesFrom = 2;

constexpr bool Before(std::uint32_t order, std::uint32_t other) {
  return static_cast<std::int32_t>(order - other) < 0;
}

}  // namespace

Sender::Sender(const ChannelMemory& memory, const Limits& limits, ChannelMetrics& metrics)
    : flights_(memory.flights),
      transmit_(memory.transmit),
      limits_(limits),
      metrics_(metrics),
      round_trip_(limits.retransmit_least, limits.retransmit_most) {
  TRIB_CHECK(!flights_.empty() && flights_.size() <= kMaxWindow);
  TRIB_CHECK(transmit_.size() >= kMaxMessageBytes + kLengthBytes);
  TRIB_CHECK(limits.max_transmissions > 0);
}

void Sender::Begin(std::size_t mtu, std::size_t window) {
  payload_bytes_ = MaxPayloadBytes(mtu);
  window_ = std::min(window, flights_.size());
  round_trip_ = RoundTrip(limits_.retransmit_least, limits_.retransmit_most);
  oldest_ = 0;
  under_way_ = 0;
  base_ = 0;
  cut_at_ = 0;
  put_at_ = 0;
  used_bytes_ = 0;
  queued_bytes_ = 0;
  message_left_ = 0;
}

// ---- the ring ----------------------------------------------------------------------------------

std::uint32_t Sender::Wrap(std::uint32_t at) const {
  const auto size = static_cast<std::uint32_t>(transmit_.size());
  return at < size ? at : at - size;
}

void Sender::CopyIn(std::span<const std::byte> bytes) {
  const auto room = transmit_.subspan(put_at_);
  const auto front = bytes.first(std::min(bytes.size(), room.size()));
  std::ranges::copy(front, room.begin());
  std::ranges::copy(bytes.subspan(front.size()), transmit_.begin());
  put_at_ = Wrap(put_at_ + static_cast<std::uint32_t>(bytes.size()));
}

Status Sender::Queue(std::span<const std::byte> message) {
  const std::size_t bytes = message.size() + kLengthBytes;
  if (bytes > transmit_.size() - used_bytes_) {
    return Code::kResourceExhausted;
  }
  if (used_bytes_ == 0) {
    // At the front a message is not cut by the end of the ring.
    cut_at_ = 0;
    put_at_ = 0;
  }
  const std::array length{static_cast<std::byte>(message.size()),
                          static_cast<std::byte>(message.size() >> 8U)};
  CopyIn(length);
  CopyIn(message);
  used_bytes_ += static_cast<std::uint32_t>(bytes);
  queued_bytes_ += static_cast<std::uint32_t>(bytes);
  return {};
}

Sender::Flight& Sender::Cut(bool room_for_ack) {
  Flight& flight = At(under_way_);
  flight = {};
  flight.sequence = static_cast<std::uint16_t>(base_ + under_way_);
  if (message_left_ == 0) {
    flight.first = true;
    message_left_ = static_cast<std::uint32_t>(transmit_[cut_at_]) |
                    static_cast<std::uint32_t>(transmit_[Wrap(cut_at_ + 1)]) << 8U;
    cut_at_ = Wrap(cut_at_ + kLengthBytes);
    queued_bytes_ -= kLengthBytes;
  }
  // One piece: what passes the end of the ring is another frame.
  const auto most =
      static_cast<std::uint32_t>(payload_bytes_ - (room_for_ack ? kAcknowledgementBytes : 0));
  const std::uint32_t bytes =
      std::min({most, message_left_, static_cast<std::uint32_t>(transmit_.size()) - cut_at_});
  flight.begin = cut_at_;
  flight.bytes = static_cast<std::uint16_t>(bytes);
  cut_at_ = Wrap(cut_at_ + bytes);
  queued_bytes_ -= bytes;
  message_left_ -= bytes;
  flight.last = message_left_ == 0;
  ++under_way_;
  return flight;
}

// ---- sending -----------------------------------------------------------------------------------

Sender::Flight* Sender::FirstDue() const {
  for (std::size_t i = 0; i < under_way_; ++i) {
    if (At(i).due) {
      return &At(i);
    }
  }
  return nullptr;
}

bool Sender::ready() const {
  return FirstDue() != nullptr || (queued_bytes_ > 0 && under_way_ < window_);
}

bool Sender::HasRoomForAcknowledgement() const {
  const Flight* const again = FirstDue();
  return again == nullptr || again->bytes + kAcknowledgementBytes <= payload_bytes_;
}

void Sender::Next(bool room_for_ack, Frame& frame, MonotonicTime now) {
  if (under_way_ == 0) {
    timer_ = now;
  }
  Flight* const again = FirstDue();
  Flight& flight = again != nullptr ? *again : Cut(room_for_ack);
  metrics_.retransmissions += again != nullptr ? 1 : 0;
  ++flight.transmissions;
  flight.sent = now;
  flight.order = order_++;
  flight.passed = 0;
  flight.due = false;

  frame.type = Type::kData;
  frame.sequence = flight.sequence;
  frame.first = flight.first;
  frame.last = flight.last;
  frame.payload = transmit_.subspan(flight.begin, flight.bytes);
}

MonotonicTime Sender::next_due() const {
  if (ready()) {
    return MonotonicTime::min();
  }
  return under_way_ > 0 ? Deadline() : MonotonicTime::max();
}

// ---- acknowledgements --------------------------------------------------------------------------

void Sender::Take(const Acknowledgement& ack, MonotonicTime now) {
  const auto arrived = static_cast<std::uint16_t>(ack.next - base_);
  if (arrived > under_way_) {
    return;  // a late one: what it says was said before
  }
  const Flight* measured = nullptr;
  bool news = false;
  for (std::size_t i = 0; i < under_way_; ++i) {
    const bool named =
        i < arrived || (i > arrived && ((ack.bitmap >> (i - arrived - 1)) & 1U) != 0);
    Flight& flight = At(i);
    if (!named || flight.acknowledged) {
      continue;
    }
    news = true;
    Settle(flight, now);
    if (flight.transmissions == 1 && (measured == nullptr || measured->sent <= flight.sent)) {
      measured = &flight;
    }
  }
  if (measured != nullptr) {
    round_trip_.Measure(now - measured->sent);
  }
  if (news) {
    timer_ = now;
    Slide();
  }
}

/// This one arrived: those sent before it that did not may be lost.
void Sender::Settle(Flight& flight, MonotonicTime now) {
  flight.acknowledged = true;
  flight.due = false;
  // A probe's answer tells about all that were sent before the silence; that to its first copy,
  // which was late and not lost, does not.
  const bool answer = flight.probe && round_trip_.Plausible(now - flight.sent);
  const std::uint8_t weight = answer ? kPassedMeansLost : 1;
  for (std::size_t i = 0; i < under_way_; ++i) {
    Flight& other = At(i);
    if (other.acknowledged || other.due || !Before(other.order, flight.order)) {
      continue;
    }
    other.passed = static_cast<std::uint8_t>(other.passed + weight);
    if (other.passed >= kPassedMeansLost) {
      other.due = true;
      other.probe = false;
    }
  }
}

/// Drops what is acknowledged from the front of the window.
void Sender::Slide() {
  while (under_way_ > 0 && At(0).acknowledged) {
    used_bytes_ -= At(0).bytes + (At(0).first ? kLengthBytes : 0);
    oldest_ = (oldest_ + 1) % window_;
    --under_way_;
    ++base_;
  }
}

void Sender::Probe(Flight& flight) {
  flight.due = true;
  flight.probe = true;
}

void Sender::Expire(MonotonicTime now) {
  if (under_way_ == 0 || now < Deadline()) {
    return;
  }
  round_trip_.Expire();
  timer_ = now;
  Probe(At(0));
  if (round_trip_.expiries() >= kTwoProbesFrom) {
    std::size_t newest = under_way_ - 1;
    while (At(newest).acknowledged) {
      --newest;  // the oldest is not
    }
    Probe(At(newest));
  }
}

bool Sender::exhausted() const {
  for (std::size_t i = 0; i < under_way_; ++i) {
    if (At(i).due && At(i).transmissions >= limits_.max_transmissions) {
      return true;
    }
  }
  return false;
}

}  // namespace trib::frame
