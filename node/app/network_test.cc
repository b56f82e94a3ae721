// Which windows the network on the node looks at, what its answers do, and what packages it
// refuses.
#include <gtest/gtest.h>

#include <numeric>

#include "network_bench.h"

namespace trib::node::app {
namespace {

using message::EventState;
using message::RecordKind;
using message::Tier;
using testing::kInner;
using testing::kOuter;
using testing::NetworkParts;
using testing::NetworkTest;
using testing::World;

// A package whose file would be gone does not compile.
template <typename File>
constexpr bool kStarts = requires(NodeLoop& loop, File&& file) {
  loop.Start(std::forward<File>(file), std::span<const crypto::PublicKey>());
};
static_assert(!kStarts<std::vector<std::byte>>);
static_assert(kStarts<std::vector<std::byte>&>);
static_assert(kStarts<std::span<const std::byte>>);

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

TEST_F(NetworkTest, SketchesCountExitsAndLabelsWhenTheySettleAndConfidences) {
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
  std::array<std::uint64_t, message::kMaxLabels> labels{};
  std::uint64_t windows = 0;
  std::uint64_t confidences = 0;
  for (const auto& record : world.gateway.Of(RecordKind::kSketch)) {
    windows += record.sketch.windows;
    for (std::size_t i = 0; i < exits.size(); ++i) {
      exits[i] += record.sketch.exits[i];
    }
    ASSERT_EQ(record.sketch.labels.size(), world.loop->package().labels.labels.size());
    for (std::size_t label = 0; label < record.sketch.labels.size(); ++label) {
      labels[label] += record.sketch.labels[label];
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
  EXPECT_EQ(std::accumulate(labels.begin(), labels.end(), std::uint64_t{0}), 53U);
  EXPECT_EQ(labels[0], 50U);
  EXPECT_EQ(labels[kOuter], 1U) << "the verdict's";
  EXPECT_EQ(labels[kInner], 2U) << "the node's own, as nobody answered in time";
  EXPECT_EQ(confidences, cascade().classified);
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

}  // namespace
}  // namespace trib::node::app
