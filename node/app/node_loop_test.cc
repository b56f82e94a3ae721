#include "trib/node/app/node_loop.h"

#include <gtest/gtest.h>

#include <limits>

#include "test_bench.h"
#include "trib/common/energy/model.h"
#include "trib/testing/allocation_guard.h"

namespace trib::node::app {
namespace {

using message::EventState;
using message::FaultCode;
using message::RecordKind;
using testing::KeyOf;
using testing::PackageParts;
using testing::World;

std::vector<EventState> States(const std::vector<message::Record>& events) {
  std::vector<EventState> out;
  for (const auto& record : events) {
    out.push_back(record.event.state);
  }
  return out;
}

class NodeLoopTest : public ::testing::Test {
 protected:
  void Commission(World& world) {
    world.PlayHealthy(30);
    world.Run();
    ASSERT_EQ(world.loop->state(), NodeState::kNormal);
  }
  const std::vector<std::byte> package_ = PackageParts().Signed(1);
};

TEST_F(NodeLoopTest, CommissionsThenSeesTheFaultBeginAndEnd) {
  World world;
  ASSERT_TRUE(world.Boot(package_).ok());
  EXPECT_EQ(world.loop->state(), NodeState::kCommissioning);
  Commission(world);
  world.PlayHealthy(60);
  world.Run();
  EXPECT_EQ(world.loop->metrics().episodes, 0U);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kNormal);
  world.PlayFaulty(60);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kAlarm);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kStop);
  world.PlayHealthy(30);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kNormal);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kNormal);
  world.Drain();

  const auto events = world.gateway.Of(RecordKind::kEvent);
  // 60 windows last 5.1 s: reminders after 2 s and 4 s.
  ASSERT_EQ(States(events),
            (std::vector<EventState>{EventState::kOnset,
                                     EventState::kContinuing,
                                     EventState::kContinuing,
                                     EventState::kCleared}));
  EXPECT_EQ(events[0].event.label, 1U);
  EXPECT_GT(events[0].event.severity, 5.0F);
  EXPECT_EQ(events[0].event.top.size(), 4U);
  EXPECT_EQ(events[0].event.actuator, static_cast<std::uint32_t>(ActuatorState::kStop));
  EXPECT_EQ(events[0].header.tier, message::Tier::kTrigger);
  EXPECT_EQ(events[0].header.package_hash, world.loop->package().hash);
  EXPECT_GT(events[0].header.energy_nj, 0U);
  EXPECT_EQ(events[3].event.actuator, static_cast<std::uint32_t>(ActuatorState::kNormal));
  EXPECT_EQ(world.loop->metrics().records, world.gateway.records.size());
  EXPECT_EQ(world.loop->metrics().records_failed, 0U);
  EXPECT_EQ(world.flash.violations(), 0U);
}

TEST_F(NodeLoopTest, BooksSleepAndPeripheralsByTheTimeOfWindows) {
  World world;
  world.power.Have({.on = 2, .off = 3});
  ASSERT_TRUE(world.Boot(package_).ok());
  world.PlayHealthy(20);
  world.Run();
  const energy::EnergyLedger& ledger = world.loop->energy();
  const dsp::Recipe& recipe = world.loop->package().recipe;
  const std::uint64_t windows = world.loop->metrics().windows;
  ASSERT_GT(windows, 0U);
  EXPECT_EQ(ledger.time_us(),
            windows * (std::uint64_t{recipe.hop_frames} * 1'000'000 / recipe.sample_rate_hz));
  const auto& table = energy::kStm32L4R5<double>;
  const double watts_us = table.supply_v.value * static_cast<double>(ledger.time_us()) * 1e3;
  // Each window's entry is cut to whole nanojoules.
  const auto tolerance = static_cast<double>(windows);
  const auto spent = [&](energy::Category category) {
    return static_cast<double>(ledger.spent_nj(category));
  };
  EXPECT_NEAR(spent(energy::Category::kSleep), table.sleep_a.value * watts_us, tolerance);
  EXPECT_NEAR(
      spent(energy::Category::kPeripherals), 2 * table.peripheral_a.value * watts_us, tolerance);
  EXPECT_NEAR(
      static_cast<double>(ledger.saved_nj()), 3 * table.peripheral_a.value * watts_us, tolerance);
}

TEST_F(NodeLoopTest, SketchesCountEveryWindowOnce) {
  World world;
  ASSERT_TRUE(world.Boot(package_).ok());
  world.PlayHealthy(100);
  world.sensor.Play({.samples = std::vector<std::int16_t>(testing::kFrames, 5), .scale = 0.001F});
  world.sensor.EndAfterLast();
  world.Run();
  world.Drain();
  EXPECT_TRUE(world.loop->finished());
  std::uint32_t windows = 0;
  std::uint32_t invalid = 0;
  std::uint32_t scored = 0;
  for (const auto& record : world.gateway.Of(RecordKind::kSketch)) {
    windows += record.sketch.windows;
    invalid += record.sketch.invalid;
    EXPECT_EQ(record.header.block.begin_ms % 1000, 0U);
    ASSERT_EQ(record.sketch.histograms.size(), 2U);
    for (const std::uint32_t count : record.sketch.histograms[1].counts) {
      scored += count;
    }
  }
  EXPECT_EQ(windows, 101U);
  EXPECT_EQ(invalid, 1U);
  EXPECT_EQ(scored, 70U);  // not while commissioning
  const auto statuses = world.gateway.Of(RecordKind::kStatus);
  ASSERT_GE(statuses.size(), 2U);
  EXPECT_EQ(statuses.back().status.windows, 101U);
  EXPECT_EQ(statuses.back().status.windows_invalid, 1U);
  EXPECT_EQ(statuses.back().status.commissioning_permille, 1000U);
  EXPECT_EQ(statuses.back().status.bytes_raw, 101U * testing::kFrames * 2);
}

TEST_F(NodeLoopTest, RefusesTheStateOfAnotherNode) {
  World world;
  ASSERT_TRUE(world.Boot(package_).ok());
  world.PlayHealthy(50);
  world.Run();
  world.node = NodeId(78);
  EXPECT_EQ(world.Boot(package_).code(), Code::kAlreadyExists);
  world.node = testing::kNode;
  ASSERT_TRUE(world.Boot(package_).ok());
  EXPECT_EQ(world.loop->identity().boot, 2U) << "the refused start was no boot";
}

TEST_F(NodeLoopTest, AuditsTheSameWindowsInEveryRun) {
  std::vector<std::uint64_t> drawn[2];
  for (auto& indices : drawn) {
    World world;
    ASSERT_TRUE(world.Boot(package_).ok());
    world.PlayHealthy(300);
    world.Run();
    world.Drain();
    for (const auto& record : world.gateway.Of(RecordKind::kFeatureFrame)) {
      EXPECT_TRUE(record.header.audit);
      EXPECT_EQ(record.feature_frame.values.size(), 10U);
      indices.push_back(record.header.sample_index);
    }
  }
  EXPECT_EQ(drawn[0], drawn[1]);
  EXPECT_GT(drawn[0].size(), 4U);  // 15 expected of 300 at 50 permille
  EXPECT_LT(drawn[0].size(), 32U);
}

struct BadWindow {
  const char* name;
  FaultCode code;
  ActuatorState state;
  trib::testing::FakeSensor::Block block;
};

std::vector<BadWindow> BadWindows() {
  constexpr float kScale = World::kScale;
  const std::vector<std::int16_t> steady(testing::kFrames, 50);
  std::vector<std::int16_t> good(testing::kFrames);
  std::vector<std::int16_t> rails(testing::kFrames);
  for (std::size_t i = 0; i < good.size(); ++i) {
    good[i] = static_cast<std::int16_t>(300 * std::sin(0.3 * static_cast<double>(i)));
    rails[i] = static_cast<std::int16_t>(i % 20 < 10 ? 32767 : -32768);
  }
  std::vector<std::int16_t> far = good;
  far[100] = 25'000;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto warn = ActuatorState::kWarn;
  return {
      {"nan scale", FaultCode::kSensorNonFinite, warn, {.samples = good, .scale = nan}},
      {"non-finite",
       FaultCode::kSensorNonFinite,
       warn,
       {.samples = good, .scale = kScale, .non_finite_frames = 1}},
      {"stuck", FaultCode::kSensorStuck, warn, {.samples = steady, .scale = kScale}},
      {"clipped", FaultCode::kSensorClipped, warn, {.samples = rails, .scale = kScale}},
      {"missing",
       FaultCode::kSensorMissing,
       ActuatorState::kReduce,
       {.samples = good, .scale = kScale, .missing_frames = 500}},
      {"range", FaultCode::kSensorOutOfRange, warn, {.samples = far, .scale = kScale}},
      {"scale range", FaultCode::kSensorOutOfRange, warn, {.samples = good, .scale = 1.0F}},
  };
}

TEST_F(NodeLoopTest, BadWindowsReachNoModelTheRulesDecideAndTheFaultIsRecorded) {
  for (const BadWindow& bad : BadWindows()) {
    SCOPED_TRACE(bad.name);
    World world;
    ASSERT_TRUE(world.Boot(package_).ok());
    Commission(world);
    for (int i = 0; i < 3; ++i) {
      world.sensor.Play(bad.block);
    }
    world.Run();
    EXPECT_EQ(world.loop->state(), NodeState::kFault);
    EXPECT_EQ(world.actuator.state(), bad.state);
    EXPECT_EQ(world.loop->metrics().windows_invalid, 3U);
    EXPECT_EQ(world.loop->metrics().windows_triggered, 0U);
    world.PlayHealthy(5);
    world.Run();
    EXPECT_EQ(world.loop->state(), NodeState::kNormal);
    EXPECT_EQ(world.actuator.state(), ActuatorState::kNormal);
    world.Drain();
    const auto faults = world.gateway.Of(RecordKind::kFault);
    ASSERT_EQ(world.gateway.FaultCodes(),
              (std::vector<FaultCode>{bad.code, FaultCode::kSensorRecovered}));
    EXPECT_EQ(faults[0].fault.actuator, static_cast<std::uint32_t>(bad.state));
    EXPECT_EQ(faults[0].header.tier, message::Tier::kFallback);
    EXPECT_NE(faults[0].header.flags & message::record_flag::kFallbackRules, 0U);
    EXPECT_EQ(faults[1].fault.windows, 3U);
    EXPECT_TRUE(world.gateway.Of(RecordKind::kEvent).empty());
  }
}

TEST_F(NodeLoopTest, ABadWindowDoesNotCallOffAnAlarm) {
  World world;
  ASSERT_TRUE(world.Boot(package_).ok());
  Commission(world);
  world.PlayFaulty(6);
  world.sensor.Play(BadWindows()[2].block);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kFault);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kStop);
}

TEST_F(NodeLoopTest, ASilentSensorIsMissing) {
  World world;
  ASSERT_TRUE(world.Boot(package_).ok());
  Commission(world);
  for (int i = 0; i < 12; ++i) {
    world.clock.Advance(Millis(1000));
    (void)world.loop->Step();
    world.gateway.Step();
  }
  EXPECT_EQ(world.loop->state(), NodeState::kFault);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kReduce);
  world.Drain();
  EXPECT_EQ(world.gateway.FaultCodes(), (std::vector<FaultCode>{FaultCode::kSensorMissing}));
}

TEST_F(NodeLoopTest, RefusedPackagesLeaveTheBuiltInRulesRunning) {
  PackageParts other_sensor;
  other_sensor.recipe.sample_rate_hz = 16'000;
  PackageParts other_board;
  other_board.manifest.hardware_class = package::HardwareClass::kMps2An386;
  PackageParts blind_trigger;
  blind_trigger.trigger.feature_mask = std::uint64_t{1} << 40U;
  PackageParts blind_sketch;
  blind_sketch.edges.histograms[0].feature = 40;
  PackageParts deaf_rule;
  deaf_rule.guardrails.channels.push_back(deaf_rule.guardrails.channels[0]);
  deaf_rule.rules.rules.push_back({.source = package::RuleSource::kRms,
                                   .comparison = package::Comparison::kGreater,
                                   .actuator = 4,
                                   .channel = 1,
                                   .threshold = 1.0F});
  std::vector<std::byte> broken = package_;
  broken[200] ^= std::byte{1};
  const struct {
    const char* name;
    std::vector<std::byte> file;
    std::optional<package::Reason> reason;
  } cases[] = {
      {"unknown key", PackageParts().Signed(2), package::Reason::kUnknownKey},
      {"other sensor", other_sensor.Signed(1), package::Reason::kWrongSensor},
      {"other board", other_board.Signed(1), package::Reason::kWrongHardwareClass},
      {"trigger on no feature", blind_trigger.Signed(1), package::Reason::kFeatureAbsent},
      {"sketch of no feature", blind_sketch.Signed(1), package::Reason::kFeatureAbsent},
      {"rule on no channel", deaf_rule.Signed(1), package::Reason::kRuleChannelAbsent},
      {"broken", broken, std::nullopt},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    World world;
    ASSERT_TRUE(world.Boot(c.file).ok());
    world.PlayHealthy(3);
    world.sensor.Play({.samples = std::vector<std::int16_t>(4096, 7), .scale = 0.001F});
    world.Run();
    EXPECT_EQ(world.loop->state(), NodeState::kFault);
    EXPECT_EQ(world.actuator.state(), ActuatorState::kWarn);
    world.Drain();
    const auto faults = world.gateway.Of(RecordKind::kFault);
    ASSERT_GE(faults.size(), 2U);
    EXPECT_EQ(faults[0].fault.code, FaultCode::kPackageRefused);
    EXPECT_EQ(faults[1].fault.code, FaultCode::kSensorStuck);
    EXPECT_NE(faults[0].fault.detail, 0U);
    if (c.reason) {
      EXPECT_EQ(faults[0].fault.detail, static_cast<std::uint32_t>(*c.reason));
    }
    for (const auto& [key, record] : world.gateway.records) {
      EXPECT_NE(record.header.flags & message::record_flag::kNoPackage, 0U);
      EXPECT_EQ(record.header.package_hash.value(), 0U);
    }
  }
}

TEST_F(NodeLoopTest, APackageWithoutSketchEdgesCountsWindowsOnly) {
  PackageParts parts;
  parts.edges.histograms.clear();
  World world;
  ASSERT_TRUE(world.Boot(parts.Signed(1)).ok());
  EXPECT_TRUE(world.loop->package_status().ok()) << world.loop->package_status().reason();
  world.PlayHealthy(60);
  world.Run();
  world.Drain();
  const auto sketches = world.gateway.Of(RecordKind::kSketch);
  ASSERT_FALSE(sketches.empty());
  EXPECT_GT(sketches[0].sketch.windows, 0U);
  EXPECT_TRUE(sketches[0].sketch.histograms.empty());
}

TEST_F(NodeLoopTest, RunsWithoutAPackage) {
  World world;
  ASSERT_TRUE(world.Boot({}).ok());
  world.PlayHealthy(10);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kFallback);
  world.Drain();
  EXPECT_TRUE(world.gateway.FaultCodes().empty());
}

TEST_F(NodeLoopTest, RulesAloneReportAnEpisode) {
  PackageParts parts;
  parts.rules.rules.push_back({.source = package::RuleSource::kRms,
                               .comparison = package::Comparison::kGreater,
                               .actuator = 3,
                               .label = 1,
                               .threshold = 0.25F});
  World world;
  ASSERT_TRUE(world.Boot(parts.Signed(1)).ok());
  world.PlayHealthy(5);
  world.Run();          // the gateway sets the clock
  world.PlayFaulty(5);  // still commissioning: only the rules can see it
  world.PlayHealthy(5);
  world.Run();
  world.Drain();
  const auto events = world.gateway.Of(RecordKind::kEvent);
  ASSERT_EQ(States(events), (std::vector<EventState>{EventState::kOnset, EventState::kCleared}));
  EXPECT_EQ(events[0].header.tier, message::Tier::kFallback);
  EXPECT_EQ(world.actuator.changes(),
            (std::vector<ActuatorState>{
                ActuatorState::kNormal, ActuatorState::kReduce, ActuatorState::kNormal}));
}

TEST_F(NodeLoopTest, ARestartKeepsEpochBaselineAndUnsentRecords) {
  World world;
  ASSERT_TRUE(world.Boot(package_).ok());
  const state::Identity first = world.loop->identity();
  Commission(world);
  world.link.SetDown(true);
  world.PlayFaulty(10);
  world.Run();
  EXPECT_GT(world.loop->backlog_metrics().records, 0U);
  world.flash.Reboot();
  world.clock.Reboot();
  world.link.SetDown(false);
  ASSERT_TRUE(world.Boot(package_).ok());
  EXPECT_EQ(world.loop->identity().epoch, first.epoch);
  EXPECT_EQ(world.loop->identity().boot, first.boot + 1);
  EXPECT_EQ(world.loop->state(), NodeState::kNormal);  // no second commissioning
  world.PlayHealthy(3);
  world.Run();
  world.Drain();
  const auto events = world.gateway.Of(RecordKind::kEvent);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].header.key.boot, first.boot);
}

TEST_F(NodeLoopTest, AppliesAConfigurationOnceAndKeepsIt) {
  World world;
  ASSERT_TRUE(world.Boot(package_).ok());
  world.PlayHealthy(3);
  world.Run();
  world.gateway.Configure({.version = 4, .audit_permille = 1000});
  (void)world.loop->Step();
  EXPECT_EQ(world.loop->configuration().version, 4U);
  world.PlayHealthy(10);
  world.Run();
  world.Drain();
  EXPECT_GE(world.gateway.Of(RecordKind::kFeatureFrame).size(), 10U);
  world.gateway.Configure({.version = 3, .audit_permille = 1});      // old
  world.gateway.Configure({.version = 5, .status_interval_ms = 1});  // would flood
  (void)world.loop->Step();
  EXPECT_EQ(world.loop->configuration().version, 4U);
  EXPECT_EQ(world.loop->metrics().downlink_refused, 1U);
  ASSERT_TRUE(world.Boot(package_).ok());
  EXPECT_EQ(world.loop->configuration().audit_permille, 1000U);
  world.clock.Advance(Millis(60'000));
  world.PlayHealthy(1);
  world.Run();
  EXPECT_EQ(world.gateway.hello->configuration_version, 4U);
}

TEST_F(NodeLoopTest, EveryRecordArrivesOnceOverABadLink) {
  World world(
      KeyOf(1),
      {.loss_permille = 300, .duplicate_permille = 200, .reorder_permille = 300, .seed = 8});
  ASSERT_TRUE(world.Boot(package_).ok());
  world.PlayHealthy(60);
  world.PlayFaulty(40);
  world.sensor.EndAfterLast();
  world.Run();
  world.Drain();
  EXPECT_EQ(world.gateway.records.size(), world.loop->metrics().records);
  EXPECT_GT(world.link.lost(), 0U);
}

TEST_F(NodeLoopTest, AnUnseededBlankNodeDoesNotStart) {
  World world;
  world.entropy.SetSeeded(false);
  EXPECT_FALSE(world.Boot(package_).ok());
}

TEST_F(NodeLoopTest, ANodeWhoseSourceHasEndedSleepsLong) {
  World world;
  ASSERT_TRUE(world.Boot(package_).ok());
  world.PlayHealthy(20);
  world.sensor.EndAfterLast();
  world.Run();
  world.Drain();
  world.clock.Advance(Millis(86'400'000));  // beyond any interval of status records
  (void)world.loop->Step();
  EXPECT_EQ(world.loop->Step(), NodeConfig().longest_sleep);
}

TEST_F(NodeLoopTest, AStepAllocatesNothing) {
  if (!trib::testing::AllocationGuard::enforced()) {
    GTEST_SKIP() << "NOT TESTED: the sanitizer brings its own allocator";
  }
  World world;
  ASSERT_TRUE(world.Boot(package_).ok());
  world.PlayHealthy(60);
  world.PlayFaulty(20);
  world.sensor.EndAfterLast();
  std::uint64_t allocations = 0;
  while (!world.loop->finished()) {
    {
      const trib::testing::AllocationGuard guard;
      (void)world.loop->Step();
      allocations += guard.allocations();
    }
    world.clock.Advance(Millis(40));
    world.gateway.Step();
  }
  // The fakes' own queues are the platform's: they pause the guard.
  EXPECT_EQ(allocations, 0U);
  EXPECT_GT(world.gateway.Of(RecordKind::kEvent).size(), 0U);
}

TEST(NodeLoopCrash, SaysFirstWhatEndedTheBootBefore) {
  World world;
  world.power.CrashWith(
      {.kind = CrashKind::kStackOverflow, .program_counter = 0x4321, .address = 0x2000'0010});
  ASSERT_TRUE(world.Boot({}).ok());
  world.Run();
  world.Drain();
  const auto faults = world.gateway.Of(RecordKind::kFault);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].header.key.sequence, 1U);
  EXPECT_EQ(faults[0].header.reset_reason, message::ResetReason::kFault);
  EXPECT_EQ(faults[0].fault.code, FaultCode::kCrash);
  EXPECT_EQ(faults[0].fault.channel, static_cast<std::uint32_t>(CrashKind::kStackOverflow));
  EXPECT_EQ(faults[0].fault.detail, 0x4321U);
  EXPECT_EQ(faults[0].fault.windows, 0x2000'0010U);
}

TEST(NodeLoopCrash, AHangIsSaidOnce) {
  World world;
  world.power = trib::testing::FakePower(ResetCause::kWatchdog);
  ASSERT_TRUE(world.Boot({}).ok());
  world.Run();
  world.Drain();
  ASSERT_EQ(world.gateway.Of(RecordKind::kFault).size(), 1U);
  EXPECT_EQ(world.gateway.Of(RecordKind::kFault)[0].fault.code, FaultCode::kWatchdog);

  World known;
  known.power = trib::testing::FakePower(ResetCause::kWatchdog);
  known.power.CrashWith({.kind = CrashKind::kHang, .program_counter = 0x100});
  ASSERT_TRUE(known.Boot({}).ok());
  known.Run();
  known.Drain();
  ASSERT_EQ(known.gateway.Of(RecordKind::kFault).size(), 1U);
  EXPECT_EQ(known.gateway.Of(RecordKind::kFault)[0].fault.code, FaultCode::kCrash);
}

}  // namespace
}  // namespace trib::node::app
