// The network on the node: exits, questions, verdicts, what becomes of those that do not come.
#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "network_bench.h"
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

// A package whose file would be gone does not compile.
template <typename File>
constexpr bool kStarts = requires(NodeLoop& loop, File&& file) {
  loop.Start(std::forward<File>(file), std::span<const crypto::PublicKey>());
};
static_assert(!kStarts<std::vector<std::byte>>);
static_assert(kStarts<std::vector<std::byte>&>);
static_assert(kStarts<std::span<const std::byte>>);

class Decisions final : public DecisionObserver {
 public:
  Decisions() { all.reserve(4096); }
  void OnDecision(const SettledDecision& decision) override { all.push_back(decision); }
  std::vector<SettledDecision> all;
};

class NetworkTest : public ::testing::Test {
 protected:
  NetworkTest() { world.observer = &decisions; }

  /// Boots and learns the baseline.
  void Commission(const NetworkParts& parts) {
    ASSERT_TRUE(world.Boot(parts.Signed(1)).ok());
    ASSERT_TRUE(world.loop->package_status().ok()) << world.loop->package_status().reason();
    world.PlayHealthy(30);
    world.Run();
    ASSERT_EQ(world.loop->state(), NodeState::kNormal);
    decisions.all.clear();
  }
  const CascadeMetrics& cascade() const { return world.loop->metrics().cascade; }
  static std::uint64_t At(const std::array<std::uint64_t, message::kTierCount>& counts, Tier tier) {
    return counts[static_cast<std::size_t>(tier)];
  }
  std::uint32_t Refused(VerdictRefusal reason) const {
    return cascade().refused[static_cast<std::size_t>(reason)];
  }
  /// What the gateway was asked, oldest first.
  std::vector<message::Record> Questions() const {
    return world.gateway.Of(RecordKind::kActivation);
  }
  message::Verdict VerdictOn(const message::Record& question,
                             std::uint32_t label,
                             Tier tier = Tier::kGateway) const {
    message::Verdict verdict;
    verdict.boot = question.header.key.boot;
    verdict.sequence = question.header.key.sequence;
    verdict.package_hash = question.header.package_hash;
    verdict.tier = tier;
    verdict.label = label;
    verdict.confidence = 0.75F;
    (void)verdict.scores.resize(4);
    verdict.scores[label] = 0.75F;
    return verdict;
  }
  void Answer(const message::Verdict& verdict) {
    world.gateway.Answer(verdict);
    (void)world.loop->Step();
  }
  std::vector<message::Record> Events() {
    world.Drain();
    return world.gateway.Of(RecordKind::kEvent);
  }

  Decisions decisions;
  World world;
};

TEST_F(NetworkTest, LooksAtAnAnomalyAndNamesItAtOnce) {
  Commission(NetworkParts(testing::kSureOfAll));
  const std::uint64_t before = cascade().classified;
  world.PlayHealthy(20);
  world.Run();
  EXPECT_EQ(cascade().classified, before) << "a quiet window costs no inference";
  world.PlayFaulty(1);
  world.Run();
  // One window: the trigger wants two of three, the network is sure of one.
  EXPECT_EQ(world.actuator.state(), ActuatorState::kReduce);
  EXPECT_EQ(world.loop->state(), NodeState::kAlarm);
  EXPECT_GE(cascade().classified, before + 1);
  world.PlayFaulty(10);
  world.Run();
  const auto events = Events();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].event.state, EventState::kOnset);
  EXPECT_EQ(events[0].event.label, kInner);
  EXPECT_EQ(events[0].header.tier, Tier::kClassifier);
  EXPECT_GT(events[0].event.confidence, 0.5F);
  ASSERT_EQ(events[0].event.scores.size(), 4U);
  EXPECT_EQ(events[0].event.scores[1], 0.0F) << "no class has the label of the trigger";
  EXPECT_EQ(events[0].event.scores[kInner], events[0].event.confidence);
  EXPECT_EQ(events[0].event.actuator, static_cast<std::uint32_t>(ActuatorState::kReduce));
  EXPECT_EQ(world.loop->metrics().episodes, 1U) << "the trigger's episode is the same one";
  EXPECT_TRUE(Questions().empty());
  EXPECT_EQ(decisions.all.size(), 31U);
  EXPECT_EQ(decisions.all.back().label, kInner);
  EXPECT_EQ(decisions.all.back().tier, Tier::kClassifier);
  EXPECT_FALSE(decisions.all.back().deferred);
  EXPECT_GT(world.loop->energy().spent_nj(energy::Category::kClassifier), 0U);
}

TEST_F(NetworkTest, AnEpisodeThatTheNetworkNamedEnds) {
  Commission(NetworkParts(testing::kSureOfAll));
  world.PlayFaulty(8);
  world.PlayHealthy(40);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kNormal);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kNormal);
  const auto events = Events();
  ASSERT_GE(events.size(), 2U);
  EXPECT_EQ(events.back().event.state, EventState::kCleared);
  EXPECT_EQ(events.back().event.label, kInner);
}

TEST_F(NetworkTest, AnAnomalyThatTheNetworkCallsNormalStaysOne) {
  NetworkParts parts(testing::kSureOfAll);
  // Everything is normal to this network.
  for (auto& feature : parts.normalisation->features) {
    feature.mean = 9;
  }
  Commission(parts);
  world.PlayFaulty(10);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kAlarm);
  EXPECT_EQ(world.actuator.state(), ActuatorState::kWarn);
  const auto events = Events();
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].event.label, 1U);
  EXPECT_EQ(events[0].header.tier, Tier::kTrigger);
  EXPECT_EQ(decisions.all.back().label, 1U);
  EXPECT_EQ(decisions.all.back().tier, Tier::kClassifier);
}

TEST_F(NetworkTest, AWindowPerHeartbeatIsLookedAtWhateverIsInIt) {
  NetworkParts parts(testing::kSureOfAll);
  parts.policy.heartbeat_ms = 1'000;  // a window lasts 86 ms
  Commission(parts);
  const std::uint64_t before = cascade().classified;
  world.PlayHealthy(120);
  world.Run();
  const std::uint64_t looked = cascade().classified - before;
  EXPECT_GE(looked, 9U);
  EXPECT_LE(looked, 11U);
  EXPECT_EQ(world.loop->metrics().episodes, 0U);
}

TEST_F(NetworkTest, WithoutATriggerEveryWindowIsLookedAt) {
  NetworkParts parts(testing::kSureOfAll);
  parts.with_trigger = false;
  ASSERT_TRUE(world.Boot(parts.Signed(1)).ok());
  ASSERT_TRUE(world.loop->package_status().ok()) << world.loop->package_status().reason();
  EXPECT_EQ(world.loop->state(), NodeState::kNormal);
  world.PlayHealthy(10);
  world.PlayFaulty(5);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kAlarm);
  world.PlayHealthy(5);
  world.Run();
  EXPECT_EQ(world.loop->state(), NodeState::kNormal);
  EXPECT_EQ(cascade().classified, 20U);
  EXPECT_EQ(At(cascade().exits, Tier::kClassifier), 20U);
  const auto events = Events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].event.label, kInner);
  EXPECT_EQ(events[1].event.state, EventState::kCleared);
  EXPECT_EQ(events[0].header.flags & message::record_flag::kFallbackRules, 0U);
}

TEST_F(NetworkTest, AskedAboutAFaultItTakesTheVerdict) {
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

TEST_F(NetworkTest, AVerdictNamesTheAnomalyThatTheTriggerHasReported) {
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

TEST_F(NetworkTest, WithoutAnAnswerItsOwnExitStands) {
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

TEST_F(NetworkTest, RefusesVerdictsThatAreNotForItByReason) {
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

TEST_F(NetworkTest, TheNinthWindowIsNotAskedAbout) {
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

TEST_F(NetworkTest, WithoutALinkNobodyIsAsked) {
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

TEST_F(NetworkTest, QuestionsNeverTakeTheRoomOfEvents) {
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

TEST_F(NetworkTest, AuditedWindowsAreAskedAboutAndChangeNothing) {
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

TEST_F(NetworkTest, WithoutSplitPointsAuditsAreFeatureFramesAndDoubtsStand) {
  NetworkParts parts(testing::kUnsureOfAll);
  parts.split.reset();
  parts.policy.audit_permille = 1000;
  Commission(parts);
  world.PlayFaulty(2);
  world.Run();
  EXPECT_EQ(world.actuator.state(), ActuatorState::kReduce);
  EXPECT_EQ(cascade().not_asked, 0U) << "there is nobody to ask";
  world.Drain();
  EXPECT_TRUE(Questions().empty());
  EXPECT_EQ(world.gateway.Of(RecordKind::kFeatureFrame).size(), 32U);
}

TEST_F(NetworkTest, SketchesCountExitsWhenTheySettleAndConfidences) {
  NetworkParts parts(testing::kUnsureOfFaults);
  parts.edges.histograms.clear();
  package::SketchEdges::Histogram confidence;
  confidence.feature = package::kConfidenceFeature;
  for (std::size_t i = 0; i < package::kEdges; ++i) {
    confidence.edges[i] = static_cast<float>(i + 1) / 16;
  }
  (void)parts.edges.histograms.push_back(confidence);
  Commission(parts);
  world.PlayHealthy(20);
  world.PlayFaulty(3);
  world.Run();
  Answer(VerdictOn(Questions()[0], kOuter));
  world.sensor.EndAfterLast();
  world.Run();
  EXPECT_FALSE(world.loop->source_ended()) << "two windows are not decided yet";
  world.clock.Advance(Millis(2'500));
  (void)world.loop->Step();
  EXPECT_TRUE(world.loop->source_ended());
  world.Drain();
  EXPECT_TRUE(world.loop->finished());
  std::array<std::uint64_t, message::kTierCount> exits{};
  std::uint64_t windows = 0;
  std::uint64_t confidences = 0;
  for (const auto& record : world.gateway.Of(RecordKind::kSketch)) {
    windows += record.sketch.windows;
    for (std::size_t i = 0; i < exits.size(); ++i) {
      exits[i] += record.sketch.exits[i];
    }
    ASSERT_EQ(record.sketch.histograms.size(), 1U);
    EXPECT_EQ(record.sketch.histograms[0].feature, message::kConfidenceFeature);
    for (const std::uint32_t count : record.sketch.histograms[0].counts) {
      confidences += count;
    }
  }
  EXPECT_EQ(windows, 53U);
  EXPECT_EQ(std::accumulate(exits.begin(), exits.end(), std::uint64_t{0}), 53U);
  EXPECT_EQ(At(exits, Tier::kGateway), 1U);
  EXPECT_EQ(exits, cascade().exits);
  EXPECT_EQ(confidences, cascade().classified);
}

TEST_F(NetworkTest, AnActivationLongerThanAMessageArrivesInChunks) {
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

struct Refusal {
  const char* name;
  NetworkParts parts;
  package::Reason reason;
};

std::vector<Refusal> Refusals() {
  std::vector<Refusal> out;
  const NetworkParts good(testing::kSureOfAll);
  const auto add = [&](const char* name, package::Reason reason, const auto& change) {
    out.push_back({name, good, reason});
    change(out.back().parts);
  };
  add("more arena than there is", package::Reason::kArenaTooSmall, [](NetworkParts& p) {
    p.manifest.arena_bytes = testing::kNetworkBytes + 1;
  });
  add("an operator of the future", package::Reason::kMissingOperator, [](NetworkParts& p) {
    p.manifest.operators |= std::uint64_t{1} << 40U;
  });
  add("a broken plan", package::Reason::kBadPlan, [](NetworkParts& p) {
    p.plan[0] = std::byte{99};
  });
  add("weights of another plan", package::Reason::kBadPlan, [](NetworkParts& p) {
    p.weights.resize(p.weights.size() / 2);
  });
  add("a plan without a meaning", package::Reason::kMissingSection, [](NetworkParts& p) {
    p.classifier.reset();
    p.split.reset();
  });
  add("another number of classes",
      package::Reason::kClassifierDoesNotMatchPlan,
      [](NetworkParts& p) {
        p.classifier->labels = {};
        p.classifier->exits[0].accept = {};
        p.classifier->exits[0].reject = {};
        for (const std::uint32_t label : {0U, kInner}) {
          (void)p.classifier->labels.push_back(static_cast<std::uint8_t>(label));
          (void)p.classifier->exits[0].accept.push_back(0);
          (void)p.classifier->exits[0].reject.push_back(1);
        }
      });
  add("an activation that is longer than stated",
      package::Reason::kSplitPointsDoNotMatchPlan,
      [](NetworkParts& p) { p.split->max_activation_bytes = 20; });
  return out;
}

TEST_F(NetworkTest, APackageThatDoesNotFitLeavesTheRulesRunning) {
  for (const Refusal& refusal : Refusals()) {
    SCOPED_TRACE(refusal.name);
    World other;
    ASSERT_TRUE(other.Boot(refusal.parts.Signed(1)).ok());
    EXPECT_EQ(other.loop->package_status().reason(), static_cast<std::uint16_t>(refusal.reason));
    other.PlayHealthy(3);
    other.Run();
    EXPECT_EQ(other.loop->state(), NodeState::kFallback);
    EXPECT_EQ(other.loop->metrics().cascade.classified, 0U);
    other.Drain();
    const auto faults = other.gateway.Of(RecordKind::kFault);
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_EQ(faults[0].fault.detail, static_cast<std::uint32_t>(refusal.reason));
  }
}

TEST_F(NetworkTest, ANodeWithoutRoomForAnActivationRefuses) {
  const auto file = NetworkParts(testing::kSureOfAll).Signed(1);
  const auto key = testing::KeyOf(1);
  LoadedPackage loaded;
  const auto load = [&](const Room& room) {
    return LoadPackage(file,
                       std::span(&key, 1),
                       package::HardwareClass::kLinux,
                       {.sample_rate_hz = testing::kRate, .channels = 1},
                       room,
                       loaded);
  };
  EXPECT_TRUE(load({.window_samples = 2048, .network_bytes = 4096, .activation_bytes = 64}).ok());
  EXPECT_TRUE(loaded.network.has_value());
  for (const Room& room :
       {Room{.window_samples = 2048, .network_bytes = 4096, .activation_bytes = 16},
        Room{.window_samples = 2048, .network_bytes = 8, .activation_bytes = 64},
        Room{.window_samples = 2048}}) {
    EXPECT_EQ(load(room), Status(Code::kFailedPrecondition, package::Reason::kArenaTooSmall));
    EXPECT_FALSE(loaded.present);
    EXPECT_FALSE(loaded.network.has_value());
  }
}

TEST_F(NetworkTest, AStepAllocatesNothing) {
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
