#include "trib/cloud/train/card.h"

#include <gtest/gtest.h>

#include <cmath>

namespace trib::cloud::train {
namespace {

/// Two exits on four windows of two classes: the first exit errs once and is unsure then.
Answers Some() {
  Answers answers;
  answers.truth = {0, 0, 1, 1};
  answers.logits = {{{3, 0}, {2, 0}, {0.2F, 0}, {0, 3}}, {{5, 0}, {5, 0}, {0, 5}, {0, 5}}};
  return answers;
}

std::vector<package::ExitSpec> Exits() {
  std::vector<package::ExitSpec> exits(2);
  for (std::size_t e = 0; e < 2; ++e) {
    exits[e].tier = static_cast<std::uint8_t>(3 + e);
    for (int k = 0; k < 2; ++k) {
      (void)exits[e].accept.push_back(e == 0 ? 0.8F : 0);
      (void)exits[e].reject.push_back(1);
    }
  }
  return exits;
}

CardReport Report() {
  CardReport report{.name = "pump",
                    .version = "1",
                    .command = "trib-train x",
                    .seed = 7,
                    .classes = {"normal", "a<b"},
                    .columns = {}};
  ColumnReport& column = report.columns.emplace_back();
  column.split.name = "by_day";
  column.split.ship = true;
  column.exits = Exits();
  column.agreement = {1, 0.5};
  column.test.name = "test";
  for (std::size_t e = 0; e < 2; ++e) {
    column.test.exits.push_back(Measure(LogitsOf(Some(), e, 2), 1));
  }
  column.cascade = RunCascade(Some(), column.exits);
  DrawCurves(Some(), 2, column);
  return report;
}

TEST(CalibrationRounds, CountEachWindowOnceForAPromise) {
  ExitConfig config;
  EXPECT_EQ(CalibrationRounds(config), 2U);
  config.method = ExitConfig::Method::kRisk;
  EXPECT_EQ(CalibrationRounds(config), 1U);
}

TEST(Metrics, CountWhatAnExitSays) {
  const ExitMetrics m = Measure(LogitsOf(Some(), 0, 2), 1);
  EXPECT_EQ(m.confusion, (std::vector<std::vector<std::size_t>>{{2, 0}, {1, 1}}));
  EXPECT_DOUBLE_EQ(m.accuracy, 0.75);
  EXPECT_DOUBLE_EQ(m.scores[0].f1, 0.8);
  EXPECT_NEAR(m.macro_f1, (0.8 + 2.0 / 3) / 2, 1e-12);
  // Every fault is likelier to be one than every normal window.
  EXPECT_DOUBLE_EQ(m.fault_auroc, 1);
  EXPECT_DOUBLE_EQ(m.fault_recall, 1);
}

TEST(Metrics, HaveNoRankingWithoutBothSides) {
  Answers answers = Some();
  answers.truth = {1, 1, 1, 1};
  EXPECT_TRUE(std::isnan(Measure(LogitsOf(answers, 0, 2), 1).fault_auroc));
}

TEST(Metrics, RocTakesEqualScoresTogether) {
  const auto curve = RocCurve(std::vector<double>{0.5, 0.5, 0.1}, {true, false, false});
  ASSERT_EQ(curve.size(), 3U);
  EXPECT_DOUBLE_EQ(curve[1].false_rate, 0.5);
  EXPECT_DOUBLE_EQ(curve[1].true_rate, 1);
}

TEST(Cascade, AsksOnWhenUnsureAndCountsWhereWindowsEnd) {
  const CascadeResult result = RunCascade(Some(), Exits());
  EXPECT_EQ(result.taken, (std::vector<std::size_t>{3, 1}));
  EXPECT_EQ(result.normal_taken, (std::vector<std::size_t>{2, 0}));
  EXPECT_EQ(result.right, 4U);
  EXPECT_EQ(result.missed, 0U);
}

TEST(Exits, MakeAMissedAlarmDearerThanAFalseOne) {
  const FloatNetwork network{
      .frames = 1, .channels = 1, .classes = 2, .layers = {}, .heads = std::vector<Head>(2)};
  ExitConfig config;
  config.ask = 0.1;
  config.wrong = 0.5;
  config.missed = 2;
  const auto exits = ChooseExits(Some(), network, config, {false, true});
  ASSERT_EQ(exits.size(), 2U);
  EXPECT_GT(exits[0].accept[0], exits[0].accept[1]);
  EXPECT_FLOAT_EQ(exits[0].reject[0], 1);  // normal is no alarm
  EXPECT_FLOAT_EQ(exits[0].reject[1], 0.05F);
  EXPECT_FLOAT_EQ(exits[1].accept[0], 0);  // nobody is left to ask
}

TEST(Exits, PromiseNothingOnFourWindows) {
  const FloatNetwork network{
      .frames = 1, .channels = 1, .classes = 2, .layers = {}, .heads = std::vector<Head>(2)};
  ExitConfig config;
  config.method = ExitConfig::Method::kRisk;
  const auto exits = ChooseExits(Some(), network, config, {false, true});
  EXPECT_FLOAT_EQ(exits[0].accept[0], 1);
}

// A thousand healthy verdicts that the alarm beside them defers promise nothing for the twenty that
// are left, half of them wrong.
TEST(Exits, PromiseForWhatIsAcceptedAlone) {
  const FloatNetwork network{
      .frames = 1, .channels = 1, .classes = 2, .layers = {}, .heads = std::vector<Head>(2)};
  Answers answers;
  answers.logits.resize(2);
  const auto add = [&](std::size_t count, std::size_t truth, float logit) {
    for (std::size_t i = 0; i < count; ++i) {
      answers.truth.push_back(truth);
      for (auto& exit : answers.logits) {
        exit.push_back({logit, 0});
      }
    }
  };
  add(1000, 0, 2.2F);
  add(10, 0, 4.6F);
  add(10, 1, 4.6F);
  add(100, 1, -4.6F);
  ExitConfig config;
  config.method = ExitConfig::Method::kRisk;
  config.healthy_risk = 0.05;
  config.ask = 0.01;
  EXPECT_FLOAT_EQ(ChooseExits(answers, network, config, {false, true})[0].accept[0], 1);
  // Where no alarm stands in the way, the thousand are accepted, too.
  EXPECT_FLOAT_EQ(ChooseExits(answers, network, config, {false, false})[0].accept[0], 0.5F);
}

TEST(Card, ShowsFiguresCommandAndEveryPicture) {
  const auto files = RenderCard(Report());
  const std::string& card = files.at("card.md");
  EXPECT_NE(card.find("trib-train x"), std::string::npos);
  EXPECT_NE(card.find("| by_day | test | node | 0 | 0 | 0.733"), std::string::npos) << card;
  for (const auto& [name, text] : files) {
    if (name.ends_with(".svg")) {
      EXPECT_NE(card.find("(" + name + ")"), std::string::npos) << name;
      EXPECT_TRUE(text.starts_with("<svg")) << name;
      EXPECT_TRUE(text.ends_with("</svg>\n")) << name;
      EXPECT_EQ(text.find("nan"), std::string::npos) << name;
    }
  }
  EXPECT_EQ(files.size(), 9U);  // text, figures, 2 confusions, 2 ROC, 2 reliabilities, 1 exit curve
  EXPECT_NE(files.at("confusion-node.svg").find("a&lt;b"), std::string::npos);
  EXPECT_EQ(files, RenderCard(Report()));
}

}  // namespace
}  // namespace trib::cloud::train
