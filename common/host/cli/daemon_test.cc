#include "trib/common/host/cli/daemon.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "trib/common/host/cli/program.h"

namespace trib::host::cli {
namespace {

TEST(ReadyFile, IsWholeOrAbsentAndLeavesNoDraft) {
  std::string pattern = (std::filesystem::temp_directory_path() / "trib_ready_XXXXXX").string();
  const std::filesystem::path folder = ::mkdtemp(pattern.data());
  const auto path = folder / "ready.json";
  for (const char* south : {"tcp://127.0.0.1:1", "tcp://127.0.0.1:2"}) {
    ASSERT_TRUE(WriteReadyFile(path, {{"south", south}}).ok());
    std::ifstream in(path);
    EXPECT_EQ(nlohmann::json::parse(in)["south"], south);
    EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0600));
  }
  EXPECT_FALSE(WriteReadyFile(folder / "no" / "ready.json", {}).ok());
  std::filesystem::create_directory(folder / "taken");
  EXPECT_FALSE(WriteReadyFile(folder / "taken", {}).ok());
  const std::filesystem::directory_iterator files(folder);
  EXPECT_EQ(std::distance(begin(files), end(files)), 2) << "ready.json and taken";
  std::filesystem::remove_all(folder);
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
