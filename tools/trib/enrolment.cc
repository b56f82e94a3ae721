// trib enroll | accept | revoke
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "connection.h"
#include "context.h"
#include "render.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/identity/identity.h"

namespace trib::tools::trib_cli {
namespace {

struct EnrolmentArguments {
  std::uint64_t id = 0;
  std::uint64_t gateway = 0;
  std::string key;
  std::string kind = "node";
  std::string name;
  std::string from;
  bool accept = false;
  bool replace = false;
};

/// Devices of one call and so of one transaction: what fits a request of the control protocol.
constexpr std::size_t kDevicesPerCall = 256;

/// One device of the file. @returns nullopt with `error` set.
std::optional<nlohmann::json> ReadDevice(const std::string& line,
                                         bool replace,
                                         std::string& error) {
  nlohmann::json device = nlohmann::json::parse(line, nullptr, false);
  if (!device.is_object()) {
    error = "not a JSON object";
    return std::nullopt;
  }
  const auto key = host::identity::ParsePublicKeyArgument(
      device.contains("public_key") && device["public_key"].is_string()
          ? device["public_key"].get<std::string>()
          : std::string(),
      &error);
  if (!key.ok()) {
    error = "\"public_key\": " + error;
    return std::nullopt;
  }
  device["public_key"] = host::identity::ToHex(key->span());
  if (replace) {
    device["replace"] = true;
  }
  return device;
}

void ShowDevice(const Context& context, const nlohmann::json& result) {
  std::fputs(ObjectText(result, context.color()).c_str(), stdout);
}

int Enroll(const Context& context, const EnrolmentArguments& arguments) {
  if (arguments.id == 0 || arguments.key.empty()) {
    return Fail(context,
                host::cli::kExitUsage,
                Code::kInvalidArgument,
                "give --id and --key of one device, or --from FILE for many");
  }
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

/// Enrols every device of a file of JSON lines.
int EnrollFrom(const Context& context, const EnrolmentArguments& arguments) {
  std::ifstream in(arguments.from);
  if (!in) {
    return Fail(
        context, host::cli::kExitUsage, Code::kNotFound, "--from: cannot read " + arguments.from);
  }
  std::vector<nlohmann::json> calls;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) {
      continue;
    }
    std::string error;
    auto device = ReadDevice(line, arguments.replace, error);
    if (!device) {
      return Fail(context,
                  host::cli::kExitUsage,
                  Code::kInvalidArgument,
                  arguments.from + ":" + std::to_string(number) + ": " + error);
    }
    if (calls.empty() || calls.back()["devices"].size() == kDevicesPerCall) {
      calls.push_back({{"devices", nlohmann::json::array()}, {"accept", arguments.accept}});
    }
    calls.back()["devices"].push_back(*std::move(device));
  }
  int exit_code = host::cli::kExitOk;
  const auto connection = Connect(context, exit_code);
  if (connection == nullptr) {
    return exit_code;
  }
  nlohmann::json total = {{"devices", 0}, {"changed", 0}};
  for (const nlohmann::json& call : calls) {
    const auto outcome = connection->Call("enroll.many", call);
    if (const auto* problem = std::get_if<host::control::ControlError>(&outcome)) {
      return Fail(context,
                  ExitCodeFor(problem->code),
                  problem->code,
                  problem->message + " (" + total["devices"].dump() + " before it are enrolled)");
    }
    const auto& result = std::get<nlohmann::json>(outcome);
    for (const char* count : {"devices", "changed"}) {
      total[count] = total[count].get<std::uint64_t>() + result.value(count, std::uint64_t{0});
    }
  }
  if (context.json) {
    host::cli::PrintJson(total);
  } else {
    ShowDevice(context, total);
  }
  return host::cli::kExitOk;
}

}  // namespace

void AddEnrolmentCommands(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<EnrolmentArguments>();
  const CLI::Range ids(std::uint64_t{1}, UINT64_MAX, "ID");
  CLI::App* enroll = app.add_subcommand(
      "enroll",
      "Tell the cloud a device's id and public key; it may join once accepted\n"
      "Example: trib enroll --id 17 --key node17.key.pub --gateway 1 --name \"pump 17\"");
  CLI::Option* id = enroll->add_option("--id", arguments->id, "The device's number")->check(ids);
  CLI::Option* key =
      enroll
          ->add_option(
              "--key,--device-key", arguments->key, "Its public key: 64 hex digits or a file")
          ->type_name("HEX|FILE");
  id->needs(key);
  enroll
      ->add_option("--from",
                   arguments->from,
                   "Enrol every device of a file, one JSON object a line: {\"id\":17,"
                   "\"public_key\":\"HEX|FILE\",\"gateway\":1}; also \"kind\", \"name\"")
      ->type_name("FILE")
      ->excludes(id)
      ->excludes(key);
  enroll->add_flag("--accept", arguments->accept, "With --from: accept them too");
  enroll->add_option("--gateway", arguments->gateway, "The gateway a node belongs to")->check(ids);
  enroll->add_option("--kind", arguments->kind, "What it is: node or gateway")
      ->check(CLI::IsMember({"node", "gateway"}))
      ->capture_default_str();
  enroll->add_option("--name", arguments->name, "A name for people");
  enroll->add_flag(
      "--replace", arguments->replace, "The id exists: give it this key, as for a new device");
  enroll->callback([&context, arguments] {
    context.run = [&context, arguments] {
      return arguments->from.empty() ? Enroll(context, *arguments)
                                     : EnrollFrom(context, *arguments);
    };
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
