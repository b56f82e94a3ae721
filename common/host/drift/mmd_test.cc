#include "trib/common/host/drift/mmd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "test_values.h"

namespace trib::host::drift {
namespace {

TEST(MedianPairwise, OfAHandComputedCase) {
  const std::vector<double> x = {0, 1};
  const std::vector<double> y = {3};
  EXPECT_DOUBLE_EQ(MedianPairwise({x, 1}, {y, 1}), 2);  // 1, 2, 3
  const std::vector<double> more = {3, 7};
  EXPECT_DOUBLE_EQ(MedianPairwise({x, 1}, {more, 1}), 3.5);  // 1, 2, 3, 4, 6, 7
  EXPECT_EQ(MedianPairwise({x, 2}, {{}, 2}), 0);
}

TEST(Mmd, OfAHandComputedCase) {
  const std::vector<double> x = {0, 1};
  const std::vector<double> y = {2, 3};
  const Mmd mmd({x, 1}, {y, 1}, 1);
  const auto k = [](double distance) { return std::exp(-distance * distance / 2); };
  const double between = 2 * k(2) + k(1) + k(3);
  EXPECT_NEAR(mmd.Unbiased(), 2 * k(1) - between / 2, 1e-15);
  EXPECT_NEAR(mmd.Biased(), 1 + k(1) - between / 2, 1e-15);
}

TEST(Mmd, EqualSamplesAreNoDistanceApart) {
  const std::vector<double> x = {0, 1, 2, 5};
  const Mmd mmd({x, 1}, {x, 1}, 1);
  EXPECT_NEAR(mmd.Biased(), 0, 1e-15);
  EXPECT_LT(mmd.Unbiased(), 0);
  SplitMix64 random(1);
  EXPECT_EQ(mmd.PermutationP(100, random), 1);
}

/// Blocks of `rows` rows that share a level of their own: correlated windows of one node and day.
struct Blocks {
  std::vector<double> values;
  std::vector<std::uint32_t> of_row;
};
Blocks Draw(std::uint32_t first, std::uint32_t blocks, std::size_t rows, SplitMix64& random) {
  Blocks out;
  for (std::uint32_t b = 0; b < blocks; ++b) {
    const double level = NearlyNormal(random);
    for (std::size_t i = 0; i < rows; ++i) {
      out.values.push_back(level + 0.3 * NearlyNormal(random));
      out.of_row.push_back(first + b);
    }
  }
  return out;
}

TEST(Mmd, BlocksHoldTheLevelWhereSingleRowsDoNot) {
  SplitMix64 random(17);
  constexpr int kRounds = 200;
  int by_rows = 0;
  int by_blocks = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto x = Draw(0, 6, 5, random);
    const auto y = Draw(6, 6, 5, random);
    auto of_row = x.of_row;
    of_row.insert(of_row.end(), y.of_row.begin(), y.of_row.end());
    const Mmd mmd({x.values, 1}, {y.values, 1}, 1);
    by_rows += mmd.PermutationP(39, random) <= 0.1 ? 1 : 0;
    by_blocks += mmd.BlockPermutationP(of_row, 39, random) <= 0.1 ? 1 : 0;
  }
  // Nothing differs. 20 of 200 are expected; four deviations are 17.
  EXPECT_GT(by_rows, 60);
  EXPECT_LE(by_blocks, 37);
  EXPECT_GE(by_blocks, 3);
  RecordProperty("rejected_by_rows", by_rows);
  RecordProperty("rejected_by_blocks", by_blocks);
}

TEST(Mmd, BlocksOfDifferentSizesStillTellAShift) {
  SplitMix64 random(3);
  auto x = Draw(0, 8, 4, random);
  const auto more = Draw(8, 4, 7, random);
  x.values.insert(x.values.end(), more.values.begin(), more.values.end());
  x.of_row.insert(x.of_row.end(), more.of_row.begin(), more.of_row.end());
  auto y = Draw(12, 10, 3, random);
  for (auto& value : y.values) {
    value += 4;
  }
  x.of_row.insert(x.of_row.end(), y.of_row.begin(), y.of_row.end());
  const Mmd mmd({x.values, 1}, {y.values, 1}, MedianPairwise({x.values, 1}, {y.values, 1}));
  EXPECT_LT(mmd.BlockPermutationP(x.of_row, 199, random), 0.02);
}

}  // namespace
}  // namespace trib::host::drift
