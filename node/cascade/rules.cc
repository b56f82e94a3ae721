#include "trib/node/cascade/rules.h"

#include "trib/common/base/check.h"
#include "trib/common/dsp/statistics.h"

namespace trib::node::cascade {
namespace {

float Of(const ChannelStatistics& channel, Quantity quantity) {
  switch (quantity) {
    case Quantity::kRms:
      return channel.rms;
    case Quantity::kPeak:
      return channel.peak;
    case Quantity::kCrest:
      return channel.crest;
    case Quantity::kFault:
      break;
  }
  return 0;
}

bool Holds(const Rule& rule, const WindowStatistics& statistics, message::FaultCode fault) {
  if (rule.quantity == Quantity::kFault) {
    return fault != message::FaultCode::kUnspecified &&
           (rule.fault == message::FaultCode::kUnspecified || rule.fault == fault);
  }
  for (std::size_t i = 0; i < statistics.size(); ++i) {
    if ((rule.channel == kAnyChannel || rule.channel == i) &&
        Of(statistics[i], rule.quantity) > rule.above) {
      return true;
    }
  }
  return false;
}

}  // namespace

RuleTable BuiltInRules() {
  RuleTable rules;
  (void)rules.push_back({.quantity = Quantity::kFault, .state = ActuatorState::kWarn});
  return rules;
}

WindowStatistics Measure(std::span<const std::int16_t> samples,
                         std::uint32_t channels,
                         float scale) {
  TRIB_DCHECK(channels > 0 && channels <= kMaxChannels && samples.size() >= channels);
  WindowStatistics out;
  for (std::uint32_t c = 0; c < channels; ++c) {
    const dsp::ChannelView<std::int16_t> view(samples, channels, c);
    const auto described = dsp::Describe<float>(view, dsp::Accumulate(view));
    (void)out.push_back({described.rms * scale, described.peak * scale, described.crest});
  }
  return out;
}

ActuatorState Evaluate(const RuleTable& rules,
                       const WindowStatistics& statistics,
                       message::FaultCode fault) {
  ActuatorState worst = ActuatorState::kNormal;
  for (const Rule& rule : rules) {
    if (Holds(rule, statistics, fault)) {
      worst = Worse(worst, rule.state);
    }
  }
  return worst;
}

}  // namespace trib::node::cascade
