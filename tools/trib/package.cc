// trib package build | sign | inspect | verify
#include "trib/common/host/package/package.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "context.h"
#include "render.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/identity/identity.h"

namespace trib::tools::trib_cli {
namespace {

namespace identity = host::identity;
namespace package = host::package;
using host::cli::kExitFailed;
using host::cli::kExitOk;
using host::cli::kExitUsage;
using nlohmann::json;
using Bytes = std::vector<std::byte>;

struct PackageArguments {
  std::string input;
  std::string output;
  std::string key;
  std::vector<std::string> keys;
  std::string hardware_class;
  std::uint16_t abi = package::kFirmwareAbi;
  std::uint32_t arena_bytes = 0;
  std::uint32_t min_counter = 0;
};

constexpr std::array kHardwareClasses = {package::HardwareClass::kLinux,
                                         package::HardwareClass::kMps2An386,
                                         package::HardwareClass::kMps3An547};

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  while (lines.size() > 1 && lines.back().empty()) {
    lines.pop_back();
  }
  return lines;
}

json Summary(const std::string& file, const package::PackageView& view) {
  return {{"file", file},
          {"digest", identity::ToHex(view.digest())},
          {"bytes", view.bytes().size()},
          {"signatures", view.signature_count()}};
}

int Print(const Context& context, const json& result) {
  if (context.json) {
    host::cli::PrintJson(result);
  } else {
    std::fputs(ObjectText(result, context.color()).c_str(), stdout);
  }
  return kExitOk;
}

int WriteAndPrint(const Context& context, const std::string& path, const Bytes& bytes) {
  const auto view = package::PackageView::Open(bytes);
  if (!view.ok()) {
    return Fail(
        context,
        kExitFailed,
        view.status().code(),
        path + ": the package made is not sound: " + package::DescribeRefusal(view.status()));
  }
  std::string error;
  if (const Status status = package::WritePackageFile(path, bytes, &error); !status.ok()) {
    return Fail(context, kExitFailed, status.code(), Lines(error));
  }
  return Print(context, Summary(path, *view));
}

int Build(const Context& context, const PackageArguments& arguments) {
  std::string error;
  const auto bytes = package::BuildPackage(arguments.input, &error);
  if (!bytes.ok()) {
    return Fail(context, kExitUsage, bytes.status().code(), Lines(error));
  }
  return WriteAndPrint(context, arguments.output, *bytes);
}

int Sign(const Context& context, const PackageArguments& arguments) {
  std::string error;
  const auto pair = identity::LoadKeyPair(arguments.key, &error);
  if (!pair.ok()) {
    return Fail(context, kExitFailed, pair.status().code(), error);
  }
  const auto file = package::ReadPackageFile(arguments.input, &error);
  if (!file.ok()) {
    return Fail(context, kExitFailed, file.status().code(), Lines(error));
  }
  const auto signed_file = package::SignPackage(*file, pair->seed, &error);
  if (!signed_file.ok()) {
    return Fail(context,
                kExitFailed,
                signed_file.status().code(),
                arguments.input + ": " +
                    (error.empty() ? package::DescribeRefusal(signed_file.status()) : error));
  }
  return WriteAndPrint(
      context, arguments.output.empty() ? arguments.input : arguments.output, *signed_file);
}

int Inspect(const Context& context, const PackageArguments& arguments) {
  std::string error;
  const auto file = package::ReadPackageFile(arguments.input, &error);
  if (!file.ok()) {
    return Fail(context, kExitFailed, file.status().code(), Lines(error));
  }
  const auto text = package::InspectPackage(*file, &error);
  if (!text.ok()) {
    return Fail(
        context,
        kExitFailed,
        text.status().code(),
        arguments.input + ": " + (error.empty() ? package::DescribeRefusal(text.status()) : error));
  }
  return Print(context, json::parse(*text));
}

// What a node checks, in its order. The platform is checked when one is named.
Status Check(const package::PackageView& view,
             std::span<const crypto::PublicKey> keys,
             const std::optional<package::Platform>& platform) {
  TRIB_TRY(package::CheckSignature(view, keys));
  TRIB_TRY(package::CheckContents(view));
  if (const auto recipe = view.Find(package::SectionType::kRecipe); !recipe.empty()) {
    const auto decoded = dsp::DecodeRecipe(recipe);
    if (!decoded.ok()) {
      return {Code::kDataLoss, package::Reason::kBadRecipe};
    }
    TRIB_TRY(package::CheckReferences(view, dsp::OutputCount(*decoded), decoded->channels));
  }
  return platform ? package::CheckPlatform(view, *platform) : Status();
}

int Verify(const Context& context, const PackageArguments& arguments) {
  std::string error;
  std::vector<crypto::PublicKey> keys;
  for (const std::string& argument : arguments.keys) {
    const auto key = identity::ParsePublicKeyArgument(argument, &error);
    if (!key.ok()) {
      return Fail(context, kExitUsage, key.status().code(), "--key: " + error);
    }
    keys.push_back(*key);
  }
  std::optional<package::Platform> platform;
  for (const package::HardwareClass hardware : kHardwareClasses) {
    if (package::HardwareClassName(hardware) == arguments.hardware_class) {
      platform.emplace();
      platform->hardware_class = hardware;
      platform->firmware_abi = arguments.abi;
      platform->arena_bytes = arguments.arena_bytes;
      platform->min_security_counter = arguments.min_counter;
    }
  }
  const auto file = package::ReadPackageFile(arguments.input, &error);
  if (!file.ok()) {
    return Fail(context, kExitFailed, file.status().code(), Lines(error));
  }
  const auto view = package::PackageView::Open(*file);
  const Status status = view.ok() ? Check(*view, keys, platform) : view.status();
  if (!status.ok()) {
    return Fail(context,
                kExitFailed,
                status.code(),
                arguments.input + ": refused: " + package::DescribeRefusal(status));
  }
  json result = Summary(arguments.input, *view);
  result["verified"] = true;
  result["platform"] = platform ? json(arguments.hardware_class) : json(nullptr);
  return Print(context, result);
}

}  // namespace

void AddPackageCommands(CLI::App& app, Context& context) {
  CLI::App* noun =
      app.add_subcommand("package", "Build, sign and look into packages")->require_subcommand(1);
  auto arguments = std::make_shared<PackageArguments>();
  const auto bind = [&context, arguments](CLI::App* command,
                                          int (*run)(const Context&, const PackageArguments&)) {
    command->callback([&context, arguments, run] {
      context.run = [&context, arguments, run] { return run(context, *arguments); };
    });
  };

  CLI::App* build = noun->add_subcommand(
      "build",
      "Make an unsigned package from a specification\n"
      "Example: trib package build workloads/bearing/package.toml -o bearing.trib");
  build->add_option("SPEC", arguments->input, "The specification (TOML)")
      ->required()
      ->type_name("FILE");
  build->add_option("-o,--output", arguments->output, "The package to write")
      ->required()
      ->type_name("FILE");
  bind(build, Build);

  CLI::App* sign =
      noun->add_subcommand("sign",
                           "Add a key's signature to a package\n"
                           "Example: trib package sign bearing.trib --key package.key");
  sign->add_option("PACKAGE", arguments->input, "The package")->required()->type_name("FILE");
  sign->add_option("--key", arguments->key, "The secret key file")->required()->type_name("FILE");
  sign->add_option("-o,--output", arguments->output, "Write here instead of in place")
      ->type_name("FILE");
  bind(sign, Sign);

  CLI::App* inspect = noun->add_subcommand("inspect",
                                           "Print what is in a package; checks no signature\n"
                                           "Example: trib package inspect bearing.trib --json");
  inspect->add_option("PACKAGE", arguments->input, "The package")->required()->type_name("FILE");
  bind(inspect, Inspect);

  CLI::App* verify = noun->add_subcommand(
      "verify",
      "Check a package as a node does: signature, contents, platform\n"
      "Example: trib package verify bearing.trib --key package.key.pub --hardware-class linux");
  verify->add_option("PACKAGE", arguments->input, "The package")->required()->type_name("FILE");
  verify->add_option("--key", arguments->keys, "A trusted public key: 64 hex digits or a file")
      ->required()
      ->type_name("HEX|FILE");
  std::vector<std::string> names;
  names.reserve(kHardwareClasses.size());
  for (const package::HardwareClass hardware : kHardwareClasses) {
    names.emplace_back(package::HardwareClassName(hardware));
  }
  CLI::Option* hardware =
      verify
          ->add_option(
              "--hardware-class", arguments->hardware_class, "Also check that it runs on this")
          ->check(CLI::IsMember(names));
  verify->add_option("--abi", arguments->abi, "Firmware ABI of the node")
      ->needs(hardware)
      ->capture_default_str();
  verify->add_option("--arena", arguments->arena_bytes, "Bytes it has for a network")
      ->needs(hardware);
  verify->add_option("--min-counter", arguments->min_counter, "Its security counter")
      ->needs(hardware);
  bind(verify, Verify);
}

}  // namespace trib::tools::trib_cli
