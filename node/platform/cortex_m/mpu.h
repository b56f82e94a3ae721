#pragma once

/// The memory protection unit, one file for each architecture: board::kProtection put into force.
namespace trib::node::cortex_m {

/// From here on an access that board.h does not allow is a fault. Not in handlers of NMI and
/// HardFault, so that they can write down what happened.
void ProtectMemory();

/// Lets the ranges with Access::kReadOnly be written, or not.
void SetReadOnlyWritable(bool writable);

}  // namespace trib::node::cortex_m
