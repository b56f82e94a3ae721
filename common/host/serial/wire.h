#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "trib/common/frame/channel.h"
#include "trib/common/host/serial/descriptors.h"
#include "trib/common/host/serial/server.h"

namespace trib::host::serial {

/// One wire of a Server: descriptor, channel, and the bytes between them.
///
/// State   1. Between calls, all that came is in the channel or in `in_`; what is in `in_` waits
///            for a message to be taken.
///         2. The channel gives bytes only when `out_` is empty, so at most that much is on its way
///            to the descriptor.
class Wire {
 public:
  Wire(const Endpoint& endpoint,
       const ServerOptions& options,
       std::uint32_t nonce,
       MonotonicTime now);

  /// Takes an open descriptor; before, and after Detach(), there is none.
  void Attach(Descriptor descriptor);
  void Detach();
  [[nodiscard]] bool attached() const { return descriptor_.ok(); }
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }
  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }

  /// Whether it is a connection that has had no session for too long.
  [[nodiscard]] bool Silent(MonotonicTime now) const { return now >= silent_at(); }
  /// Moves bytes both ways. @returns false when the other end is gone.
  [[nodiscard]] bool Pump(MonotonicTime now);
  /// Takes a message. @returns kUnavailable without one.
  Result<std::size_t> Receive(std::span<std::byte> memory, MonotonicTime now);
  Status Send(std::string_view body, MonotonicTime now);

  [[nodiscard]] bool wants_in() const { return in_begin_ == in_end_; }
  [[nodiscard]] bool wants_out() const { return out_begin_ != out_end_; }
  [[nodiscard]] MonotonicTime next_due() const;
  [[nodiscard]] const frame::Channel& channel() const { return channel_; }
  /// Of the newest session, also when it is over: a message may wait longer than its session lasts.
  [[nodiscard]] std::uint64_t station() const { return station_; }
  /// Sessions of who may not speak, since the last call.
  std::uint64_t TakeRefusals();

  std::uint32_t watched = 0;  ///< what epoll was told; 0: not in it
  MonotonicTime retry_at{};   ///< of a device that is away
  Millis pause;               ///< before the retry after that; short again once a frame is heard

 private:
  /// Gives the channel what is in `in_`. @returns false when it takes no more now.
  bool Feed(MonotonicTime now);
  void Judge(MonotonicTime now);
  bool Write(MonotonicTime now);
  /// Whether it has a session, or a message waits to be taken: that outlives its session, and
  /// whoever has to take it is late, not the other end.
  [[nodiscard]] bool Heard() const;
  [[nodiscard]] MonotonicTime silent_at() const;

  const Endpoint endpoint_;
  const std::set<std::uint64_t>& stations_;
  const Millis silence_;
  const Millis retry_;
  Descriptor descriptor_;
  frame::ChannelStorage<frame::kMaxMtu, frame::kBitmapBits, std::size_t{32} * 1024> storage_;
  frame::Channel channel_;
  std::array<std::byte, 2048> in_{};
  std::size_t in_begin_ = 0;
  std::size_t in_end_ = 0;
  std::array<std::byte, 4096> out_{};
  std::size_t out_begin_ = 0;
  std::size_t out_end_ = 0;
  MonotonicTime heard_at_;             // when Heard() last was so, or when the wire came
  std::uint64_t frames_attached_ = 0;  // of the channel, when the descriptor was attached
  std::uint64_t judged_ = 0;           // sessions of the channel
  std::uint64_t station_ = 0;
  std::uint64_t refusals_ = 0;
};
static_assert(sizeof(Wire) <= std::size_t{80} * 1024);

}  // namespace trib::host::serial
