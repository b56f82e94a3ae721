#include <gtest/gtest.h>

#include <array>
#include <type_traits>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/base/ids.h"
#include "trib/common/base/random.h"
#include "trib/common/base/time.h"

namespace trib {
namespace {

static_assert(!std::is_convertible_v<NodeId, GatewayId>);
static_assert(!std::is_convertible_v<std::uint64_t, NodeId>);
static_assert(!std::is_convertible_v<LogicalTime, MonotonicTime>);

TEST(FixedVector, RefusesWhatDoesNotFit) {
  FixedVector<int, 2> v;
  EXPECT_TRUE(v.push_back(1));
  EXPECT_TRUE(v.push_back(2));
  EXPECT_FALSE(v.push_back(3));
  EXPECT_EQ(v.size(), 2U);
  EXPECT_FALSE(v.resize(3));
  const std::array<int, 3> three = {1, 2, 3};
  EXPECT_FALSE(v.assign(three));
  EXPECT_EQ(v[1], 2);
}

TEST(FixedVector, ResizeClearsOldContents) {
  FixedVector<int, 2> v;
  v.push_back(5);
  v.clear();
  v.resize(1);
  EXPECT_EQ(v[0], 0);
}

TEST(SplitMix64, GivesThePublishedSequence) {
  SplitMix64 random(1234567);
  EXPECT_EQ(random.Next(), 6457827717110365317U);
  EXPECT_EQ(random.Next(), 3203168211198807973U);
}

TEST(CheckDeath, BrokenPromiseEndsTheProgram) {
  EXPECT_DEATH(TRIB_CHECK(1 == 2), "internal error: 1 == 2");
}

}  // namespace
}  // namespace trib
