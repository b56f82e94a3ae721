#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace trib {

/// Writes little-endian values into borrowed memory. What does not fit is not written and ok()
/// turns false for good.
class ByteWriter {
 public:
  constexpr explicit ByteWriter(std::span<std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  [[nodiscard]] constexpr std::size_t position() const { return position_; }
  [[nodiscard]] constexpr std::span<const std::byte> written() const {
    return bytes_.first(position_);
  }

  constexpr void U8(std::uint8_t value) { Little(value, 1); }
  constexpr void U16(std::uint16_t value) { Little(value, 2); }
  constexpr void U32(std::uint32_t value) { Little(value, 4); }
  constexpr void U64(std::uint64_t value) { Little(value, 8); }
  constexpr void F32(float value) { U32(std::bit_cast<std::uint32_t>(value)); }
  constexpr void Bytes(std::span<const std::byte> source) {
    if (!Has(source.size())) {
      return;
    }
    for (std::size_t i = 0; i < source.size(); ++i) {
      bytes_[position_ + i] = source[i];
    }
    position_ += source.size();
  }
  /// Zero bytes up to the next multiple of `alignment` from the start of the memory.
  constexpr void Align(std::size_t alignment) {
    while (ok_ && position_ % alignment != 0) {
      U8(0);
    }
  }

 private:
  constexpr bool Has(std::size_t count) {
    ok_ = ok_ && count <= bytes_.size() - position_;
    return ok_;
  }
  constexpr void Little(std::uint64_t value, std::size_t count) {
    if (!Has(count)) {
      return;
    }
    for (std::size_t i = 0; i < count; ++i) {
      bytes_[position_ + i] = static_cast<std::byte>(value >> (8U * i));
    }
    position_ += count;
  }

  std::span<std::byte> bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace trib
