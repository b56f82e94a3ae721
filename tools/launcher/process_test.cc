#include "trib/tools/launcher/process.h"

#include <gtest/gtest.h>

#include <csignal>

namespace trib::tools::launcher {
namespace {

using std::chrono::seconds;

class ProcessTest : public ::testing::Test {
 protected:
  Process Start(std::vector<std::string> argv) {
    std::string error;
    auto process =
        Process::Start({.argv = std::move(argv), .log = log_, .capture_stdout = true}, error);
    EXPECT_TRUE(process) << error;
    return std::move(*process);
  }
  std::filesystem::path log_ = std::filesystem::path(::testing::TempDir()) / "process_test.log";
};

TEST_F(ProcessTest, GivesItsLinesAndItsExitCode) {
  auto process = Start({"/bin/sh", "-c", "echo one; echo two; echo why >&2; exit 3"});
  const auto exit = process.Wait(seconds(60));
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->code, 3);
  EXPECT_EQ(process.ReadLines(), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(process.LastLogLine(), "why");
}

TEST_F(ProcessTest, SaysWhyItCouldNotStart) {
  std::string error;
  EXPECT_FALSE(Process::Start({.argv = {"/nonexistent/program"}, .log = log_}, error));
  EXPECT_EQ(error, "/nonexistent/program: No such file or directory");
}

TEST_F(ProcessTest, StopKillsWhatIgnoresSigterm) {
  auto process = Start({"/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"});
  std::vector<std::string> lines;
  ASSERT_TRUE(WaitUntil(
      [&] {
        lines = process.ReadLines();
        return !lines.empty();
      },
      seconds(60)));
  EXPECT_EQ(process.Stop(std::chrono::milliseconds(50)).signal, SIGKILL);
}

TEST_F(ProcessTest, DestructorLeavesNothingRunning) {
  pid_t pid = 0;
  {
    auto process = Start({"/bin/sleep", "1000"});
    pid = process.pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

}  // namespace
}  // namespace trib::tools::launcher
