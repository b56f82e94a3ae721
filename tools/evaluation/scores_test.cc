// Scores, cascade and mixes against cases computed by hand.
#include <gtest/gtest.h>

#include "trib/tools/evaluation/report.h"

namespace trib::tools::evaluation {
namespace {

TEST(ScoresOf, AHandComputedCase) {
  const std::vector<Answered> windows = {
      {0, 0, {0.8, 0.1, 0.1}},
      {0, 1, {0.3, 0.5, 0.2}},
      {1, 1, {0.2, 0.7, 0.1}},
      {1, 2, {0.1, 0.3, 0.6}},
      {2, 2, {0.0, 0.1, 0.9}},
  };
  const Scores scores = ScoresOf(3, windows);
  EXPECT_DOUBLE_EQ(scores.accuracy, 0.6);
  EXPECT_DOUBLE_EQ(scores.classes[0].precision, 1);
  EXPECT_DOUBLE_EQ(scores.classes[0].recall, 0.5);
  EXPECT_DOUBLE_EQ(scores.classes[1].precision, 0.5);
  EXPECT_DOUBLE_EQ(scores.classes[2].recall, 1);
  EXPECT_DOUBLE_EQ(scores.macro_f1, (2.0 / 3 + 0.5 + 2.0 / 3) / 3);
  // Class 0: 0.8 and 0.3 against 0.2, 0.1, 0.0: all six pairs won.
  EXPECT_DOUBLE_EQ(*scores.auroc[0], 1);
  // Class 1: 0.7 and 0.3 against 0.1, 0.5, 0.1: five of six.
  EXPECT_DOUBLE_EQ(*scores.auroc[1], 5.0 / 6);
  // Class 2: 0.9 against all.
  EXPECT_DOUBLE_EQ(*scores.auroc[2], 1);
  EXPECT_DOUBLE_EQ(*scores.macro_fault_auroc, (5.0 / 6 + 1) / 2);
  EXPECT_DOUBLE_EQ(*scores.fault_auroc, 1);
  EXPECT_EQ(scores.confusion.at(1, 2), 1);
}

TEST(ScoresOf, WeightsChangeTheMixAndNotTheRanks) {
  const std::vector<Answered> windows = {
      {0, 0, {0.9, 0.1}, 10}, {0, 1, {0.4, 0.6}, 10}, {1, 1, {0.5, 0.5}, 1}};
  const Scores scores = ScoresOf(2, windows);
  EXPECT_DOUBLE_EQ(scores.accuracy, 11.0 / 21);
  EXPECT_DOUBLE_EQ(scores.classes[1].precision, 1.0 / 11);
  EXPECT_DOUBLE_EQ(*scores.fault_auroc, 0.5);
}

TEST(ScoresOf, WithoutFaultsNothingIsRanked) {
  const std::vector<Answered> windows = {{0, 0, {1, 0}}};
  const Scores scores = ScoresOf(2, windows);
  EXPECT_FALSE(scores.fault_auroc);
  EXPECT_FALSE(scores.macro_fault_auroc);
  EXPECT_EQ(scores.accuracy, 1);
}

TEST(WeightsFor, MakeTheMixThatIsAskedFor) {
  const std::vector<std::size_t> counts = {50, 30, 20};
  const auto weights = WeightsFor(counts, 0.99);
  ASSERT_TRUE(weights);
  EXPECT_DOUBLE_EQ((*weights)[0] * 50, 99);
  EXPECT_NEAR((*weights)[1] * 30, 0.6, 1e-12);
  EXPECT_NEAR((*weights)[2] * 20, 0.4, 1e-12);
  EXPECT_FALSE(WeightsFor(std::vector<std::size_t>{0, 10}, 0.99));
  EXPECT_FALSE(WeightsFor(std::vector<std::size_t>{10, 0}, 0.99));
}

WindowResult Window(std::size_t source,
                    bool over,
                    std::initializer_list<std::pair<int, bool>> exits) {
  WindowResult out;
  out.source = source;
  out.over = over;
  for (const auto& [answer, accepted] : exits) {
    ExitAnswer exit;
    exit.class_index = static_cast<std::uint8_t>(answer);
    exit.accepted = accepted;
    out.exits.push_back(exit);
  }
  return out;
}

TEST(Cascade, EndsWhereAnExitAcceptsOrTheLastOneDecides) {
  Outcome run;
  run.windows = {
      Window(0, true, {{1, true}, {2, true}, {0, true}}),
      Window(0, true, {{1, false}, {2, true}, {0, true}}),
      Window(0, true, {{1, false}, {2, false}, {1, false}}),
      Window(0, false, {{1, true}, {1, true}, {1, true}}),
      Window(0, true, {{0, true}, {1, true}, {1, true}}),
  };
  run.windows.push_back(run.windows[0]);
  run.windows.back().refused = true;
  const auto ended = Cascade(run, 3, true, 0);
  EXPECT_EQ(ended[0].exit, 0);
  EXPECT_EQ(ended[0].answer, 1U);
  EXPECT_FALSE(ended[0].deferred);
  EXPECT_EQ(ended[1].exit, 1);
  EXPECT_EQ(ended[1].answer, 2U);
  EXPECT_TRUE(ended[1].deferred);
  EXPECT_EQ(ended[2].exit, 2);
  EXPECT_EQ(ended[2].answer, 1U);
  EXPECT_EQ(ended[3].exit, Ended::kQuiet);
  EXPECT_EQ(ended[3].answer, 0U);
  EXPECT_TRUE(ended[4].anomaly);
  EXPECT_EQ(ended[5].exit, Ended::kQuiet);
  // Of a package with the node's exit alone, nothing is deferred.
  EXPECT_EQ(Cascade(run, 1, true, 0)[2].exit, 0);
  // Without a trigger every window is woken, and none is an anomaly.
  const auto all = Cascade(run, 3, false, 0);
  EXPECT_EQ(all[3].exit, 0);
  EXPECT_FALSE(all[4].anomaly);
}

TEST(Cascade, AHeartbeatWakesAQuietMachine) {
  Outcome run;
  for (int i = 0; i < 8; ++i) {
    run.windows.push_back(Window(i < 5 ? 0 : 1, i == 1, {{0, true}}));
  }
  const auto ended = Cascade(run, 1, true, 2);
  std::string woken;
  for (const Ended& one : ended) {
    woken += one.exit == Ended::kQuiet ? '-' : one.heartbeat ? 'h' : 'o';
  }
  EXPECT_EQ(woken, "-o-h--h-");
}

TEST(CodedRawBytes, OfHandComputedCases) {
  // All zeros: k = 0, one bit each: 2 + 4 + 64 bits.
  EXPECT_EQ(CodedRawBytes(std::vector<std::int16_t>(64), 1, 64), 9U);
  // A straight line is zero from the third value on by second differences: 0, 3, 0, 0 ...; with k =
  // 0 that is 62 ones, u(0) = 0 and u(3) = 6 -> 7 bits, of 64 values.
  std::vector<std::int16_t> line(64);
  for (std::size_t i = 0; i < line.size(); ++i) {
    line[i] = static_cast<std::int16_t>(3 * i);
  }
  EXPECT_EQ(CodedRawBytes(line, 1, 64), (2U + 4 + 63 + 7 + 7) / 8);
  // Only the new samples count, and each channel has codes of its own.
  EXPECT_EQ(CodedRawBytes(std::vector<std::int16_t>(128), 2, 32), (2U * (2 + 4 + 32) + 7) / 8);
}

}  // namespace
}  // namespace trib::tools::evaluation
