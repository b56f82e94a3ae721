#include "trib/node/cascade/rules.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace trib::node::cascade {
namespace {

using message::FaultCode;
using package::Comparison;
using package::RuleSource;

package::FallbackRule Rule(RuleSource source,
                           ActuatorState state,
                           float threshold = 0,
                           Comparison comparison = Comparison::kGreater) {
  package::FallbackRule rule;
  rule.source = source;
  rule.actuator = static_cast<std::uint8_t>(state);
  rule.threshold = threshold;
  rule.comparison = comparison;
  return rule;
}

WindowStatistics MeasureSamples(const std::vector<std::int16_t>& samples,
                                std::size_t channels,
                                float scale) {
  std::vector<dsp::Summary> summaries(channels);
  for (std::size_t channel = 0; channel < channels; ++channel) {
    dsp::Append(
        summaries[channel], dsp::ChannelView<std::int16_t>(samples, channels, channel), 32'767);
  }
  return Measure(summaries, scale);
}

TEST(Measure, GivesPhysicalStatisticsWithoutTheMean) {
  // Channel 0: 100 +- 30; channel 1: a single spike.
  std::vector<std::int16_t> samples;
  for (int i = 0; i < 100; ++i) {
    samples.push_back(static_cast<std::int16_t>(i % 2 == 0 ? 130 : 70));
    samples.push_back(static_cast<std::int16_t>(i == 50 ? 1000 : 0));
  }
  const WindowStatistics statistics = MeasureSamples(samples, 2, 0.1F);
  ASSERT_EQ(statistics.size(), 2U);
  EXPECT_NEAR(statistics[0].rms, 3.0, 1e-5);
  EXPECT_NEAR(statistics[0].peak, 3.0, 1e-5);
  EXPECT_NEAR(statistics[0].crest, 1.0, 1e-5);
  EXPECT_NEAR(statistics[1].peak, 99.0, 1e-3);
  EXPECT_NEAR(statistics[1].rms, 100 * std::sqrt(0.01 * 0.99), 1e-3);
  EXPECT_NEAR(statistics[1].crest, 0.99 / std::sqrt(0.01 * 0.99), 1e-3);
}

TEST(Measure, GivesNoCrestForADeadChannel) {
  const std::vector<std::int16_t> samples(64, 7);
  EXPECT_EQ(MeasureSamples(samples, 1, 1.0F)[0].crest, 0.0F);
}

TEST(Evaluate, TheWorstRuleThatHoldsWins) {
  package::FallbackRules rules;
  (void)rules.rules.push_back(Rule(RuleSource::kAnyFault, ActuatorState::kWarn));
  auto stop = Rule(RuleSource::kRms, ActuatorState::kStop, 5);
  stop.label = 3;
  (void)rules.rules.push_back(stop);
  (void)rules.rules.push_back(Rule(RuleSource::kPeak, ActuatorState::kReduce, 10));
  (void)rules.rules.push_back(
      Rule(RuleSource::kRms, ActuatorState::kReduce, 0.1F, Comparison::kLess));
  auto missing = Rule(RuleSource::kFaultCode, ActuatorState::kReduce);
  missing.fault_code = static_cast<std::uint16_t>(FaultCode::kSensorMissing);
  missing.label = 2;
  (void)rules.rules.push_back(missing);
  const auto with = [](float rms, float peak) {
    WindowStatistics out;
    (void)out.push_back({1, 1, 1});
    (void)out.push_back({rms, peak, 1});
    return out;
  };
  EXPECT_EQ(Evaluate(rules, with(1, 1), FaultCode::kUnspecified).state, ActuatorState::kNormal);
  EXPECT_EQ(Evaluate(rules, with(1, 1), FaultCode::kSensorStuck).state, ActuatorState::kWarn);
  EXPECT_EQ(Evaluate(rules, with(1, 1), FaultCode::kSensorMissing).state, ActuatorState::kReduce);
  EXPECT_EQ(Evaluate(rules, with(1, 1), FaultCode::kSensorMissing).label, 2U);
  EXPECT_EQ(Evaluate(rules, with(1, 11), FaultCode::kSensorStuck).state, ActuatorState::kReduce);
  EXPECT_EQ(Evaluate(rules, with(0.01F, 1), FaultCode::kUnspecified).state, ActuatorState::kReduce);
  EXPECT_EQ(Evaluate(rules, with(6, 11), FaultCode::kSensorStuck).state, ActuatorState::kStop);
  EXPECT_EQ(Evaluate(rules, with(6, 11), FaultCode::kSensorStuck).label, 3U);
}

TEST(Evaluate, KeepsARuleToItsChannel) {
  package::FallbackRules rules;
  auto rule = Rule(RuleSource::kCrest, ActuatorState::kStop, 5);
  rule.channel = 1;
  (void)rules.rules.push_back(rule);
  WindowStatistics statistics;
  (void)statistics.push_back({1, 9, 9});
  EXPECT_EQ(Evaluate(rules, statistics, FaultCode::kUnspecified).state, ActuatorState::kNormal);
  (void)statistics.push_back({1, 9, 9});
  EXPECT_EQ(Evaluate(rules, statistics, FaultCode::kUnspecified).state, ActuatorState::kStop);
}

TEST(Evaluate, NaNHoldsNoRule) {
  package::FallbackRules rules;
  (void)rules.rules.push_back(Rule(RuleSource::kRms, ActuatorState::kStop, 0));
  (void)rules.rules.push_back(Rule(RuleSource::kPeak, ActuatorState::kStop, 0, Comparison::kLess));
  const std::vector<std::int16_t> samples{1, 2, 3, 4};
  const auto statistics = MeasureSamples(samples, 1, std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(Evaluate(rules, statistics, FaultCode::kSensorNonFinite).state, ActuatorState::kNormal);
}

TEST(BuiltInRules, WarnOnAnyFaultAndKnowNothingElse) {
  WindowStatistics loud;
  (void)loud.push_back({1e6F, 1e6F, 100});
  EXPECT_EQ(Evaluate(BuiltInRules(), loud, FaultCode::kUnspecified).state, ActuatorState::kNormal);
  EXPECT_EQ(Evaluate(BuiltInRules(), loud, FaultCode::kSensorClipped).state, ActuatorState::kWarn);
}

}  // namespace
}  // namespace trib::node::cascade
