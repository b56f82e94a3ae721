#pragma once

#include <cstdint>

#include "trib/common/base/time.h"

namespace trib::node {

/// Why the node started. Same values as message::ResetReason.
enum class ResetCause : unsigned char {
  kUnspecified = 0,
  kPowerOn = 1,
  kSoftware = 2,
  kWatchdog = 3,
  kFault = 4,
  kBrownOut = 5,
};

/// What ended the boot before. Same values as message::CrashKind.
enum class CrashKind : std::uint8_t {
  kNone = 0,
  kHardFault = 1,
  kMemoryFault = 2,  ///< the memory protection unit refused an access
  kBusFault = 3,
  kUsageFault = 4,
  kStackOverflow = 5,
  kHang = 6,   ///< the watchdog was not fed
  kPanic = 7,  ///< the code found a promise of its own broken
};

/// What a crashing node could still write down.
struct Crash {
  CrashKind kind = CrashKind::kNone;
  std::uint32_t program_counter = 0;  ///< of the instruction, or where it was when it hung
  std::uint32_t address = 0;          ///< that was accessed, as far as the core knows; else 0
};

/// Peripherals that a platform has besides the sensor, for the energy model.
struct Peripherals {
  std::uint8_t on = 0;   ///< draw current while the node sleeps
  std::uint8_t off = 0;  ///< were turned off because nothing uses them
};

class Power {
 public:
  virtual ResetCause reset_cause() = 0;
  /// What ended the boot before; kNone where nothing did, or the platform keeps no such record.
  virtual Crash crash() { return {}; }
  /// None of either where a platform cannot tell.
  virtual Peripherals peripherals() { return {}; }
  /// Sleeps until `limit` has passed in monotonic time or the sensor or link has something.
  virtual void Sleep(Millis limit) = 0;

 protected:
  ~Power() = default;
};

}  // namespace trib::node
