#include "pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "simulated_fleet.h"

namespace trib::cloud::drift {
namespace {

class PoolTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kNodes = 30;
  static constexpr std::uint32_t kBlocks = 10;

  PoolTest() {
    SimulatedFleet fleet({.nodes = kNodes, .sites = 2, .features = 3, .windows = 48, .seed = 9});
    for (std::uint32_t i = 0; i < kNodes; ++i) {
      references.push_back(std::make_unique<Reference>(kBlocks));
    }
    for (std::uint32_t day = 0; day < kBlocks; ++day) {
      const auto blocks = fleet.Day(day);
      for (std::uint32_t i = 0; i < kNodes; ++i) {
        EXPECT_TRUE(references[i]->Add(blocks[i]));
      }
    }
    later = fleet.Day(kBlocks);
  }

  Scored ScoredAlone(const Pool& pool, std::uint32_t node, const Block& block) const {
    Scored out;
    out.block = block;
    EXPECT_TRUE(references[node]->Score(block, out.values));
    pool.Score(SimulatedFleet::NodeAt(node), out);
    return out;
  }
  /// Among the others' later blocks.
  Scored ScoredBy(const Pool& pool, std::uint32_t node, const Block& block) const {
    std::vector<Scored> slot;
    std::vector<const Scored*> all;
    for (std::uint32_t i = 0; i < kNodes; ++i) {
      slot.push_back(ScoredAlone(pool, i, i == node ? block : later[i]));
    }
    for (const Scored& scored : slot) {
      all.push_back(&scored);
    }
    pool.Rank(PeersOf(all), slot[node]);
    return slot[node];
  }
  Pool Filled() const {
    Pool out(references[0]->channels());
    for (std::uint32_t i = 0; i < kNodes; ++i) {
      out.Insert(SimulatedFleet::NodeAt(i), *references[i]);
    }
    out.Refresh();
    return out;
  }

  std::vector<std::unique_ptr<Reference>> references;
  std::vector<Block> later;
};

TEST_F(PoolTest, ThePValueIsARankWithAStatedResolution) {
  const Pool pool = Filled();
  EXPECT_EQ(pool.blocks(), kNodes * kBlocks);
  EXPECT_DOUBLE_EQ(pool.resolution(), 1.0 / (1 + kNodes * kBlocks));
  EXPECT_DOUBLE_EQ(pool.PValue(1e9F), pool.resolution());
  EXPECT_DOUBLE_EQ(pool.PValue(-1e9F), 1);
}

TEST_F(PoolTest, QuietBlocksSpreadOverAllPValues) {
  const Pool pool = Filled();
  std::size_t below_half = 0;
  for (std::uint32_t i = 0; i < kNodes; ++i) {
    below_half += ScoredBy(pool, i, later[i]).p < 0.5 ? 1U : 0U;
  }
  // Binomial of 30: outside with a chance below 1 in 500.
  EXPECT_GE(below_half, 7U);
  EXPECT_LE(below_half, 23U);
}

TEST_F(PoolTest, ABlockThatMovedGetsTheLeastPAndItsChannelLeads) {
  const Pool pool = Filled();
  Block moved = later[4];
  moved.histograms[1].counts = {};
  moved.histograms[1].counts[15] = 48;
  const Scored scored = ScoredBy(pool, 4, moved);
  EXPECT_DOUBLE_EQ(scored.p, pool.resolution());
  EXPECT_EQ(scored.leading, 1U);
  EXPECT_GT(scored.z[1], 3);
}

TEST_F(PoolTest, DoesNotDependOnTheOrderOfItsMembers) {
  const Pool pool = Filled();
  Pool other(references[0]->channels());
  for (std::uint32_t i = kNodes; i-- > 0;) {
    other.Insert(SimulatedFleet::NodeAt(i), *references[i]);
  }
  other.Refresh();
  const Scored a = ScoredBy(pool, 3, later[3]);
  const Scored b = ScoredBy(other, 3, later[3]);
  EXPECT_EQ(a.z, b.z);
  EXPECT_EQ(a.strength, b.strength);
}

TEST_F(PoolTest, LearnsAnewWhenAMemberGoes) {
  Pool pool = Filled();
  pool.Remove(SimulatedFleet::NodeAt(0));
  pool.Refresh();
  EXPECT_EQ(pool.blocks(), (kNodes - 1) * kBlocks);
}

TEST_F(PoolTest, OfASmallPoolNothingIsTakenAway) {
  for (const std::uint32_t nodes : {8U, 9U}) {
    Pool pool(references[0]->channels());
    for (std::uint32_t i = 0; i < nodes; ++i) {
      pool.Insert(SimulatedFleet::NodeAt(i), *references[i]);
    }
    pool.Refresh();
    std::vector<Scored> slot;
    std::vector<const Scored*> all;
    for (std::uint32_t i = 0; i < nodes; ++i) {
      slot.push_back(ScoredAlone(pool, i, later[i]));
    }
    for (const Scored& scored : slot) {
      all.push_back(&scored);
    }
    const auto peers = PeersOf(all);
    std::size_t same = 0;
    for (const Scored& scored : slot) {
      Scored among = scored;
      Scored alone = scored;
      pool.Rank(peers, among);
      pool.Rank(std::vector<Peers>(peers.size()), alone);
      same += among.strength == alone.strength ? 1U : 0U;
    }
    EXPECT_EQ(same, nodes == 8 ? 8U : 0U);
  }
}

// A label that comes in bursts at a few nodes must not raise what a feature has to show.
TEST_F(PoolTest, AWildChannelDoesNotDrownTheOthers) {
  const Pool calm = Filled();
  Block moved = later[4];
  std::rotate(moved.histograms[1].counts.begin(),
              moved.histograms[1].counts.end() - 3,
              moved.histograms[1].counts.end());
  const double p = ScoredBy(calm, 4, moved).p;

  SimulatedFleet fleet({.nodes = kNodes, .sites = 2, .features = 3, .windows = 48, .seed = 9});
  const auto changes = [](std::uint32_t node, std::uint32_t day) {
    return Change{.label_factor = node % 10 == 0 && day == 2 + node / 10 ? 25.0F : 1.0F};
  };
  for (auto& reference : references) {
    reference = std::make_unique<Reference>(kBlocks);
  }
  for (std::uint32_t day = 0; day < kBlocks; ++day) {
    const auto blocks = fleet.Day(day, changes);
    for (std::uint32_t i = 0; i < kNodes; ++i) {
      ASSERT_TRUE(references[i]->Add(blocks[i]));
    }
  }
  const Pool wild = Filled();
  EXPECT_LE(ScoredBy(wild, 4, moved).p, p + 3 * wild.resolution());
}

}  // namespace
}  // namespace trib::cloud::drift
