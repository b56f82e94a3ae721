#include "embedding_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "simulated_fleet.h"
#include "trib/cloud/drift/monitor.h"
#include "trib/common/simulation/wave.h"

namespace trib::cloud::drift {
namespace {

constexpr Subject kModel{SubjectKind::kModel, 0};

Options WithAPart() {
  Options options;
  options.embedding_part = 0.5;
  return options;
}

class EmbeddingScheduleTest : public ::testing::Test {
 protected:
  /// The plans of every day until `days` of the fleet were looked at.
  std::vector<EmbeddingPlan> Look(std::uint32_t days) {
    std::vector<EmbeddingPlan> out;
    for (; day < days; ++day) {
      for (EmbeddingPlan& plan : monitor.Judge(fleet.Day(day), {}, 0).embeddings) {
        out.push_back(std::move(plan));
      }
    }
    return out;
  }

  Options options = WithAPart();
  SimulatedFleet fleet{{.nodes = 10, .sites = 2, .windows = 60}};
  Monitor monitor{options, {}};
  std::uint32_t day = 0;
};

TEST_F(EmbeddingScheduleTest, WithoutAPartOfTheBudgetNothingIsDue) {
  options.embedding_part = 0;
  monitor = Monitor(options, {});
  EXPECT_TRUE(Look(50).empty());
}

TEST_F(EmbeddingScheduleTest, EachWeekIsDueOnceWithBlocksOfItAndOfTheReference) {
  // Day d begins at kDayMs * (d + 1); references are complete with day 27, in the fifth week.
  const auto plans = Look(28 + 21);
  ASSERT_EQ(plans.size(), 3U);
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const EmbeddingPlan& plan = plans[i];
    EXPECT_EQ(plan.package, PackageHash(77));
    EXPECT_EQ(plan.begin_ms, (4 + i) * 7 * kDayMs);
    EXPECT_DOUBLE_EQ(plan.alpha, 0.05);
    EXPECT_EQ(plan.reference.size(), 10 * EmbeddingSchedule::kReferenceBlocks);
    EXPECT_EQ(plan.now.size(), i == 0 ? 60U : 70U) << "day 28 ends the references";
    for (const auto& place : plan.now) {
      EXPECT_GE(place.block_ms, std::max(plan.begin_ms, 29 * kDayMs));
      EXPECT_LT(place.block_ms, plan.begin_ms + 7 * kDayMs);
    }
    for (const auto& place : plan.reference) {
      EXPECT_LE(place.block_ms, 28 * kDayMs);
    }
  }
}

TEST_F(EmbeddingScheduleTest, ARestartChangesNothingOfIt) {
  Monitor other(options, {});
  for (std::uint32_t i = 0; i < 30; ++i) {
    const auto blocks = fleet.Day(day++);
    (void)monitor.Judge(blocks, {}, 0);
    other.Restore(blocks);
  }
  std::size_t plans = 0;
  for (; day < 45; ++day) {
    const auto blocks = fleet.Day(day);
    const auto due = monitor.Judge(blocks, {}, 0).embeddings;
    EXPECT_EQ(other.Judge(blocks, {}, 0).embeddings, due);
    plans += due.size();
  }
  EXPECT_EQ(plans, 2U);
}

/// Two windows of each place, around `shift`.
std::vector<EmbeddingRow> Rows(const std::vector<EmbeddingPlan::Place>& places, float shift) {
  std::vector<EmbeddingRow> out;
  for (const auto& place : places) {
    SplitMix64 random(SplitMix64::Mix(place.node.value()) ^ place.block_ms);
    for (int i = 0; i < 2; ++i) {
      out.push_back({place.node,
                     place.block_ms,
                     {shift + simulation::NearGaussian(random.Next()),
                      simulation::NearGaussian(random.Next())}});
    }
  }
  return out;
}

TEST_F(EmbeddingScheduleTest, WhatIsNotLikeTheReferenceIsTheModelsAlarm) {
  const auto plans = Look(28 + 14);
  const EmbeddingPlan& plan = plans.back();
  const auto reference = Rows(plan.reference, 0);
  drift::Look quiet;
  JudgeEmbeddings(plan, reference, Rows(plan.now, 0), {}, quiet);
  ASSERT_EQ(quiet.families.size(), 1U);
  EXPECT_EQ(quiet.families[0].family, Family::kEmbedding);
  EXPECT_EQ(quiet.families[0].rejected, 0U);
  EXPECT_TRUE(quiet.alarms.empty());

  drift::Look moved;
  JudgeEmbeddings(plan, reference, Rows(plan.now, 3), {}, moved);
  ASSERT_EQ(moved.alarms.size(), 1U);
  EXPECT_EQ(moved.alarms[0].subject, kModel);
  EXPECT_EQ(moved.alarms[0].nodes.size(), 10U);
  EXPECT_LE(moved.alarms[0].p, moved.alarms[0].threshold);
  EXPECT_DOUBLE_EQ(moved.families[0].alpha, 0.05);

  // The alarm that stands, or is raised in the same look, tells it: nothing is spent.
  drift::Look again = moved;
  JudgeEmbeddings(plan, reference, Rows(plan.now, 3), {}, again);
  EXPECT_EQ(again.families.size(), 1U);
  drift::Look standing;
  JudgeEmbeddings(plan, reference, Rows(plan.now, 3), {kModel}, standing);
  EXPECT_TRUE(standing.families.empty());
  drift::Look nothing;
  JudgeEmbeddings(plan, {}, {}, {}, nothing);
  EXPECT_TRUE(nothing.families.empty()) << "not tested, nothing spent";
}

}  // namespace
}  // namespace trib::cloud::drift
