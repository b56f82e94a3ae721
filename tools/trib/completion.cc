// trib completion
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "context.h"
#include "trib/common/host/cli/command_tree.h"

namespace trib::tools::trib_cli {
namespace {

using host::cli::kExitFailed;
using host::cli::kExitOk;

/// The other programs; those that lie beside this one are asked for their part.
constexpr std::array kPrograms = {
    "trib-cloud", "trib-gateway", "trib-node", "trib-demo", "trib-sim", "trib-linksim"};

/// What `program` prints when called so; nothing when it fails.
std::optional<std::string> Output(const std::filesystem::path& program, const std::string& shell) {
  std::array<int, 2> pipe = {-1, -1};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) {
    return std::nullopt;
  }
  std::string name = program.string();
  std::string describe = "--describe";
  std::string kind = shell;
  std::array<char*, 4> argv = {name.data(), describe.data(), kind.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int spawned =
      ::posix_spawn(&child, name.c_str(), &actions, nullptr, argv.data(), ::environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  std::string out;
  std::array<char, 4096> part{};
  while (spawned == 0) {
    const ::ssize_t got = ::read(pipe[0], part.data(), part.size());
    if (got > 0) {
      out.append(part.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || errno != EINTR) {
      break;
    }
  }
  ::close(pipe[0]);
  int status = 0;
  const bool good = spawned == 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) &&
                    WEXITSTATUS(status) == 0;
  return good ? std::optional(out) : std::nullopt;
}

int Print(const Context& context, const CLI::App& app, const std::string& shell) {
  std::string script = host::cli::Render(app, shell);
  std::error_code failed;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path();
  for (const char* program : kPrograms) {
    std::error_code ignored;
    if (failed || !std::filesystem::exists(folder / program, ignored)) {
      continue;
    }
    const auto part = Output(folder / program, shell);
    if (!part) {
      return Fail(
          context,
          kExitFailed,
          Code::kUnavailable,
          (folder / program).string() + ": does not describe itself; is it of this version?");
    }
    script += *part;
  }
  std::fputs(script.c_str(), stdout);
  return kExitOk;
}

}  // namespace

void AddCompletionCommand(CLI::App& app, Context& context) {
  auto shell = std::make_shared<std::string>();
  CLI::App* completion = app.add_subcommand(
      "completion",
      "Print a script that lets a shell complete the command lines of all programs\n"
      "It completes trib and those of the other programs that are installed beside it. In "
      "~/.bashrc: source <(trib completion bash); in ~/.zshrc, after compinit: source <(trib "
      "completion zsh); for fish: trib completion fish >~/.config/fish/conf.d/trib.fish\n"
      "Example: source <(trib completion bash)");
  completion->add_option("SHELL", *shell, "Which shell")
      ->required()
      ->check(CLI::IsMember(host::cli::CompletionShells()));
  completion->callback([&app, &context, shell] {
    context.run = [&app, &context, shell] { return Print(context, app, *shell); };
  });
}

}  // namespace trib::tools::trib_cli
