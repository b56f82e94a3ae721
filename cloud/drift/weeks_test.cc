#include "weeks.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "simulated_fleet.h"
#include "trib/cloud/drift/monitor.h"

namespace trib::cloud::drift {
namespace {

constexpr std::uint32_t kMany = 120;
constexpr std::uint32_t kLearned = 28;

Options WithSums() {
  Options options;
  options.sum_part = 0.5;
  return options;
}

/// So slight that hardly a block of it is a sign.
Change HardlyAnything() {
  return {.shift = std::vector<float>(6, 0.65F)};
}

class WeeksTest : public ::testing::Test {
 protected:
  /// Looks at the next days, and adds their tests of whole weeks and their alarms.
  void Look(std::uint32_t days) {
    for (; days > 0; --days, ++day) {
      const drift::Look look = monitor.Judge(fleet.Day(day, changes), open, 0);
      std::size_t of_nodes = 0;
      for (const FamilyLook& family : look.families) {
        of_nodes += family.family == Family::kNode ? 1U : 0U;
        if (of_nodes == 2) {
          weeks.push_back(family);
          break;
        }
      }
      alarms.insert(alarms.end(), look.alarms.begin(), look.alarms.end());
    }
  }
  Options options = WithSums();
  SimulatedFleet fleet{{.nodes = kMany, .sites = 6, .seed = 5}};
  Changes changes;
  std::set<Subject> open;
  Monitor monitor{options, {}};
  std::uint32_t day = 0;
  std::vector<FamilyLook> weeks;
  std::vector<Alarm> alarms;
};

TEST_F(WeeksTest, AWeekIsTestedOnceWithItsPartOfTheBudget) {
  // Day d begins with the (d + 1)th: the first whole week that is watched is days 34 to 40.
  Look(41);
  ASSERT_EQ(weeks.size(), 1U) << "the sixth of seven days it watched of the week before";
  Look(1);
  ASSERT_EQ(weeks.size(), 2U);
  EXPECT_EQ(weeks[1].tests, kMany);
  EXPECT_DOUBLE_EQ(weeks[1].alpha, 0.25);
  EXPECT_DOUBLE_EQ(weeks[1].resolution, 1.0 / (1 + 4 * kMany));
  Look(6);
  EXPECT_EQ(weeks.size(), 2U);
}

TEST_F(WeeksTest, WhatIsTooSlightForItsBlocksAddsUp) {
  Look(kLearned);
  changes = [](std::uint32_t node, std::uint32_t) {
    return node == 7 ? HardlyAnything() : Change();
  };
  const Subject subject{SubjectKind::kNode, SimulatedFleet::NodeAt(7).value()};
  Monitor without(Options(), {});
  SimulatedFleet again({.nodes = kMany, .sites = 6, .seed = 5});
  for (std::uint32_t d = 0; d < kLearned + 15; ++d) {
    const auto look = without.Judge(again.Day(d, d < kLearned ? Changes() : changes), {}, 0);
    ASSERT_EQ(std::ranges::count(look.alarms, subject, &Alarm::subject), 0)
        << "one of its blocks alone was a sign: the case tells nothing";
  }
  Look(15);
  const auto alarm = std::ranges::find(alarms, subject, &Alarm::subject);
  ASSERT_NE(alarm, alarms.end());
  EXPECT_DOUBLE_EQ(alarm->resolution, 1.0 / (1 + 4 * kMany));
  EXPECT_GT(alarm->evidence.front().psi, options.min_psi);
}

TEST_F(WeeksTest, WhatTheFleetsAlarmTellsIsNotTested) {
  Look(kLearned);
  open = {{SubjectKind::kFleet, 0}};
  Look(15);
  EXPECT_TRUE(weeks.empty());
}

TEST_F(WeeksTest, ARestartInTheMiddleOfAWeekChangesNothing) {
  changes = [](std::uint32_t node, std::uint32_t on) {
    return node == 7 && on >= kLearned ? HardlyAnything() : Change();
  };
  Monitor other(options, {});
  SimulatedFleet again({.nodes = kMany, .sites = 6, .seed = 5});
  std::vector<FamilyLook> after;
  for (std::uint32_t d = 0; d < kLearned + 14; ++d) {
    const auto blocks = again.Day(d, changes);
    if (d < kLearned + 9) {
      other.Restore(blocks);
      continue;
    }
    const auto look = other.Judge(blocks, {}, 0);
    if (look.families.size() > 1 && look.families[1].family == Family::kNode) {
      after.push_back(look.families[1]);
    }
  }
  Look(kLearned + 14);
  ASSERT_EQ(after.size(), 1U);
  EXPECT_EQ(after[0].least_p, weeks.back().least_p);
  EXPECT_EQ(after[0].tests, weeks.back().tests);
}

TEST(Weeks, AreOffWithoutAPartAndWhereBlocksAreAsLongAsWeeks) {
  EXPECT_EQ(Weeks(Options()).blocks(), 0U);
  Options options = WithSums();
  EXPECT_EQ(Weeks(options).blocks(), 7U);
  options.reference_blocks = 12;
  EXPECT_EQ(Weeks(options).blocks(), 3U) << "four weeks of the null at least";
  options.block = options.week;
  EXPECT_EQ(Weeks(options).blocks(), 0U);
}

}  // namespace
}  // namespace trib::cloud::drift
