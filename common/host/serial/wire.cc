#include "wire.h"

#include <algorithm>
#include <utility>

namespace trib::host::serial {
namespace {

// Reads of one wire in a row; then it is another's turn.
constexpr int kReadsPerTurn = 8;

frame::ChannelOptions OptionsOf(const ServerOptions& options) {
  return {.role = frame::Role::kResponder, .station = options.station, .mtu = frame::kMaxMtu};
}

}  // namespace

Wire::Wire(const Endpoint& endpoint,
           const ServerOptions& options,
           std::uint32_t nonce,
           MonotonicTime now)
    : pause(options.retry),
      endpoint_(endpoint),
      stations_(options.stations),
      silence_(options.silence),
      retry_(options.retry),
      channel_(OptionsOf(options), storage_.memory()),
      heard_at_(now) {
  channel_.Start(nonce, now);
}

void Wire::Attach(Descriptor descriptor) {
  descriptor_ = std::move(descriptor);
  frames_attached_ = channel_.metrics().frames_received;
}

void Wire::Detach() {
  descriptor_ = Descriptor();
  in_begin_ = in_end_ = 0;
  out_begin_ = out_end_ = 0;
}

bool Wire::Pump(MonotonicTime now) {
  if (!attached()) {
    return true;
  }
  // Also when what comes now ends the session: until then it stood.
  heard_at_ = Heard() ? now : heard_at_;
  bool there = true;
  for (int reads = 0; there && reads < kReadsPerTurn && Feed(now); ++reads) {
    const Moved got = ReadSome(descriptor_.get(), in_);
    there = !got.ended;
    if (got.bytes == 0) {
      break;
    }
    in_begin_ = 0;
    in_end_ = got.bytes;
  }
  (void)Feed(now);
  heard_at_ = Heard() ? now : heard_at_;
  pause = channel_.metrics().frames_received > frames_attached_ ? retry_ : pause;
  // Also to an end that has shut down only one direction.
  return Write(now) && there;
}

bool Wire::Feed(MonotonicTime now) {
  while (in_begin_ < in_end_) {
    const std::size_t taken =
        channel_.TakeBytes(std::span(in_).subspan(in_begin_, in_end_ - in_begin_), now);
    Judge(now);
    in_begin_ += taken;
    if (taken == 0) {
      return false;
    }
  }
  return true;
}

/// Ends a session that has just begun when its station may not speak.
void Wire::Judge(MonotonicTime now) {
  if (channel_.session_count() == judged_) {
    return;
  }
  judged_ = channel_.session_count();
  station_ = channel_.peer();
  if (!channel_.in_session() || stations_.contains(station_)) {
    return;
  }
  ++refusals_;
  channel_.Close(frame::CloseReason::kNotAllowed, now);
  std::array<std::byte, frame::kMaxMessageBytes> unheard{};
  while (channel_.Receive(unheard).ok()) {
  }
}

std::uint64_t Wire::TakeRefusals() {
  return std::exchange(refusals_, 0);
}

bool Wire::Write(MonotonicTime now) {
  while (true) {
    if (out_begin_ == out_end_) {
      out_begin_ = 0;
      out_end_ = channel_.GiveBytes(out_, now);
      if (out_end_ == 0) {
        return true;
      }
    }
    const Moved put = WriteSome(descriptor_.get(),
                                endpoint_.kind,
                                std::span(out_).subspan(out_begin_, out_end_ - out_begin_));
    out_begin_ += put.bytes;
    if (put.ended || put.bytes == 0) {
      return !put.ended;
    }
  }
}

Result<std::size_t> Wire::Receive(std::span<std::byte> memory, MonotonicTime now) {
  heard_at_ = Heard() ? now : heard_at_;
  const auto got = channel_.Receive(memory);
  if (got.ok()) {
    (void)Feed(now);
  }
  return got;
}

Status Wire::Send(std::string_view body, MonotonicTime now) {
  return channel_.Send(std::as_bytes(std::span(body)), now);
}

bool Wire::Heard() const {
  return channel_.in_session() || channel_.message_waits() || !wants_in();
}

MonotonicTime Wire::silent_at() const {
  return endpoint_.kind != Endpoint::Kind::kTcp || Heard() ? MonotonicTime::max()
                                                           : heard_at_ + silence_;
}

MonotonicTime Wire::next_due() const {
  if (!attached()) {
    return retry_at;
  }
  // What waits for room is woken by the room.
  return wants_out() ? silent_at() : std::min(channel_.next_due(), silent_at());
}

}  // namespace trib::host::serial
