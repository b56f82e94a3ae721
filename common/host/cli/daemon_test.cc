#include "trib/common/host/cli/daemon.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace trib::host::cli {
namespace {

namespace fs = std::filesystem;

class ServeTest : public ::testing::Test {
 protected:
  ServeTest() {
    std::string pattern = (fs::temp_directory_path() / "trib_serve_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    ready_ = folder_ / "ready.json";
  }
  ~ServeTest() override { fs::remove_all(folder_); }

  int Run(const std::function<std::optional<RunningDaemon>(std::string&)>& start) {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = Serve({"trib-x", "x", "store"}, ready_, true, start);
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }
  RunningDaemon Daemon() {
    return {"tcp://s", "tcp://a", "/data", [this] {
              ++stopped_;
              std::ifstream in(ready_);
              ready_while_running_ = {std::istreambuf_iterator<char>(in), {}};
            }};
  }

  fs::path folder_;
  fs::path ready_;
  int stopped_ = 0;
  std::string ready_while_running_;
  std::string out_;
  std::string error_;
};

TEST_F(ServeTest, TellsItsEndpointsWhileItRunsAndStopsAtASignal) {
  EXPECT_EQ(Run([&](std::string&) {
              std::raise(SIGTERM);  // during the start: it still ends in order
              return Daemon();
            }),
            kExitOk);
  EXPECT_EQ(stopped_, 1);
  EXPECT_EQ(ready_while_running_, "{\"admin\":\"tcp://a\",\"south\":\"tcp://s\"}\n");
  EXPECT_FALSE(fs::exists(ready_));
  EXPECT_EQ(nlohmann::json::parse(out_),
            nlohmann::json({{"south", "tcp://s"}, {"admin", "tcp://a"}, {"store", "/data"}}));
}

TEST_F(ServeTest, SaysWhyItCannotStart) {
  EXPECT_EQ(Run([](std::string& error) -> std::optional<RunningDaemon> {
              error = "store: in use";
              return std::nullopt;
            }),
            kExitFailed);
  EXPECT_EQ(error_, "trib-x: store: in use\n");
  EXPECT_FALSE(fs::exists(ready_));
}

TEST_F(ServeTest, StopsAgainWhenItCannotTellItsEndpoints) {
  ready_ = folder_ / "no" / "ready.json";
  EXPECT_EQ(Run([&](std::string&) { return Daemon(); }), kExitFailed);
  EXPECT_EQ(stopped_, 1);
  EXPECT_EQ(error_,
            "trib-x: " + ready_.string() + ": cannot be written: No such file or directory\n");
}

TEST(ConfigErrors, AreALineEachAndOneObject) {
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(ReportConfigErrors("trib-x", {"a: wrong", "b: wrong"}, true), kExitUsage);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "trib-x: a: wrong\ntrib-x: b: wrong\n");
  const auto json = nlohmann::json::parse(::testing::internal::GetCapturedStdout());
  EXPECT_FALSE(json["ok"].get<bool>());
  EXPECT_EQ(json["errors"].size(), 2U);
  EXPECT_EQ(ReportConfigErrors("trib-x", {}, false), kExitOk);
}

}  // namespace
}  // namespace trib::host::cli
