// trib doctor
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "connection.h"
#include "context.h"
#include "render.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/identity/identity.h"

namespace trib::tools::trib_cli {
namespace {

using host::control::ControlError;
using nlohmann::json;

class Examination {
 public:
  void Add(const std::string& name,
           const std::string& status,
           const std::string& text,
           const std::string& fix = "") {
    checks_.push_back({{"name", name}, {"status", status}, {"text", text}, {"fix", fix}});
  }

  [[nodiscard]] bool healthy() const {
    for (const json& check : checks_) {
      if (check.value("status", "fail") == "fail") {
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] const json& checks() const { return checks_; }

 private:
  json checks_ = json::array();
};

void CheckKey(const Settings& settings, Examination& examination) {
  if (settings.key.empty()) {
    examination.Add("key",
                    "fail",
                    "no operator key is set",
                    "make one with trib key new -o operator.key, then give --operator-key FILE or "
                    "set key in trib.toml");
    return;
  }
  std::string error;
  const auto pair = host::identity::LoadKeyPair(settings.key, &error);
  if (pair.ok()) {
    examination.Add("key", "ok", settings.key.string() + " is readable by its owner only");
    return;
  }
  const bool permissions = pair.status().code() == Code::kPermissionDenied;
  examination.Add(
      "key",
      "fail",
      error,
      permissions ? "chmod 600 " + settings.key.string() : "give the file that trib key new wrote");
}

void CheckCloud(const Settings& settings, Examination& examination) {
  ControlError error;
  const auto connection = Connection::Open(settings, error);
  if (!connection) {
    examination.Add("cloud", "fail", error.message, "see trib doctor --help");
    return;
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto outcome = connection->Call("doctor", json::object());
  const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  if (const auto* refused = std::get_if<ControlError>(&outcome)) {
    const bool unknown = refused->code == Code::kUnauthenticated;
    examination.Add("cloud",
                    "fail",
                    refused->message,
                    unknown
                        ? "add this operator's public key to [admin] operators of the daemon's "
                          "configuration (trib key show " +
                              settings.key.string() + "), and give the endpoint of its [admin] bind"
                        : "check that trib-cloud runs and that server and server_key are its "
                          "admin socket's");
    return;
  }
  examination.Add(
      "cloud", "ok", settings.server + " answered in " + std::to_string(taken.count()) + " ms");
  const json& result = *std::get_if<json>(&outcome);
  if (const auto checks = result.find("checks"); checks != result.end() && checks->is_array()) {
    for (const json& check : *checks) {
      if (check.is_object()) {
        // The cloud knows best what helps against its own troubles.
        examination.Add("cloud." + check.value("name", "unknown"),
                        check.value("status", "fail"),
                        check.value("text", ""),
                        check.value("fix", ""));
      }
    }
  }
}

int Examine(const Context& context) {
  Examination examination;
  Settings settings;
  std::vector<std::string> errors;
  if (ReadSettings(context.connection, settings, errors).ok()) {
    examination.Add("config",
                    "ok",
                    settings.file ? settings.file->string() + " is valid"
                                  : "no configuration file; options are given on the command line");
  } else {
    for (const std::string& text : errors) {
      examination.Add("config", "fail", text, "correct the file; deploy/trib.toml shows all keys");
    }
  }
  CheckKey(settings, examination);
  CheckCloud(settings, examination);
  if (context.json) {
    host::cli::PrintJson({{"ok", examination.healthy()}, {"checks", examination.checks()}});
  } else {
    const std::string text = TableText(examination.checks(),
                                       {{"STATUS", "status", Show::kState},
                                        {"CHECK", "name"},
                                        {"RESULT", "text"},
                                        {"WHAT TO DO", "fix"}},
                                       context.color());
    std::fputs(text.c_str(), stdout);
  }
  return examination.healthy() ? host::cli::kExitOk : host::cli::kExitFailed;
}

}  // namespace

void AddDoctorCommand(CLI::App& app, Context& context) {
  app.add_subcommand("doctor",
                     "Check this computer's settings, the way to the cloud, and the cloud itself\n"
                     "Exit code 1 when a check fails\n"
                     "Example: trib doctor --json")
      ->callback([&context] { context.run = [&context] { return Examine(context); }; });
}

}  // namespace trib::tools::trib_cli
