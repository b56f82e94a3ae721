#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <type_traits>

#include "trib/common/base/fixed_vector.h"
#include "trib/common/base/ids.h"
#include "trib/common/base/latency_bins.h"
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

TEST(LatencyBins, QuantilesAreExactBelow64AndCloseAbove) {
  LatencyBins bins;
  EXPECT_EQ(bins.Quantile(500), 0U);
  for (std::uint64_t ms = 0; ms < 64; ++ms) {
    bins.Add(ms);
  }
  EXPECT_EQ(bins.count(), 64U);
  EXPECT_EQ(bins.Quantile(0), 0U);
  EXPECT_EQ(bins.Quantile(500), 31U);
  EXPECT_EQ(bins.Quantile(1000), 63U);
  for (std::uint64_t ms = 64; ms < std::uint64_t{1} << 34U; ms += 1 + ms / 7) {
    LatencyBins one;
    one.Add(ms);
    const std::uint64_t shown = one.Quantile(500);
    const std::uint64_t most = std::min<std::uint64_t>(ms, 0xFFFFFFFF);  // longer is cut to that
    EXPECT_GE(shown, most);
    EXPECT_LE(shown - most, most / 32);
  }
}

}  // namespace
}  // namespace trib
