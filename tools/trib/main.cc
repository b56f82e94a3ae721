// trib: the operator's command line. docs: tools/trib/README.md
#include <CLI/CLI.hpp>

#include "context.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/logging/log.h"

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  using namespace trib::tools::trib_cli;  // NOLINT(google-build-using-namespace)
  Context context;
  CLI::App app{"Operates a Tributary fleet: keys, enrolment, packages, and what the cloud knows",
               "trib"};
  app.require_subcommand(1);
  app.fallthrough();  // so that --json and the connection may stand behind the verb
  // Subcommands take over the footer that stands when they are added.
  app.footer("--json, --server and the other options of trib --help may stand here too");
  trib::host::cli::AddCommonOptions(app, context.common);
  app.add_flag("--json", context.json, "Print JSON with stable keys (docs/formats/admin_calls.md)");
  app.add_option("--config",
                 context.connection.config,
                 "Configuration file (default $TRIB_CONFIG, else ~/.config/tributary/trib.toml)")
      ->type_name("FILE");
  app.add_option("--server", context.connection.server, "The [admin] socket of the cloud")
      ->type_name("tcp://HOST:PORT");
  app.add_option("--server-key",
                 context.connection.server_key,
                 "The cloud's public key: 64 hex digits, or its .pub file")
      ->type_name("HEX|FILE");
  app.add_option("--operator-key,--key",
                 context.connection.key,
                 "Your secret key file, made by trib key new")
      ->type_name("FILE");
  app.add_option(
         "--labels", context.connection.labels, "Package whose names of labels to show; repeatable")
      ->type_name("FILE");
  AddKeyCommands(app, context);
  AddEnrolmentCommands(app, context);
  AddPackageCommands(app, context);
  AddModelCommands(app, context);
  AddBoardCommands(app, context);
  AddFleetCommands(app, context);
  AddEventCommands(app, context);
  AddDriftCommands(app, context);
  AddRecordingCommands(app, context);
  AddWorkloadCommands(app, context);
  AddDoctorCommand(app, context);
  AddCompletionCommand(app, context);
  app.footer(
      "Exit codes:\n"
      "  0  ok\n"
      "  1  failed: unreachable, a file is broken, a package is not verified, a check found "
      "something\n"
      "  2  wrong usage or configuration; nothing was tried\n"
      "  3  refused: the daemon said no (unknown key, not found, exists already), or trib key new "
      "or trib board image found that the file exists already\n"
      "Files:\n"
      "  ~/.config/tributary/trib.toml  server, server_key, key, timeout, labels; see "
      "deploy/trib.toml\n"
      "Environment:\n"
      "  TRIB_CONFIG  names that file instead\n"
      "  NO_COLOR     no colours when set\n"
      "Examples:\n"
      "  trib --server tcp://127.0.0.1:7411 --server-key cloud.key.pub \\\n"
      "      --operator-key operator.key fleet list --json\n"
      "  source <(trib completion bash)");
  if (const auto exit_code = trib::host::cli::ParseArguments(app, argc, argv)) {
    return *exit_code;
  }
  trib::host::logging::Configure(context.common.logging);
  return context.run();
}
