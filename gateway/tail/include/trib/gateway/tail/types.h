#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "trib/common/base/ids.h"
#include "trib/common/base/time.h"
#include "trib/common/classify/classify.h"
#include "trib/common/message/types.h"
#include "trib/common/status/result.h"

namespace trib::gateway::tail {

/// What the gateway's exit says.
struct Finished {
  classify::Decision decision;
  FixedVector<float, message::kMaxLabels> scores;  ///< one per label of the package
  bool final = false;  ///< it stands: accepted, or there is no later exit to ask
};

/// Runs a package's network from an activation to the gateway's exit.
///
/// @returns kNotFound           no such package here
///          kFailedPrecondition its network has no exit for this tier
///          kDataLoss           the bytes are no activation of it
using Finish =
    std::function<Result<Finished>(PackageHash package, std::span<const std::byte> activation)>;

struct Options {
  std::size_t batch = 32;  ///< records that are worked on together
  Millis deadline{20};     ///< a batch that is not full starts so long after its first record
  /// What may be read from the spool and not have its outcome on disk. The spool holds the rest.
  std::size_t max_records = 256;
  std::size_t max_bytes = std::size_t{4} << 20U;
  /// A record received longer ago goes on to the cloud: nobody here waits for it any more, and a
  /// tail that is too slow must not hold records for ever.
  Millis patience{60'000};
};

/// A deferred record as the spool holds it.
struct Deferred {
  std::int64_t id = 0;
  std::uint64_t received_ms = 0;  ///< gateway wall clock
  std::string sealed;
};

/// What to read from the spool next.
struct Wanted {
  std::int64_t after = 0;
  std::size_t max = 0;
  std::size_t max_bytes = 0;
};

struct Now {
  MonotonicTime monotonic{};
  std::uint64_t unix_ms = 0;
};

/// The outcome to be written beside a record.
struct Outcome {
  std::int64_t id = 0;
  std::string verdict;  ///< an encoded TierVerdict; empty: the cloud is asked instead
};

/// A verdict for the node that asked.
struct Answer {
  NodeId node;
  EnrolmentEpoch epoch;
  message::Verdict verdict;
};

struct Output {
  std::vector<Outcome> outcomes;
  std::vector<Answer> answers;
};

}  // namespace trib::gateway::tail
