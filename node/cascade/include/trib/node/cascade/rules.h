#pragma once

#include <cstdint>
#include <span>

#include "trib/common/dsp/statistics.h"
#include "trib/common/message/types.h"
#include "trib/common/package/sections.h"
#include "trib/node/ports/actuator.h"

namespace trib::node::cascade {

/// Without a package: any sensor fault warns, nothing else is known about the machine.
package::FallbackRules BuiltInRules();

/// Of one channel, its mean removed.
///
/// Units  Physical; crest has none.
struct ChannelStatistics {
  float rms = 0;
  float peak = 0;
  float crest = 0;
};
/// Statistics of a channel of counts, times `scale`. With a scale that is not finite, rms and peak
/// are not either, and no rule on them holds when it is NaN.
ChannelStatistics Measure(const dsp::TimeStatistics<float>& channel, float scale);

/// The window that rules look at; none, when there is nothing but a fault.
///
/// Memory  Borrows the channels. Those beyond kMaxChannels are not looked at: no rule can name
/// them.
struct Measurable {
  std::span<const dsp::TimeStatistics<float>> channels;
  float scale = 0;
};

struct RuleOutcome {
  ActuatorState state = ActuatorState::kNormal;
  std::uint8_t label = 0;  ///< of the first rule with that state
};

/// The worst state of all rules that hold; kNormal and label 0 when none does.
RuleOutcome Evaluate(const package::FallbackRules& rules,
                     const Measurable& window,
                     message::FaultCode fault);

constexpr ActuatorState Worse(ActuatorState a, ActuatorState b) {
  return a < b ? b : a;
}

}  // namespace trib::node::cascade
