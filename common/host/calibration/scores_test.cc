#include "trib/common/host/calibration/scores.h"

#include <gtest/gtest.h>

#include <random>

namespace trib::host::calibration {
namespace {

Confusion Filled(const std::vector<std::vector<double>>& cells) {
  Confusion out(cells.size());
  for (std::size_t t = 0; t < cells.size(); ++t) {
    for (std::size_t a = 0; a < cells.size(); ++a) {
      out.Add(t, a, cells[t][a]);
    }
  }
  return out;
}

TEST(Scores, OfAHandComputedCase) {
  const auto confusion = Filled({{50, 10, 0}, {5, 30, 5}, {0, 0, 20}});
  EXPECT_DOUBLE_EQ(confusion.total(), 120);
  EXPECT_DOUBLE_EQ(confusion.accuracy(), 100.0 / 120);
  const auto scores = Scores(confusion);
  EXPECT_DOUBLE_EQ(scores[0].precision, 50.0 / 55);
  EXPECT_DOUBLE_EQ(scores[0].recall, 50.0 / 60);
  EXPECT_DOUBLE_EQ(scores[0].f1, 100.0 / 115);
  EXPECT_DOUBLE_EQ(scores[1].precision, 30.0 / 40);
  EXPECT_DOUBLE_EQ(scores[1].recall, 30.0 / 40);
  EXPECT_DOUBLE_EQ(scores[2].precision, 20.0 / 25);
  EXPECT_DOUBLE_EQ(scores[2].recall, 1);
  EXPECT_DOUBLE_EQ(scores[2].support, 20);
  EXPECT_DOUBLE_EQ(MacroF1(confusion), (100.0 / 115 + 0.75 + 40.0 / 45) / 3);
}

TEST(Scores, AClassThatNeverOccursCountsForNothing) {
  const auto confusion = Filled({{8, 2, 0}, {0, 10, 0}, {0, 0, 0}});
  EXPECT_EQ(Scores(confusion)[2].f1, 0);
  EXPECT_DOUBLE_EQ(MacroF1(confusion), (16.0 / 18 + 20.0 / 22) / 2);
  EXPECT_EQ(MacroF1(Confusion(3)), 0);
  EXPECT_EQ(Confusion(3).accuracy(), 0);
}

TEST(Scores, AClassThatIsOnlyAnsweredCountsAsZero) {
  const auto confusion = Filled({{9, 1}, {0, 0}});
  EXPECT_DOUBLE_EQ(MacroF1(confusion), (18.0 / 19 + 0) / 2);
}

TEST(Auroc, OfHandComputedCases) {
  const std::vector<Ranked> perfect = {{0.1, false}, {0.2, false}, {0.3, true}};
  EXPECT_DOUBLE_EQ(*Auroc(perfect), 1);
  const std::vector<Ranked> one_swapped = {{0.1, false}, {0.2, true}, {0.3, false}, {0.4, true}};
  EXPECT_DOUBLE_EQ(*Auroc(one_swapped), 0.75);
  const std::vector<Ranked> all_equal = {{0.5, false}, {0.5, true}, {0.5, true}};
  EXPECT_DOUBLE_EQ(*Auroc(all_equal), 0.5);
  const std::vector<Ranked> tie = {{0.5, false}, {0.5, true}, {0.7, true}, {0.1, false}};
  EXPECT_DOUBLE_EQ(*Auroc(tie), 3.5 / 4);
}

TEST(Auroc, NeedsBothSides) {
  EXPECT_FALSE(Auroc({}));
  EXPECT_FALSE(Auroc(std::vector<Ranked>{{0.1, true}, {0.2, true}}));
  EXPECT_FALSE(Auroc(std::vector<Ranked>{{0.1, false}}));
}

TEST(Auroc, WeightsStandForCopies) {
  std::mt19937 random(3);
  std::vector<Ranked> weighted;
  std::vector<Ranked> copies;
  for (int i = 0; i < 200; ++i) {
    const Ranked one{static_cast<double>(random() % 40), random() % 3 == 0, 1};
    const auto times = static_cast<int>(random() % 4);
    weighted.push_back({one.score, one.positive, static_cast<double>(times)});
    copies.insert(copies.end(), static_cast<std::size_t>(times), one);
  }
  // And against counting every pair.
  double won = 0;
  double pairs = 0;
  for (const auto& p : copies) {
    for (const auto& n : copies) {
      if (p.positive && !n.positive) {
        ++pairs;
        won += p.score > n.score ? 1 : p.score == n.score ? 0.5 : 0;
      }
    }
  }
  EXPECT_NEAR(*Auroc(weighted), won / pairs, 1e-12);
  EXPECT_NEAR(*Auroc(copies), won / pairs, 1e-12);
}

}  // namespace
}  // namespace trib::host::calibration
