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
  app.add_flag("--json", context.json, "Print JSON with stable keys");
  app.add_option("--config", context.connection.config, "Configuration file (see deploy/trib.toml)")
      ->type_name("FILE");
  app.add_option("--server", context.connection.server, "The cloud's admin socket")
      ->type_name("tcp://HOST:PORT");
  app.add_option("--server-key", context.connection.server_key, "The cloud's public key")
      ->type_name("HEX|FILE");
  app.add_option("--operator-key,--key", context.connection.key, "Your secret key file")
      ->type_name("FILE");
  AddKeyCommands(app, context);
  AddEnrolmentCommands(app, context);
  AddPackageCommands(app, context);
  AddModelCommands(app, context);
  AddFleetCommands(app, context);
  AddEventCommands(app, context);
  AddRecordingCommands(app, context);
  AddDoctorCommand(app, context);
  app.footer(
      "Exit codes: 0 ok, 1 failed, 2 wrong usage or configuration, 3 refused by the server\n"
      "Example: trib --server tcp://127.0.0.1:7411 --server-key cloud.key.pub \\\n"
      "              --operator-key operator.key fleet list --json");
  if (const auto exit_code = trib::host::cli::ParseArguments(app, argc, argv)) {
    return *exit_code;
  }
  trib::host::logging::Configure(context.common.logging);
  return context.run();
}
