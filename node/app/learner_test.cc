// How a node comes to its baselines, as seen from outside: records, state over restarts,
// conditions.
#include <gtest/gtest.h>

#include "test_bench.h"
#include "trib/common/bytes/writer.h"
#include "trib/testing/allocation_guard.h"

namespace trib::node::app {
namespace {

using message::CommissioningReason;
using message::CommissioningState;
using message::FaultCode;
using message::RecordKind;
using message::SeverityZone;
using testing::PackageParts;
using testing::World;

/// Kurtosis of the healthy signal is about 2, of the faulty one far above.
PackageParts Strict(std::uint16_t attempts, package::AfterRefusals after) {
  PackageParts parts;
  package::DistanceSpec distance;
  distance.false_alarm_rate = 1e-4F;
  distance.threshold_scale = 1.2F;
  distance.feature_mask = parts.trigger.feature_mask;
  parts.distance = distance;
  package::CommissioningSpec commissioning;
  commissioning.max_attempts = attempts;
  commissioning.after = after;
  commissioning.max_refused_permille = 200;
  commissioning.max_shift = 3;
  commissioning.max_trend = 4;
  commissioning.limits.push_back(
      {.feature = 1, .comparison = package::Comparison::kGreater, .value = 1.5F});
  parts.commissioning = commissioning;
  return parts;
}

std::vector<message::Record> LearningFaults(const World& world) {
  std::vector<message::Record> out;
  for (const auto& record : world.gateway.Of(RecordKind::kFault)) {
    if (record.fault.code >= FaultCode::kCommissioningRefused) {
      out.push_back(record);
    }
  }
  return out;
}

TEST(Learner, AcceptsAHealthyMachineAndSaysSo) {
  World world;
  const auto file = Strict(3, package::AfterRefusals::kStayOnRules).Signed(1);
  ASSERT_TRUE(world.Boot(file).ok());
  world.PlayHealthy(90);
  world.sensor.EndAfterLast();
  world.Run();
  world.Drain();
  EXPECT_EQ(world.loop->state(), NodeState::kNormal);
  EXPECT_TRUE(LearningFaults(world).empty());
  EXPECT_EQ(world.loop->learner().state(0), CommissioningState::kAccepted);
  EXPECT_GT(world.loop->trigger().distance_threshold(), 3);
  const auto statuses = world.gateway.Of(RecordKind::kStatus);
  ASSERT_FALSE(statuses.empty());
  EXPECT_EQ(statuses.back().status.commissioning, CommissioningState::kAccepted);
  EXPECT_EQ(statuses.back().status.baselines, 1U);
  EXPECT_EQ(statuses.back().status.commissioning_refusals, 0U);
}

TEST(Learner, EventsCarryTheDistance) {
  World world;
  ASSERT_TRUE(world.Boot(Strict(3, package::AfterRefusals::kStayOnRules).Signed(1)).ok());
  world.PlayHealthy(40);
  world.PlayFaulty(20);
  world.Run();
  world.Drain();
  const auto events = world.gateway.Of(RecordKind::kEvent);
  ASSERT_FALSE(events.empty());
  EXPECT_GT(events[0].event.distance, world.loop->trigger().distance_threshold());
}

TEST(Learner, RefusesAMachineThatIsFaultyAlreadyAndLearnsAgain) {
  World world;
  ASSERT_TRUE(world.Boot(Strict(3, package::AfterRefusals::kStayOnRules).Signed(1)).ok());
  world.PlayFaulty(30);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kCommissioning) << "it starts again";
  world.PlayHealthy(40);
  world.Run();
  world.Drain();
  EXPECT_EQ(world.loop->state(), NodeState::kNormal);
  const auto faults = LearningFaults(world);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].fault.code, FaultCode::kCommissioningRefused);
  EXPECT_EQ(static_cast<CommissioningReason>(faults[0].fault.detail),
            CommissioningReason::kAlreadyFaulty);
  EXPECT_EQ(faults[0].fault.channel, 1U) << "the feature";
  EXPECT_GT(faults[0].fault.value, 1.5F);
  EXPECT_EQ(faults[0].fault.windows, 1U) << "the attempt";
  EXPECT_EQ(world.loop->learner().refusals(), 1U);
}

TEST(Learner, StaysOnRulesAfterTheLastAttempt) {
  World world;
  const auto file = Strict(2, package::AfterRefusals::kStayOnRules).Signed(1);
  ASSERT_TRUE(world.Boot(file).ok());
  world.PlayFaulty(60);
  world.PlayHealthy(60);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kFallback);
  EXPECT_EQ(world.loop->learner().state(0), CommissioningState::kOnRules);
  world.sensor.EndAfterLast();
  world.Run();
  world.Drain();
  const auto faults = LearningFaults(world);
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(faults[1].fault.windows, 2U);
  const auto status = world.gateway.Of(RecordKind::kStatus).back().status;
  EXPECT_EQ(status.commissioning, CommissioningState::kOnRules);
  EXPECT_EQ(status.commissioning_refusals, 2U);
  EXPECT_EQ(status.commissioning_reason, CommissioningReason::kAlreadyFaulty);
  EXPECT_EQ(status.baselines, 0U);
}

TEST(Learner, AcceptsTheLastAttemptWithAWarningWhereThePackageSaysSoAndRemembersIt) {
  World world;
  const auto file = Strict(1, package::AfterRefusals::kAcceptWithWarning).Signed(1);
  ASSERT_TRUE(world.Boot(file).ok());
  world.PlayFaulty(35);
  world.Run();
  world.Drain();
  EXPECT_EQ(world.loop->learner().state(0), CommissioningState::kAcceptedWithWarning);
  const auto faults = LearningFaults(world);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].fault.code, FaultCode::kCommissioningWarning);
  ASSERT_TRUE(world.Boot(file).ok());
  EXPECT_EQ(world.loop->learner().state(0), CommissioningState::kAcceptedWithWarning);
}

TEST(Learner, ARefusedBaselineDoesNotComeBackAfterARestart) {
  World world;
  const auto file = Strict(3, package::AfterRefusals::kStayOnRules).Signed(1);
  ASSERT_TRUE(world.Boot(file).ok());
  world.PlayFaulty(31);
  world.Run();
  ASSERT_TRUE(world.Boot(file).ok());
  EXPECT_EQ(world.loop->state(), NodeState::kCommissioning);
  world.Drain();
  const auto codes = world.gateway.FaultCodes();
  EXPECT_EQ(codes, std::vector<FaultCode>{FaultCode::kCommissioningRefused});
}

TEST(Learner, ManyRefusedWindowsAreNoCommissioning) {
  World world;
  ASSERT_TRUE(world.Boot(Strict(2, package::AfterRefusals::kStayOnRules).Signed(1)).ok());
  for (int i = 0; i < 10; ++i) {
    world.PlayHealthy(3);
    world.sensor.Play({.samples = std::vector<std::int16_t>(testing::kFrames, 5), .scale = 0.001F});
  }
  world.Run();
  world.Drain();
  const auto faults = LearningFaults(world);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(static_cast<CommissioningReason>(faults[0].fault.detail),
            CommissioningReason::kTooManyRefused);
}

TEST(Learner, ComesBackWithTheSameThresholdsAfterARestart) {
  World world;
  const auto file = Strict(3, package::AfterRefusals::kStayOnRules).Signed(1);
  ASSERT_TRUE(world.Boot(file).ok());
  world.PlayHealthy(31);
  world.Run();
  const float distance_threshold = world.loop->trigger().distance_threshold();
  const float threshold = world.loop->trigger().threshold();
  ASSERT_GT(distance_threshold, 0);
  ASSERT_TRUE(world.Boot(file).ok());
  EXPECT_EQ(world.loop->state(), NodeState::kNormal);
  EXPECT_EQ(world.loop->trigger().distance_threshold(), distance_threshold);
  EXPECT_EQ(world.loop->trigger().threshold(), threshold);
}

// A baseline that an older firmware saved: known by its version, said by name, learned again.
TEST(Learner, DiscardsABaselineOfVersionOneByNameAndLearnsAgain) {
  World world;
  const auto file = PackageParts().Signed(1);
  ASSERT_TRUE(world.Boot(file).ok());
  {
    std::vector<std::byte> scratch(state::StateStore::kScratchBytes);
    state::StateStore store(
        world.flash, {.first = SectorIndex(0), .sectors = testing::kStateSectors}, scratch);
    ASSERT_TRUE(store.Open().ok());
    std::array<std::byte, 12 + 8 * 10> old{};
    ByteWriter writer(old);
    writer.U16(1);
    writer.U16(10);
    writer.U32(world.loop->package().recipe_id.value());
    writer.U32(30);
    ASSERT_TRUE(
        store.Put(state::StateKey::kBaseline, world.loop->package().recipe_id.value(), old).ok());
  }
  ASSERT_TRUE(world.Boot(file).ok());
  EXPECT_EQ(world.loop->state(), NodeState::kCommissioning);
  world.PlayHealthy(40);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kNormal);
  ASSERT_TRUE(world.Boot(file).ok());
  EXPECT_EQ(world.loop->state(), NodeState::kNormal);
  world.Drain();
  const auto faults = LearningFaults(world);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].fault.code, FaultCode::kBaselineDiscarded);
  EXPECT_EQ(static_cast<Code>(faults[0].fault.detail), Code::kUnimplemented);
}

// ---- operating conditions ----------------------------------------------------------------------

PackageParts WithConditions() {
  PackageParts parts = Strict(3, package::AfterRefusals::kStayOnRules);
  package::ConditionSpec conditions;
  conditions.ranges.push_back({.low_hz = 20, .high_hz = 30});
  conditions.ranges.push_back({.low_hz = 30, .high_hz = 40});
  parts.conditions = conditions;
  return parts;
}

TEST(Conditions, EachHasItsOwnBaselineAndRecordsNameIt) {
  World world;
  const auto file = WithConditions().Signed(1);
  ASSERT_TRUE(world.Boot(file).ok());
  world.PlayHealthy(31, 25.0F);
  world.Run();
  EXPECT_EQ(world.loop->condition(), 1U);
  EXPECT_EQ(world.loop->state(), NodeState::kNormal);
  world.PlayHealthy(15, 35.0F);
  world.Run();
  EXPECT_EQ(world.loop->condition(), 2U);
  EXPECT_EQ(world.loop->state(), NodeState::kCommissioning) << "nothing is known here yet";
  world.PlayHealthy(10, 25.0F);
  world.PlayHealthy(16, 35.0F);
  world.Run();
  EXPECT_EQ(world.loop->learner().baselines(), 0b110U);
  ASSERT_TRUE(world.Boot(file).ok());
  EXPECT_EQ(world.loop->learner().baselines(), 0b110U) << "kept over the restart";
  world.PlayFaulty(12, 35.0F);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kAlarm);
  // The machine slows down: the alarm stands.
  world.PlayFaulty(2, 25.0F);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kAlarm);
  EXPECT_EQ(world.loop->metrics().episodes, 1U);
  world.Drain();
  const auto events = world.gateway.Of(RecordKind::kEvent);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].header.condition, 2U);
}

TEST(Conditions, OfAnotherPackageAreLearnedAgain) {
  World world;
  PackageParts parts = WithConditions();
  ASSERT_TRUE(world.Boot(parts.Signed(1)).ok());
  world.PlayHealthy(31, 25.0F);
  world.Run();
  EXPECT_EQ(world.loop->learner().baselines(), 0b10U);
  parts.conditions->ranges[0].low_hz = 22;
  ASSERT_TRUE(world.Boot(parts.Signed(1)).ok());
  EXPECT_EQ(world.loop->learner().baselines(), 0U);
}

TEST(Conditions, AWindowNeverCrossesAChangeOfCondition) {
  World world;
  ASSERT_TRUE(world.Boot(WithConditions().Signed(1)).ok());
  auto samples = testing::Healthy(world.frame, world.random);
  samples.resize(600);
  world.sensor.Play({.samples = samples, .scale = World::kScale, .speed_hz = 25});
  world.sensor.Play({.samples = samples, .scale = World::kScale, .speed_hz = 35});
  world.sensor.Play({.samples = samples, .scale = World::kScale, .speed_hz = 35});
  world.Run();
  EXPECT_EQ(world.loop->metrics().windows, 1U);
  EXPECT_EQ(world.loop->window_metrics().frames_discarded, 600U);
  EXPECT_EQ(world.loop->condition(), 2U);
}

TEST(Conditions, MoreThanTheNodeHasRoomForAreRefusedWithThePackage) {
  PackageParts parts = WithConditions();
  parts.distance->feature_mask = (std::uint64_t{1} << 10U) - 1;
  parts.conditions->ranges.push_back({.low_hz = 40, .high_hz = 50});
  World world;
  ASSERT_TRUE(world.Boot(parts.Signed(1)).ok());
  EXPECT_TRUE(world.loop->package_status().ok()) << "10 features in 4 conditions fit";
}

// ---- severity ----------------------------------------------------------------------------------

PackageParts WithSeverity(std::uint8_t max_zone) {
  PackageParts parts = Strict(2, package::AfterRefusals::kStayOnRules);
  parts.recipe.operations.push_back(
      {.op = dsp::Op::kVelocityRms,
       .transform = dsp::Transform::kNone,
       .first_parameter = static_cast<std::uint8_t>(parts.recipe.parameters.size()),
       .parameter_count = 3});
  for (const float parameter : {20.0F, 1000.0F, 9.80665F}) {
    parts.recipe.parameters.push_back(parameter);
  }
  package::SeveritySpec severity;
  severity.feature = 10;
  severity.average_windows = 10;
  // 400 counts of 1/2048 g at 29.5 Hz are 7.3 mm/s RMS.
  severity.boundaries = {1, 5, 9};
  severity.hysteresis = 0.1F;
  severity.actuator = {1, 1, 2, 4};
  severity.label = {0, 0, 1, 1};
  severity.machine_group = package::ShortText("test");
  parts.severity = severity;
  parts.commissioning->max_zone = max_zone;
  return parts;
}

TEST(SeverityOnTheNode, ZoneIsInStatusesAndEventsAndWarns) {
  World world;
  ASSERT_TRUE(world.Boot(WithSeverity(0).Signed(1)).ok());
  world.PlayHealthy(60);
  world.sensor.EndAfterLast();
  world.Run();
  world.Drain();
  EXPECT_NEAR(world.loop->severity().velocity_mm_s(), 7.3, 0.5);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kWarn);
  const auto statuses = world.gateway.Of(RecordKind::kStatus);
  EXPECT_EQ(statuses.back().status.zone, SeverityZone::kC);
  EXPECT_NEAR(statuses.back().status.velocity_mm_s, 7.3, 0.5);
  const auto events = world.gateway.Of(RecordKind::kEvent);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].event.state, message::EventState::kOnset);
  EXPECT_EQ(events[0].event.zone, SeverityZone::kC);
  EXPECT_EQ(events[0].header.tier, message::Tier::kFallback)
      << "said by a rule, not by the trigger";
}

TEST(SeverityOnTheNode, TooHighAZoneIsNoBaseline) {
  World world;
  ASSERT_TRUE(world.Boot(WithSeverity(2).Signed(1)).ok());
  world.PlayHealthy(31);
  world.Run();
  world.Drain();
  const auto faults = LearningFaults(world);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(static_cast<CommissioningReason>(faults[0].fault.detail),
            CommissioningReason::kZoneTooHigh);
  EXPECT_NEAR(faults[0].fault.value, 7.3, 0.5);
}

TEST(SeverityOnTheNode, AFeatureThatIsNoVelocityIsRefusedWithThePackage) {
  PackageParts parts = WithSeverity(0);
  parts.severity->feature = 3;
  World world;
  ASSERT_TRUE(world.Boot(parts.Signed(1)).ok());
  EXPECT_EQ(world.loop->package_status().reason(),
            static_cast<std::uint16_t>(package::Reason::kBadSeverity));
  EXPECT_EQ(world.loop->state(), NodeState::kFallback);
}

}  // namespace
}  // namespace trib::node::app
