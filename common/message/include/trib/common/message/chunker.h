#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/message/types.h"
#include "trib/common/status/result.h"

namespace trib::message {

/// Envelope bytes around a chunk's data at most, every number at its widest.
inline constexpr std::size_t kChunkOverheadBytes = 42;
static_assert(kChunkOverheadBytes < kMinMtuBytes);

/// Cuts an encoded SealedRecord into chunks for a link with a small maximum message.
///
/// Memory  Borrows the bytes until the last chunk was taken; no copy.
/// Limits  At the narrowest MTU a chunk has 51 bytes and 11 to 23 of them are data.
class Chunker {
 public:
  /// @returns kInvalidArgument  `mtu_bytes` below kMinMtuBytes, or `sealed` empty or longer than
  ///                            kMaxTransferBytes, or `sequence` 0
  static Result<Chunker> Create(std::uint32_t boot,
                                std::uint32_t sequence,
                                std::span<const std::byte> sealed,
                                std::size_t mtu_bytes);

  [[nodiscard]] std::size_t count() const;
  /// Any chunk, so that a lost one is sent again alone. EncodeChunk() of it fits the MTU.
  ///
  /// Requires  index < count().
  [[nodiscard]] Chunk At(std::size_t index) const;

 private:
  Chunker(Chunk first, std::span<const std::byte> sealed, std::size_t data_bytes)
      : first_(first), sealed_(sealed), data_bytes_(data_bytes) {}

  Chunk first_;
  std::span<const std::byte> sealed_;
  std::size_t data_bytes_;
};

}  // namespace trib::message
