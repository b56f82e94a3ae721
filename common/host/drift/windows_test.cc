#include "trib/common/host/drift/windows.h"

#include <gtest/gtest.h>

#include <numeric>

#include "test_values.h"

namespace trib::host::drift {
namespace {

TEST(QuantileEdges, InterpolatesLinearly) {
  const std::vector<double> sample = {4, kNan, 1, 3, 2};
  EXPECT_EQ(QuantileEdges(sample, 3), (std::vector<double>{2, 3}));
  EXPECT_EQ(QuantileEdges(sample, 2), (std::vector<double>{2.5}));
  EXPECT_TRUE(QuantileEdges(sample, 1).empty());
  EXPECT_TRUE(QuantileEdges({}, 4).empty());
  EXPECT_EQ(QuantileEdges(std::vector<double>{5, 5, 5}, 3), (std::vector<double>{5, 5}));
}

TEST(CountInBins, AnEdgeBelongsToTheBinAbove) {
  const std::vector<double> edges = {1, 2};
  const std::vector<double> values = {0.5, 1, 1.5, 2, 3, kNan, kInfinity, -kInfinity};
  EXPECT_EQ(CountInBins(values, edges), (std::vector<std::uint64_t>{2, 2, 3}));
  EXPECT_EQ(CountInBins(values, {}), (std::vector<std::uint64_t>{7}));
}

TEST(WindowTest, LooksAtItsScheduleOnly) {
  std::vector<double> reference(100);
  std::iota(reference.begin(), reference.end(), 0.0);
  WindowTest windows(reference, {20, 5, 4});
  std::vector<int> looks;
  for (int i = 0; i < 40; ++i) {
    if (windows.Push(1000 + i)) {
      looks.push_back(i);
    }
  }
  EXPECT_EQ(looks, (std::vector<int>{19, 24, 29, 34, 39}));
}

TEST(WindowTest, SeesTheWindowAndNothingOlder) {
  std::vector<double> reference(100);
  std::iota(reference.begin(), reference.end(), 0.0);
  WindowTest windows(reference, {100, 100, 10});
  std::optional<WindowDifference> last;
  for (int i = 0; i < 100; ++i) {
    last = windows.Push(1000);
  }
  ASSERT_TRUE(last);
  EXPECT_EQ(last->distance, 1);
  EXPECT_LT(last->p_value, 1e-20);
  EXPECT_GT(last->stability, 1);
  for (int i = 0; i < 100; ++i) {
    last = windows.Push(99 - i);
  }
  ASSERT_TRUE(last);
  EXPECT_EQ(last->distance, 0);
  EXPECT_EQ(last->p_value, 1);
  EXPECT_EQ(last->stability, 0);
}

TEST(WindowTest, IgnoresWhatIsNoNumberAndCountsIt) {
  const std::vector<double> reference = {1, 2, 3, kNan};
  WindowTest windows(reference, {2, 1, 2});
  EXPECT_EQ(windows.reference_size(), 3U);
  EXPECT_FALSE(windows.Push(1));
  EXPECT_FALSE(windows.Push(kNan));
  EXPECT_FALSE(windows.Push(kInfinity));
  EXPECT_TRUE(windows.Push(2));
  EXPECT_EQ(windows.ignored(), 2U);
}

TEST(WindowTest, WithoutAReferenceNothingDiffers) {
  WindowTest windows({}, {2, 1, 4});
  windows.Push(1);
  const auto difference = windows.Push(2);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->distance, 0);
  EXPECT_EQ(difference->p_value, 1);
  EXPECT_EQ(difference->stability, 0);
}

TEST(WindowTest, OneBinIsNoEvidence) {
  const std::vector<double> reference = {1, 2, 3};
  WindowTest windows(reference, {2, 1, 1});
  windows.Push(100);
  const auto difference = windows.Push(200);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->stability, 0);
  EXPECT_EQ(difference->distance, 1);
}

}  // namespace
}  // namespace trib::host::drift
