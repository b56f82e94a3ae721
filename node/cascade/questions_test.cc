#include "trib/node/cascade/questions.h"

#include <gtest/gtest.h>

namespace trib::node::cascade {
namespace {

constexpr Millis kWait{500};

MonotonicTime At(std::int64_t ms) {
  return MonotonicTime(Millis(ms));
}

Questions Ask(std::initializer_list<std::uint32_t> sequences) {
  Questions questions;
  for (const std::uint32_t sequence : sequences) {
    questions.Ask({.sequence = sequence, .asked = At(sequence)});
  }
  return questions;
}

TEST(Questions, AreTakenByTheirRecordInAnyOrderAndOnce) {
  Questions questions = Ask({10, 20, 30});
  ASSERT_NE(questions.Find(20), nullptr);
  EXPECT_EQ(questions.Find(20)->asked, At(20));
  EXPECT_EQ(questions.Take(20)->sequence, 20U);
  EXPECT_FALSE(questions.Take(20).has_value());
  EXPECT_EQ(questions.Take(30)->sequence, 30U);
  EXPECT_EQ(questions.Take(10)->sequence, 10U);
  EXPECT_EQ(questions.open(), 0U);
}

TEST(Questions, ExpireOldestFirstWhenTheirTimeIsOver) {
  Questions questions = Ask({10, 20, 30});
  EXPECT_EQ(questions.NextExpiry(kWait), At(510));
  EXPECT_FALSE(questions.TakeExpired(At(509), kWait).has_value());
  EXPECT_EQ(questions.TakeExpired(At(525), kWait)->sequence, 10U);
  EXPECT_EQ(questions.TakeExpired(At(525), kWait)->sequence, 20U);
  EXPECT_FALSE(questions.TakeExpired(At(525), kWait).has_value());
  EXPECT_EQ(questions.Take(30)->sequence, 30U);
  EXPECT_EQ(questions.NextExpiry(kWait), MonotonicTime::max());
  EXPECT_FALSE(questions.TakeExpired(MonotonicTime::max(), kWait).has_value());
}

TEST(Questions, AreEightAtMost) {
  Questions questions = Ask({1, 2, 3, 4, 5, 6, 7});
  EXPECT_FALSE(questions.full());
  questions.Ask({.sequence = 8, .asked = At(8)});
  EXPECT_TRUE(questions.full());
  EXPECT_TRUE(questions.Take(4).has_value());
  EXPECT_FALSE(questions.full());
}

}  // namespace
}  // namespace trib::node::cascade
