#include "trib/cloud/drift/monitor.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "simulated_fleet.h"

namespace trib::cloud::drift {
namespace {

constexpr std::uint32_t kNodes = 40;
constexpr std::uint32_t kSites = 4;
constexpr std::uint32_t kReference = 28;

const FleetModel kModel = {
    .nodes = kNodes, .sites = kSites, .features = 9, .windows = 60, .seed = 3};

constexpr Subject kModelSubject{SubjectKind::kModel, 0};

std::vector<FeatureKind> Kinds(PackageHash /*package*/, RecipeId /*recipe*/) {
  std::vector<FeatureKind> out(9, FeatureKind::kLevel);
  out[6] = out[7] = FeatureKind::kShape;
  out[8] = FeatureKind::kOffset;
  return out;
}

Change Gain() {
  return {.shift = std::vector<float>(6, 2.5F)};
}

class MonitorTest : public ::testing::Test {
 protected:
  Look Judge(std::span<const Block> blocks) { return monitor.Judge(blocks, open, 5); }
  /// The next day of the fleet, from the changes.
  std::vector<Block> Next() { return fleet.Day(day++, changes); }
  void Learn() {
    for (std::uint32_t i = 0; i < kReference; ++i) {
      EXPECT_TRUE(Judge(Next()).alarms.empty());
    }
  }
  /// Looks until there is an alarm. @returns that look, or the last of `days`.
  Look JudgeUntilAlarm(std::uint32_t days) {
    Look look;
    for (std::uint32_t i = 0; i < days && look.alarms.empty(); ++i) {
      look = Judge(Next());
    }
    return look;
  }
  static const FamilyLook* Find(const Look& look, Family family) {
    const auto found = std::find_if(look.families.begin(),
                                    look.families.end(),
                                    [&](const FamilyLook& one) { return one.family == family; });
    return found == look.families.end() ? nullptr : &*found;
  }

  Options options;
  SimulatedFleet fleet{kModel};
  Changes changes;
  std::set<Subject> open;
  std::uint32_t day = 0;
  Monitor monitor{options, Kinds};
};

TEST_F(MonitorTest, LearnsFirstThenWatches) {
  for (std::uint32_t i = 0; i < kReference; ++i) {
    const Look look = Judge(Next());
    EXPECT_EQ(look.learning, kNodes);
    EXPECT_EQ(look.watched, i + 1 < kReference ? 0 : kNodes);
    EXPECT_TRUE(look.families.empty());
  }
  const Look look = Judge(Next());
  EXPECT_EQ(look.learning, 0U);
  ASSERT_NE(Find(look, Family::kNode), nullptr);
  EXPECT_EQ(Find(look, Family::kNode)->tests, kNodes);
  EXPECT_DOUBLE_EQ(Find(look, Family::kNode)->resolution, 1.0 / (1 + kNodes * kReference));
  ASSERT_NE(Find(look, Family::kGroup), nullptr);
  ASSERT_NE(Find(look, Family::kFleet), nullptr);
  ASSERT_NE(Find(look, Family::kModel), nullptr);
}

TEST_F(MonitorTest, SpendsTheBudgetByBlockAndByNode) {
  Learn();
  auto blocks = Next();
  blocks.resize(kNodes / 4);
  const Look quarter = Judge(blocks);
  EXPECT_NEAR(Find(quarter, Family::kNode)->alpha, 0.5 / 7 / 4, 1e-12);
  EXPECT_EQ(Find(quarter, Family::kFleet), nullptr) << "a quarter of the fleet is not the fleet";
  const Look whole = Judge(Next());
  EXPECT_NEAR(Find(whole, Family::kNode)->alpha, 0.5 / 7, 1e-12);
  EXPECT_NEAR(Find(whole, Family::kModel)->alpha, 0.1 / 7, 1e-12);
}

TEST_F(MonitorTest, OneSensorsGainIsOneAlarmOfThatNode) {
  Learn();
  changes = [](std::uint32_t node, std::uint32_t) { return node == 7 ? Gain() : Change(); };
  const Look look = JudgeUntilAlarm(3);
  ASSERT_EQ(look.alarms.size(), 1U);
  const Alarm& alarm = look.alarms[0];
  EXPECT_EQ(alarm.subject, (Subject{SubjectKind::kNode, SimulatedFleet::NodeAt(7).value()}));
  EXPECT_EQ(alarm.nodes, std::vector<NodeId>{SimulatedFleet::NodeAt(7)});
  EXPECT_EQ(alarm.cause, Cause::kSensor) << alarm.reasoning;
  EXPECT_LE(alarm.p, alarm.threshold);
  EXPECT_GT(alarm.resolution, 0);
  EXPECT_EQ(alarm.package, PackageHash(77));
  ASSERT_FALSE(alarm.evidence.empty());
  EXPECT_LE(alarm.evidence.size(), 8U);
  EXPECT_GT(alarm.evidence[0].psi, alarm.evidence[0].psi_critical);
}

TEST_F(MonitorTest, ASiteIsOneAlarmThatNamesItsNodes) {
  Learn();
  changes = [](std::uint32_t node, std::uint32_t) {
    return node % kSites == 2 ? Gain() : Change();
  };
  const Look look = JudgeUntilAlarm(3);
  ASSERT_EQ(look.alarms.size(), 1U) << look.alarms[0].reasoning;
  EXPECT_EQ(look.alarms[0].subject, (Subject{SubjectKind::kSite, 3}));
  EXPECT_EQ(look.alarms[0].cause, Cause::kEnvironment) << look.alarms[0].reasoning;
  EXPECT_GE(look.alarms[0].nodes.size(), 8U);
  for (const NodeId node : look.alarms[0].nodes) {
    EXPECT_EQ((node.value() - SimulatedFleet::NodeAt(0).value()) % kSites, 2U);
  }
}

/// So slight that of many nodes together it has no effect, while it has of some.
Change Slight() {
  return {.shift = std::vector<float>(6, 1.1F)};
}

TEST_F(MonitorTest, ASitesSlightChangeIsOneAlarmThoughOnlySomeOfItsNodesHaveAnEffect) {
  options.min_psi = 1.2;
  monitor = Monitor(options, Kinds);
  Learn();
  changes = [](std::uint32_t node, std::uint32_t) {
    return node % kSites == 2 ? Slight() : Change();
  };
  const Look look = JudgeUntilAlarm(3);
  ASSERT_GE(Find(look, Family::kNode)->rejected, 3U) << "some of its nodes";
  ASSERT_LT(Find(look, Family::kNode)->rejected, kNodes / kSites / 2) << "not half of it";
  ASSERT_EQ(look.alarms.size(), 1U);
  EXPECT_EQ(look.alarms[0].subject, (Subject{SubjectKind::kSite, 3}));
  EXPECT_EQ(look.alarms[0].family, Family::kGroup) << "its own test was rejected";
  EXPECT_LT(look.alarms[0].evidence[0].psi, options.min_psi);
}

TEST_F(MonitorTest, SomeNodesOfASiteThatMovedAloneAreNotTheSite) {
  Learn();
  changes = [](std::uint32_t node, std::uint32_t) {
    return node % kSites == 2 && node < 12 ? Gain() : Change();
  };
  const Look look = JudgeUntilAlarm(3);
  EXPECT_EQ(look.alarms.size(), 3U);
  for (const Alarm& alarm : look.alarms) {
    EXPECT_EQ(alarm.subject.kind, SubjectKind::kNode) << alarm.reasoning;
  }
}

TEST_F(MonitorTest, TheFleetsSlightChangeIsOneAlarm) {
  options.min_psi = 1.2;
  monitor = Monitor(options, Kinds);
  Learn();
  changes = [](std::uint32_t, std::uint32_t) { return Slight(); };
  const Look look = JudgeUntilAlarm(3);
  ASSERT_EQ(look.alarms.size(), 1U);
  EXPECT_EQ(look.alarms[0].subject, (Subject{SubjectKind::kFleet, 0}));
  EXPECT_LT(look.alarms[0].evidence[0].psi, options.min_psi);
}

TEST_F(MonitorTest, TheWholeFleetIsOneAlarm) {
  Learn();
  changes = [](std::uint32_t, std::uint32_t) { return Gain(); };
  const Look look = JudgeUntilAlarm(3);
  ASSERT_EQ(look.alarms.size(), 1U);
  EXPECT_EQ(look.alarms[0].subject, (Subject{SubjectKind::kFleet, 0}));
  EXPECT_EQ(look.alarms[0].cause, Cause::kEnvironment);
  EXPECT_GE(look.alarms[0].nodes.size(), kNodes / 2);
}

Change Common(float shift) {
  return {.shift = std::vector<float>(9, shift)};
}

TEST_F(MonitorTest, WhatAllNodesShowIsNoSignOfOneOfThem) {
  Learn();
  changes = [](std::uint32_t, std::uint32_t) { return Common(0.9F); };
  const Look look = Judge(Next());
  EXPECT_EQ(Find(look, Family::kNode)->rejected, 0U);
  ASSERT_EQ(look.alarms.size(), 1U);
  EXPECT_EQ(look.alarms[0].subject, (Subject{SubjectKind::kFleet, 0}));
  EXPECT_EQ(look.alarms[0].family, Family::kFleet);
}

TEST_F(MonitorTest, WhoStaysWhereMostNodesMovedHasNotDrifted) {
  Learn();
  changes = [](std::uint32_t node, std::uint32_t) {
    return node % 10 == 0 ? Change() : Common(0.6F);
  };
  EXPECT_EQ(Find(Judge(Next()), Family::kNode)->rejected, 0U);
}

TEST_F(MonitorTest, ANodeBeyondItsPeersIsFoundInSpiteOfWhatTheyShare) {
  Learn();
  changes = [](std::uint32_t node, std::uint32_t) { return Common(node == 7 ? 3.1F : 0.6F); };
  const Look look = Judge(Next());
  EXPECT_EQ(Find(look, Family::kNode)->rejected, 1U);
  EXPECT_LE(monitor.Standings()[7].p, 2 * Find(look, Family::kNode)->resolution);
}

TEST_F(MonitorTest, ANodeIsAlarmedInWeatherThatLasts) {
  FleetModel model = kModel;
  model.weather = 0.4F;
  model.weather_correlation = 0.8F;
  fleet = SimulatedFleet(model);
  Learn();
  changes = [](std::uint32_t node, std::uint32_t) { return node == 7 ? Gain() : Change(); };
  const Look look = JudgeUntilAlarm(3);
  ASSERT_EQ(look.alarms.size(), 1U);
  EXPECT_EQ(look.alarms[0].subject,
            (Subject{SubjectKind::kNode, SimulatedFleet::NodeAt(7).value()}));
}

TEST_F(MonitorTest, ALateBlockMeetsThePeersThatCameBefore) {
  Learn();
  Monitor alone(options, Kinds);
  SimulatedFleet again(kModel);
  for (std::uint32_t i = 0; i < kReference; ++i) {
    alone.Restore(again.Day(i));
  }
  changes = [](std::uint32_t, std::uint32_t) { return Common(1.5F); };
  auto blocks = Next();
  const std::vector<Block> late = {blocks[7]};
  blocks.erase(blocks.begin() + 7);
  (void)Judge(blocks);
  EXPECT_GT(Find(Judge(late), Family::kNode)->least_p, 0.05);
  EXPECT_LT(Find(alone.Judge(late, {}, 5), Family::kNode)->least_p, 0.01);
}

TEST_F(MonitorTest, NodesWithNewFirmwareAreTheFirmwaresAlarm) {
  Learn();
  changes = [](std::uint32_t node, std::uint32_t) {
    Change change = node % 5 == 0 ? Gain() : Change();
    change.firmware = node % 5 == 0 ? 2 : 1;
    return change;
  };
  const Look look = JudgeUntilAlarm(3);
  ASSERT_EQ(look.alarms.size(), 1U);
  EXPECT_EQ(look.alarms[0].subject, (Subject{SubjectKind::kFirmware, 2}));
  EXPECT_EQ(look.alarms[0].cause, Cause::kFirmware) << look.alarms[0].reasoning;
}

TEST_F(MonitorTest, AnswersThatMoveWithoutFeaturesAreTheModels) {
  Learn();
  changes = [](std::uint32_t, std::uint32_t) { return Change{.confidence = -1.5F}; };
  const Look look = JudgeUntilAlarm(3);
  ASSERT_FALSE(look.alarms.empty());
  EXPECT_EQ(look.alarms[0].cause, Cause::kModel) << look.alarms[0].reasoning;
}

TEST_F(MonitorTest, TheModelsAlarmTellsWhatSitesShowOfIt) {
  Learn();
  changes = [](std::uint32_t, std::uint32_t) { return Change{.confidence = -1}; };
  const Look look = Judge(Next());
  ASSERT_GT(Find(look, Family::kGroup)->rejected, 0U);
  ASSERT_EQ(look.alarms.size(), 1U);
  EXPECT_EQ(look.alarms[0].subject, kModelSubject);
  ASSERT_EQ(look.absorptions.size(), Find(look, Family::kGroup)->rejected);
  for (const Absorption& absorption : look.absorptions) {
    EXPECT_EQ(absorption.subject.kind, SubjectKind::kSite);
    EXPECT_EQ(absorption.teller, kModelSubject);
    for (const NodeId node : absorption.nodes) {
      EXPECT_EQ(std::ranges::count(look.alarms[0].nodes, node), 1);
    }
  }
}

TEST_F(MonitorTest, TheModelsStandingAlarmTellsWhatANodeShowsOfIt) {
  Learn();
  changes = [](std::uint32_t node, std::uint32_t) {
    return Change{.label_factor = node == 7 ? 20.0F : 2.0F};
  };
  const NodeId node = SimulatedFleet::NodeAt(7);
  const Subject subject{SubjectKind::kNode, node.value()};
  Monitor without(options, Kinds);
  SimulatedFleet again(kModel);
  for (std::uint32_t i = 0; i < kReference; ++i) {
    without.Restore(again.Day(i));
  }
  open = {kModelSubject};
  const auto blocks = Next();
  const Look look = Judge(blocks);
  EXPECT_TRUE(look.alarms.empty());
  const auto found = std::ranges::find(look.absorptions, subject, &Absorption::subject);
  ASSERT_NE(found, look.absorptions.end());
  EXPECT_EQ(found->teller, kModelSubject);
  EXPECT_EQ(found->nodes, std::vector<NodeId>{node});
  const Look alone = without.Judge(blocks, {}, 5);
  EXPECT_NE(std::ranges::find(alone.alarms, subject, &Alarm::subject), alone.alarms.end());
}

TEST_F(MonitorTest, ANodesSensorIsAlarmedBesideTheModels) {
  Learn();
  open = {kModelSubject};
  changes = [](std::uint32_t node, std::uint32_t) {
    Change change = node == 7 ? Gain() : Change();
    change.confidence = -1;
    return change;
  };
  const Look look = JudgeUntilAlarm(3);
  EXPECT_FALSE(look.absorptions.empty()) << "the sites";
  ASSERT_EQ(look.alarms.size(), 1U);
  EXPECT_EQ(look.alarms[0].subject.id, SimulatedFleet::NodeAt(7).value());
}

TEST_F(MonitorTest, WhatIsOpenIsNotTested) {
  Learn();
  changes = [](std::uint32_t node, std::uint32_t) { return node == 7 ? Gain() : Change(); };
  open = {{SubjectKind::kNode, SimulatedFleet::NodeAt(7).value()}};
  Look look = Judge(Next());
  EXPECT_EQ(Find(look, Family::kNode)->tests, kNodes - 1);
  EXPECT_TRUE(look.alarms.empty());
  open = {{SubjectKind::kSite, 2}};
  look = Judge(Next());
  EXPECT_EQ(Find(look, Family::kNode)->tests, kNodes - kNodes / kSites);
  open = {{SubjectKind::kFleet, 0}};
  look = Judge(Next());
  EXPECT_TRUE(look.families.empty());
  open = {{SubjectKind::kModel, 0}};
  look = Judge(Next());
  EXPECT_EQ(Find(look, Family::kModel), nullptr);
  EXPECT_EQ(Find(look, Family::kNode)->tests, kNodes);
}

TEST_F(MonitorTest, WithoutAnEffectThereIsNoAlarm) {
  options.min_psi = 100;
  monitor = Monitor(options, Kinds);
  Learn();
  changes = [](std::uint32_t node, std::uint32_t) { return node == 7 ? Gain() : Change(); };
  const Look look = Judge(Next());
  EXPECT_EQ(Find(look, Family::kNode)->rejected, 1U);
  EXPECT_TRUE(look.alarms.empty());
}

TEST_F(MonitorTest, ASlotIsJudgedOnceWhenNineOfTenAreThere) {
  Learn();
  const auto blocks = Next();
  const std::span<const Block> all(blocks);
  EXPECT_EQ(Find(Judge(all.first(30)), Family::kFleet), nullptr);
  EXPECT_NE(Find(Judge(all.subspan(30, 6)), Family::kFleet), nullptr);
  EXPECT_EQ(Find(Judge(all.subspan(36)), Family::kFleet), nullptr);
}

TEST_F(MonitorTest, ALaterSlotBringsTheEarlierOneWithIt) {
  Learn();
  const auto first = Next();
  EXPECT_EQ(Find(Judge(std::span(first).first(25)), Family::kFleet), nullptr);
  const Look look = Judge(Next());
  EXPECT_NEAR(Find(look, Family::kFleet)->alpha, 2 * 0.2 / 7, 1e-12);
}

TEST_F(MonitorTest, CountsWhatItDoesNotLookAt) {
  options.max_nodes = 2;
  monitor = Monitor(options, Kinds);
  const auto blocks = Next();
  Look look = Judge(std::span(blocks).first(3));
  EXPECT_EQ(look.blocks, 3U);
  EXPECT_EQ(look.not_kept, 1U);
  EXPECT_EQ(Judge(std::span(blocks).first(1)).stale, 1U);
  auto later = Next();
  later[0].windows = 10;
  later[1].histograms.pop_back();
  look = Judge(std::span(later).first(2));
  EXPECT_EQ(look.too_small, 1U);
  EXPECT_EQ(look.unlike, 1U);
}

TEST_F(MonitorTest, AnotherPackageIsLearnedAnew) {
  Learn();
  auto blocks = Next();
  blocks[4].package = PackageHash(78);
  const Look look = Judge(blocks);
  EXPECT_EQ(look.watched, kNodes - 1);
  EXPECT_EQ(look.learning, 1U);
  const NodeStanding standing = monitor.Standings()[4];
  EXPECT_FALSE(standing.watched);
  EXPECT_EQ(standing.reference_blocks, 1U);
  EXPECT_EQ(standing.package, PackageHash(78));
}

TEST_F(MonitorTest, AResolvedNodeIsLearnedAnewAndQuietAfterwards) {
  Learn();
  changes = [](std::uint32_t node, std::uint32_t) { return node == 7 ? Gain() : Change(); };
  const Subject subject{SubjectKind::kNode, SimulatedFleet::NodeAt(7).value()};
  ASSERT_EQ(JudgeUntilAlarm(3).alarms.size(), 1U);
  monitor.Relearn(subject);
  EXPECT_FALSE(monitor.Standings()[7].watched);
  for (std::uint32_t i = 0; i < kReference; ++i) {
    (void)Judge(Next());
  }
  EXPECT_TRUE(monitor.Standings()[7].watched);
  const Look look = Judge(Next());
  EXPECT_EQ(look.watched, kNodes);
  EXPECT_TRUE(std::none_of(look.alarms.begin(), look.alarms.end(), [&](const Alarm& alarm) {
    return alarm.subject == subject;
  }));
}

TEST_F(MonitorTest, ASiteRelearnsWithAllItsNodes) {
  Learn();
  monitor.Relearn({SubjectKind::kSite, 2});
  const auto standings = monitor.Standings();
  EXPECT_EQ(std::count_if(standings.begin(),
                          standings.end(),
                          [](const NodeStanding& standing) { return !standing.watched; }),
            kNodes / kSites);
}

TEST_F(MonitorTest, GivesTheHistogramsThenAndNow) {
  Learn();
  const auto blocks = Next();
  (void)Judge(blocks);
  Block then;
  Block now;
  ASSERT_TRUE(monitor.ThenAndNow(SimulatedFleet::NodeAt(3), then, now));
  EXPECT_EQ(then.windows, 60U * kReference);
  EXPECT_EQ(now, blocks[3]);
  EXPECT_FALSE(monitor.ThenAndNow(NodeId(1), then, now));
}

void ExpectSame(const Look& a, const Look& b) {
  ASSERT_EQ(a.alarms.size(), b.alarms.size());
  for (std::size_t i = 0; i < a.alarms.size(); ++i) {
    EXPECT_EQ(a.alarms[i].subject, b.alarms[i].subject);
    EXPECT_EQ(a.alarms[i].p, b.alarms[i].p);
    EXPECT_EQ(a.alarms[i].threshold, b.alarms[i].threshold);
    EXPECT_EQ(a.alarms[i].nodes, b.alarms[i].nodes);
    EXPECT_EQ(a.alarms[i].reasoning, b.alarms[i].reasoning);
  }
  ASSERT_EQ(a.families.size(), b.families.size());
  for (std::size_t i = 0; i < a.families.size(); ++i) {
    EXPECT_EQ(a.families[i].family, b.families[i].family);
    EXPECT_EQ(a.families[i].tests, b.families[i].tests);
    EXPECT_EQ(a.families[i].alpha, b.families[i].alpha);
    EXPECT_EQ(a.families[i].least_p, b.families[i].least_p);
  }
  EXPECT_EQ(a.watched, b.watched);
  EXPECT_EQ(a.learning, b.learning);
  EXPECT_EQ(a.stale, b.stale);
}

void ExpectSame(const Monitor& a, const Monitor& b) {
  const auto left = a.Standings();
  const auto right = b.Standings();
  ASSERT_EQ(left.size(), right.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i].node, right[i].node);
    EXPECT_EQ(left[i].p, right[i].p);
    EXPECT_EQ(left[i].reference_blocks, right[i].reference_blocks);
    EXPECT_EQ(left[i].last_block_ms, right[i].last_block_ms);
    ASSERT_EQ(left[i].evidence.size(), right[i].evidence.size());
    for (std::size_t e = 0; e < left[i].evidence.size(); ++e) {
      EXPECT_EQ(left[i].evidence[e].z, right[i].evidence[e].z);
      EXPECT_EQ(left[i].evidence[e].channel, right[i].evidence[e].channel);
    }
  }
}

// Looks that arrive torn, with late blocks, an alarm that is open for a while, and a relearning:
// whoever restarts after any of them and restores goes on bit for bit like the one that did not.
TEST_F(MonitorTest, RestoredItGoesOnAsIfNothingHadHappened) {
  constexpr std::uint32_t kDays = kReference + 12;
  constexpr std::uint32_t kRelearnAfter = kReference + 3;
  const Subject subject{SubjectKind::kNode, SimulatedFleet::NodeAt(7).value()};
  changes = [](std::uint32_t node, std::uint32_t on) {
    return node == 7 && on > kReference ? Gain() : Change();
  };
  std::vector<std::vector<Block>> looks;
  std::vector<Block> late;
  for (std::uint32_t i = 0; i < kDays; ++i) {
    auto blocks = Next();
    blocks.insert(blocks.end(), late.begin(), late.end());
    late.assign(blocks.begin() + 10, blocks.begin() + 10 + i % 7);
    blocks.erase(blocks.begin() + 10, blocks.begin() + 10 + i % 7);
    looks.push_back(std::move(blocks));
  }
  std::vector<Look> seen;
  for (std::uint32_t i = 0; i < kDays; ++i) {
    open.clear();
    if (i % 3 == 0) {
      open.insert(subject);
    }
    seen.push_back(Judge(looks[i]));
    if (i == kRelearnAfter) {
      monitor.Relearn(subject);
    }
  }
  for (const std::uint32_t cut : {5U, kReference, kReference + 2, kReference + 4, kDays - 1}) {
    Monitor other(options, Kinds);
    for (std::uint32_t i = 0; i < cut; ++i) {
      other.Restore(looks[i]);
      if (i == kRelearnAfter) {
        other.Relearn(subject);
      }
    }
    for (std::uint32_t i = cut; i < kDays; ++i) {
      open.clear();
      if (i % 3 == 0) {
        open.insert(subject);
      }
      ExpectSame(other.Judge(looks[i], open, 5), seen[i]);
      if (i == kRelearnAfter) {
        other.Relearn(subject);
      }
    }
    ExpectSame(other, monitor);
  }
}

}  // namespace
}  // namespace trib::cloud::drift
