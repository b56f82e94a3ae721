#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "bad_wire.h"
#include "trib/common/base/check.h"
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
  /// Power fails and comes back: what was in memory is gone.
  void Restart(std::uint32_t nonce, MonotonicTime now) {
    inbox_.clear();
    channel_.Start(nonce, now);
  }

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

/// One Channel; the test plays the other end, frame by frame.
class Solo {
 public:
  /// A frame with its payload kept.
  struct Heard {
    Frame frame;
    std::vector<std::byte> payload;
  };

  explicit Solo(const ChannelOptions& options, std::size_t window = 8) : end_(options, window) {
    end_->Start(0x1000, now_);
  }

  Channel* operator->() { return &end_.channel(); }
  [[nodiscard]] MonotonicTime now() const { return now_; }
  void Pass(Millis time) { now_ += time; }

  void Hear(const Frame& frame) {
    std::vector<std::byte> wire(kMaxMtu + 1);
    const auto length = Encode(frame, wire);
    TRIB_CHECK(length.ok());
    wire.resize(*length);
    end_.Hear(wire, now_);
  }
  /// What the channel has to say now.
  std::vector<Heard> Speak() {
    std::vector<std::byte> wire(64 * kMaxMtu);
    wire.resize(end_->GiveBytes(wire, now_));
    std::vector<std::byte> memory(kMaxMtu);
    Splitter splitter(memory);
    std::vector<Heard> out;
    std::span<const std::byte> rest(wire);
    for (auto coded = splitter.Next(rest); !coded.empty(); coded = splitter.Next(rest)) {
      Frame frame;
      TRIB_CHECK(Decode(coded, frame).ok());
      out.push_back({frame, {frame.payload.begin(), frame.payload.end()}});
      out.back().frame.payload = {};
    }
    return out;
  }

 private:
  MonotonicTime now_{Millis(5'000)};
  End end_;
};

/// Messages numbered from 0 that both ends know: number, length and bytes follow from a seed.
class Script {
 public:
  Script(std::uint64_t seed, std::size_t least, std::size_t most)
      : seed_(seed), least_(least), most_(most) {}

  [[nodiscard]] std::vector<std::byte> Message(std::uint64_t number) const {
    SplitMix64 random(SplitMix64::Mix(seed_) + number);
    std::vector<std::byte> message(least_ + random.Next() % (most_ - least_ + 1));
    for (std::byte& b : message) {
      // Zeros often: they are what coding is about.
      const std::uint64_t draw = random.Next();
      b = (draw & 0x700U) == 0 ? std::byte{0} : static_cast<std::byte>(draw);
    }
    return message;
  }

 private:
  std::uint64_t seed_;
  std::size_t least_;
  std::size_t most_;
};

}  // namespace trib::frame
