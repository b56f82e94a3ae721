// Runs every question of trib-bench-path for a moment: it must end well and give complete, sane
// figures. How large they are is nobody's business here.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "trib/tools/launcher/process.h"

namespace trib::bench::path {
namespace {

using nlohmann::json;
using tools::launcher::Process;

constexpr std::chrono::minutes kGenerous{10};

class PathBenchmark : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "trib-path-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  /// @returns standard output; the exit code goes to `code`.
  std::string RunWith(std::vector<std::string> arguments, int& code) {
    const char* bin = std::getenv("TRIB_BIN_DIR");
    Process::Options options{.argv = {(std::filesystem::path(bin) / "trib-bench-path").string()},
                             .log = folder_ / "log",
                             .capture_stdout = true};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    std::string error;
    auto process = Process::Start(options, error);
    EXPECT_TRUE(process.has_value()) << error;
    std::string out;
    const auto read = [&] {
      for (const std::string& line : process->ReadLines()) {
        out += line + '\n';
      }
      return process->Poll().has_value();
    };
    EXPECT_TRUE(tools::launcher::WaitUntil(read, kGenerous));
    (void)read();
    code = process->Poll() ? process->Poll()->code : -1;
    std::ifstream log(options.log);
    log_ << log.rdbuf();
    return out;
  }

  std::set<std::string> Questions() {
    int code = -1;
    std::istringstream lines(RunWith({"--list"}, code));
    EXPECT_EQ(code, 0);
    std::set<std::string> names;
    for (std::string line; std::getline(lines, line);) {
      names.insert(line.substr(0, line.find(' ')));
    }
    return names;
  }

  std::filesystem::path folder_;
  std::ostringstream log_;
};

void ExpectSane(const json& side, const std::string& where) {
  ASSERT_TRUE(side.is_object()) << where;
  for (const json& value : side["turns"]) {
    EXPECT_TRUE(value.is_number() && std::isfinite(value.get<double>()) && value.get<double>() > 0)
        << where << ": " << value;
  }
  EXPECT_LE(side["least"].get<double>(), side["median"].get<double>()) << where;
  EXPECT_LE(side["median"].get<double>(), side["most"].get<double>()) << where;
}

TEST_F(PathBenchmark, AnswersEveryQuestion) {
  const std::set<std::string> questions = Questions();
  EXPECT_GE(questions.size(), 3U);
  int code = -1;
  const std::string out = RunWith(
      {"--json", "--tiny", "--seconds", "0.05", "--turns", "1", "--folder", folder_.string()},
      code);
  ASSERT_EQ(code, 0) << log_.str() << out;
  const json report = json::parse(out, nullptr, false);
  ASSERT_TRUE(report.is_object()) << out;
  std::set<std::string> answered;
  for (const json& row : report["rows"]) {
    const auto question = row["question"].get<std::string>();
    const std::string where = question + ": " + row["measure"].get<std::string>();
    answered.insert(question);
    EXPECT_FALSE(row["unit"].get<std::string>().empty()) << where;
    ExpectSane(row["ours"], where);
    if (!row["raw"].is_null()) {
      ExpectSane(row["raw"], where);
      EXPECT_GT(row["ratio"]["median"].get<double>(), 0) << where;
    }
    if (row.contains("at_least") || row.contains("at_most")) {
      EXPECT_TRUE(row.contains("met")) << where;
    }
  }
  EXPECT_EQ(answered, questions);
  // What it measured on is gone.
  std::size_t left = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    left += entry.is_directory() ? 1U : 0U;
  }
  EXPECT_EQ(left, 0U);
}

TEST_F(PathBenchmark, RefusesAnUnknownQuestion) {
  int code = -1;
  (void)RunWith({"--only", "nothing"}, code);
  EXPECT_EQ(code, 2);
  EXPECT_NE(log_.str().find("no question \"nothing\""), std::string::npos) << log_.str();
}

}  // namespace
}  // namespace trib::bench::path
