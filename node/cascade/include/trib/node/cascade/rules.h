#pragma once

#include <cstdint>
#include <span>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/message/types.h"
#include "trib/node/ports/actuator.h"

namespace trib::node::cascade {

/// What a fallback rule looks at: raw statistics of one channel in physical units, or the verdict
/// of the guardrails.
enum class Quantity : std::uint8_t { kFault = 0, kRms = 1, kPeak = 2, kCrest = 3 };

struct Rule {
  Quantity quantity = Quantity::kFault;
  /// kFault: the fault this rule is for; kUnspecified stands for any.
  message::FaultCode fault = message::FaultCode::kUnspecified;
  /// kAnyChannel, or the one channel meant. Not used by kFault.
  std::uint32_t channel = 0;
  /// The rule holds when the quantity is above this. Not used by kFault.
  float above = 0;
  ActuatorState state = ActuatorState::kNormal;
};

inline constexpr std::uint32_t kAnyChannel = 0xFF;
inline constexpr std::size_t kMaxRules = 16;
inline constexpr std::size_t kMaxChannels = 8;
using RuleTable = FixedVector<Rule, kMaxRules>;

/// Without a package: any sensor fault warns, nothing else is known about the machine.
RuleTable BuiltInRules();

struct ChannelStatistics {
  float rms = 0;
  float peak = 0;
  float crest = 0;
};
using WindowStatistics = FixedVector<ChannelStatistics, kMaxChannels>;

/// Statistics of interleaved counts, times `scale`. A scale that is not finite gives statistics
/// that are not either; no rule on them then holds.
///
/// Requires  1 <= channels <= kMaxChannels; at least one frame.
WindowStatistics Measure(std::span<const std::int16_t> samples,
                         std::uint32_t channels,
                         float scale);

/// The worst state of all rules that hold; kNormal when none does.
ActuatorState Evaluate(const RuleTable& rules,
                       const WindowStatistics& statistics,
                       message::FaultCode fault);

constexpr ActuatorState Worse(ActuatorState a, ActuatorState b) {
  return a < b ? b : a;
}

}  // namespace trib::node::cascade
