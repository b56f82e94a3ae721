#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/node/cortex_m/board_types.h"
#include "trib/node/cortex_m/byte_ring.h"
#include "trib/node/cortex_m/system.h"
#include "trib/node/ports/byte_stream.h"

namespace trib::node::cortex_m {

/// A UART of the CMSDK kind whose interrupts move bytes between it and two rings.
///
/// Memory   Borrows the rings' memory for life, powers of two of bytes.
/// Threads  The node's one; its interrupts are the other side of the rings.
/// State    With the ring full, what comes waits in the UART, and what comes after it is lost and
///          counted, where the other side does not wait.
class Uart final : public ByteStream, public InterruptHandler {
 public:
  constexpr Uart(const UartPlace& place,
                 std::span<std::byte> receive_memory,
                 std::span<std::byte> transmit_memory)
      : place_(place), received_(receive_memory), waiting_(transmit_memory) {}

  /// Requires  Called once; this lives as long as the image.
  void Start(std::uint32_t baud);

  std::size_t Write(std::span<const std::byte> bytes) override;
  std::size_t Read(std::span<std::byte> memory) override;
  [[nodiscard]] std::size_t room() const override { return waiting_.room(); }

  /// Bytes that Read() would give.
  [[nodiscard]] std::size_t readable() const { return received_.size(); }
  /// Bytes written that the UART has not taken yet.
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  /// Times that a byte was lost because nobody took the one before.
  [[nodiscard]] std::uint32_t overruns() const { return overruns_; }

  void OnInterrupt(std::uint32_t line) override;

 private:
  void TakeReceived();
  void GiveWaiting();

  const UartPlace place_;
  ByteRing received_;
  ByteRing waiting_;
  // Written with interrupts off.
  volatile bool paused_ = false;
  volatile std::uint32_t overruns_ = 0;
};

}  // namespace trib::node::cortex_m
