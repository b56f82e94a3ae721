// The parts of trib-bench-drift on cases whose answer is known, and the program itself for a
// moment.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "detectors.h"
#include "evaluate.h"
#include "files.h"
#include "labelled.h"
#include "nab_score.h"
#include "trib/common/base/random.h"
#include "trib/testing/shared_data.h"
#include "trib/tools/launcher/process.h"

namespace trib::bench::drift {
namespace {

using Rows = std::vector<std::size_t>;
constexpr const NabProfile& kStandard = kNabProfiles[0];
constexpr const NabProfile& kLowFalse = kNabProfiles[1];
constexpr const NabProfile& kLowMisses = kNabProfiles[2];
/// Of 1,000 rows the first 150 are probation.
const std::vector<NabWindow> kWindows = {{300, 399}, {600, 699}};

TEST(NabScore, TheSigmoidIsThePublishedOne) {
  EXPECT_NEAR(NabSigmoid(-1), 0.98661, 1e-5);
  EXPECT_NEAR(NabSigmoid(-0.5), 0.84828, 1e-5);
  EXPECT_EQ(NabSigmoid(0), 0);
  EXPECT_NEAR(NabSigmoid(1), -0.98661, 1e-5);
  EXPECT_EQ(NabSigmoid(3), -1);
}

TEST(NabScore, NothingIsZeroAndPerfectIsAHundred) {
  for (const NabProfile& profile : kNabProfiles) {
    EXPECT_DOUBLE_EQ(NabRawScore(1000, kWindows, {}, profile), -2 * profile.missed);
    EXPECT_DOUBLE_EQ(NabNormalised(-2 * profile.missed, 2, profile), 0);
    EXPECT_DOUBLE_EQ(NabRawScore(1000, kWindows, Rows{300, 600}, profile), 2);
    EXPECT_DOUBLE_EQ(NabNormalised(2, 2, profile), 100);
  }
}

TEST(NabScore, EarlierIsBetterAndOnlyTheFirstInAWindowCounts) {
  // Half way: y = -(699 - 650 + 1) / 100.
  const double half = NabSigmoid(-0.5) / NabSigmoid(-1);
  EXPECT_DOUBLE_EQ(NabRawScore(1000, kWindows, Rows{300, 650}, kStandard), 1 + half);
  EXPECT_DOUBLE_EQ(NabRawScore(1000, kWindows, Rows{300, 650, 651, 699}, kStandard), 1 + half);
  EXPECT_DOUBLE_EQ(NabRawScore(1000, kWindows, Rows{650}, kStandard), half - 1);
  EXPECT_DOUBLE_EQ(NabRawScore(1000, kWindows, Rows{650}, kLowMisses), half - 2);
}

TEST(NabScore, AFalseAlarmCostsByItsDistanceToTheWindowBefore) {
  const auto raw = [](Rows rows, const NabProfile& profile) {
    return NabRawScore(1000, kWindows, rows, profile);
  };
  EXPECT_DOUBLE_EQ(raw({200, 300, 600}, kStandard), 2 - 0.11) << "before any window";
  EXPECT_DOUBLE_EQ(raw({200, 300, 600}, kLowFalse), 2 - 0.22);
  EXPECT_DOUBLE_EQ(raw({300, 449, 600}, kStandard), 2 + 0.11 * NabSigmoid(50.0 / 99));
  EXPECT_DOUBLE_EQ(raw({300, 600, 999}, kStandard), 2 - 0.11) << "three widths behind";
  EXPECT_DOUBLE_EQ(raw({100, 300, 600}, kStandard), 2) << "probation is not scored";
}

TEST(NabScore, ProbationIsAShareUpToALimit) {
  EXPECT_EQ(NabProbation(1000), 150U);
  EXPECT_EQ(NabProbation(1005), 150U);
  EXPECT_EQ(NabProbation(5000), 750U);
  EXPECT_EQ(NabProbation(22'695), 750U);
  const std::vector<NabWindow> early = {{10, 60}, {140, 160}, {500, 510}};
  EXPECT_EQ(NabScoredWindows(1000, early), 2U);
  EXPECT_DOUBLE_EQ(NabRawScore(1000, early, {}, kStandard), -2);
}

TEST(NabScore, WindowsAreRunsOfMarks) {
  const std::vector<double> marks = {1, 1, 0, 0, 1, 0, 1, 1, 1};
  const auto windows = NabWindowsOf(marks);
  ASSERT_EQ(windows.size(), 3U);
  EXPECT_EQ(windows[0].first, 0U);
  EXPECT_EQ(windows[0].last, 1U);
  EXPECT_EQ(windows[1].first, 4U);
  EXPECT_EQ(windows[1].last, 4U);
  EXPECT_EQ(windows[2].first, 6U);
  EXPECT_EQ(windows[2].last, 8U);
  EXPECT_TRUE(NabWindowsOf({}).empty());
}

double Normal(SplitMix64& random) {
  double sum = -6;
  for (int i = 0; i < 12; ++i) {
    sum += random.Uniform();
  }
  return sum;
}

/// Two classes apart in the first of two features; the third never varies.
LabelledRows TwoClasses(std::size_t rows, std::size_t swapped_from) {
  SplitMix64 random(5);
  LabelledRows out;
  out.width = 3;
  for (std::size_t i = 0; i < rows; ++i) {
    const auto label = static_cast<std::uint32_t>(random.Next() % 2);
    const double side = label == 1 ? 3 : -3;
    out.features.push_back((i < swapped_from ? side : -side) + Normal(random));
    out.features.push_back(Normal(random));
    out.features.push_back(7);
    out.labels.push_back(label);
  }
  return out;
}

TEST(SoftmaxRegression, LearnsWhatCanBeLearnt) {
  const auto rows = TwoClasses(600, 600);
  SoftmaxRegression model(3, 2);
  model.Fit(rows, 0, 300, 5);
  int wrong = 0;
  for (std::size_t i = 300; i < 600; ++i) {
    wrong += model.Ask(rows.row(i)).label != rows.labels[i] ? 1 : 0;
  }
  EXPECT_LE(wrong, 3);
  EXPECT_NEAR(model.Unusual(rows.row(0)), 1, 1);
  EXPECT_GT(model.Unusual(std::vector<double>{50, 0, 7}), 5);
}

TEST(SeriesOf, OnlyTheClassifierThatLearnsRecovers) {
  const auto all = SeriesOf("made", TwoClasses(4000, 2000), 1000, 2000);
  ASSERT_EQ(all.size(), 4U);
  for (const Series& series : all) {
    EXPECT_EQ(series.values.size(), 3500U);
    EXPECT_EQ(series.reference, 500U);
    EXPECT_EQ(*series.truth, 1500U);
  }
  EXPECT_LT(all[2].error_rate_before, 0.02);
  // Two thirds of what follows the reference is swapped.
  EXPECT_GT(all[2].error_rate_after, 0.6);
  EXPECT_LT(all[3].error_rate_after, 0.1);
}

TEST(Settings, EachNoticesAShiftAndIsQuietBefore) {
  for (const Setting& setting : Settings()) {
    SplitMix64 random(9);
    Series series;
    series.reference = 500;
    series.errors = setting.errors;
    for (int i = 0; i < 3000; ++i) {
      const bool late = i >= 1500;
      const double value = setting.errors ? (random.Next() % 100 < (late ? 50U : 10U) ? 1.0 : 0.0)
                                          : 20 + 4 * (Normal(random) + (late ? 1.5 : 0));
      series.values.push_back(value);
    }
    const auto outcome = Evaluate(series, setting, 20);
    ASSERT_TRUE(outcome.first) << setting.name;
    EXPECT_GE(*outcome.first, 1500U) << setting.name;
    EXPECT_LT(*outcome.first, 1700U) << setting.name;
    EXPECT_EQ(outcome.calm_values, 20U * 250) << setting.name;
    EXPECT_LT(PerTenThousand(outcome.false_alarms, outcome.calm_values).low, 10) << setting.name;
    EXPECT_GT(outcome.per_value_ns, 0) << setting.name;
  }
}

TEST(PerTenThousand, HasExactLimits) {
  const auto none = PerTenThousand(0, 10'000);
  EXPECT_EQ(none.rate, 0);
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, -std::log(0.025), 1e-9);
  EXPECT_EQ(PerTenThousand(3, 0).rate, 0);
}

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "trib-drift-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path Write(const std::string& text) const {
    std::ofstream(folder_ / "file") << text;
    return folder_ / "file";
  }
  /// Runs the program. @returns its exit code; what it printed is in `out_` and `errors_`.
  int Run(std::vector<std::string> arguments) {
    const char* bin = std::getenv("TRIB_BIN_DIR");
    EXPECT_NE(bin, nullptr);
    tools::launcher::Process::Options options{
        .argv = {(std::filesystem::path(bin) / "trib-bench-drift").string()},
        .log = folder_ / "log",
        .capture_stdout = true};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    std::filesystem::remove(options.log);  // a process appends to it
    std::string error;
    auto process = tools::launcher::Process::Start(options, error);
    EXPECT_TRUE(process.has_value()) << error;
    out_.clear();
    const auto ended = [&] {
      for (const std::string& line : process->ReadLines()) {
        out_ += line + '\n';
      }
      return process->Poll().has_value();
    };
    EXPECT_TRUE(tools::launcher::WaitUntil(ended, std::chrono::minutes(4)));
    (void)ended();
    std::ostringstream log;
    log << std::ifstream(options.log).rdbuf();
    errors_ = log.str();
    return process->Poll() ? process->Poll()->code : -1;
  }

  std::filesystem::path folder_;
  std::string out_;
  std::string errors_;
};

TEST_F(Files, ColumnsAreFoundByName) {
  std::string error;
  const auto column = ReadColumn(Write("a,b\r\n1,2.5\r\n3,\r\n"), "b", error);
  ASSERT_TRUE(column) << error;
  ASSERT_EQ(column->size(), 2U);
  EXPECT_EQ((*column)[0], 2.5);
  EXPECT_TRUE(std::isnan((*column)[1]));
}

TEST_F(Files, BadOnesGetOneLine) {
  std::string error;
  EXPECT_FALSE(ReadColumn(Write("a,b\n1,x\n"), "b", error));
  EXPECT_NE(error.find("line 2: \"x\" is no number"), std::string::npos) << error;
  EXPECT_FALSE(ReadColumn(Write("a,b\n1\n"), "b", error));
  EXPECT_NE(error.find("line 2 is too short"), std::string::npos) << error;
  EXPECT_FALSE(ReadColumn(Write("a,b\n"), "c", error));
  EXPECT_NE(error.find("no column \"c\""), std::string::npos) << error;
  EXPECT_FALSE(ReadFloats(folder_ / "missing", error));
  EXPECT_NE(error.find("cannot be read"), std::string::npos) << error;
}

TEST_F(Files, TheProgramSaysInOneLineWhatIsMissing) {
  EXPECT_EQ(Run({"--data", (folder_ / "nowhere").string()}), 1);
  EXPECT_NE(errors_.find("nowhere: no such folder"), std::string::npos) << errors_;
  EXPECT_EQ(std::count(errors_.begin(), errors_.end(), '\n'), 1) << errors_;
  EXPECT_EQ(Run({"--data", folder_.string(), "--only", "nab"}), 1);
  EXPECT_NE(errors_.find("manifest.csv: cannot be read"), std::string::npos) << errors_;
  EXPECT_EQ(std::count(errors_.begin(), errors_.end(), '\n'), 1) << errors_;
  EXPECT_EQ(Run({"--only", "nothing"}), 2);
  EXPECT_NE(errors_.find("no stream \"nothing\""), std::string::npos) << errors_;
}

TEST_F(Files, TheProgramJudgesEachDetectorOnEachStream) {
  TRIB_SHARED_DIR_OR_SKIP(shared);
  ASSERT_EQ(Run({"--json", "--shuffles", "2", "--data", (shared / "data").string()}), 0) << errors_;
  const auto report = nlohmann::json::parse(out_, nullptr, false);
  ASSERT_TRUE(report.is_object()) << out_;
  std::map<std::string, std::size_t> rows;
  for (const auto& row : report.at("series")) {
    ++rows[row.at("stream").get<std::string>()];
    EXPECT_GT(row.at("calm_values").get<std::uint64_t>(), 0U) << row;
    EXPECT_GT(row.at("ns_per_value").get<double>(), 0) << row;
    if (!row.at("first").is_null()) {
      EXPECT_GE(row.at("first").get<std::size_t>(), row.at("reference").get<std::size_t>()) << row;
    }
  }
  // Two series of values with six detectors, two of errors with two; of the bearings one value
  // each.
  const std::map<std::string, std::size_t> expected = {
      {"gas_drift", 16}, {"elec2", 16}, {"neweather", 16}, {"femto", 8 * 6}};
  EXPECT_EQ(rows, expected);
  ASSERT_EQ(report.at("nab").size(), 6U);
  for (const auto& row : report.at("nab")) {
    EXPECT_GT(row.at("windows").get<std::size_t>(), 0U) << row;
    EXPECT_LE(row.at("caught").get<std::size_t>(), row.at("windows").get<std::size_t>()) << row;
    for (const auto& score : row.at("scores")) {
      EXPECT_LT(score.get<double>(), 100) << row;
    }
  }
}

}  // namespace
}  // namespace trib::bench::drift
