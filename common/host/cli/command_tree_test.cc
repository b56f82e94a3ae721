#include "trib/common/host/cli/command_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <sstream>

#include "trib/common/host/cli/program.h"

namespace trib::host::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class CommandTree : public ::testing::Test {
 protected:
  CommandTree() {
    app_.fallthrough();
    app_.add_option("--server", text_, "Where it is")->type_name("tcp://HOST:PORT");
    app_.add_flag("--json", flag_, "Print JSON");
    app_.add_option("--hidden", text_, "Not told")->group("");
    CLI::App* key = app_.add_subcommand("key", "Keys")->require_subcommand(1);
    new_ = key->add_subcommand("new",
                               "Make a key\nIt's never written over.\n"
                               "Example: trib key new -o a.key");
    new_->add_option("-o,--output", file_, "Where to")->type_name("FILE")->capture_default_str();
    new_->add_option("--count", count_, "How many")->check(CLI::Range(1, 9));
    new_->add_option("--kind", text_, "What for")->check(CLI::IsMember({"node", "gateway"}));
    new_->add_option("--tag", tags_, "A word")->type_name("WORD");
    new_->add_option("--phases", text_, "Of it")->type_name("normal:S,fault:S");
    new_->add_option("WHO", text_, "Its name")->required();
    app_.footer("Words.\nExit codes:\n  0  ok\n  1  failed\nExamples:\n  trib key new -o .key");
  }
  const Command& Find(const Command& program, std::string_view path) {
    for (const Command& sub : program.commands) {
      if (sub.path == path) {
        return sub;
      }
      if (path.starts_with(sub.path + " ")) {
        return Find(sub, path);
      }
    }
    return program;
  }
  static const Argument& Option(const Command& command, const std::string& name) {
    static const Argument none;
    for (const Argument& option : command.options) {
      if (std::find(option.names.begin(), option.names.end(), name) != option.names.end()) {
        return option;
      }
    }
    ADD_FAILURE() << name;
    return none;
  }

  CLI::App app_{"Operates a fleet", "trib"};
  CLI::App* new_ = nullptr;
  std::string text_;
  std::string file_ = "trib.key";
  std::vector<std::string> tags_;
  bool flag_ = false;
  int count_ = 0;
};

TEST_F(CommandTree, KnowsValuesDefaultsAndLimits) {
  const Command program = Describe(app_);
  const Command& made = Find(program, "trib key new");
  EXPECT_EQ(made.summary, "Make a key");
  EXPECT_THAT(made.details, ElementsAre("It's never written over."));
  EXPECT_THAT(made.examples, ElementsAre("trib key new -o a.key"));
  EXPECT_EQ(Option(made, "-o").text, "Where to (default trib.key)");
  EXPECT_EQ(Option(made, "--output").kind, ValueKind::kFile);
  EXPECT_EQ(Option(made, "--count").value, "N");
  EXPECT_EQ(Option(made, "--count").text, "How many (1 to 9)");
  EXPECT_EQ(Option(made, "--kind").value, "node|gateway");
  EXPECT_THAT(Option(made, "--kind").choices, ElementsAre("node", "gateway"));
  EXPECT_TRUE(Option(made, "--tag").repeatable);
  EXPECT_EQ(Option(made, "--phases").value, "normal:S,fault:S");
  EXPECT_EQ(Option(made, "--help").kind, ValueKind::kNone);
  ASSERT_EQ(made.positionals.size(), 1U);
  EXPECT_TRUE(made.positionals[0].required);
  ASSERT_EQ(made.shared.size(), 2U) << "what the program knows may stand behind the verb";
  EXPECT_EQ(made.shared[0].names.front(), "--server");
  EXPECT_EQ(made.shared[0].value, "tcp://HOST:PORT");
  ASSERT_EQ(program.footer.size(), 3U);
  EXPECT_EQ(program.footer[1].lines[1].term, "1");
}

TEST_F(CommandTree, HelpFitsAnEightyColumnTerminal) {
  const std::string long_text =
      "A text that is long enough to need a second line, since it does not end before the "
      "terminal's right edge";
  new_->add_flag("--long", flag_, long_text);
  const std::string help = HelpText(Describe(*new_));
  EXPECT_THAT(help, HasSubstr("Usage: trib key new [OPTION...] WHO\n"));
  EXPECT_THAT(help, HasSubstr("  -o, --output FILE       Where to (default trib.key)\n"));
  EXPECT_THAT(help, HasSubstr("Example: trib key new -o a.key\n"));
  std::istringstream lines(help);
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);) {
    longest = std::max(longest, line.size());
  }
  EXPECT_GT(longest, 70U);
  EXPECT_LE(longest, 80U);
  EXPECT_THAT(HelpText(Describe(app_)), HasSubstr("\nExit codes:\n  0  ok\n  1  failed\n"));
}

TEST_F(CommandTree, TheManPageHasAllAndNothingThatRoffWouldTakeForARequest) {
  const std::string page = ManPage(Describe(app_), "1.0");
  EXPECT_THAT(page, HasSubstr(".TH TRIB 1 \"\" \"Tributary 1.0\""));
  EXPECT_THAT(page, HasSubstr("trib \\- operates a fleet\n"));
  EXPECT_THAT(page, HasSubstr("\\fB\\-\\-count\\fR \\fIN\\fR\nHow many (1 to 9)\n"));
  EXPECT_THAT(page, HasSubstr(".SH EXIT STATUS\n.TP\n\\fB0\\fR\nok\n"));
  EXPECT_THAT(page, HasSubstr("It\\(aqs never written over.\n"));
  EXPECT_THAT(page, Not(HasSubstr("hidden")));
  app_.footer("Files:\n  .key");
  EXPECT_THAT(ManPage(Describe(app_), "1.0"), HasSubstr("\n\\&.key\n"));
}

TEST_F(CommandTree, EveryKindIsMadeAndNoOther) {
  EXPECT_EQ(Render(app_, "man").substr(0, 4), ".TH ");
  for (const std::string& shell : CompletionShells()) {
    EXPECT_THAT(Render(app_, shell), HasSubstr("output")) << shell;
    EXPECT_THAT(Render(app_, shell), Not(HasSubstr("hidden"))) << shell;
  }
  EXPECT_EQ(Render(app_, "tcsh"), "");
  const std::array<const char*, 3> words = {"trib", "--describe", "bash"};
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(ParseArguments(app_, 3, words.data()), kExitOk);
  EXPECT_THAT(::testing::internal::GetCapturedStdout(), HasSubstr("complete -F _trib trib\n"));
}

}  // namespace
}  // namespace trib::host::cli
