#include "trib/gateway/link/seen_set.h"

#include <gtest/gtest.h>

#include <set>

#include "trib/common/base/random.h"

namespace trib::gateway::link {
namespace {

message::RecordKey Key(std::uint32_t sequence, std::uint32_t boot = 1, std::uint64_t epoch = 9) {
  return {NodeId(17), EnrolmentEpoch(epoch), boot, sequence};
}

TEST(SeenSet, JoinsNeighboursIntoOneRange) {
  SeenSet seen(100);
  for (const std::uint32_t sequence : {1U, 3U, 5U, 4U, 2U}) {
    seen.Insert(Key(sequence));
  }
  EXPECT_EQ(seen.ranges(), 1U);
  EXPECT_EQ(seen.keys(), 5U);
  EXPECT_TRUE(seen.Contains(Key(5)));
  EXPECT_FALSE(seen.Contains(Key(6)));
}

TEST(SeenSet, BootsAndEpochsAreApart) {
  SeenSet seen(100);
  seen.Insert(Key(1, 1));
  seen.Insert(Key(2, 2));
  EXPECT_EQ(seen.ranges(), 2U);
  EXPECT_FALSE(seen.Contains(Key(1, 2)));
  EXPECT_FALSE(seen.Contains(Key(1, 1, 10)));
}

TEST(SeenSet, TheLargestSequenceDoesNotWrap) {
  SeenSet seen(100);
  seen.Insert(Key(0xFFFFFFFFU));
  seen.Insert(Key(0xFFFFFFFEU));
  EXPECT_EQ(seen.ranges(), 1U);
  EXPECT_FALSE(seen.Contains(Key(0)));
}

TEST(SeenSet, KeepsTheNewestOfALongRun) {
  SeenSet seen(10);
  for (std::uint32_t i = 1; i <= 50; ++i) {
    seen.Insert(Key(i));
  }
  EXPECT_EQ(seen.keys(), 10U);
  EXPECT_TRUE(seen.Contains(Key(50)));
  EXPECT_FALSE(seen.Contains(Key(40)));
}

TEST(SeenSet, NeverClaimsAKeyThatWasNotInserted) {
  SplitMix64 random(1);
  SeenSet seen(64);
  std::set<std::uint32_t> inserted;
  for (int i = 0; i < 5000; ++i) {
    const auto sequence = static_cast<std::uint32_t>(random.Next() % 300);
    if (random.Next() % 2 == 0) {
      seen.Insert(Key(sequence));
      inserted.insert(sequence);
      EXPECT_TRUE(seen.Contains(Key(sequence)));
    }
    const auto other = static_cast<std::uint32_t>(random.Next() % 300);
    EXPECT_TRUE(!seen.Contains(Key(other)) || inserted.contains(other));
    EXPECT_LE(seen.ranges(), 64U);
    EXPECT_LE(seen.keys(), 64U);
  }
}

}  // namespace
}  // namespace trib::gateway::link
