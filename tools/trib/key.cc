// trib key new | show
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "context.h"
#include "trib/common/crypto/crypto.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/identity/identity.h"

namespace trib::tools::trib_cli {
namespace {

namespace identity = host::identity;
using host::cli::kExitFailed;
using host::cli::kExitOk;
using host::cli::kExitRefused;

struct KeyArguments {
  std::string file = "trib.key";
  std::string role = "operator";
};

nlohmann::json Describe(const std::string& file, const identity::PublicKey& key, bool secret) {
  nlohmann::json json = {{"file", file},
                         {"kind", secret ? "secret" : "public"},
                         {"public_key", identity::ToHex(key.span())},
                         {"key_id", identity::ToHex(crypto::KeyIdOf(key).span())}};
  if (const auto curve = identity::ToCurve(key); curve.ok()) {
    json["curve_key"] = identity::ToHex(curve->span());
  }
  return json;
}

int Print(const Context& context, const nlohmann::json& json) {
  if (context.json) {
    host::cli::PrintJson(json);
  } else {
    host::cli::Table table({{"KEY"}, {"VALUE"}});
    for (const auto& [name, value] : json.items()) {
      table.Add({name, value.get<std::string>()});
    }
    std::fputs(table.ToText(context.color()).c_str(), stdout);
  }
  return kExitOk;
}

int New(const Context& context, const KeyArguments& arguments) {
  const auto pair = identity::GenerateKeyPair();
  if (!pair.ok()) {
    return Fail(context, kExitFailed, pair.status().code(), "the system gives no randomness");
  }
  std::string error;
  const Status status = identity::SaveKeyPair(arguments.file, *pair, arguments.role, &error);
  if (!status.ok()) {
    const bool exists = status.code() == Code::kAlreadyExists;
    return Fail(context,
                exists ? kExitRefused : kExitFailed,
                status.code(),
                error + (exists ? "; give another name with -o" : ""));
  }
  nlohmann::json json = Describe(arguments.file, pair->public_key, true);
  json["public_file"] = arguments.file + ".pub";
  return Print(context, json);
}

int ShowKey(const Context& context, const KeyArguments& arguments) {
  std::string secret_error;
  if (const auto pair = identity::LoadKeyPair(arguments.file, &secret_error); pair.ok()) {
    return Print(context, Describe(arguments.file, pair->public_key, true));
  }
  std::string public_error;
  if (const auto key = identity::LoadPublicKey(arguments.file, &public_error); key.ok()) {
    return Print(context, Describe(arguments.file, *key, false));
  }
  const bool is_public = arguments.file.ends_with(".pub");
  return Fail(context, kExitFailed, Code::kDataLoss, is_public ? public_error : secret_error);
}

}  // namespace

void AddKeyCommands(CLI::App& app, Context& context) {
  CLI::App* key = app.add_subcommand("key", "Make and look at key files")->require_subcommand(1);
  auto arguments = std::make_shared<KeyArguments>();
  CLI::App* make = key->add_subcommand("new",
                                       "Make a key pair: FILE (mode 0600) and FILE.pub\n"
                                       "A file that exists is never written over: exit code 3.\n"
                                       "Example: trib key new -o operator.key");
  make->add_option("-o,--output", arguments->file, "The secret file to write")
      ->type_name("FILE")
      ->capture_default_str();
  make->add_option("--comment,--role", arguments->role, "What the key is for; a note to people")
      ->type_name("TEXT")
      ->capture_default_str();
  make->callback([&context, arguments] {
    context.run = [&context, arguments] { return New(context, *arguments); };
  });
  CLI::App* show = key->add_subcommand("show",
                                       "Print the public key of a key file, never the secret\n"
                                       "Example: trib key show operator.key --json");
  show->add_option("FILE", arguments->file, "A secret or a public key file")
      ->required()
      ->type_name("FILE");
  show->callback([&context, arguments] {
    context.run = [&context, arguments] { return ShowKey(context, *arguments); };
  });
}

}  // namespace trib::tools::trib_cli
