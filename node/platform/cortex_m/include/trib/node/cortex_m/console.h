#pragma once

#include <cstdint>
#include <string_view>

namespace trib::node::cortex_m {

/// Text for people and tests, on the board's first UART. Has no state: any number may live.
///
/// Threads  Any, but pieces of two callers mix.
/// Blocks   Until the UART took each byte; a byte that it does not take within a while is lost.
class Console {
 public:
  const Console& Text(std::string_view text) const;
  const Console& Number(std::uint64_t value) const;
  /// 0x and eight digits.
  const Console& Hex(std::uint32_t value) const;
  void End() const { Text("\n"); }

  /// Once, before anything is written.
  static void Start();
};

}  // namespace trib::node::cortex_m
