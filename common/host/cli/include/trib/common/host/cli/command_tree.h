#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

/// A program's command line as data, read from its CLI::App. What a person reads about a program
/// comes from here: --help, the man page and shell completion cannot disagree.
///
/// Texts follow conventions (docs/decisions/0007-help-texts.md): the first line of an App's
/// description is its summary, lines "Example: ..." are examples, the rest is told before the
/// options. Its footer is paragraphs; "Title:" alone on a line begins a section, whose lines are
/// indented, "TERM  text" (two spaces) where they define something.
namespace trib::host::cli {

/// What may stand as a value, for completion.
enum class ValueKind : std::uint8_t { kNone, kText, kFile, kFolder, kChoice };

struct Argument {
  std::vector<std::string> names;  ///< "-o", "--output"; of a positional one its name
  std::string value;               ///< "FILE", "a|b"; empty for a flag
  std::string text;                ///< with default, limits and what it needs
  ValueKind kind = ValueKind::kNone;
  std::vector<std::string> choices;
  bool required = false;
  bool repeatable = false;
};

struct Section {
  struct Line {
    std::string term;  ///< empty: text stands alone, as it is
    std::string text;
  };
  std::string title;  ///< empty: paragraphs
  std::vector<Line> lines;
};

struct Command {
  std::string name;  ///< "new"
  std::string path;  ///< "trib key new"
  std::string summary;
  std::vector<std::string> details;
  std::vector<std::string> examples;
  std::vector<Argument> options;  ///< its own
  std::vector<Argument> shared;   ///< of the commands above it, which may stand behind it too
  std::vector<Argument> positionals;
  std::vector<Section> footer;
  std::vector<Command> commands;
  bool needs_command = false;
};

/// Leaves out what is hidden (an empty group).
Command Describe(const CLI::App& app);

/// As --help prints it, at most 80 columns wide where words allow.
std::string HelpText(const Command& command);

/// A man(7) page of section 1. `version` stands in its foot.
std::string ManPage(const Command& program, std::string_view version);

/// A script that completes the program's command line in "bash", "zsh" or "fish".
///
/// Requires  A known shell.
std::string CompletionScript(const Command& program, std::string_view shell);

/// The shells that CompletionScript() knows.
const std::vector<std::string>& CompletionShells();

/// The program's text of `kind`: "man" or a shell; empty when there is no such kind.
std::string Render(const CLI::App& app, std::string_view kind);

}  // namespace trib::host::cli
