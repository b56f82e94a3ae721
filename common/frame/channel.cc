#include "trib/common/frame/channel.h"

#include <algorithm>

#include "trib/common/base/check.h"

namespace trib::frame {
namespace {

Sender::Limits SenderLimits(const ChannelOptions& options) {
  return {options.retransmit_least, options.retransmit_most, options.max_transmissions};
}

std::span<std::byte> CodedMemory(const ChannelOptions& options, const ChannelMemory& memory) {
  TRIB_CHECK(options.mtu >= kMinMtu && options.mtu <= kMaxMtu);
  TRIB_CHECK(memory.coded.size() >= options.mtu - 1U);
  return memory.coded.first(options.mtu - 1U);
}

}  // namespace

Channel::Channel(const ChannelOptions& options, const ChannelMemory& memory)
    : options_(options),
      window_(static_cast<std::uint8_t>(std::min(memory.slots.size(), memory.flights.size()))),
      splitter_(CodedMemory(options, memory)),
      sender_(memory, SenderLimits(options), metrics_),
      receiver_(memory, options.ack_delay, metrics_) {
  TRIB_CHECK(memory.slot_bytes.size() >= memory.slots.size() * MaxPayloadBytes(options.mtu));
  TRIB_CHECK(options.open_first > Millis(0) && options.open_most >= options.open_first);
}

Status Channel::Send(std::span<const std::byte> message, MonotonicTime /*now*/) {
  if (message.empty() || message.size() > kMaxMessageBytes) {
    return Code::kInvalidArgument;
  }
  if (!standing_.valid) {
    return Code::kUnavailable;
  }
  TRIB_TRY(sender_.Queue(message));
  ++metrics_.messages_sent;
  return {};
}

Result<std::size_t> Channel::Receive(std::span<std::byte> memory) {
  return receiver_.Receive(memory);
}

// ---- bytes in ----------------------------------------------------------------------------------

std::size_t Channel::TakeBytes(std::span<const std::byte> bytes, MonotonicTime now) {
  TRIB_DCHECK(started_);
  auto rest = bytes;
  EndIfHopeless(now);
  while (!receiver_.message_waits()) {
    const auto coded = splitter_.Next(rest);
    if (coded.empty()) {
      break;
    }
    TakeFrame(coded, now);
    EndIfHopeless(now);
  }
  metrics_.oversized = splitter_.oversized();
  const std::size_t taken = bytes.size() - rest.size();
  metrics_.bytes_received += taken;
  return taken;
}

void Channel::TakeFrame(std::span<std::byte> coded, MonotonicTime now) {
  Frame frame;
  if (!Decode(coded, frame).ok()) {
    ++metrics_.malformed;
    return;
  }
  ++metrics_.frames_received;
  switch (frame.type) {
    case Type::kOpen:
      TakeOpen(frame, now);
      return;
    case Type::kOpened:
      TakeOpened(frame);
      return;
    case Type::kClose:
      TakeClose(frame, now);
      return;
    case Type::kData:
    case Type::kAck:
      break;
  }
  if (!InStandingSession(frame, now)) {
    return;
  }
  if (frame.has_ack) {
    sender_.Take(frame.ack, now);
  }
  if (frame.type == Type::kData) {
    receiver_.Take(frame, now);
  }
}

// ---- bytes out ---------------------------------------------------------------------------------

std::size_t Channel::GiveBytes(std::span<std::byte> wire, MonotonicTime now) {
  TRIB_DCHECK(started_);
  TRIB_DCHECK(wire.size() > options_.mtu);
  if (standing_.valid) {
    sender_.Expire(now);
  }
  EndIfHopeless(now);
  std::size_t used = 0;
  Frame frame;
  while (wire.size() - used > options_.mtu && NextFrame(frame, now)) {
    const auto bytes = Encode(frame, wire.subspan(used));
    TRIB_DCHECK(bytes.ok());
    used += bytes.ok() ? *bytes : 0;
    ++metrics_.frames_sent;
  }
  metrics_.bytes_sent += used;
  return used;
}

bool Channel::NextFrame(Frame& frame, MonotonicTime now) {
  frame = {};
  if (close_to_send_ != CloseReason::kUnspecified) {
    frame.type = Type::kClose;
    frame.session = close_session_;
    frame.reason = close_to_send_;
    close_to_send_ = CloseReason::kUnspecified;
    return true;
  }
  return NextOpening(frame, now) || (standing_.valid && NextOfSession(frame, now));
}

bool Channel::NextOfSession(Frame& frame, MonotonicTime now) {
  frame.session = standing_.id;
  const bool data = sender_.ready();
  const bool fits = data && sender_.HasRoomForAcknowledgement();
  const bool to_acknowledge = receiver_.ack_due() != MonotonicTime::max();
  if (receiver_.ack_due() <= now && !fits) {
    frame.type = Type::kAck;
    Attach(frame);
    return true;
  }
  if (!data) {
    return false;
  }
  sender_.Next(to_acknowledge, frame, now);
  if (to_acknowledge && fits) {
    Attach(frame);
  }
  return true;
}

void Channel::Attach(Frame& frame) {
  frame.has_ack = true;
  frame.ack = receiver_.Acknowledge();
}

MonotonicTime Channel::next_due() const {
  if (!started_) {
    return MonotonicTime::max();
  }
  if (close_to_send_ != CloseReason::kUnspecified || repeat_opened_ || receiver_.broken()) {
    return MonotonicTime::min();
  }
  MonotonicTime due = calling_.due;
  if (standing_.valid) {
    due = std::min({due, sender_.next_due(), receiver_.ack_due()});
  }
  return due;
}

}  // namespace trib::frame
