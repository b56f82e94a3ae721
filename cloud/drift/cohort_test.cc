#include "cohort.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "simulated_fleet.h"
#include "trib/common/host/drift/statistics.h"

namespace trib::cloud::drift {
namespace {

class CohortTestTest : public ::testing::Test {
 protected:
  /// Nodes with `blocks` reference blocks; then `changes` for a day.
  void Make(FleetModel model, std::uint32_t blocks, const Changes& changes = {}) {
    SimulatedFleet fleet(model);
    for (std::uint32_t i = 0; i < model.nodes; ++i) {
      references.push_back(std::make_unique<Reference>(blocks));
    }
    for (std::uint32_t day = 0; day < blocks; ++day) {
      const auto all = fleet.Day(day);
      for (std::uint32_t i = 0; i < model.nodes; ++i) {
        ASSERT_TRUE(references[i]->Add(all[i]));
      }
    }
    pool = std::make_unique<Pool>(references[0]->channels());
    for (std::uint32_t i = 0; i < model.nodes; ++i) {
      pool->Insert(SimulatedFleet::NodeAt(i), *references[i]);
    }
    pool->Refresh();
    const auto now = fleet.Day(blocks, changes);
    for (std::uint32_t i = 0; i < model.nodes; ++i) {
      auto& one = scored.emplace_back(std::make_unique<Scored>());
      one->block = now[i];
      ASSERT_TRUE(references[i]->Score(now[i], one->values));
      pool->Score(SimulatedFleet::NodeAt(i), *one);
      members.push_back(
          {SimulatedFleet::NodeAt(i), one.get(), &pool->members().at(SimulatedFleet::NodeAt(i))});
    }
  }
  CohortTest Test() const { return TestCohort(pool->channels(), members); }

  std::vector<std::unique_ptr<Reference>> references;
  std::unique_ptr<Pool> pool;
  std::vector<std::unique_ptr<Scored>> scored;
  std::vector<Member> members;
};

const FleetModel kSmall = {
    .nodes = 12, .sites = 1, .features = 3, .windows = 60, .seed = 4, .weather = 0.3F};

TEST_F(CohortTestTest, IsStudentsTestOfTheMembersMean) {
  Make(kSmall, 12);
  const auto test = Test();
  ASSERT_FALSE(test.channels.empty());
  EXPECT_EQ(test.reference_slots, 12U);
  const std::size_t width = pool->channels().size();
  const auto mean_of = [&](auto z_of) {
    double sum = 0;
    for (const Member& member : members) {
      sum += std::clamp<double>(z_of(member), -3, 3) / 12;
    }
    return sum;
  };
  std::vector<double> then;
  for (std::size_t b = 0; b < 12; ++b) {
    then.push_back(mean_of([&](const Member& member) { return member.past->z[b * width]; }));
  }
  double mean = 0;
  double square = 0;
  for (const double x : then) {
    mean += x / 12;
  }
  for (const double x : then) {
    square += (x - mean) * (x - mean);
  }
  const double now = mean_of([&](const Member& member) { return member.now->z[0]; });
  const double factor = 12 / test.channels[0].effective_slots;
  const double spread = std::sqrt(square / 11 / std::max(0.2, 1 - (factor - 1) / 11));
  const double t = (now - mean) / (spread * std::sqrt(1 + factor / 12));
  EXPECT_EQ(test.channels[0].channel, pool->channels()[0]);
  EXPECT_NEAR(test.channels[0].t, t, 1e-9);
  EXPECT_NEAR(test.channels[0].p,
              std::min(1.0, 2 * host::drift::StudentTUpper(std::abs(t), 12 / factor - 1)),
              1e-9);
}

TEST_F(CohortTestTest, NeedsThreeMembersAndEightSlots) {
  Make(kSmall, 12);
  members.resize(2);
  EXPECT_TRUE(Test().channels.empty());
}

TEST_F(CohortTestTest, SevenReferenceSlotsAreTooFew) {
  Make(kSmall, 7);
  const auto test = Test();
  EXPECT_EQ(test.reference_slots, 7U);
  EXPECT_TRUE(test.channels.empty());
}

TEST_F(CohortTestTest, OneWildMemberIsNotTheGroup) {
  Make(kSmall, 12, [](std::uint32_t node, std::uint32_t) {
    return Change{.shift = std::vector<float>(3, node == 0 ? 30.0F : 0.0F)};
  });
  for (const ChannelTest& channel : Test().channels) {
    EXPECT_GT(channel.p, 1e-3) << channel.index;
  }
}

TEST_F(CohortTestTest, ASmallMoveOfAllIsSeen) {
  FleetModel calm = kSmall;
  calm.weather = 0;
  Make(calm, 28, [](std::uint32_t, std::uint32_t) {
    return Change{.shift = std::vector<float>(3, 0.6F)};
  });
  EXPECT_LT(Test().channels[0].p, 1e-3);
}

TEST_F(CohortTestTest, DaysThatResembleEachOtherCountForLess) {
  FleetModel slow = kSmall;
  slow.weather = 1;
  slow.weather_correlation = 0.9F;
  Make(slow, 28);
  EXPECT_LT(Test().channels[0].effective_slots, 10);
}

TEST_F(CohortTestTest, AuditedErrorsAreTestedByTheirSum) {
  FleetModel many = kSmall;
  many.nodes = 60;
  Make(many, 12, [](std::uint32_t, std::uint32_t) { return Change{.error_factor = 6}; });
  const auto test = Test();
  ASSERT_EQ(test.channels.back().channel.kind, Channel::Kind::kErrorRate);
  EXPECT_LT(test.channels.back().p, 1e-3);
}

}  // namespace
}  // namespace trib::cloud::drift
