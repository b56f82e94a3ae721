#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "pool.h"
#include "trib/cloud/drift/types.h"

namespace trib::cloud::drift {

/// A node in the slot that is judged.
struct Member {
  NodeId node;
  const Scored* now = nullptr;
  const Pool::Member* past = nullptr;
};

/// One channel of a site, a firmware version or the fleet in one slot.
struct ChannelTest {
  Channel channel;
  std::size_t index = 0;  ///< in the pool's channels; beyond them for the error rate
  double mean = 0;        ///< over the members, of winsorised z
  double t = 0;
  double p = 1;
  double effective_slots = 0;  ///< of the reference's, when days resemble the day before
};

struct CohortTest {
  std::size_t reference_slots = 0;
  std::vector<ChannelTest> channels;  ///< those that counted anything; empty: not tested
};

inline constexpr std::size_t kLeastMembers = 3;
inline constexpr std::size_t kLeastReferenceSlots = 8;

/// Compares the members' mean in this slot with their means in the slots of their references:
/// Student's t, two-sided. A reference slot takes part when half of the members have a block in
/// it. What moves all nodes alike from day to day is in the spread between the slots' means; that
/// days resemble the day before widens the prediction and takes degrees of freedom away.
CohortTest TestCohort(std::span<const Channel> channels, std::span<const Member> members);

/// Sums of what the members counted: their references, and this slot.
struct CohortCounts {
  Tally reference;
  Tally now;
  std::uint64_t reference_judged = 0;
  std::uint64_t reference_errors = 0;
  std::uint64_t judged = 0;
  std::uint64_t errors = 0;
};
CohortCounts CountCohort(std::span<const Channel> channels, std::span<const Member> members);

}  // namespace trib::cloud::drift
