#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// What a host leaves in a board's memory for the window image, and what comes back. As jobs.h:
/// plain words, little-endian on both sides.
namespace trib::bench::mcu {

inline constexpr std::array<char, 8> kWindowMagic = {'T', 'R', 'I', 'B', 'W', 'I', 'N', '1'};

/// What a node did with the samples. The same on every machine, to the bit.
struct WindowReport {
  std::uint64_t windows = 0;
  std::uint64_t windows_invalid = 0;
  std::uint64_t windows_triggered = 0;
  std::uint64_t classified = 0;
  std::uint64_t events = 0;
  std::uint64_t records = 0;
  std::uint64_t records_failed = 0;
  std::uint64_t actuator_sets = 0;
  std::uint32_t actuator_crc = 0;  ///< CRC-32C of every state, in order
  std::uint32_t flash_crc = 0;     ///< CRC-32C of all that state and backlog hold
  friend bool operator==(const WindowReport&, const WindowReport&) = default;
};

struct WindowJob {
  std::array<char, 8> magic{};
  std::uint32_t bytes = 0;           ///< of all: this, package and samples
  std::uint32_t package_offset = 0;  ///< a multiple of 16
  std::uint32_t package_bytes = 0;
  std::uint32_t samples_offset = 0;  ///< a multiple of 16; one channel of int16
  std::uint32_t samples = 0;
  std::uint32_t sample_rate_hz = 0;
  std::uint32_t block_samples = 0;  ///< that the sensor gives at once, at most
  float scale = 0;
  std::uint64_t node = 0;
  std::array<std::byte, 32> package_key{};
  std::uint32_t done = 0;    ///< 1 when `report` is written
  std::uint32_t status = 0;  ///< code and reason of Start(), or why the package was refused; 0: ok
  WindowReport report;
};

}  // namespace trib::bench::mcu
