#include "trib/common/host/cli/program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <vector>

namespace trib::host::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Arguments : public ::testing::Test {
 protected:
  Arguments() {
    AddCommonOptions(app_, common_);
    app_.require_subcommand(1);
    CLI::App* fleet = app_.add_subcommand("fleet", "The fleet")->require_subcommand(1);
    list_ = fleet->add_subcommand("list", "List nodes");
    list_->add_option("--food", food_, "Food");
    list_->add_option("--count", count_, "Count")->check(CLI::Range(1, 9));
    CLI::App* node = app_.add_subcommand("node", "A node")->require_subcommand(1);
    node->add_subcommand("show", "Show it")->add_option("ID", id_)->required();
  }

  std::optional<int> Parse(std::vector<const char*> words) {
    words.insert(words.begin(), "trib");
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const auto code = ParseArguments(app_, static_cast<int>(words.size()), words.data());
    out_ = ::testing::internal::GetCapturedStdout();
    error_ = ::testing::internal::GetCapturedStderr();
    return code;
  }

  CommonOptions common_;
  CLI::App app_{"Test", "trib"};
  CLI::App* list_ = nullptr;
  std::string food_;
  int count_ = 0;
  int id_ = 0;
  std::string out_;
  std::string error_;
};

TEST_F(Arguments, GoodOnesAreParsed) {
  EXPECT_EQ(Parse({"--log-level", "debug", "--no-color", "fleet", "list", "--food=x"}),
            std::nullopt);
  EXPECT_EQ(food_, "x");
  EXPECT_EQ(common_.logging.level, logging::Level::kDebug);
  EXPECT_TRUE(common_.no_color);
  EXPECT_EQ(error_ + out_, "");
}

TEST_F(Arguments, AnUnknownOptionNamesTheNearest) {
  EXPECT_EQ(Parse({"fleet", "list", "--foo"}), kExitUsage);
  EXPECT_EQ(error_,
            "trib: unknown option --foo; did you mean --food? (see trib fleet list --help)\n");
}

TEST_F(Arguments, AnUnknownOptionComesBeforeAMissingArgument) {
  EXPECT_EQ(Parse({"node", "show", "--verbos"}), kExitUsage);
  EXPECT_THAT(error_, StartsWith("trib: unknown option --verbos"));
}

TEST_F(Arguments, AnUnknownCommandNamesTheNearest) {
  EXPECT_EQ(Parse({"flet", "list"}), kExitUsage);
  EXPECT_EQ(error_, "trib: unknown command flet; did you mean fleet? (see trib --help)\n");
}

TEST_F(Arguments, AMissingCommandListsThem) {
  EXPECT_EQ(Parse({}), kExitUsage);
  EXPECT_EQ(error_, "trib: a command is missing; one of fleet, node (see trib --help)\n");
  EXPECT_EQ(Parse({"fleet"}), kExitUsage);
  EXPECT_EQ(error_, "trib: a command is missing; one of list (see trib fleet --help)\n");
}

TEST_F(Arguments, AMissingOrWrongValueIsOneLine) {
  EXPECT_EQ(Parse({"node", "show"}), kExitUsage);
  EXPECT_EQ(error_, "trib: ID is required (see trib node show --help)\n");
  EXPECT_EQ(Parse({"fleet", "list", "--count", "x"}), kExitUsage);
  EXPECT_EQ(std::count(error_.begin(), error_.end(), '\n'), 1) << error_;
  EXPECT_EQ(Parse({"fleet", "list", "surplus"}), kExitUsage);
  EXPECT_THAT(error_, StartsWith("trib: unexpected argument surplus"));
  EXPECT_EQ(Parse({"--log-level", "loud", "fleet", "list"}), kExitUsage);
  EXPECT_THAT(error_, HasSubstr("it must be trace, debug, info, warn, error or off"));
}

TEST_F(Arguments, HelpAndVersionGoToStdout) {
  EXPECT_EQ(Parse({"--version"}), kExitOk);
  EXPECT_EQ(out_, "trib " + std::string(Version()) + "\n");
  EXPECT_EQ(Parse({"fleet", "list", "--help"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("Usage: trib fleet list"));
  EXPECT_THAT(out_, HasSubstr("--food"));
  EXPECT_EQ(error_, "");
}

TEST(UseColor, IsOffWithoutATerminal) {
  EXPECT_FALSE(UseColor(false, -1));
}

TEST(Clean, RemovesWhatSteersATerminal) {
  EXPECT_EQ(Clean("a\x1b[2J\nb"), "a [2J b");
}

}  // namespace
}  // namespace trib::host::cli
