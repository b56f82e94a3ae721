#include "trib/node/cascade/rules.h"

#include <gtest/gtest.h>

#include <array>
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

dsp::TimeStatistics<float> StatisticsOf(const std::vector<std::int16_t>& samples) {
  return dsp::Describe<float>(dsp::Accumulate(dsp::ChannelView<std::int16_t>(samples)));
}

constexpr float kScale = 0.01F;

/// A channel that swings between -rms and +rms, with one knock as high as the peak.
dsp::TimeStatistics<float> Channel(float rms, float peak) {
  std::vector<std::int16_t> samples;
  for (int i = 0; i < 1000; ++i) {
    samples.push_back(static_cast<std::int16_t>((i % 2 == 0 ? rms : -rms) / kScale));
  }
  samples[500] = static_cast<std::int16_t>(peak / kScale);
  return StatisticsOf(samples);
}

TEST(Measure, GivesPhysicalStatisticsWithoutTheMean) {
  // 100 +- 30; and a single spike.
  std::vector<std::int16_t> swing;
  std::vector<std::int16_t> spike;
  for (int i = 0; i < 100; ++i) {
    swing.push_back(static_cast<std::int16_t>(i % 2 == 0 ? 130 : 70));
    spike.push_back(static_cast<std::int16_t>(i == 50 ? 1000 : 0));
  }
  const std::array statistics = {Measure(StatisticsOf(swing), 0.1F),
                                 Measure(StatisticsOf(spike), 0.1F)};
  EXPECT_NEAR(statistics[0].rms, 3.0, 1e-5);
  EXPECT_NEAR(statistics[0].peak, 3.0, 1e-5);
  EXPECT_NEAR(statistics[0].crest, 1.0, 1e-5);
  EXPECT_NEAR(statistics[1].peak, 99.0, 1e-3);
  EXPECT_NEAR(statistics[1].rms, 100 * std::sqrt(0.01 * 0.99), 1e-3);
  EXPECT_NEAR(statistics[1].crest, 0.99 / std::sqrt(0.01 * 0.99), 1e-3);
}

TEST(Measure, GivesNoCrestForADeadChannel) {
  const std::vector<std::int16_t> samples(64, 7);
  EXPECT_EQ(Measure(StatisticsOf(samples), 1.0F).crest, 0.0F);
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
  const auto evaluate = [&rules](float rms, float peak, FaultCode fault) {
    const std::array channels = {Channel(1, 1), Channel(rms, peak)};
    return Evaluate(rules, {channels, kScale}, fault);
  };
  EXPECT_EQ(evaluate(1, 1, FaultCode::kUnspecified).state, ActuatorState::kNormal);
  EXPECT_EQ(evaluate(1, 1, FaultCode::kSensorStuck).state, ActuatorState::kWarn);
  EXPECT_EQ(evaluate(1, 1, FaultCode::kSensorMissing).state, ActuatorState::kReduce);
  EXPECT_EQ(evaluate(1, 1, FaultCode::kSensorMissing).label, 2U);
  EXPECT_EQ(evaluate(1, 11, FaultCode::kSensorStuck).state, ActuatorState::kReduce);
  EXPECT_EQ(evaluate(0.01F, 1, FaultCode::kUnspecified).state, ActuatorState::kReduce);
  EXPECT_EQ(evaluate(6, 11, FaultCode::kSensorStuck).state, ActuatorState::kStop);
  EXPECT_EQ(evaluate(6, 11, FaultCode::kSensorStuck).label, 3U);
}

TEST(Evaluate, KeepsARuleToItsChannel) {
  package::FallbackRules rules;
  auto rule = Rule(RuleSource::kCrest, ActuatorState::kStop, 5);
  rule.channel = 1;
  (void)rules.rules.push_back(rule);
  const std::array channels = {Channel(1, 9), Channel(1, 9)};
  const std::span<const dsp::TimeStatistics<float>> both = channels;
  EXPECT_EQ(Evaluate(rules, {both.first(1), kScale}, FaultCode::kUnspecified).state,
            ActuatorState::kNormal);
  EXPECT_EQ(Evaluate(rules, {both, kScale}, FaultCode::kUnspecified).state, ActuatorState::kStop);
}

TEST(Evaluate, NaNHoldsNoRule) {
  package::FallbackRules rules;
  (void)rules.rules.push_back(Rule(RuleSource::kRms, ActuatorState::kStop, 0));
  (void)rules.rules.push_back(Rule(RuleSource::kPeak, ActuatorState::kStop, 0, Comparison::kLess));
  const std::array channels = {StatisticsOf({1, 2, 3, 4})};
  const Measurable window{channels, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_EQ(Evaluate(rules, window, FaultCode::kSensorNonFinite).state, ActuatorState::kNormal);
}

TEST(BuiltInRules, WarnOnAnyFaultAndKnowNothingElse) {
  const std::array channels = {Channel(300, 327)};
  const Measurable loud{channels, kScale};
  EXPECT_EQ(Evaluate(BuiltInRules(), loud, FaultCode::kUnspecified).state, ActuatorState::kNormal);
  EXPECT_EQ(Evaluate(BuiltInRules(), loud, FaultCode::kSensorClipped).state, ActuatorState::kWarn);
}

}  // namespace
}  // namespace trib::node::cascade
