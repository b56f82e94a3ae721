// trib enroll | accept | revoke
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "connection.h"
#include "context.h"
#include "render.h"
#include "trib/common/host/identity/identity.h"

namespace trib::tools::trib_cli {
namespace {

struct Arguments {
  std::uint64_t id = 0;
  std::uint64_t gateway = 0;
  std::string key;
  std::string kind = "node";
  std::string name;
  bool replace = false;
};

void ShowDevice(const Context& context, const nlohmann::json& result) {
  std::fputs(ObjectText(result, context.color()).c_str(), stdout);
}

int Enroll(const Context& context, const Arguments& arguments) {
  if (arguments.kind == "node" && arguments.gateway == 0) {
    return Fail(context,
                host::cli::kExitUsage,
                Code::kInvalidArgument,
                "a node needs its gateway; give --gateway ID");
  }
  std::string error;
  const auto key = host::identity::ParsePublicKeyArgument(arguments.key, &error);
  if (!key.ok()) {
    return Fail(context, host::cli::kExitUsage, key.status().code(), "--key: " + error);
  }
  nlohmann::json args = {{"id", host::control::IdText(arguments.id)},
                         {"kind", arguments.kind},
                         {"public_key", host::identity::ToHex(key->span())},
                         {"name", arguments.name},
                         {"replace", arguments.replace}};
  if (arguments.gateway != 0) {
    args["gateway"] = host::control::IdText(arguments.gateway);
  }
  return CallAndShow(
      context, "enroll", args, [&](const nlohmann::json& r) { ShowDevice(context, r); });
}

}  // namespace

void AddEnrolmentCommands(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<Arguments>();
  const CLI::Range ids(std::uint64_t{1}, UINT64_MAX, "ID");
  CLI::App* enroll = app.add_subcommand(
      "enroll",
      "Tell the cloud a device's id and public key; it may join once accepted\n"
      "Example: trib enroll --id 17 --key node17.key.pub --gateway 1 --name \"pump 17\"");
  enroll->add_option("--id", arguments->id, "The device's number")->required()->check(ids);
  enroll
      ->add_option("--key,--device-key", arguments->key, "Its public key: 64 hex digits or a file")
      ->required()
      ->type_name("HEX|FILE");
  enroll->add_option("--gateway", arguments->gateway, "The gateway a node belongs to")->check(ids);
  enroll->add_option("--kind", arguments->kind, "What it is: node or gateway")
      ->check(CLI::IsMember({"node", "gateway"}))
      ->capture_default_str();
  enroll->add_option("--name", arguments->name, "A name for people");
  enroll->add_flag(
      "--replace", arguments->replace, "The id exists: give it this key, as for a new device");
  enroll->callback([&context, arguments] {
    context.run = [&context, arguments] { return Enroll(context, *arguments); };
  });
  const auto add = [&](const std::string& verb, const std::string& help) {
    CLI::App* command = app.add_subcommand(verb, help);
    command->add_option("ID", arguments->id, "The device's number")->required()->check(ids);
    command->callback([&context, arguments, verb] {
      context.run = [&context, arguments, verb] {
        return CallAndShow(context,
                           verb,
                           {{"id", host::control::IdText(arguments->id)}},
                           [&](const nlohmann::json& r) { ShowDevice(context, r); });
      };
    });
  };
  add("accept", "Let an enrolled device join\nExample: trib accept 17");
  add("revoke", "Shut a device out; its sessions end\nExample: trib revoke 17");
}

}  // namespace trib::tools::trib_cli
