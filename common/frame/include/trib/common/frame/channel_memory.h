#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/time.h"
#include "trib/common/frame/frame.h"

namespace trib::frame {

/// What a Channel works in. Borrowed; ChannelStorage owns it.
struct ChannelMemory {
  /// Data that came before one it follows.
  struct Slot {
    std::uint16_t bytes = 0;
    bool first = false;
    bool last = false;
    bool used = false;
  };
  /// Data under way: which part of `transmit` it carries.
  struct Flight {
    MonotonicTime sent{};
    std::uint32_t order = 0;  ///< counts transmissions of all frames
    std::uint32_t begin = 0;
    std::uint16_t sequence = 0;
    std::uint16_t bytes = 0;
    std::uint8_t transmissions = 0;
    std::uint8_t passed = 0;  ///< frames sent later that were acknowledged
    bool first = false;
    bool last = false;
    bool acknowledged = false;
    bool due = false;    ///< to be sent again now
    bool probe = false;  ///< was sent again because the time was over
  };
  std::span<std::byte> coded;       ///< of the frame being received
  std::span<Slot> slots;            ///< window
  std::span<std::byte> slot_bytes;  ///< equal share per slot
  std::span<Flight> flights;        ///< window
  std::span<std::byte>
      transmit;  ///< ring of what is not acknowledged, each message behind its length
  std::span<std::byte> message;  ///< being put together; kMaxMessageBytes
};

/// The memory of a Channel for an MTU up to `kMtu` and windows up to `kWindow` Data frames.
/// `kTransmitBytes`: messages that wait or are under way, each with two bytes more.
template <std::size_t kMtu, std::size_t kWindow, std::size_t kTransmitBytes>
class ChannelStorage {
  static_assert(kMtu >= kMinMtu && kMtu <= kMaxMtu);
  static_assert(kWindow >= 1 && kWindow <= kMaxWindow);
  static_assert(kTransmitBytes >= kMaxMessageBytes + 2);

 public:
  ChannelMemory memory() { return {coded_, slots_, slot_bytes_, flights_, transmit_, message_}; }

 private:
  std::array<std::byte, kMtu - 1> coded_{};
  std::array<ChannelMemory::Slot, kWindow> slots_{};
  std::array<std::byte, kWindow * MaxPayloadBytes(kMtu)> slot_bytes_{};
  std::array<ChannelMemory::Flight, kWindow> flights_{};
  std::array<std::byte, kTransmitBytes> transmit_{};
  std::array<std::byte, kMaxMessageBytes> message_{};
};

}  // namespace trib::frame
