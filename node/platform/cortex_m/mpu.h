#pragma once

#include <cstdint>

/// The memory protection unit: this_board::kProtection put into force.
namespace trib::node::cortex_m {

/// From here on an access that board.h does not allow is a fault. Not in handlers of NMI and
/// HardFault, so that they can write down what happened.
void ProtectMemory();

/// Lets the ranges with Access::kReadOnly be written, or not.
void SetReadOnlyWritable(bool writable);

// Of each architecture, for the two above.

/// Puts a range of this_board::kProtection into the region of its number.
void SetRegion(std::uint32_t number, bool writable);
void EnableProtection();

}  // namespace trib::node::cortex_m
