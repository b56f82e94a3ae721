#include <algorithm>
#include <cctype>
#include <vector>

#include "trib/common/host/cli/command_tree.h"

namespace trib::host::cli {
namespace {

/// Text that roff prints as it is. Minus signs are those of the keyboard, so that they can be
/// copied.
std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      case '"':
        out += "\\(dq";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// A line of text: a dot at its begin must not be taken for a request.
std::string TextLine(std::string_view text) {
  const std::string escaped = Escape(text);
  return (escaped.starts_with('.') ? "\\&" : "") + escaped + "\n";
}

std::string Bold(std::string_view text) {
  return "\\fB" + Escape(text) + "\\fR";
}
std::string Italic(std::string_view text) {
  return "\\fI" + Escape(text) + "\\fR";
}

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(std::toupper(c));
  });
  return text;
}

std::string Synopsis(const Command& command) {
  std::string out = Bold(command.path);
  out += command.options.empty() && command.shared.empty() ? "" : " [" + Italic("OPTION") + "...]";
  for (const Argument& positional : command.positionals) {
    const std::string name = Italic(positional.names.front());
    out += positional.required ? " " + name : " [" + name + "]";
  }
  if (!command.commands.empty()) {
    const std::string name = Italic("COMMAND");
    out += command.needs_command ? " " + name : " [" + name + "]";
  }
  return out;
}

std::string Options(const std::vector<Argument>& options) {
  std::string out;
  for (const Argument& option : options) {
    std::string term;
    for (const std::string& name : option.names) {
      term += (term.empty() ? "" : ", ") + Bold(name);
    }
    term += option.value.empty() ? "" : " " + Italic(option.value);
    out += ".TP\n" + term + (option.repeatable ? " ..." : "") + "\n" + TextLine(option.text);
  }
  return out;
}

std::string Positionals(const std::vector<Argument>& positionals) {
  std::string out;
  for (const Argument& positional : positionals) {
    out += ".TP\n" + Italic(positional.names.front()) + "\n" + TextLine(positional.text);
  }
  return out;
}

std::string Examples(const std::vector<std::string>& examples) {
  std::string out;
  for (const std::string& example : examples) {
    out += ".PP\nExample:\n.RS\n.nf\n" + TextLine(example) + ".fi\n.RE\n";
  }
  return out;
}

std::string Footer(const std::vector<Section>& footer) {
  std::string out;
  for (const Section& section : footer) {
    if (section.title.empty()) {
      out += ".SH NOTES\n";
    } else {
      out += ".SH " + Upper(section.title == "Exit codes" ? "Exit status" : section.title) + "\n";
    }
    for (const Section::Line& line : section.lines) {
      if (!line.term.empty()) {
        out += ".TP\n" + Bold(line.term) + "\n" + TextLine(line.text);
      } else if (section.title.empty()) {
        out += ".PP\n" + TextLine(line.text);
      } else {
        out += ".PP\n.nf\n" + TextLine(line.text) + ".fi\n";
      }
    }
  }
  return out;
}

void AddCommands(const Command& command, std::string& out) {
  for (const Command& sub : command.commands) {
    if (!sub.commands.empty()) {
      AddCommands(sub, out);
      continue;
    }
    out += ".SS " + Synopsis(sub) + "\n" + TextLine(sub.summary);
    for (const std::string& line : sub.details) {
      out += ".PP\n" + TextLine(line);
    }
    out += Positionals(sub.positionals) + Options(sub.options) + Examples(sub.examples);
  }
}

std::string SeeAlso(const std::string& program) {
  std::vector<std::string> pages = {"trib", "trib-cloud", "trib-gateway", "trib-node"};
  std::erase(pages, program);
  std::string out;
  for (const std::string& page : pages) {
    out += ".BR " + Escape(page) + " (1)" + (page == pages.back() ? "\n" : ",\n");
  }
  return out;
}

}  // namespace

std::string ManPage(const Command& program, std::string_view version) {
  std::string summary = program.summary;
  if (summary.size() > 1 && std::islower(static_cast<unsigned char>(summary[1])) != 0) {
    summary[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(summary[0])));
  }
  // No date: the same program gives the same page.
  std::string out = ".TH " + Escape(Upper(program.name)) + " 1 \"\" \"Tributary " +
                    Escape(version) + "\" \"Tributary\"\n";
  // No hyphenation, no stretched lines: names and values stay whole.
  out += ".nh\n.ad l\n";
  out += ".SH NAME\n" + Escape(program.name) + " \\- " + Escape(summary) + "\n";
  out += ".SH SYNOPSIS\n" + Synopsis(program) + "\n";
  if (!program.details.empty()) {
    out += ".SH DESCRIPTION\n";
    for (const std::string& line : program.details) {
      out += ".PP\n" + TextLine(line);
    }
  }
  if (!program.positionals.empty()) {
    out += ".SH ARGUMENTS\n" + Positionals(program.positionals);
  }
  if (!program.options.empty()) {
    out += ".SH OPTIONS\n" + Options(program.options);
  }
  if (!program.commands.empty()) {
    out += ".SH COMMANDS\n";
    AddCommands(program, out);
  }
  out += Footer(program.footer);
  out += Examples(program.examples);
  return out + ".SH SEE ALSO\n" + SeeAlso(program.name);
}

}  // namespace trib::host::cli
