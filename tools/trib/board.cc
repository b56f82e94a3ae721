// trib board image | inspect
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "context.h"
#include "render.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/identity/identity.h"
#include "trib/tools/board/image.h"

namespace trib::tools::trib_cli {
namespace {

namespace identity = host::identity;
using host::cli::kExitFailed;
using host::cli::kExitOk;
using host::cli::kExitRefused;
using host::cli::kExitUsage;

struct BoardArguments {
  std::string file;
  std::string board;
  std::uint64_t node = 0;
  std::vector<std::string> keys;
  std::vector<std::string> inject;
  std::string entropy_seed;
  std::uint64_t start_time_ms = 0;
  std::optional<double> seconds;
  board::ImageRequest request;
};

int Print(const Context& context, const std::string& file) {
  std::string error;
  const auto shown = board::Inspect(file, error);
  if (shown.is_null()) {
    return Fail(context, kExitFailed, Code::kDataLoss, error);
  }
  if (context.json) {
    host::cli::PrintJson(shown);
  } else {
    std::fputs(ObjectText(shown, context.color()).c_str(), stdout);
  }
  return kExitOk;
}

/// @returns what is wrong with the command line; empty when nothing is.
std::string FillKeys(BoardArguments& arguments) {
  board::ImageRequest& request = arguments.request;
  std::string error;
  for (const std::string& argument : arguments.keys) {
    const auto key = identity::ParsePublicKeyArgument(argument, &error);
    if (!key.ok()) {
      return "--package-key: " + error;
    }
    if (!request.identity.package_keys.push_back(*key)) {
      return "--package-key: a board pins at most " + std::to_string(node::board::kMostPackageKeys);
    }
  }
  if (!request.package.empty() && arguments.keys.empty()) {
    return "--package-key: give the public key that a package must be signed with";
  }
  if (arguments.entropy_seed.empty()) {
    const auto drawn = identity::GenerateKeyPair();
    if (!drawn.ok()) {
      return "no source of randomness for the board's entropy; give --entropy-seed";
    }
    request.entropy = drawn->seed;
    return {};
  }
  return identity::FromHex(arguments.entropy_seed, request.entropy.bytes).ok()
             ? std::string()
             : "--entropy-seed: give 64 hex digits";
}

/// The same.
std::string FillSource(BoardArguments& arguments) {
  board::ImageRequest& request = arguments.request;
  const node::sim::SourceRequest& source = request.source;
  if (source.replay.empty() == (source.machine.empty() && !source.generate)) {
    return "give either --replay MANIFEST, or --generate SEED or --machine FILE or both";
  }
  for (const std::string& text : arguments.inject) {
    const auto fault = node::sim::ParseInjectedFault(text);
    const auto drift = node::sim::ParseInjectedDrift(text);
    if (fault.ok()) {
      request.faults.push_back(*fault);
    } else if (drift.ok()) {
      request.drifts.push_back(*drift);
    } else {
      return "--inject: '" + text +
             "' is neither like stuck@30..40 nor like gain:1.2@30..90 (trib-node --help lists "
             "the kinds)";
    }
  }
  request.seconds = arguments.seconds;
  return {};
}

int Image(const Context& context, BoardArguments& arguments) {
  board::ImageRequest& request = arguments.request;
  request.board = *board::ParseBoard(arguments.board);
  request.identity.node = NodeId(arguments.node);
  request.identity.start = LogicalTime(Millis(static_cast<std::int64_t>(arguments.start_time_ms)));
  std::string wrong = FillKeys(arguments);
  wrong = wrong.empty() ? FillSource(arguments) : wrong;
  if (!wrong.empty()) {
    return Fail(context, kExitUsage, Code::kInvalidArgument, wrong);
  }
  std::vector<std::string> errors;
  const Status made = board::MakeImage(request, arguments.file, errors);
  if (!made.ok()) {
    const bool exists = made.code() == Code::kAlreadyExists;
    const bool wrong_input = made.code() == Code::kInvalidArgument;
    return Fail(context,
                exists ? kExitRefused : (wrong_input ? kExitUsage : kExitFailed),
                made.code(),
                errors);
  }
  return Print(context, arguments.file);
}

void AddWhoItIs(CLI::App& image, BoardArguments& arguments) {
  node::board::IdentityPage& page = arguments.request.identity;
  image.add_option("--board", arguments.board, "The board")
      ->required()
      ->check(CLI::IsMember(board::BoardNames()));
  image.add_option("--node", arguments.node, "The node's id, as enrolled: 1 or more")
      ->required()
      ->check(CLI::Range(std::uint64_t{1}, UINT64_MAX))
      ->type_name("ID");
  image
      .add_option("--package",
                  arguments.request.package,
                  "Signed package to run; without it the node has its built-in rules only")
      ->type_name("FILE");
  image
      .add_option("--package-key",
                  arguments.keys,
                  "Public key that a package must be signed with; repeatable, up to 4")
      ->type_name("HEX|FILE");
  image.add_option("--seed", page.seed, "Chooses the audit sample and injected noise")
      ->type_name("N")
      ->capture_default_str();
  image
      .add_option("--entropy-seed",
                  arguments.entropy_seed,
                  "What the node's random numbers come from: 64 hex digits, known to nobody else "
                  "(default drawn now)")
      ->type_name("HEX");
  image.add_option("--mtu", page.mtu, "Longest frame of the serial link in bytes")
      ->check(CLI::Range(node::board::kLeastMtu, node::board::kMostMtu))
      ->capture_default_str();
  image
      .add_option("--start-time",
                  arguments.start_time_ms,
                  "What time it is when the node starts; 0: a gateway tells it")
      ->check(CLI::Range(std::uint64_t{0}, static_cast<std::uint64_t>(INT64_MAX)))
      ->type_name("UNIX_MS")
      ->capture_default_str();
  image.add_flag("--own-time",
                 page.own_time,
                 "Time is --start-time and the samples since; no gateway changes it");
  image.add_flag("--full-speed", page.full_speed, "Samples come as fast as the node takes them");
  image.add_flag("--hold-for-verdicts",
                 page.hold_for_verdicts,
                 "Samples wait while a question is open, or nobody can be asked");
}

void AddWhatItSenses(CLI::App& image, BoardArguments& arguments) {
  node::sim::SourceRequest& source = arguments.request.source;
  image
      .add_option("--replay",
                  source.replay,
                  "Recording manifest to put into sensor memory (docs/formats/recording.md); this "
                  "or --generate")
      ->type_name("FILE");
  image
      .add_option("--generate",
                  source.generate,
                  "Simulate a machine, each seed another one; this or --replay")
      ->type_name("SEED");
  image
      .add_option("--machine",
                  source.machine,
                  "What the simulated machine is (docs/formats/machine.md; default a motor whose "
                  "bearing gets an outer race fault)")
      ->type_name("FILE");
  image
      .add_option("--phases",
                  source.phases,
                  "Of the simulated machine, in seconds (default normal:45,fault:15 without "
                  "--machine)")
      ->type_name("normal:S,fault:S,...");
  image
      .add_option("--inject",
                  arguments.inject,
                  "Break the sensor or let it drift, as trib-node does; repeatable")
      ->type_name("KIND[:VALUE[-VALUE]]@S..S");
  image.add_option("--seconds", arguments.seconds, "Take so much of the source at most")
      ->check(CLI::PositiveNumber)
      ->type_name("S");
  image.add_flag("--loop", source.loop, "Give the samples again and again, for ever");
}

}  // namespace

void AddBoardCommands(CLI::App& app, Context& context) {
  CLI::App* noun =
      app.add_subcommand("board", "Memory of microcontroller boards")->require_subcommand(1);
  auto arguments = std::make_shared<BoardArguments>();
  CLI::App* image = noun->add_subcommand(
      "image",
      "Make the non-volatile memory of a board: who it is and what it senses\n"
      "Example: trib board image --board mps2-an386 --node 101 --generate 1 -o node-101.img\n"
      "Example: trib board image --board mps3-an547 --node 102 --package bearing.trib \\\n"
      "    --package-key package.key.pub --replay cwru.toml --loop -o node-102.img");
  AddWhoItIs(*image, *arguments);
  AddWhatItSenses(*image, *arguments);
  image
      ->add_option("-o,--output",
                   arguments->file,
                   "The file to make: docs/formats/board_memory.md; never one that exists")
      ->required()
      ->type_name("FILE");
  image->callback([&context, arguments] {
    context.run = [&context, arguments] { return Image(context, *arguments); };
  });
  CLI::App* inspect = noun->add_subcommand("inspect",
                                           "Show what lies in a board's memory\n"
                                           "Example: trib board inspect node-101.img --json");
  inspect->add_option("FILE", arguments->file, "The memory of a board that does not run")
      ->required()
      ->type_name("FILE");
  inspect->callback([&context, arguments] {
    context.run = [&context, arguments] { return Print(context, arguments->file); };
  });
}

}  // namespace trib::tools::trib_cli
