#pragma once

#include "trib/testing/port_contracts.h"

/// The contracts of port_contracts.h as checks to call from a GoogleTest body.
namespace trib::testing {

/// Erases and overwrites everything.
void RunFlashContract(node::Flash& flash);

/// `pass` lets about that much time go by: advances a fake, waits for a real clock.
void RunClockContract(node::Clock& clock, FunctionRef<void(Millis)> pass);

/// A fault-free pair. `settle` lets messages arrive; called between attempts to receive.
void RunLinkContract(node::Link& a, node::Link& b, FunctionRef<void()> settle);

/// A wire whose other end sends back what comes.
void RunByteStreamContract(node::ByteStream& echoed, FunctionRef<void()> settle);

void RunEntropyContract(node::Entropy& entropy);

}  // namespace trib::testing
