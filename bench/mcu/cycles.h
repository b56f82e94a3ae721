#pragma once

#include <cstdint>
#include <map>

#include "listing.h"

namespace trib::bench::mcu {

/// Executions of each address.
using Executions = std::map<std::uint32_t, std::uint64_t>;

/// What a Cortex-M4F would take, by the timings of its reference manual, from memory without wait
/// states: an estimate, made of exact counts. A branch that is taken refills the pipeline in 2
/// cycles (the manual says 1 to 3), and counts as taken as often as what lies behind it was not
/// executed; a load behind a load or store takes 1 cycle, a division 8 (2 to 12). Nothing stalls
/// for an operand.
std::uint64_t EstimateCortexM4Cycles(const Listing& listing, const Executions& executions);

}  // namespace trib::bench::mcu
