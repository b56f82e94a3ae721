#pragma once

#include <cstdint>

#include "trib/common/base/ids.h"
#include "trib/common/status/result.h"
#include "trib/node/ports/entropy.h"
#include "trib/node/state/state_store.h"

namespace trib::node::state {

/// The part of every record key that a restart must not repeat.
struct Identity {
  EnrolmentEpoch epoch;
  std::uint32_t boot = 0;  ///< from 1
  /// The epoch was drawn now: the state was blank or damaged.
  bool fresh = false;
};

/// Reads the epoch, or draws one (never 0) when there is none, and counts this boot. Both are
/// durable before it returns.
///
/// Requires  The first write after store.Open() (which may have said kDataLoss), once per boot.
/// @returns  the Entropy port's failure when an epoch is needed and cannot be drawn; a flash
///           failure; kResourceExhausted when 2^32 - 1 boots are used up
Result<Identity> OpenIdentity(StateStore& store, Entropy& entropy);

}  // namespace trib::node::state
