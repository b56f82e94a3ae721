// What the node asks about, whose verdict it takes, and what becomes of questions without one.
#include <gtest/gtest.h>

#include "network_bench.h"
#include "trib/common/nn/activation.h"
#include "trib/common/nn/runner.h"
#include "trib/testing/allocation_guard.h"

namespace trib::node::app {
namespace {

using message::EventState;
using message::RecordKind;
using message::Tier;
using testing::kInner;
using testing::kOuter;
using testing::NetworkParts;
using testing::World;

class QuestionsTest : public testing::NetworkTest {};

TEST_F(QuestionsTest, AskedAboutAFaultItTakesTheVerdict) {
  Commission(NetworkParts(testing::kUnsureOfFaults));
  world.PlayFaulty(1);
  world.Run();
  world.gateway.Step();
  ASSERT_EQ(Questions().size(), 1U);
  const message::Record question = Questions()[0];
  EXPECT_EQ(question.header.tier, Tier::kClassifier);
  EXPECT_EQ(question.header.cut_id, 2U);
  EXPECT_FALSE(question.header.audit);
  const auto& payload = world.gateway.payloads.at(question.header.key);
  const auto header = nn::PeekActivation(payload);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->package, world.loop->package().hash);
  EXPECT_EQ(header->cut, 2U);
  EXPECT_EQ(world.loop->open_questions(), 1U);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kNormal) << "nobody has decided yet";
  EXPECT_EQ(decisions.all.size(), 0U);

  const MonotonicTime recorded = world.clock.Monotonic();
  world.clock.Advance(Millis(400));
  Answer(VerdictOn(question, kOuter, Tier::kCloud));
  EXPECT_EQ(world.actuator.state(), ActuatorState::kStop);
  EXPECT_EQ(world.loop->open_questions(), 0U);
  ASSERT_EQ(decisions.all.size(), 1U);
  EXPECT_EQ(decisions.all[0].tier, Tier::kCloud);
  EXPECT_EQ(decisions.all[0].label, kOuter);
  EXPECT_TRUE(decisions.all[0].deferred);
  EXPECT_EQ(decisions.all[0].first_frame, question.header.sample_index);
  EXPECT_EQ(cascade().deferred, 1U);
  EXPECT_EQ(At(cascade().verdicts, Tier::kCloud), 1U);
  EXPECT_EQ(At(cascade().exits, Tier::kCloud), 1U);
  EXPECT_GE(cascade().latency.max_ms, (world.clock.Monotonic() - recorded).count());
  EXPECT_EQ(cascade().latency.sum_ms, cascade().latency.max_ms);
  EXPECT_EQ(cascade().latency.bins[4], 1U) << "300 ms to 1 s";

  const auto events = Events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].event.state, EventState::kOnset);
  EXPECT_EQ(events[0].header.tier, Tier::kCloud);
  EXPECT_EQ(events[0].header.sample_index, question.header.sample_index);
  EXPECT_EQ(events[0].event.label, kOuter);
  EXPECT_EQ(events[0].event.confidence, 0.75F);
  EXPECT_EQ(events[0].event.scores[kOuter], 0.75F);
  EXPECT_EQ(events[0].event.actuator, static_cast<std::uint32_t>(ActuatorState::kStop));
}

TEST_F(QuestionsTest, AVerdictNamesTheAnomalyThatTheTriggerHasReported) {
  Commission(NetworkParts(testing::kUnsureOfFaults));
  world.PlayFaulty(4);
  world.Run();
  EXPECT_EQ(world.actuator.state(), ActuatorState::kWarn);
  ASSERT_GE(Questions().size(), 2U);
  Answer(VerdictOn(Questions()[1], kOuter));
  EXPECT_EQ(world.actuator.state(), ActuatorState::kStop);
  const auto events = Events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].event.label, 1U);
  EXPECT_EQ(events[1].event.state, EventState::kContinuing);
  EXPECT_EQ(events[1].event.label, kOuter);
  EXPECT_EQ(events[1].header.tier, Tier::kGateway);
}

TEST_F(QuestionsTest, AVerdictThatNamesNothingDoesNotSpeakForTheTrigger) {
  NetworkParts parts(testing::kUnsureOfFaults);
  parts.policy.reminder_ms = 1'000;
  Commission(parts);
  world.PlayFaulty(4);
  world.Run();
  ASSERT_EQ(world.actuator.state(), ActuatorState::kWarn);
  ASSERT_EQ(Events().size(), 1U);
  world.clock.Advance(Millis(1'100));  // a reminder is due
  Answer(VerdictOn(Questions()[0], 0));
  EXPECT_EQ(cascade().timeouts, 0U);
  EXPECT_EQ(At(cascade().exits, Tier::kGateway), 1U);
  EXPECT_EQ(Events().size(), 1U) << "it knows neither score nor severity of the episode";
  world.PlayFaulty(1);
  world.Run();
  const auto events = Events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].event.state, EventState::kContinuing);
  EXPECT_GE(events[1].event.confidence, 0.5F);
  EXPECT_GT(events[1].event.severity, 0.0F);
}

TEST_F(QuestionsTest, WithoutAnAnswerItsOwnExitStands) {
  Commission(NetworkParts(testing::kUnsureOfFaults));
  world.PlayFaulty(1);
  world.Run();
  ASSERT_EQ(Questions().size(), 1U);
  world.clock.Advance(Millis(1'900));
  (void)world.loop->Step();
  EXPECT_EQ(world.loop->open_questions(), 1U);
  EXPECT_EQ(cascade().timeouts, 0U);
  world.clock.Advance(Millis(200));
  (void)world.loop->Step();
  EXPECT_EQ(world.loop->open_questions(), 0U);
  EXPECT_EQ(cascade().timeouts, 1U);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kReduce);
  ASSERT_EQ(decisions.all.size(), 1U);
  EXPECT_EQ(decisions.all[0].tier, Tier::kClassifier);
  EXPECT_EQ(decisions.all[0].label, kInner);
  EXPECT_TRUE(decisions.all[0].deferred);

  // And what comes now changes nothing.
  Answer(VerdictOn(Questions()[0], kOuter));
  EXPECT_EQ(world.actuator.state(), ActuatorState::kReduce);
  EXPECT_EQ(Refused(VerdictRefusal::kLate), 1U);
  EXPECT_EQ(decisions.all.size(), 1U);
  EXPECT_EQ(Events().size(), 1U);
}

TEST_F(QuestionsTest, RefusesVerdictsThatAreNotForItByReason) {
  Commission(NetworkParts(testing::kUnsureOfFaults));
  world.PlayFaulty(1);
  world.Run();
  ASSERT_EQ(Questions().size(), 1U);
  const message::Verdict good = VerdictOn(Questions()[0], kOuter);
  message::Verdict bad = good;
  bad.package_hash = PackageHash(99);
  Answer(bad);
  EXPECT_EQ(Refused(VerdictRefusal::kPackage), 1U);
  bad = good;
  bad.boot += 1;
  Answer(bad);
  bad = good;
  bad.sequence += 1'000;
  Answer(bad);
  EXPECT_EQ(Refused(VerdictRefusal::kUnknown), 2U);
  bad = good;
  bad.label = 9;
  Answer(bad);
  bad.label = 1;  // a label, but no class
  Answer(bad);
  EXPECT_EQ(Refused(VerdictRefusal::kLabel), 2U);
  bad = good;
  bad.tier = Tier::kTrigger;
  Answer(bad);
  EXPECT_EQ(Refused(VerdictRefusal::kTier), 1U);
  bad = good;
  bad.sequence = 1;  // a record that asked nothing
  Answer(bad);
  EXPECT_EQ(Refused(VerdictRefusal::kLate), 1U);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kNormal);
  EXPECT_EQ(world.loop->open_questions(), 1U);
  EXPECT_TRUE(decisions.all.empty());
  Answer(good);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kStop);
  EXPECT_EQ(world.loop->metrics().verdicts, 8U);
  Answer(good);  // said twice
  EXPECT_EQ(Refused(VerdictRefusal::kLate), 2U);
}

TEST_F(QuestionsTest, TheNinthWindowIsNotAskedAbout) {
  Commission(NetworkParts(testing::kUnsureOfFaults));
  world.PlayFaulty(10);
  world.Run();
  EXPECT_EQ(world.loop->open_questions(), 8U);
  EXPECT_EQ(cascade().deferred, 8U);
  EXPECT_EQ(cascade().not_asked, 2U);
  EXPECT_EQ(decisions.all.size(), 2U) << "those settle at once";
  EXPECT_EQ(world.actuator.state(), ActuatorState::kReduce);
  world.clock.Advance(Millis(2'100));
  (void)world.loop->Step();
  EXPECT_EQ(decisions.all.size(), 10U);
  EXPECT_EQ(cascade().timeouts, 8U);
}

TEST_F(QuestionsTest, WithoutALinkNobodyIsAsked) {
  Commission(NetworkParts(testing::kUnsureOfFaults));
  world.link.SetDown(true);
  world.PlayHealthy(60);  // long enough to send a status and to see that the link is gone
  world.Run();
  decisions.all.clear();
  world.PlayFaulty(3);
  world.Run();
  EXPECT_EQ(cascade().deferred, 0U);
  EXPECT_EQ(cascade().not_asked, 3U);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kReduce);
  EXPECT_EQ(decisions.all.size(), 3U);
}

TEST_F(QuestionsTest, QuestionsNeverTakeTheRoomOfEvents) {
  Commission(NetworkParts(testing::kUnsureOfAll));
  world.gateway.credit = 0;  // in session, but everything stays in the backlog
  world.PlayHealthy(3);
  world.Run();
  const auto dropped = [&](message::Priority priority) {
    return world.loop->backlog_metrics().dropped[static_cast<std::size_t>(priority)];
  };
  std::uint64_t rounds = 0;
  for (; dropped(message::Priority::kFrame) == 0 && rounds < 400; ++rounds) {
    world.PlayFaulty(6);
    world.PlayHealthy(14);
    world.Run();
    world.clock.Advance(Millis(2'500));
  }
  ASSERT_LT(rounds, 400U) << "the backlog never ran short";
  EXPECT_GT(cascade().not_asked, 0U);
  world.PlayFaulty(6);
  world.Run();
  EXPECT_EQ(dropped(message::Priority::kEvent), 0U);
  EXPECT_EQ(world.loop->backlog_metrics().sectors_given_up, 0U);
}

TEST_F(QuestionsTest, AuditedWindowsAreAskedAboutAndChangeNothing) {
  NetworkParts parts(testing::kSureOfAll);
  parts.policy.audit_permille = 1000;
  Commission(parts);
  world.clock.Advance(Millis(3'000));
  (void)world.loop->Step();
  ASSERT_EQ(world.loop->open_questions(), 0U);
  const auto start = Questions().size();
  decisions.all.clear();
  world.PlayHealthy(3);
  world.Run();
  ASSERT_EQ(Questions().size(), start + 3);
  EXPECT_EQ(decisions.all.size(), 3U) << "the node's decision stands at once";
  const auto asked = Questions();
  EXPECT_TRUE(asked[start].header.audit);
  Answer(VerdictOn(asked[start], 0));
  Answer(VerdictOn(asked[start + 1], kOuter));
  EXPECT_EQ(cascade().audits_agreed, 1U);
  EXPECT_EQ(cascade().audits_disagreed, 1U);
  world.clock.Advance(Millis(3'000));
  (void)world.loop->Step();
  EXPECT_GE(cascade().audit_timeouts, 1U);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kNormal);
  EXPECT_EQ(decisions.all.size(), 3U);
  EXPECT_EQ(cascade().timeouts, 0U);
  EXPECT_TRUE(Events().empty());
  EXPECT_TRUE(world.gateway.Of(RecordKind::kFeatureFrame).empty());
}

TEST_F(QuestionsTest, ADoubtfulWindowThatIsDrawnSaysSoAndTakesItsVerdict) {
  NetworkParts parts(testing::kUnsureOfFaults);
  parts.policy.audit_permille = 1000;
  Commission(parts);
  world.clock.Advance(Millis(3'000));
  (void)world.loop->Step();
  const auto start = Questions().size();
  const auto audits = cascade().audits;
  decisions.all.clear();
  world.PlayFaulty(1);
  world.Run();
  world.gateway.Step();
  ASSERT_EQ(Questions().size(), start + 1);
  EXPECT_TRUE(Questions()[start].header.audit) << "else only windows it is sure of were audited";
  EXPECT_EQ(cascade().audits, audits) << "it is asked once";
  Answer(VerdictOn(Questions()[start], kOuter));
  EXPECT_EQ(world.actuator.state(), ActuatorState::kStop);
  ASSERT_EQ(decisions.all.size(), 1U);
  EXPECT_TRUE(decisions.all[0].deferred);
  EXPECT_EQ(cascade().audits_agreed + cascade().audits_disagreed, 0U);
}

TEST_F(QuestionsTest, DrawnWindowsThatNobodyIsAskedAboutAreCounted) {
  NetworkParts parts(testing::kUnsureOfFaults);
  parts.policy.audit_permille = 1000;
  Commission(parts);
  world.clock.Advance(Millis(3'000));
  (void)world.loop->Step();
  ASSERT_EQ(world.loop->open_questions(), 0U);
  const auto before = cascade().audits_not_asked;
  world.PlayFaulty(10);
  world.Run();
  EXPECT_EQ(cascade().deferred, 8U);
  EXPECT_EQ(cascade().not_asked, 2U);
  EXPECT_EQ(cascade().audits_not_asked, before + 2);
}

TEST_F(QuestionsTest, AnActivationLongerThanAMessageArrivesInChunks) {
  NetworkParts parts(testing::kUnsureOfAll);
  parts.classifier->input = package::NetworkInput::kWindow;
  parts.normalisation.reset();
  parts.with_trigger = false;
  parts.Use(testing::WideNetwork());
  parts.Split();
  ASSERT_GT(parts.split->max_activation_bytes, message::kMaxRecordBytes);
  for (const std::uint32_t loss : {0U, 200U}) {
    SCOPED_TRACE(loss);
    World lossy(testing::KeyOf(1), {.loss_permille = loss, .reorder_permille = loss, .seed = 3});
    ASSERT_TRUE(lossy.Boot(parts.Signed(1)).ok());
    ASSERT_TRUE(lossy.loop->package_status().ok()) << lossy.loop->package_status().reason();
    for (int i = 0; i < 200 && !lossy.loop->uplink_metrics().sessions; ++i) {
      lossy.clock.Advance(Millis(500));
      (void)lossy.loop->Step();
      lossy.gateway.Step();
    }
    lossy.PlayFaulty(5);
    lossy.Run();
    lossy.Drain();
    EXPECT_EQ(lossy.gateway.Of(RecordKind::kActivation).size(), 5U);
    EXPECT_GT(lossy.gateway.chunks, 5U * 3U);
    // The bytes are those that the network left: they decode into the same plan.
    const auto plan = nn::Plan::Load(parts.plan, parts.weights);
    std::vector<std::uint32_t> arena(plan->arena_bytes() / 4 + 1);
    auto runner = nn::Runner::Open(*plan, std::as_writable_bytes(std::span(arena)), {});
    ASSERT_TRUE(runner.ok());
    for (const auto& [key, payload] : lossy.gateway.payloads) {
      EXPECT_GT(payload.size(), message::kMaxRecordBytes);
      EXPECT_TRUE(nn::DecodeActivation(payload, *plan, *runner).ok());
    }
  }
}

TEST_F(QuestionsTest, AStepAllocatesNothing) {
  if (!trib::testing::AllocationGuard::enforced()) {
    GTEST_SKIP() << "NOT TESTED: the sanitizer brings its own allocator";
  }
  NetworkParts parts(testing::kUnsureOfFaults);
  parts.policy.audit_permille = 200;
  Commission(parts);
  world.PlayHealthy(10);
  world.PlayFaulty(20);
  world.sensor.EndAfterLast();
  std::uint64_t allocations = 0;
  std::size_t answered = 0;
  while (!world.loop->finished()) {
    {
      const trib::testing::AllocationGuard guard;
      (void)world.loop->Step();
      allocations += guard.allocations();
    }
    world.clock.Advance(Millis(40));
    world.gateway.Step();
    const auto questions = Questions();
    for (; answered < questions.size(); ++answered) {
      if (answered % 2 == 0) {
        world.gateway.Answer(VerdictOn(questions[answered], kOuter));
      }
    }
  }
  EXPECT_EQ(allocations, 0U);
  EXPECT_GT(At(cascade().verdicts, Tier::kGateway), 0U);
  EXPECT_GT(cascade().timeouts + cascade().audit_timeouts, 0U);
}

}  // namespace
}  // namespace trib::node::app
