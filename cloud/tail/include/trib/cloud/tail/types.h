#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "trib/cloud/ports/types.h"
#include "trib/common/base/time.h"
#include "trib/common/classify/classify.h"
#include "trib/common/status/result.h"

namespace trib::cloud::tail {

/// What the last exit says, and what the node's own said.
struct Finished {
  classify::Decision decision;
  FixedVector<float, message::kMaxLabels> scores;  ///< one per label of the package
  std::uint32_t own_label = 0;
};

/// Runs a package's network from an activation to its last exit; the logits of the first exit are
/// in the activation.
///
/// @returns kNotFound  no such package here
///          kDataLoss  the bytes are no activation of it
using Finish =
    std::function<Result<Finished>(PackageHash package, std::span<const std::byte> activation)>;

struct Options {
  std::size_t batch = 32;                           ///< records that are worked on together
  std::size_t batch_bytes = std::size_t{1} << 20U;  ///< of one package
  Millis deadline{20};  ///< a batch that is not full starts so long after its first was stored
};

/// A verdict for the node that asked.
struct Answer {
  NodeId node;
  EnrolmentEpoch epoch;
  message::Verdict verdict;
};

struct Output {
  std::vector<Decided> decided;
  std::vector<Answer> answers;  ///< for when `decided` is in the store
};

}  // namespace trib::cloud::tail
