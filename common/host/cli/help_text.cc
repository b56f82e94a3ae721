#include <algorithm>

#include "trib/common/host/cli/command_tree.h"

namespace trib::host::cli {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kColumn = 26;  // where texts begin

/// `text` in lines that begin at `column`; the first continues what is `used` already.
std::string Wrapped(const std::string& text, std::size_t column, std::size_t used) {
  std::string out;
  if (used > 0 && used + 1 > column) {
    out += "\n";
    used = 0;
  }
  out += std::string(column - used, ' ');
  std::size_t at = column;
  bool first = true;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = text.substr(begin, end - begin);
    begin = end + 1;
    if (!first && at + 1 + word.size() > kWidth) {
      out += "\n" + std::string(column, ' ');
      at = column;
      first = true;
    }
    out += (first ? "" : " ") + word;
    at += word.size() + (first ? 0 : 1);
    first = false;
  }
  return out + "\n";
}

std::string Line(const std::string& term, const std::string& text, std::size_t column) {
  return "  " + term + Wrapped(text, column, term.size() + 2);
}

std::string OptionLine(const Argument& option) {
  std::string term;
  for (const std::string& name : option.names) {
    term += (term.empty() ? "" : ", ") + name;
  }
  term += option.value.empty() ? "" : " " + option.value;
  return Line(term + (option.repeatable ? " ..." : ""), option.text, kColumn);
}

std::string UsageLine(const Command& command) {
  std::string out = "Usage: " + command.path;
  out += command.options.empty() ? "" : " [OPTION...]";
  for (const Argument& positional : command.positionals) {
    out += positional.required ? " " + positional.names.front()
                               : " [" + positional.names.front() + "]";
  }
  if (!command.commands.empty()) {
    out += command.needs_command ? " COMMAND" : " [COMMAND]";
  }
  return out + "\n";
}

std::string FooterText(const std::vector<Section>& footer) {
  std::string out;
  for (const Section& section : footer) {
    out += "\n" + (section.title.empty() ? "" : section.title + ":\n");
    std::size_t column = 0;
    for (const Section::Line& line : section.lines) {
      column = std::max(column, std::min<std::size_t>(line.term.size() + 4, kColumn));
    }
    for (const Section::Line& line : section.lines) {
      if (!line.term.empty()) {
        out += Line(line.term, line.text, column);
      } else if (section.title.empty()) {
        out += Wrapped(line.text, 0, 0);
      } else {
        out += "  " + line.text + "\n";  // a command line, to be copied whole
      }
    }
  }
  return out;
}

}  // namespace

std::string HelpText(const Command& command) {
  std::string out = Wrapped(command.summary, 0, 0);
  for (const std::string& line : command.details) {
    out += Wrapped(line, 0, 0);
  }
  out += "\n" + UsageLine(command);
  if (!command.positionals.empty()) {
    out += "\nArguments:\n";
    for (const Argument& positional : command.positionals) {
      out += Line(positional.names.front(), positional.text, kColumn);
    }
  }
  if (!command.commands.empty()) {
    out += "\nCommands:\n";
    for (const Command& sub : command.commands) {
      out += Line(sub.name, sub.summary, kColumn);
    }
  }
  if (!command.options.empty()) {
    out += "\nOptions:\n";
    for (const Argument& option : command.options) {
      out += OptionLine(option);
    }
  }
  out += FooterText(command.footer);
  if (!command.examples.empty()) {
    out += "\n";
    for (const std::string& example : command.examples) {
      out += "Example: " + example + "\n";
    }
  }
  return out;
}

}  // namespace trib::host::cli
