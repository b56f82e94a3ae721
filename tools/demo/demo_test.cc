// The demo as its user meets it: the program, its JSON, its errors, and what it leaves behind.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "trib/tools/launcher/board.h"
#include "trib/tools/launcher/process.h"

namespace trib::tools::demo {
namespace {

using launcher::Process;
using launcher::WaitUntil;

constexpr std::chrono::seconds kLong{240};

class DemoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* bin = std::getenv("TRIB_BIN_DIR");
    const char* source = std::getenv("TRIB_SOURCE_DIR");
    ASSERT_TRUE(bin != nullptr && source != nullptr) << "ctest sets both";
    bin_ = bin;
    std::filesystem::current_path(source);
    auto pattern = (std::filesystem::path(::testing::TempDir()) / "demo_test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Process Start(std::vector<std::string> arguments) {
    Process::Options options{
        .argv = {(bin_ / "trib-demo").string()}, .log = folder_ / "log", .capture_stdout = true};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    std::string error;
    auto process = Process::Start(options, error);
    EXPECT_TRUE(process) << error;
    return std::move(*process);
  }
  std::string Log() const {
    std::ifstream in(folder_ / "log");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// Process ids of running programs whose command line names our folder.
  std::vector<pid_t> Children() const {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) {
        continue;
      }
      std::ifstream in(entry.path() / "cmdline", std::ios::binary);
      const std::string line((std::istreambuf_iterator<char>(in)), {});
      if (line.find((folder_ / "run").string()) != std::string::npos &&
          line.find("trib-demo") == std::string::npos) {
        found.push_back(std::stoi(name));
      }
    }
    return found;
  }
  std::vector<std::string> Short() const {
    return {"--generate", "--nodes", "3", "--seconds", "10", "--keep", (folder_ / "run").string()};
  }
  /// A short demo; `summary` is what it prints.
  void RunToEnd(const std::vector<std::string>& more, nlohmann::json& summary) {
    auto arguments = Short();
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto demo = Start(arguments);
    const auto exit = demo.Wait(kLong);
    ASSERT_TRUE(exit) << Log();
    EXPECT_EQ(exit->code, 0) << Log();
    std::string text;
    for (const auto& line : demo.ReadLines()) {
      text += line + "\n";
    }
    summary = nlohmann::json::parse(text, nullptr, false);
    ASSERT_TRUE(summary.is_object()) << text;
  }

  std::filesystem::path bin_;
  std::filesystem::path folder_;
};

TEST_F(DemoTest, EndsWithEveryRecordStoredOnceAndNothingRunning) {
  nlohmann::json summary;
  ASSERT_NO_FATAL_FAILURE(RunToEnd({"--json"}, summary));
  EXPECT_GT(summary.value("windows", 0), 100);
  EXPECT_GT(summary.value("events", 0), 0);
  EXPECT_GT(summary.value("bytes_raw", 0), 100 * summary.value("bytes_sent", 1'000'000));
  EXPECT_GT(summary.value("records_sent", 0), 0);
  EXPECT_EQ(summary.value("records_stored", 0), summary.value("records_sent", -1));
  EXPECT_EQ(summary.value("records_lost", -1), 0);
  EXPECT_EQ(summary.value("records_duplicated", -1), 0);
  EXPECT_NE(Log().find("kill -9"), std::string::npos);
  // The sensors of two pumps drift; an alarm names both and nobody else.
  EXPECT_EQ(summary.value("drift_nodes", 0), 2) << summary;
  EXPECT_EQ(summary.value("drift_named", 0), 2) << summary << Log();
  EXPECT_EQ(summary.value("drift_others", -1), 0) << summary << Log();
  EXPECT_GT(summary.value("drift_delay_s", -1.0), 0) << summary;
  EXPECT_TRUE(Children().empty());
}

TEST_F(DemoTest, BoardsAreNodesLikeOthers) {
  for (const auto& board : launcher::EmulatedBoards()) {
    const auto missing = launcher::MissingFor(launcher::ImagePath(bin_, "node", board.name));
    if (!missing.empty()) {
      GTEST_SKIP() << "NOT TESTED: boards in the demo: " << missing;
    }
  }
  nlohmann::json summary;
  ASSERT_NO_FATAL_FAILURE(RunToEnd({"--mcu", "--json"}, summary));
  EXPECT_EQ(summary.value("boards", 0), 2);
  EXPECT_EQ(summary.value("records_lost", -1), 0);
  EXPECT_EQ(summary.value("records_duplicated", -1), 0);
  EXPECT_EQ(summary.value("records_stored", 0), summary.value("records_sent", -1));
  EXPECT_TRUE(Children().empty());
}

TEST_F(DemoTest, CtrlCStopsEverything) {
  auto arguments = Short();
  arguments[4] = "600";
  auto demo = Start(arguments);
  ASSERT_TRUE(WaitUntil([&] { return Children().size() >= 6; }, kLong)) << Log();
  demo.Signal(SIGINT);
  const auto exit = demo.Wait(kLong);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 130);
  EXPECT_EQ(demo.LastLogLine(), "trib-demo: interrupted");
  EXPECT_TRUE(Children().empty());
}

TEST_F(DemoTest, ADeadChildIsOneClearLine) {
  auto arguments = Short();
  arguments[4] = "600";
  auto demo = Start(arguments);
  ASSERT_TRUE(WaitUntil([&] { return Children().size() >= 6; }, kLong)) << Log();
  for (const pid_t child : Children()) {
    std::ifstream in("/proc/" + std::to_string(child) + "/cmdline");
    const std::string line((std::istreambuf_iterator<char>(in)), {});
    if (line.find("trib-node") != std::string::npos) {
      ::kill(child, SIGKILL);
      break;
    }
  }
  const auto exit = demo.Wait(kLong);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 1);
  EXPECT_NE(demo.LastLogLine().find(": signal 9 (Killed)"), std::string::npos) << Log();
  EXPECT_TRUE(Children().empty());
}

TEST_F(DemoTest, KilledDemoLeavesNothingRunning) {
  auto arguments = Short();
  arguments[4] = "600";
  auto demo = Start(arguments);
  ASSERT_TRUE(WaitUntil([&] { return Children().size() >= 6; }, kLong)) << Log();
  demo.Kill();
  EXPECT_TRUE(WaitUntil([&] { return Children().empty(); }, kLong));
}

TEST_F(DemoTest, MistakesAreOneLineAndExitTwo) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--data", "/nonexistent"}, "trib-demo: --data /nonexistent: no manifest.csv in there"},
      {{"--keep", "/"}, "trib-demo: --keep /: exists already"},
      {{"--nodes", "0"},
       "trib-demo: --nodes: Value 0 not in range 1 to 200 (see trib-demo --help)"},
      {{"--generate", "--data", "/tmp"}, ""},
  };
  for (const auto& [arguments, text] : cases) {
    auto demo = Start(arguments);
    const auto exit = demo.Wait(kLong);
    ASSERT_TRUE(exit);
    EXPECT_EQ(exit->code, 2) << Log();
    if (!text.empty()) {
      EXPECT_EQ(demo.LastLogLine(), text);
    }
  }
}

}  // namespace
}  // namespace trib::tools::demo
