#include "trib/common/host/cli/command_tree.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "trib/common/host/cli/program.h"

namespace trib::host::cli {
namespace {

std::vector<std::string> Split(std::string_view text, char at) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(at);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

std::string Joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : std::string(between)) + word;
  }
  return out;
}

bool IsChoice(const std::string& word) {
  return !word.empty() &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-.") == std::string::npos;
}

void AddNote(std::string& notes, const std::string& note) {
  notes += (notes.empty() ? "" : ", ") + note;
}

/// What a validator's rule says of allowed values: " in [1 - 9]" of Range, NONNEGATIVE.
std::string ReadRule(const std::string& rule) {
  if (const std::size_t in = rule.find(" in ["); in != std::string::npos) {
    const std::string limits = rule.substr(in + 5, rule.size() - in - 6);
    const std::size_t dash = limits.find(" - ");
    const std::string last = limits.substr(dash + 3);
    // A limit that only says what the type can hold says nothing to a person.
    return limits.substr(0, dash) + (last.size() >= 10 ? " or more" : " to " + last);
  }
  if (rule == "NONNEGATIVE") {
    return "0 or more";
  }
  return rule == "POSITIVE" ? "above 0" : "";
}

/// The name of a value as people know it.
std::string ReadName(const std::string& name, const std::string& rule) {
  if (rule.starts_with("ID in")) {
    return "ID";
  }
  if (name == "UINT" || name == "INT") {
    return "N";
  }
  return name == "FLOAT" ? "NUMBER" : name;
}

std::vector<std::string> ReadChoices(const std::string& name, const std::string& rule) {
  if (rule.starts_with("{") && rule.ends_with("}")) {
    return Split(std::string_view(rule).substr(1, rule.size() - 2), ',');
  }
  std::vector<std::string> parts = Split(name, '|');
  const bool choices = parts.size() > 1 && std::all_of(parts.begin(), parts.end(), IsChoice);
  return choices ? parts : std::vector<std::string>();
}

/// Fills value, kind and choices from what CLI11 and its validators call the type: "FILE",
/// "TEXT:{a,b}" of IsMember, "UINT:ID in [1 - 9]" of Range. Gives what else they say of allowed
/// values.
std::string ReadType(const std::string& type, Argument& out) {
  const std::size_t end = type.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ|");
  const bool ruled = end != std::string::npos && end > 0 && type[end] == ':';
  const std::string rule = ruled ? type.substr(end + 1) : "";
  out.value = ReadName(type.substr(0, ruled ? end : std::string::npos), rule);
  out.choices = ReadChoices(out.value, rule);
  if (!out.choices.empty()) {
    out.kind = ValueKind::kChoice;
    std::string all = Joined(out.choices, "|");
    const bool brief = all.size() <= 40;
    out.value = brief ? std::move(all) : "NAME";
    return brief ? "" : Joined(out.choices, ", ");
  }
  const std::vector<std::string> parts = Split(out.value, '|');
  const auto has = [&](const char* part) {
    return std::find(parts.begin(), parts.end(), part) != parts.end();
  };
  out.kind = has("FILE") ? ValueKind::kFile : (has("DIR") ? ValueKind::kFolder : ValueKind::kText);
  return ReadRule(rule);
}

Argument ReadOption(const CLI::Option& option) {
  Argument out;
  if (option.get_positional()) {
    out.names.push_back(option.get_name(true, false));
  } else {
    for (const std::string& name : option.get_snames()) {
      out.names.push_back("-" + name);
    }
    for (const std::string& name : option.get_lnames()) {
      out.names.push_back("--" + name);
    }
  }
  out.required = option.get_required();
  out.text = option.get_description();
  std::string notes;
  if (option.get_type_size() != 0 && option.get_expected_max() != 0) {
    notes = ReadType(option.get_type_name(), out);
    out.repeatable = option.get_expected_max() == CLI::detail::expected_max_vector_size;
    if (!option.get_default_str().empty()) {
      AddNote(notes, "default " + option.get_default_str());
    }
  }
  for (const CLI::Option* needed : option.get_needs()) {
    AddNote(notes, "needs " + needed->get_name());
  }
  for (const CLI::Option* excluded : option.get_excludes()) {
    AddNote(notes, "not with " + excluded->get_name());
  }
  if (out.required && !option.get_positional()) {
    AddNote(notes, "required");
  }
  if (!notes.empty()) {
    out.text += " (" + notes + ")";
  }
  return out;
}

Section::Line ReadLine(const std::string& line) {
  const std::size_t begin = std::min(line.find_first_not_of(' '), line.size());
  const std::size_t gap = line.find("  ", begin);
  if (gap == std::string::npos) {
    return {"", line.substr(std::min<std::size_t>(2, begin))};  // deeper lines continue a command
  }
  return {line.substr(begin, gap - begin), line.substr(line.find_first_not_of(' ', gap))};
}

std::vector<Section> ReadFooter(const std::string& footer) {
  std::vector<Section> sections;
  if (footer.empty()) {
    return sections;
  }
  for (const std::string& line : Split(footer, '\n')) {
    if (line.empty()) {
      continue;
    }
    const bool indented = line.front() == ' ';
    if (!indented && line.back() == ':') {
      sections.push_back({line.substr(0, line.size() - 1), {}});
    } else if (indented && !sections.empty()) {
      sections.back().lines.push_back(ReadLine(line));
    } else {
      if (sections.empty() || !sections.back().title.empty()) {
        sections.push_back({"", {}});
      }
      sections.back().lines.push_back({"", line});
    }
  }
  return sections;
}

Command ReadApp(const CLI::App& app, const std::string& above, std::vector<Argument> shared) {
  Command out;
  out.name = app.get_name();
  out.path = above.empty() ? out.name : above + " " + out.name;
  constexpr std::string_view kExample = "Example: ";
  for (const std::string& line : Split(app.get_description(), '\n')) {
    if (line.starts_with(kExample)) {
      out.examples.push_back(line.substr(kExample.size()));
    } else if (out.summary.empty()) {
      out.summary = line;
    } else {
      out.details.push_back(line);
    }
  }
  for (const CLI::Option* option : app.get_options(
           [](const CLI::Option* candidate) { return !candidate->get_group().empty(); })) {
    (option->get_positional() ? out.positionals : out.options).push_back(ReadOption(*option));
  }
  out.footer = ReadFooter(app.get_footer());
  out.shared = shared;
  out.needs_command = app.get_require_subcommand_min() > 0;
  // What a subcommand does not know itself may stand behind it where commands fall through.
  const std::vector<std::string> help = {"-h", "--help"};
  for (const Argument& option : out.options) {
    if (option.names != help) {
      shared.push_back(option);
    }
  }
  for (const CLI::App* sub : app.get_subcommands(
           [](const CLI::App* candidate) { return !candidate->get_group().empty(); })) {
    out.commands.push_back(
        ReadApp(*sub, out.path, sub->get_fallthrough() ? shared : std::vector<Argument>()));
  }
  return out;
}

}  // namespace

Command Describe(const CLI::App& app) {
  std::vector<std::string> above;
  for (const CLI::App* at = app.get_parent(); at != nullptr; at = at->get_parent()) {
    above.insert(above.begin(), at->get_name());
  }
  return ReadApp(app, Joined(above, " "), {});
}

std::string Render(const CLI::App& app, std::string_view kind) {
  const auto& shells = CompletionShells();
  if (kind == "man") {
    return ManPage(Describe(app), Version());
  }
  return std::find(shells.begin(), shells.end(), kind) == shells.end()
             ? ""
             : CompletionScript(Describe(app), kind);
}

const std::vector<std::string>& CompletionShells() {
  static const std::vector<std::string> shells = {"bash", "zsh", "fish"};
  return shells;
}

}  // namespace trib::host::cli
