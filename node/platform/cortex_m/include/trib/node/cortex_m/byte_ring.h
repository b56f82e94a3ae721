#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/check.h"

namespace trib::node::cortex_m {

/// Bytes from one writer to one reader, of whom either may be an interrupt.
///
/// Memory   Borrows `memory` for life, a power of two of bytes, and uses all of it.
/// Threads  Push() and room() belong to the writer, Pop() and size() to the reader. No locks.
class ByteRing {
 public:
  constexpr explicit ByteRing(std::span<std::byte> memory) : memory_(memory) {
    TRIB_CHECK(std::has_single_bit(memory.size()));
  }

  [[nodiscard]] std::size_t size() const {
    return written_.load(std::memory_order_acquire) - read_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t room() const {
    return memory_.size() -
           (written_.load(std::memory_order_relaxed) - read_.load(std::memory_order_acquire));
  }
  /// Takes what has room, from the front. @returns how many.
  std::size_t Push(std::span<const std::byte> bytes) {
    // The other side moves meanwhile: its counter is read once.
    const std::size_t count = std::min(bytes.size(), room());
    const std::uint32_t at = written_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < count; ++i) {
      memory_[(at + i) & (memory_.size() - 1)] = bytes[i];
    }
    written_.store(at + static_cast<std::uint32_t>(count), std::memory_order_release);
    return count;
  }
  /// @returns how many bytes came.
  std::size_t Pop(std::span<std::byte> out) {
    const std::size_t count = std::min(out.size(), size());
    const std::uint32_t at = read_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = memory_[(at + i) & (memory_.size() - 1)];
    }
    read_.store(at + static_cast<std::uint32_t>(count), std::memory_order_release);
    return count;
  }

 private:
  // 1. Both count up and wrap; written_ - read_ is what is in, at most memory_.size().
  const std::span<std::byte> memory_;
  std::atomic<std::uint32_t> written_ = 0;
  std::atomic<std::uint32_t> read_ = 0;
};

}  // namespace trib::node::cortex_m
