#include "reference.h"

#include <gtest/gtest.h>

#include "simulated_fleet.h"

namespace trib::cloud::drift {
namespace {

std::vector<Block> BlocksOfOneNode(std::size_t count) {
  SimulatedFleet fleet({.nodes = 1, .sites = 1, .features = 3, .windows = 60, .seed = 5});
  std::vector<Block> out;
  for (std::uint32_t day = 0; day < count; ++day) {
    out.push_back(fleet.Day(day).front());
  }
  return out;
}

Reference Learnt(std::span<const Block> blocks, std::size_t gap = 0) {
  Reference out(blocks.size(), gap);
  for (const Block& block : blocks) {
    EXPECT_TRUE(out.Add(block));
  }
  return out;
}

void ExpectNear(std::span<const float> a, std::span<const float> b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_NEAR(a[i], b[i], 1e-6) << i;
  }
}

TEST(Tally, ChannelsAreHistogramsThenRates) {
  const Block block = BlocksOfOneNode(1).front();
  const auto channels = ChannelsOf(block);
  ASSERT_EQ(channels.size(), 5U + 1 + 5 + 16);
  EXPECT_EQ(channels[0], (Channel{Channel::Kind::kFeature, 0}));
  EXPECT_EQ(channels[3], (Channel{Channel::Kind::kFeature, message::kTriggerScoreFeature}));
  EXPECT_EQ(channels[4], (Channel{Channel::Kind::kConfidence, 0}));
  EXPECT_EQ(channels[5], (Channel{Channel::Kind::kTriggerRate, 0}));
  EXPECT_EQ(channels[6], (Channel{Channel::Kind::kExitRate, 1}));
  EXPECT_EQ(channels[11], (Channel{Channel::Kind::kLabelRate, 0}));
}

TEST(Tally, ComparesPlaceShapeAndRates) {
  Block then;
  then.windows = 100;
  then.triggered = 10;
  then.histograms = {{.feature = 0, .counts = {0, 50, 50}}};
  Block now = then;
  now.triggered = 20;
  now.histograms[0].counts = {0, 0, 50, 50};
  const auto channels = ChannelsOf(then);
  const Tally reference(then, channels);
  const Tally current(now, channels);
  Measures out(channels.size() * kMeasures);
  Compare(reference, current, out);
  // Of the pairs three quarters are higher now, a quarter is equal.
  EXPECT_FLOAT_EQ(out[kLocation], static_cast<float>(ShiftOf(0.875, 100)));
  EXPECT_FLOAT_EQ(out[kKs], 0.5F);
  EXPECT_GT(out[kPsi], 1);
  EXPECT_FLOAT_EQ(out[kMeasures + kLocation],
                  static_cast<float>(ArcsineRoot(20, 100) - ArcsineRoot(10, 100)));
  // Labels that nobody ever gave say nothing.
  EXPECT_EQ(out[(channels.size() - 1) * kMeasures], 0);
}

TEST(Tally, AShiftIsTheOneOfNormalWindows) {
  EXPECT_EQ(ShiftOf(0.5, 100), 0);
  // P(X + 1 > Y) of normal X and Y is 0.760, and 0.921 for a shift of 2.
  EXPECT_NEAR(ShiftOf(0.760, 100), 1, 0.05);
  EXPECT_NEAR(ShiftOf(0.079, 100), -2, 0.05);
  EXPECT_EQ(ShiftOf(1, 100), ShiftOf(0.995, 100));
}

TEST(Tally, WhatWasAddedCanBeTakenOut) {
  const auto blocks = BlocksOfOneNode(3);
  const auto channels = ChannelsOf(blocks[0]);
  Tally sum(blocks[0], channels);
  sum.Add(Tally(blocks[1], channels));
  sum.Add(Tally(blocks[2], channels));
  sum.Subtract(Tally(blocks[1], channels));
  Tally two(blocks[0], channels);
  two.Add(Tally(blocks[2], channels));
  for (std::size_t c = 0; c < channels.size(); ++c) {
    EXPECT_EQ(sum.SizeOf(c), two.SizeOf(c));
    EXPECT_EQ(sum.Counted(c), two.Counted(c));
  }
}

// The null is honest only if a reference block looks to the others as a later block looks to all.
TEST(Reference, ALeftOutBlockIsTreatedAsALaterOne) {
  auto blocks = BlocksOfOneNode(13);
  const Block later = blocks.back();
  const Reference with = Learnt(blocks);
  blocks.pop_back();
  const Reference without = Learnt(blocks);
  Measures scored;
  ASSERT_TRUE(without.Score(later, scored));
  // Same windows in all blocks, so that trust is 1 on both sides.
  ExpectNear(with.LeftOut(12), scored);
  ExpectNear(with.MomentsWithout(12), without.moments());
}

TEST(Reference, NeitherAreItsNeighboursWhatItIsComparedWith) {
  const auto blocks = BlocksOfOneNode(18);
  const Reference all = Learnt(blocks, 2);
  const Reference first = Learnt(std::span(blocks).first(15));
  Measures scored;
  ASSERT_TRUE(first.Score(blocks[17], scored));
  EXPECT_EQ(all.OthersOf(17), 15U);
  EXPECT_EQ(all.OthersOf(8), 13U);
  ExpectNear(all.LeftOut(17), scored);
  ExpectNear(all.MomentsWithout(17), first.moments());
}

TEST(Reference, ABlockThatSticksOutDoesNotHideInItsOwnSpread) {
  auto blocks = BlocksOfOneNode(12);
  const Reference before = Learnt(blocks);
  for (auto& histogram : blocks[4].histograms) {
    histogram.counts = {};
    histogram.counts[15] = 60;
  }
  const Reference after = Learnt(blocks);
  ExpectNear(after.MomentsWithout(4), before.MomentsWithout(4));
  EXPECT_GT(after.moments()[kLocation], before.moments()[kLocation]);
}

TEST(Reference, ManyBlocksAreApproximatedClosely) {
  const auto blocks = BlocksOfOneNode(Reference::kExactBlocks + 1);
  const Reference approximate = Learnt(blocks);
  const Reference exact = Learnt(std::span(blocks).first(Reference::kExactBlocks));
  for (std::size_t i = 0; i < exact.moments().size(); ++i) {
    const float a = approximate.MomentsWithout(Reference::kExactBlocks)[i];
    EXPECT_NEAR(a, exact.moments()[i], 0.1F * a) << i;
  }
}

TEST(Reference, ASmallBlockIsBelievedLess) {
  const auto blocks = BlocksOfOneNode(12);
  const Reference reference = Learnt(blocks);
  Block part = blocks[3];
  Measures whole;
  ASSERT_TRUE(reference.Score(part, whole));
  part.windows /= 4;
  Measures quarter;
  ASSERT_TRUE(reference.Score(part, quarter));
  EXPECT_FLOAT_EQ(quarter[kKs], whole[kKs] / 2);
}

TEST(Reference, RefusesABlockThatCountsSomethingElse) {
  const auto blocks = BlocksOfOneNode(2);
  Reference reference(2);
  ASSERT_TRUE(reference.Add(blocks[0]));
  Block other = blocks[1];
  other.histograms.pop_back();
  EXPECT_FALSE(reference.Add(other));
  EXPECT_EQ(reference.blocks(), 1U);
  ASSERT_TRUE(reference.Add(blocks[1]));
  Measures out;
  EXPECT_FALSE(reference.Score(other, out));
}

}  // namespace
}  // namespace trib::cloud::drift
