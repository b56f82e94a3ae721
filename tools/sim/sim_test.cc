// trib-sim as a whole: the short scenario against real gateways and a real cloud.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "trib/tools/launcher/process.h"

namespace trib::tools::sim {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kLong{300'000};

class Sim : public ::testing::Test {
 protected:
  Sim() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sim_test.XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~Sim() override {
    std::error_code error;
    std::filesystem::remove_all(folder_, error);
  }
  static std::filesystem::path Scenario(const std::string& name) {
    const char* source = std::getenv("TRIB_SOURCE_DIR");
    EXPECT_NE(source, nullptr) << "run by ctest, which says where the sources are";
    return std::filesystem::path(source == nullptr ? "." : source) / "workloads/bearing/scenarios" /
           (name + ".toml");
  }
  /// @returns the exit code; the report is in report_ and what went to stderr in errors_.
  int Run(std::vector<std::string> arguments, const std::vector<std::string>& before = {}) {
    const char* bin = std::getenv("TRIB_BIN_DIR");
    arguments.insert(arguments.begin(), std::string(bin == nullptr ? "." : bin) + "/trib-sim");
    arguments.insert(arguments.begin(), before.begin(), before.end());
    std::string error;
    auto process = launcher::Process::Start(
        {.argv = arguments, .log = folder_ / "log", .capture_stdout = true}, error);
    EXPECT_TRUE(process.has_value()) << error;
    std::string out;
    const auto read = [&] {
      for (const std::string& line : process->ReadLines()) {
        out += line + "\n";
      }
    };
    launcher::WaitUntil(
        [&] {
          read();
          return process->Poll().has_value();
        },
        kLong);
    const auto exit = process->Poll();
    EXPECT_TRUE(exit.has_value()) << "trib-sim did not end";
    read();
    report_ = json::parse(out, nullptr, false);
    std::ifstream log(folder_ / "log");
    errors_ = {std::istreambuf_iterator<char>(log), {}};
    return exit ? exit->code : -1;
  }

  std::filesystem::path folder_;
  json report_;
  std::string errors_;
};

TEST_F(Sim, AFleetThroughEverythingIsExactAndRepeatable) {
  ASSERT_EQ(Run({Scenario("short").string(), "--json"}), 0) << errors_ << report_.dump(1);
  const json first = report_;
  EXPECT_TRUE(first["exactness"]["exact"].get<bool>());
  EXPECT_EQ(first["exactness"]["doubles"], 0);
  EXPECT_EQ(first["nodes"], 60);
  EXPECT_EQ(first["nodes_commissioned"], 60);
  EXPECT_EQ(first["records"]["left_in_nodes"], 0);
  // The scenario did what it says: otherwise exactness would prove little.
  EXPECT_GT(first["link"]["lost_up"], 20);
  EXPECT_GT(first["link"]["lost_down"], 20);
  EXPECT_GT(first["link"]["duplicated"], 10);
  EXPECT_GT(first["link"]["records_sent_again"], 20);
  EXPECT_GT(first["link"]["sessions"], 80) << "60, and again after the outage and the kill";
  EXPECT_GT(first["windows"]["invalid"], 20);
  EXPECT_EQ(first["alarms"]["faulty_machines"], first["alarms"]["detected"]);

  ASSERT_EQ(Run({Scenario("short").string(), "--json"}), 0) << errors_;
  json again = report_;
  json before = first;
  again.erase("wall");
  before.erase("wall");
  EXPECT_EQ(before, again) << "one seed, one report";

  ASSERT_EQ(Run({Scenario("short").string(), "--json", "--duration", "20m", "--seed", "8"}), 0)
      << errors_;
  EXPECT_NE(report_["link"], first["link"]);
}

TEST_F(Sim, MistakesAreOneLineEach) {
  const auto wrong = folder_ / "wrong.toml";
  std::ofstream(wrong) << "name = \"w\"\nduration = \"1h\"\npackage = \"p\"\n[[site]]\nnode = 3\n";
  EXPECT_EQ(Run({wrong.string()}), 2);
  EXPECT_EQ(errors_,
            "trib-sim: " + wrong.string() +
                ":5: unknown key \"site[0].node\"; did you mean \"site[0].nodes\"?\n");
  EXPECT_EQ(Run({"none.toml"}), 2);
  EXPECT_NE(errors_.find("none.toml"), std::string::npos);
  EXPECT_EQ(Run({Scenario("short").string(), "--duration", "long"}), 2);
}

TEST_F(Sim, MoreNodesThanThisProcessMayOpenFilesForAreRefused) {
  const auto large = folder_ / "large.toml";
  std::ofstream(large) << "name = \"l\"\nduration = \"1h\"\npackage = \"p\"\n[[site]]\n"
                          "nodes = 500\n";
  EXPECT_EQ(Run({large.string()}, {"/bin/sh", "-c", "ulimit -n 1000 && exec \"$0\" \"$@\""}), 1);
  EXPECT_EQ(errors_,
            "trib-sim: 500 nodes need 2128 open files, and the hard limit (ulimit -Hn) is 1000; at "
            "most 218 nodes fit one process\n");
}

}  // namespace
}  // namespace trib::tools::sim
