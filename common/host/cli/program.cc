#include "trib/common/host/cli/program.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "trib/common/host/cli/command_tree.h"
#include "trib/common/host/config/config_file.h"

namespace trib::host::cli {
namespace {

// The subcommand that parsing reached; the mistake is in its words.
CLI::App& Deepest(CLI::App& app) {
  CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().back();
  }
  return *at;
}

std::string FullName(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name()
                                     : FullName(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* at = &app; at != nullptr; at = at->get_parent()) {
    for (const CLI::Option* option : at->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        names.push_back("--" + name);
      }
    }
  }
  return names;
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  return names;
}

std::string Suggest(std::string_view word, const std::vector<std::string>& names) {
  const auto near = config::Nearest(word, names);
  return near ? "; did you mean " + *near + "?" : "";
}

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

// One line for what CLI11 found. An unknown word comes first: it is often the reason why something
// else is missing.
std::string Explain(CLI::App& app, const CLI::ParseError& error) {
  CLI::App& at = Deepest(app);
  std::vector<std::string> words = app.remaining(true);
  words.erase(std::remove(words.begin(), words.end(), "--"), words.end());
  for (const std::string& word : words) {
    if (word.size() > 1 && word.front() == '-') {
      const std::string name = word.substr(0, word.find('='));
      return "unknown option " + name + Suggest(name, OptionNames(at));
    }
  }
  const std::vector<std::string> commands = CommandNames(at);
  if (!words.empty()) {
    return (commands.empty() ? "unexpected argument " : "unknown command ") + words.front() +
           (commands.empty() ? "" : Suggest(words.front(), commands));
  }
  if (!commands.empty() && at.get_subcommands().empty() &&
      dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    return "a command is missing; one of " + Listed(commands);
  }
  return error.what();
}

// --describe KIND [FILE]
int PrintDescription(const CLI::App& app, std::string_view kind, const char* path) {
  const std::string text = Render(app, kind);
  std::FILE* file = path == nullptr ? stdout : std::fopen(path, "w");
  if (text.empty() || file == nullptr) {
    PrintError(app.get_name(),
               text.empty() ? "--describe man|bash|zsh|fish [FILE]"
                            : std::string(path) + ": cannot be written");
    return kExitUsage;
  }
  const bool written = std::fputs(text.c_str(), file) >= 0 && std::fflush(file) == 0;
  return written && (file == stdout || std::fclose(file) == 0) ? kExitOk : kExitFailed;
}

}  // namespace

void AddCommonOptions(CLI::App& app, CommonOptions& options) {
  app.set_version_flag(
      "--version", app.get_name() + " " + std::string(Version()), "Print the version and end");
  app.add_option_function<std::string>(
         "--log-level",
         [&options](const std::string& name) {
           const auto level = logging::ParseLevel(name);
           if (!level) {
             throw CLI::ValidationError("--log-level",
                                        "is \"" + name +
                                            "\"; it must be trace, debug, info, warn, error or "
                                            "off");
           }
           options.logging.level = *level;
         },
         "What to log, on stderr (default info)")
      ->type_name("trace|debug|info|warn|error|off");
  app.add_flag("--log-json", options.logging.json, "Log JSON lines");
  app.add_flag("--no-color", options.no_color, "No colours (also: NO_COLOR, or no terminal)");
}

std::optional<int> ParseArguments(CLI::App& app, int argc, const char* const* argv) {
  // For the build, which makes the man page and the completion scripts: not told in --help.
  if ((argc == 3 || argc == 4) && std::string_view(argv[1]) == "--describe") {
    return PrintDescription(app, argv[2], argc == 4 ? argv[3] : nullptr);
  }
  // CLI11 reports through exceptions; they end here.
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(HelpText(Describe(Deepest(app))).c_str(), stdout);
    return kExitOk;
  } catch (const CLI::CallForVersion& version) {
    std::printf("%s\n", version.what());
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    PrintError(app.get_name(),
               Explain(app, error) + " (see " + FullName(Deepest(app)) + " --help)");
    return kExitUsage;
  }
  return std::nullopt;
}

void PrintError(std::string_view program, std::string_view text) {
  const std::string line = std::string(program) + ": " + Clean(text) + "\n";
  std::fputs(line.c_str(), stderr);
}

bool UseColor(bool no_color, int fd) {
  const char* variable = std::getenv("NO_COLOR");
  return !no_color && (variable == nullptr || *variable == '\0') && ::isatty(fd) == 1;
}

std::string Clean(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(),
      out.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; },
      ' ');
  return out;
}

}  // namespace trib::host::cli
