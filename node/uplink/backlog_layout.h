#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

/// Constants of docs/formats/node_backlog.md, for the backlog's own sources.
namespace trib::node::uplink {

inline constexpr std::uint32_t kSectorMagic = 0x474F4C42;  // "BLOG"
inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::uint32_t kNoSequence = 0xFFFFFFFF;  // behind it, a cursor would start over
inline constexpr std::size_t kSectorHeaderBytes = 56;
inline constexpr std::size_t kMarkBytes = 8;
inline constexpr std::uint16_t kEntryMagic = 0xB10C;
inline constexpr std::size_t kPieceBytes = 64;

inline bool Blank(std::span<const std::byte> bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0xFF}; });
}

}  // namespace trib::node::uplink
