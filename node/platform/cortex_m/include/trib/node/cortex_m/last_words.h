#pragma once

#include <cstdint>

#include "trib/node/ports/power.h"

namespace trib::node::cortex_m {

/// What one boot leaves for the next one, in memory that a reset keeps and a power cut does not.
struct LastWords {
  std::uint32_t magic;
  std::uint32_t cause;  ///< ResetCause
  std::uint32_t kind;   ///< CrashKind
  std::uint32_t program_counter;
  std::uint32_t address;
  std::uint32_t checksum;  ///< CRC-32C of all before
};

struct BootReport {
  ResetCause cause = ResetCause::kUnspecified;
  Crash crash;
};

/// Never fails and needs little stack: called by handlers of faults.
void Write(LastWords& words, const BootReport& report);

/// What the boot before left. Memory that holds no words lost its power: kPowerOn. From now on the
/// words say kUnspecified: a reset that nobody here asked for.
BootReport Take(LastWords& words);

}  // namespace trib::node::cortex_m
