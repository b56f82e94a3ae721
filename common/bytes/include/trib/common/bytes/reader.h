#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trib {

/// Reads little-endian values from outside bytes. Past the end every read gives zero and ok() turns
/// false for good, so a decoder reads straight on and checks once.
///
/// Memory  Borrows the bytes.
class ByteReader {
 public:
  constexpr explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  [[nodiscard]] constexpr std::size_t position() const { return position_; }
  [[nodiscard]] constexpr std::size_t remaining() const { return bytes_.size() - position_; }

  constexpr std::uint8_t U8() { return static_cast<std::uint8_t>(Little(1)); }
  constexpr std::uint16_t U16() { return static_cast<std::uint16_t>(Little(2)); }
  constexpr std::uint32_t U32() { return static_cast<std::uint32_t>(Little(4)); }
  constexpr std::uint64_t U64() { return Little(8); }
  constexpr float F32() { return std::bit_cast<float>(U32()); }
  /// `count` bytes in place, or an empty span (and !ok()) when there are fewer.
  constexpr std::span<const std::byte> Bytes(std::size_t count) {
    if (!Has(count)) {
      return {};
    }
    const auto out = bytes_.subspan(position_, count);
    position_ += count;
    return out;
  }
  constexpr void Skip(std::size_t count) { (void)Bytes(count); }

 private:
  constexpr bool Has(std::size_t count) {
    ok_ = ok_ && count <= remaining();
    return ok_;
  }
  constexpr std::uint64_t Little(std::size_t count) {
    if (!Has(count)) {
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      value |= static_cast<std::uint64_t>(bytes_[position_ + i]) << (8U * i);
    }
    position_ += count;
    return value;
  }

  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace trib
