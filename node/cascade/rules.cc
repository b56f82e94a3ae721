#include "trib/node/cascade/rules.h"

#include <algorithm>

namespace trib::node::cascade {
namespace {

using package::Comparison;
using package::FallbackRule;
using package::RuleSource;

float Of(const ChannelStatistics& channel, RuleSource source) {
  switch (source) {
    case RuleSource::kRms:
      return channel.rms;
    case RuleSource::kPeak:
      return channel.peak;
    case RuleSource::kCrest:
    default:
      return channel.crest;
  }
}

bool Holds(const FallbackRule& rule, const Measurable& window, message::FaultCode fault) {
  if (rule.source == RuleSource::kAnyFault) {
    return fault != message::FaultCode::kUnspecified;
  }
  if (rule.source == RuleSource::kFaultCode) {
    return static_cast<std::uint16_t>(fault) == rule.fault_code;
  }
  const std::size_t channels = std::min(window.channels.size(), package::kMaxChannels);
  for (std::size_t i = 0; i < channels; ++i) {
    if (rule.channel != package::kAnyChannel && rule.channel != i) {
      continue;
    }
    const float value = Of(Measure(window.channels[i], window.scale), rule.source);
    if (rule.comparison == Comparison::kGreater ? value > rule.threshold : value < rule.threshold) {
      return true;
    }
  }
  return false;
}

}  // namespace

package::FallbackRules BuiltInRules() {
  package::FallbackRules rules;
  FallbackRule rule;
  rule.source = RuleSource::kAnyFault;
  rule.actuator = static_cast<std::uint8_t>(ActuatorState::kWarn);
  (void)rules.rules.push_back(rule);
  return rules;
}

ChannelStatistics Measure(const dsp::TimeStatistics<float>& channel, float scale) {
  const float peak = std::max(channel.maximum - channel.mean, channel.mean - channel.minimum);
  const float crest = channel.deviation > 0 ? peak / channel.deviation : 0.0F;
  return {channel.deviation * scale, peak * scale, crest};
}

RuleOutcome Evaluate(const package::FallbackRules& rules,
                     const Measurable& window,
                     message::FaultCode fault) {
  RuleOutcome worst;
  for (const FallbackRule& rule : rules.rules) {
    const auto state = static_cast<ActuatorState>(rule.actuator);
    if (state > worst.state && Holds(rule, window, fault)) {
      worst = {state, rule.label};
    }
  }
  return worst;
}

}  // namespace trib::node::cascade
