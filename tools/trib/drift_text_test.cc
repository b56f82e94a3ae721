// What people see of drift, from recorded answers of the cloud.
#include "drift_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "drift_answers.h"
#include "drift_plot.h"

namespace trib::tools::trib_cli {
namespace {

using nlohmann::json;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Status(const json& status) {
  return DriftStatusText(status, 0, false);
}

TEST(DriftText, StatusShowsTheBudgetTheResolutionAndWhatStands) {
  const std::string text = Status(DriftStatus());
  EXPECT_THAT(
      text,
      HasSubstr("of false alarms in the whole fleet: 1 a week of 7 d, spent this week 0.0914"));
  EXPECT_THAT(text, HasSubstr("; blocks of 1 d, a look every 1 h"));
  EXPECT_THAT(text, HasSubstr("1130 watched, 12 learning, 4 silent, 3 flagged"));
  EXPECT_THAT(text, ContainsRegex("node +0.5 +0.0714 +1130 +1 +3.2e-05 +3.1e-05 +6.3e-05\n"));
  EXPECT_THAT(text, ContainsRegex("group +0.2 +0.02 +30 +0 +0.11 +any +0.001\n"));
  EXPECT_THAT(text, ContainsRegex("7 +open +3 h +node 17 +sensor +17 +3.2e-05 +ch0.log_rms"));
  EXPECT_THAT(text, Not(HasSubstr("cannot alarm yet")));
}

TEST(DriftText, StatusSaysWhenTheResolutionIsTooCoarse) {
  json status = DriftStatus();
  status["families"][0]["resolution"] = 0.01;
  EXPECT_THAT(Status(status),
              HasSubstr("family node: one subject alone cannot alarm yet: p cannot be below 0.01, "
                        "and 6.3e-05 is needed"));
}

TEST(DriftText, AQuietFleetExplainsItselfInOneLine) {
  json status = DriftStatus();
  status["alarms"] = json::array();
  EXPECT_THAT(Status(status), HasSubstr("\nno alarm is open\n"));
  status["nodes"] = {{"watched", 0}, {"learning", 12}, {"silent", 0}, {"flagged", 0}};
  EXPECT_THAT(Status(status),
              HasSubstr("\nno node is watched yet: 12 learn what is normal for them, 28 blocks of "
                        "1 d each\n"));
  status["nodes"]["learning"] = 0;
  status["last_look"] = nullptr;
  status["families"] = json::array();
  EXPECT_THAT(Status(status), HasSubstr("last look  none yet\n"));
  EXPECT_THAT(Status(status), HasSubstr("\nno node has a complete block of sketches yet"));
  status["enabled"] = false;
  EXPECT_THAT(Status(status), HasSubstr("\nnobody looks: [drift] enabled = false"));
}

TEST(DriftText, FlagsAndErrorsAreShownBesideTheAlarms) {
  json status = DriftStatus();
  const std::string quiet = Status(status);
  EXPECT_THAT(quiet, ::testing::Not(HasSubstr("answers")));
  EXPECT_THAT(quiet, ::testing::Not(HasSubstr("FLAG OF")));
  json detector = {{"detector", "adwin"}, {"flags", 0}, {"before", nullptr}};
  status["errors"] = {{{"package_hash", "00112233445566aa"},
                       {"judged", 3000},
                       {"errors", 150},
                       {"begin_ms", kDriftNow},
                       {"judged_now", 100},
                       {"errors_now", 11},
                       {"detectors", json::array({detector})}}};
  EXPECT_THAT(Status(status),
              HasSubstr("answers    package 00112233445566aa: 150 of 3000 audited windows wrong (5 "
                        "%), newest block 11 of 100 audited windows wrong (11 %)\n"));
  status["errors"][0]["detectors"][0] = {{"detector", "adwin"},
                                         {"flags", 2},
                                         {"begin_ms", kDriftNow},
                                         {"before", 0.05},
                                         {"after", 0.11}};
  status["flags"] = json::array();
  for (int i = 0; i < 9; ++i) {
    status["flags"].push_back({{"node", std::to_string(17 + i)},
                               {"source", "gateway"},
                               {"channel", "label_rate"},
                               {"index", 0},
                               {"time_ms", kDriftNow},
                               {"before", 0.75},
                               {"after", 0.25}});
  }
  const std::string text = Status(status);
  EXPECT_THAT(text,
              ContainsRegex("adwin flagged 2 times, last in the block of .*, from 0.05 to 0.11"));
  EXPECT_THAT(text, ContainsRegex("gateway +17 +label_rate +0 +0.75 +0.25 "));
  EXPECT_THAT(text, HasSubstr("and 1 older ones\n"));
}

TEST(DriftText, ExplainShowsTheNumbersThatDecided) {
  const std::string text = DriftExplainText(DriftExplained(), kDriftNow, false);
  EXPECT_THAT(text, HasSubstr("7, open, stands for 3 h"));
  EXPECT_THAT(text, HasSubstr("sensor: levels move together (z 14.2), shapes stay (z 0.4)"));
  EXPECT_THAT(text,
              HasSubstr("p 3.2e-05 is not above the threshold 6.3e-05 of 1130 tests; the least p "
                        "that was possible: 3.1e-05"));
  EXPECT_THAT(text,
              ContainsRegex("feature +ch0.log_rms +0.5 +0.97 +14.2 +2.31 +0.04 +0.81 +1e-12\n"));
  EXPECT_THAT(text, ContainsRegex("label_rate +outer_race +0.25 +0.75 +6.5 "));
}

TEST(DriftText, ExplainOfANodeSaysWhereItStands) {
  json node = {{"node", "17"},
               {"package_hash", "00112233445566aa"},
               {"reference_blocks", 12},
               {"watched", false},
               {"last_block_ms", 0},
               {"p", 1},
               {"evidence", json::array()}};
  EXPECT_THAT(DriftExplainText(node, 0, false),
              HasSubstr("learning what is normal: 12 blocks so far"));
  node["watched"] = true;
  node["reference_blocks"] = 28;
  node["p"] = 0.25;
  node["evidence"] = DriftEvidence();
  const std::string text = DriftExplainText(node, 0, false);
  EXPECT_THAT(text, HasSubstr("watched, against 28 blocks of its own"));
  EXPECT_THAT(text, HasSubstr(", p 0.25\n"));
  EXPECT_THAT(text, HasSubstr("ch0.log_rms"));
}

TEST(DriftText, HistorySaysWhatBecameOfAlarms) {
  json resolved = DriftAlarm();
  resolved["state"] = "resolved";
  resolved["resolved_ms"] = 1'700'086'400'000;
  json look = DriftStatus()["last_look"];
  look["families"] = DriftStatus()["families"];
  look["families"][0]["tests"] = 1130;
  look["families"][1]["tests"] = 30;
  const std::string text = DriftHistoryText(
      {{"alarms", json::array({resolved})}, {"looks", json::array({look})}}, false);
  EXPECT_THAT(text, ContainsRegex("7 +resolved +24 h +node 17"));
  EXPECT_THAT(text, ContainsRegex("1130 +2 +12 +1130 +1160 +1\n"));
  EXPECT_EQ(DriftHistoryText(json::object(), false),
            "no alarm was ever raised\n\nno look was taken yet\n");
}

TEST(DriftText, AnAnswerOfAnotherShapeGivesDashes) {
  for (const json& odd : {json(),
                          json(7),
                          json::array({1}),
                          json{{"alarms", 3}, {"nodes", "x"}},
                          json{{"alarms", {1, "x"}}, {"families", {nullptr}}, {"evidence", {2}}},
                          json{{"alarm", 1}, {"nodes", {{1, 2}}}, {"subject", "x"}}}) {
    EXPECT_FALSE(DriftStatusText(odd, 0, false).empty());
    EXPECT_FALSE(DriftExplainText(odd, 0, false).empty());
    EXPECT_FALSE(DriftHistoryText(odd, false).empty());
    EXPECT_FALSE(DriftAlarmLine(odd).empty());
    EXPECT_TRUE(HistogramsOf(odd, 3).empty());
  }
  json histograms = DriftExplained();
  histograms["histograms"][0]["then"] = {1, 2};
  histograms["histograms"][1]["now"][3] = "x";
  EXPECT_TRUE(HistogramsOf(histograms, 3).empty());
}

TEST(DriftPlot, LeadingChannelsComeFirst) {
  const auto histograms = HistogramsOf(DriftExplained(), 3);
  ASSERT_EQ(histograms.size(), 2U);
  EXPECT_THAT(histograms[0].name, HasSubstr("ch0.log_rms"));
  EXPECT_EQ(histograms[0].edges.size(), 15U);
  EXPECT_TRUE(histograms[1].edges.empty());
  EXPECT_EQ(HistogramsOf(DriftExplained(), 1).size(), 1U);
}

TEST(DriftPlot, BarsAreSharesAndTheGreatestIsTheLongest) {
  const auto histograms = HistogramsOf(DriftExplained(), 3);
  const std::string text = PlotText(histograms[0], false);
  EXPECT_EQ(std::ranges::count(text, '\n'), 18);
  EXPECT_EQ(std::ranges::count(text, '\x01'), 0);
  EXPECT_THAT(text, HasSubstr(", in standard deviations from the node's baseline\n"));
  EXPECT_THAT(text, HasSubstr("of 2000 windows"));
  EXPECT_THAT(text, HasSubstr("of 100 windows"));
  // 30 % against 30 %: both are the longest.
  const std::string longest(24, '#');
  EXPECT_THAT(text, ContainsRegex(" 0 .. 0.25 +15.0 % +#{12} +0.0 %"));
  EXPECT_THAT(text, ContainsRegex(" -0.25 .. 0 +30.0 % +" + longest + " +0.0 %"));
  EXPECT_THAT(text, ContainsRegex(" 2.5 .. 4 +0.5 % +# +30.0 % +" + longest + "\n"));
  EXPECT_THAT(text, HasSubstr("8 and above"));
  EXPECT_THAT(PlotText(histograms[1], false), ContainsRegex("bin 15 +10.0 %"));
}

/// Counts elements; a problem is a test failure. Knows as much of XML as a drawing needs.
std::size_t CheckXml(const std::string& text) {
  std::vector<std::string> open;
  std::size_t elements = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    EXPECT_TRUE(static_cast<unsigned char>(text[at]) >= 0x20 || text[at] == '\n');
    if (text[at] == '&') {
      const std::string entity = text.substr(at, text.find(';', at) - at);
      EXPECT_TRUE(entity == "&lt" || entity == "&gt" || entity == "&amp" || entity == "&quot")
          << entity;
    }
    EXPECT_NE(text[at], '>') << "outside of a tag at " << at;
    if (text[at] != '<') {
      continue;
    }
    const std::size_t end = text.find('>', at);
    EXPECT_NE(end, text.npos);
    const std::string tag = text.substr(at + 1, end - at - 1);
    EXPECT_EQ(tag.find('<'), tag.npos) << tag;
    EXPECT_EQ(std::ranges::count(tag, '"') % 2, 0) << tag;
    if (tag.starts_with("/")) {
      EXPECT_FALSE(open.empty());
      EXPECT_EQ(open.back(), tag.substr(1));
      open.pop_back();
    } else if (!tag.starts_with("?")) {
      ++elements;
      if (!tag.ends_with("/")) {
        open.push_back(tag.substr(0, tag.find(' ')));
      }
    }
    at = end;
  }
  EXPECT_TRUE(open.empty());
  return elements;
}

TEST(DriftPlot, TheSvgIsSoundWhateverTheNamesHold) {
  auto histograms = HistogramsOf(DriftExplained(), 16);
  const std::string svg = PlotSvg("Drift alarm 7: <node> & \"17\"\x02", histograms);
  // 16 bins, then and now, each with a tooltip, in both panels, and more.
  EXPECT_GT(CheckXml(svg), 2U * 16 * 2 * 2);
  EXPECT_THAT(svg, HasSubstr("<title>Drift alarm 7: &lt;node&gt; &amp; &quot;17&quot;</title>"));
  EXPECT_THAT(svg, HasSubstr("ch0.log_rms &lt;&amp;&quot;'&gt;</text>"));
  EXPECT_THAT(svg, HasSubstr(">standard deviations from the node's baseline</text>"));
  EXPECT_THAT(svg, HasSubstr(">share of windows</text>"));
  EXPECT_THAT(svg, HasSubstr("<title>-0.25 .. 0: then 30.0 %</title>"));
  EXPECT_THAT(svg, HasSubstr("<title>2.5 .. 4: now 30.0 %</title>"));
  EXPECT_THAT(svg, HasSubstr("their edges are not known</text>"));
}

TEST(DriftPlot, EmptyHistogramsAreDrawnEmpty) {
  ThenAndNow empty{.name = "x", .unit = "", .edges = {0}, .then = {0, 0}, .now = {0, 0}};
  EXPECT_THAT(PlotText(empty, false), ContainsRegex("below 0 +0.0 % +0.0 % +\n"));
  EXPECT_GT(CheckXml(PlotSvg("empty", {empty})), 8U);
}

}  // namespace
}  // namespace trib::tools::trib_cli
