#pragma once

#include <cstddef>
#include <span>

namespace trib::node {

/// A wire that carries bytes and promises nothing about them: a UART.
class ByteStream {
 public:
  /// Takes what has room, from the front. Never blocks. @returns how many bytes.
  virtual std::size_t Write(std::span<const std::byte> bytes) = 0;
  /// Takes what came. Never blocks. @returns how many bytes; 0 = none.
  virtual std::size_t Read(std::span<std::byte> memory) = 0;
  /// Bytes that Write() would take now.
  [[nodiscard]] virtual std::size_t room() const = 0;

 protected:
  ~ByteStream() = default;
};

}  // namespace trib::node
