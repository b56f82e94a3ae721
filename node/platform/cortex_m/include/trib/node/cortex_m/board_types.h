#pragma once

#include <cstdint>

/// What a board's board.h is made of: places and numbers, no code.
namespace trib::node::cortex_m {

struct UartPlace {
  std::uint32_t base;
  std::uint32_t receive_line;   ///< interrupt
  std::uint32_t transmit_line;  ///< interrupt
};

struct MemoryRange {
  std::uint32_t base;
  std::uint32_t bytes;

  [[nodiscard]] constexpr bool Holds(std::uint32_t address) const { return address - base < bytes; }
};

enum class Access : std::uint8_t {
  kCode,        ///< read and execute
  kReadOnly,    ///< read; what the flash driver opens for writing
  kData,        ///< read and write
  kPeripheral,  ///< read and write, in order, nothing kept in between
  kNone,
};

/// A part of the address space; where none is, every access faults.
struct ProtectedRange {
  MemoryRange range;
  Access access;
};

}  // namespace trib::node::cortex_m
