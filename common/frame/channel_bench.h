#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bad_wire.h"
#include "trib/common/base/random.h"
#include "trib/common/frame/channel.h"

namespace trib::frame {

/// For tests: a Channel with memory of its own and bytes that came and were not taken yet.
class End {
 public:
  End(const ChannelOptions& options, std::size_t window, std::size_t transmit_bytes = 6'144)
      : coded_(options.mtu - 1U),
        slots_(window),
        slot_bytes_(window * MaxPayloadBytes(options.mtu)),
        flights_(window),
        transmit_(transmit_bytes),
        message_(kMaxMessageBytes),
        wire_(std::size_t{4} * (kMaxMtu + 1)),
        channel_(options, {coded_, slots_, slot_bytes_, flights_, transmit_, message_}) {}

  Channel& channel() { return channel_; }
  Channel* operator->() { return &channel_; }

  void Hear(const std::vector<std::byte>& bytes, MonotonicTime now) {
    inbox_.insert(inbox_.end(), bytes.begin(), bytes.end());
    const std::size_t taken = channel_.TakeBytes(inbox_, now);
    inbox_.erase(inbox_.begin(), inbox_.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  void Speak(BadWire& wire, MonotonicTime now) {
    for (std::size_t bytes = 1; bytes > 0;) {
      bytes = channel_.GiveBytes(wire_, now);
      wire.Give(std::span(wire_).first(bytes), now);
    }
  }
  [[nodiscard]] std::size_t untaken() const { return inbox_.size(); }

 private:
  std::vector<std::byte> coded_;
  std::vector<ChannelMemory::Slot> slots_;
  std::vector<std::byte> slot_bytes_;
  std::vector<ChannelMemory::Flight> flights_;
  std::vector<std::byte> transmit_;
  std::vector<std::byte> message_;
  std::vector<std::byte> wire_;
  std::vector<std::byte> inbox_;
  Channel channel_;
};

/// Messages numbered from 0 that both ends know: number, length and bytes follow from a seed.
class Script {
 public:
  explicit Script(std::uint64_t seed, std::size_t most = kMaxMessageBytes)
      : seed_(seed), most_(most) {}

  [[nodiscard]] std::vector<std::byte> Message(std::uint64_t number) const {
    SplitMix64 random(SplitMix64::Mix(seed_) + number);
    std::vector<std::byte> message(1 + random.Next() % most_);
    for (std::byte& b : message) {
      // Zeros often: they are what coding is about.
      const std::uint64_t draw = random.Next();
      b = (draw & 0x700U) == 0 ? std::byte{0} : static_cast<std::byte>(draw);
    }
    return message;
  }

 private:
  std::uint64_t seed_;
  std::size_t most_;
};

}  // namespace trib::frame
