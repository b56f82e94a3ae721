#include "trib/node/serial/serial_link.h"

#include <algorithm>

namespace trib::node::serial {
namespace {

// A wire that never runs dry must not keep the loop for ever.
constexpr int kRoundsPerPump = 64;
// How soon to look again whether a full wire has room.
constexpr Millis kWireFullPause{1};

}  // namespace

SerialLink::SerialLink(frame::Channel& channel, ByteStream& wire, Clock& clock)
    : channel_(channel), wire_(wire), clock_(clock) {}

void SerialLink::Pump() {
  const MonotonicTime now = clock_.Monotonic();
  TakeIn(now);
  GiveOut(now);
}

void SerialLink::TakeIn(MonotonicTime now) {
  for (int i = 0; i < kRoundsPerPump && !channel_.message_waits(); ++i) {
    if (in_begin_ == in_end_) {
      in_begin_ = 0;
      in_end_ = std::min(wire_.Read(in_), in_.size());
    }
    if (in_begin_ == in_end_) {
      return;
    }
    in_begin_ += channel_.TakeBytes(std::span(in_).subspan(in_begin_, in_end_ - in_begin_), now);
  }
}

void SerialLink::GiveOut(MonotonicTime now) {
  for (int i = 0; i < kRoundsPerPump; ++i) {
    if (out_begin_ == out_end_) {
      out_begin_ = 0;
      out_end_ = channel_.GiveBytes(out_, now);
    }
    if (out_begin_ == out_end_) {
      return;
    }
    const std::size_t taken =
        wire_.Write(std::span(out_).subspan(out_begin_, out_end_ - out_begin_));
    out_begin_ += std::min(taken, out_end_ - out_begin_);
    if (taken == 0) {
      return;
    }
  }
}

Millis SerialLink::UntilDue() {
  if (channel_.message_waits() || in_begin_ < in_end_) {
    return Millis(0);
  }
  if (out_begin_ < out_end_) {
    return wire_.room() > 0 ? Millis(0) : kWireFullPause;
  }
  const MonotonicTime due = channel_.next_due();
  const MonotonicTime now = clock_.Monotonic();
  if (due <= now) {
    return Millis(0);
  }
  return due == MonotonicTime::max() ? Millis::max() : due - now;
}

Status SerialLink::Send(std::span<const std::byte> message) {
  Pump();
  TRIB_TRY(channel_.Send(message, clock_.Monotonic()));
  Pump();
  return {};
}

Result<std::size_t> SerialLink::Receive(std::span<std::byte> memory) {
  if (!channel_.message_waits()) {
    Pump();
  }
  return channel_.Receive(memory);
}

}  // namespace trib::node::serial
