// What --help says, man pages and shells say too: pages are rendered by groff, completion is done
// by the shells themselves.
#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "run.h"

namespace trib::integration {
namespace {

constexpr std::array kPrograms = {
    "trib", "trib-cloud", "trib-gateway", "trib-node", "trib-demo", "trib-sim", "trib-linksim"};

/// What is typed, and what the last word becomes.
struct Typed {
  std::vector<std::string> words;
  std::string completed;
};

const std::vector<Typed>& Cases() {
  static const std::vector<Typed> cases = {
      {{"trib", "fle"}, "fleet"},
      {{"trib", "key", "n"}, "new"},
      {{"trib", "key", "new", "--out"}, "--output"},
      {{"trib", "fleet", "list", "--jso"}, "--json"},
      {{"trib", "--json", "event", "tail", "--fol"}, "--follow"},
      {{"trib", "drift", "recal"}, "recalibrate"},
      {{"trib", "drift", "explain", "7", "--sv"}, "--svg"},
      {{"trib", "drift", "recalibrate", "--package", "some"}, "some.trib"},
      {{"trib", "recording", "import", "--dialect", "cw"}, "cwru"},
      {{"trib", "enroll", "--kind", "gat"}, "gateway"},
      {{"trib", "--log-level", "de"}, "debug"},
      // The value of an option is no command, even when it is called like one.
      {{"trib", "--config", "fleet", "completion", "ba"}, "bash"},
      {{"trib", "package", "inspect", "some"}, "some.trib"},
      {{"trib", "package", "sign", "some.trib", "--key", "some"}, "some.trib"},
      {{"trib-gateway", "--conf"}, "--config"},
      {{"trib-gateway", "--config", "some"}, "some.trib"},
      {{"trib-cloud", "--check"}, "--check-config"},
      {{"trib-node", "--drain"}, "--drain-timeout"},
      {{"trib-demo", "--gat"}, "--gateways"},
  };
  return cases;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

class HelpTexts : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* bin = std::getenv("TRIB_BIN_DIR");
    ASSERT_NE(bin, nullptr) << "TRIB_BIN_DIR names the folder of the programs; ctest sets it";
    bin_ = bin;
    auto pattern = (std::filesystem::path(::testing::TempDir()) / "help-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    std::ofstream(folder_ / "some.trib") << "x";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] bool Has(const std::string& program) const {
    return std::filesystem::exists(bin_ + "/" + program);
  }
  Ran Call(const std::string& program, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), bin_ + "/" + program);
    return RunProgram(arguments, folder_);
  }
  Ran Shell(const std::string& shell, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"/usr/bin/env", "HOME=" + folder_.string(), "TERM=dumb", shell});
    return RunProgram(arguments, folder_);
  }
  static bool Installed(const std::string& program) {
    return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
  }
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  /// The script of all programs, in a file.
  std::string Script(const std::string& shell) {
    const Ran script = Call("trib", {"completion", shell});
    EXPECT_EQ(script.code, 0) << script.err;
    return Write("completion." + shell, script.out);
  }

  /// The names of commands in a help text.
  static std::vector<std::string> CommandsIn(const std::string& help) {
    std::vector<std::string> names;
    std::istringstream lines(help);
    bool listed = false;
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line.front() != ' ') {
        listed = line == "Commands:";
      } else if (listed && line.size() > 2 && line[2] != ' ') {
        names.push_back(line.substr(2, line.find(' ', 2) - 2));
      }
    }
    return names;
  }
  static std::set<std::string> OptionsIn(const std::string& text) {
    std::set<std::string> names;
    for (std::size_t at = text.find("--"); at != std::string::npos; at = text.find("--", at)) {
      std::size_t end = at + 2;
      while (end < text.size() &&
             (std::islower(static_cast<unsigned char>(text[end])) != 0 || text[end] == '-')) {
        ++end;
      }
      if (end > at + 2) {
        names.insert(text.substr(at, end - at));
      }
      at = end;
    }
    return names;
  }
  /// Visits the program's help and that of all commands below it, with the words that lead there.
  template <typename Visit>
  void ForEachHelp(const std::string& program, std::vector<std::string> words, const Visit& visit) {
    std::vector<std::string> arguments = words;
    arguments.emplace_back("--help");
    const Ran help = Call(program, arguments);
    ASSERT_EQ(help.code, 0) << program << " " << Joined(words) << ": " << help.err;
    visit(words, help.out);
    for (const std::string& command : CommandsIn(help.out)) {
      auto below = words;
      below.push_back(command);
      ForEachHelp(program, below, visit);
    }
  }

  std::string bin_;
  std::filesystem::path folder_;
};

TEST_F(HelpTexts, EveryProgramTellsDefaultsExitCodesAndExamples) {
  std::size_t pages = 0;
  for (const char* program : kPrograms) {
    if (!Has(program)) {
      continue;
    }
    ForEachHelp(program, {}, [&](const std::vector<std::string>& words, const std::string& help) {
      ++pages;
      std::istringstream lines(help);
      for (std::string line; std::getline(lines, line);) {
        // Longer only where a word is: a command to copy, a value's name.
        EXPECT_LE(line.size(), 100U) << program << " " << Joined(words) << ": " << line;
      }
      if (words.empty()) {
        EXPECT_NE(help.find("\nExit codes:\n"), std::string::npos) << program;
        EXPECT_NE(help.find("\nExamples:\n"), std::string::npos) << program;
      } else if (CommandsIn(help).empty()) {
        EXPECT_NE(help.find("\nExample: "), std::string::npos) << program << Joined(words);
      }
    });
  }
  EXPECT_GT(pages, 20U);
}

TEST_F(HelpTexts, ManPagesRenderWithoutAWarningAndHaveEveryOption) {
  if (!Installed("groff")) {
    GTEST_SKIP() << "NOT TESTED: no groff to render man pages (Debian: groff-base)";
  }
  std::size_t options = 0;
  for (const char* program : kPrograms) {
    if (!Has(program)) {
      continue;
    }
    const std::string page =
        Write(std::string(program) + ".1", Call(program, {"--describe", "man"}).out);
    // -ww: all warnings; -c and no emphasis by overstriking: plain text.
    const Ran rendered = RunProgram({"/usr/bin/env",
                                     "groff",
                                     "-man",
                                     "-ww",
                                     "-Tascii",
                                     "-P-c",
                                     "-P-b",
                                     "-P-u",
                                     "-rLL=200n",
                                     page},
                                    folder_);
    EXPECT_EQ(rendered.code, 0) << program;
    EXPECT_EQ(rendered.err, "") << program;
    const std::set<std::string> told = OptionsIn(rendered.out);
    ForEachHelp(program, {}, [&](const std::vector<std::string>& words, const std::string& help) {
      for (const std::string& name : OptionsIn(help)) {
        EXPECT_TRUE(told.contains(name)) << name << " of " << program << " " << Joined(words);
        ++options;
      }
      if (!words.empty() && CommandsIn(help).empty()) {
        EXPECT_NE(rendered.out.find(program + (" " + Joined(words))), std::string::npos)
            << Joined(words);
      }
    });
    if (Installed("man")) {
      const Ran man = RunProgram(
          {"/usr/bin/env", "MANROFFSEQ=", "LC_ALL=C.UTF-8", "man", "--warnings=w", "-l", page},
          folder_);
      EXPECT_EQ(man.code, 0) << man.err;
      EXPECT_EQ(man.err, "") << program;
      EXPECT_NE(man.out.find("SYNOPSIS"), std::string::npos);
    }
  }
  EXPECT_GT(options, 100U);
}

TEST_F(HelpTexts, BashCompletes) {
  const std::string script = Script("bash");
  const auto complete = [&](const std::vector<std::string>& words) {
    std::string array;
    for (const std::string& word : words) {
      array += " '" + word + "'";
    }
    const Ran ran =
        Shell("bash",
              {"--norc",
               "-c",
               "set -u; cd " + folder_.string() + "; source " + script + "; COMP_WORDS=(" + array +
                   "); COMP_CWORD=" + std::to_string(words.size() - 1) + "; COMPREPLY=(); " +
                   "how=$(complete -p " + words.front() + ") && how=${how#*-F } && ${how%% *}; " +
                   "printf '%s\\n' \"${COMPREPLY[@]}\""});
    EXPECT_EQ(ran.err, "") << Joined(words);
    return ran.out;
  };
  for (const Typed& typed : Cases()) {
    EXPECT_EQ(complete(typed.words), typed.completed + "\n") << Joined(typed.words);
  }
  // What bash makes of --name=value.
  EXPECT_EQ(complete({"trib", "--log-level", "=", "de"}), "debug\n");
  EXPECT_EQ(complete({"trib", "enroll", "--kind", "=", ""}), "node\ngateway\n");
  EXPECT_EQ(complete({"trib", "--log-level", "=", "debug", "key", "s"}), "show\n");
  // Every option of every help text.
  std::size_t offered = 0;
  for (const char* program : kPrograms) {
    if (!Has(program)) {
      continue;
    }
    ForEachHelp(program, {}, [&](std::vector<std::string> words, const std::string& help) {
      const std::size_t begin = help.find("\nOptions:\n");
      const std::size_t end = help.find("\n\n", begin);
      words.insert(words.begin(), program);
      words.emplace_back("-");
      const std::string all = "\n" + complete(words);
      std::istringstream lines(help.substr(begin, end - begin));
      for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("  -")) {
          const std::string name = line.substr(2, line.find_first_of(" ,", 2) - 2);
          EXPECT_NE(all.find("\n" + name + "\n"), std::string::npos)
              << name << " after " << Joined(words);
          ++offered;
        }
      }
    });
  }
  EXPECT_GT(offered, 100U);
}

TEST_F(HelpTexts, ZshCompletes) {
  if (!Installed("zsh")) {
    GTEST_SKIP() << "NOT TESTED: no zsh to complete in";
  }
  const std::string script = Script("zsh");
  // A terminal of its own, in which the word is typed, Tab pressed, and the line read back.
  std::string driver =
      "zmodload zsh/zpty\nzpty shell zsh -f -i\n"
      "send() { zpty -w -n shell \"$1\" }\n"
      "await() { local got; zpty -r -m shell got \"*$1*\"; print -r -- \"$got\" }\n"
      "zpty -w shell 'unsetopt zle_bracketed_paste 2>/dev/null; PS1=; "
      "autoload -Uz compinit; compinit -u -D; source " +
      script +
      "; "
      "cd " +
      folder_.string() +
      "; "
      "report() { print -r -- \"<$BUFFER>\"; BUFFER= }; zle -N report; "
      "bindkey \"^X\" report; print set\"\"up'\nawait setup >/dev/null\n";
  for (const Typed& typed : Cases()) {
    driver += "send $'" + Joined(typed.words) + "\\t\\x18'\nawait '<*>'\n";
  }
  driver += "zpty -d shell\n";
  const Ran ran = Shell("zsh", {"-f", Write("driver.zsh", driver)});
  for (const Typed& typed : Cases()) {
    auto words = typed.words;
    words.back() = typed.completed;
    // After an option with a value zsh offers the equals sign, which a blank takes away again.
    const bool found = ran.out.find("<" + Joined(words) + " >") != std::string::npos ||
                       ran.out.find("<" + Joined(words) + "=>") != std::string::npos;
    EXPECT_TRUE(found) << Joined(typed.words) << " in:\n" << ran.out << ran.err;
  }
}

TEST_F(HelpTexts, FishCompletes) {
  if (!Installed("fish")) {
    GTEST_SKIP() << "NOT TESTED: no fish to complete in";
  }
  const std::string script = Script("fish");
  for (const Typed& typed : Cases()) {
    const Ran ran = Shell("fish",
                          {"--no-config",
                           "-c",
                           "cd " + folder_.string() + "; source " + script + "; complete -C '" +
                               Joined(typed.words) + "'"});
    EXPECT_EQ(ran.err, "") << Joined(typed.words);
    EXPECT_EQ(ran.out.substr(0, ran.out.find_first_of("\t\n")), typed.completed)
        << Joined(typed.words);
    EXPECT_EQ(LineCount(ran.out), 1U) << ran.out;
  }
}

TEST_F(HelpTexts, AnUnknownShellIsRefused) {
  const Ran ran = Call("trib", {"completion", "tcsh"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_NE(ran.err.find("tcsh not in {bash,zsh,fish}"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace trib::integration
