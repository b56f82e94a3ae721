#pragma once

#include <cstdint>
#include <vector>

#include "cohort.h"
#include "pool.h"
#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// How channel `index` of `now` stands against `reference`.
Evidence Weigh(
    const Channel& channel, std::size_t index, const Tally& reference, const Tally& now, double z);

/// Whether it is more than significant: PSI above `min_psi` and its critical value, or a rate that
/// went up or down by a half.
bool HasEffect(const Evidence& evidence, double min_psi);

/// All channels that counted anything, strongest first.
std::vector<Evidence> EvidenceOf(const Reference& reference,
                                 std::span<const Channel> channels,
                                 const Scored& scored);
std::vector<Evidence> EvidenceOf(std::span<const Channel> channels,
                                 const CohortTest& test,
                                 const CohortCounts& counts);

/// Whether a node's rejected block has an effect: on the histogram that moved most, or on the rate
/// that led.
bool NodeHasEffect(const Reference& reference,
                   std::span<const Channel> channels,
                   const Scored& scored,
                   double min_psi);

}  // namespace trib::cloud::drift
