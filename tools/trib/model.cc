// trib model profile | run | build | export; eval is in model_eval.cc

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "board_model.h"
#include "context.h"
#include "files.h"
#include "render.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/compiler/compiler.h"
#include "trib/common/host/package/package.h"
#include "trib/common/nn/runner.h"

namespace trib::tools::trib_cli {
namespace {

namespace compiler = host::compiler;
namespace package = host::package;
using host::cli::kExitFailed;
using host::cli::kExitOk;
using host::cli::kExitUsage;
using nlohmann::json;
using Bytes = std::vector<std::byte>;

struct ModelArguments {
  std::string model;
  std::string input;
  std::string output;
  std::string layers;
  std::string spec;
  std::string name = "model";
  bool unfused = false;
  bool c_array = false;
};

Result<compiler::Compiled> Load(const ModelArguments& arguments, std::string& error) {
  return compiler::CompileFile(arguments.model, {.fuse = !arguments.unfused}, error);
}

std::string ShapeText(const std::vector<std::int32_t>& shape) {
  std::string text;
  for (const std::int32_t dim : shape) {
    text += (text.empty() ? "" : "x") + std::to_string(dim);
  }
  return text;
}

bool IsWeighted(nn::Opcode opcode) {
  return opcode == nn::Opcode::kConv2D || opcode == nn::Opcode::kDepthwiseConv2D ||
         opcode == nn::Opcode::kFullyConnected;
}

/// Layers whose depth keeps a kernel from working on four channels at a time. The last one has as
/// many as there are classes.
json Advice(const compiler::Compiled& compiled) {
  json advice = json::array();
  const auto& report = compiled.report;
  const auto last = std::find_if(
      report.rbegin(), report.rend(), [](const auto& op) { return IsWeighted(op.opcode); });
  for (const auto& op : report) {
    const std::int32_t channels = op.output_shape.empty() ? 1 : op.output_shape.back();
    if (IsWeighted(op.opcode) && channels % 4 != 0 && &op != &*last) {
      advice.push_back(op.name + " " + std::to_string(op.source) + ": " + std::to_string(channels) +
                       " output channels; " + std::to_string((channels + 3) / 4 * 4) +
                       " would fill words of four at the same number of loads");
    }
  }
  return advice;
}

/// Empty for what the published networks have nothing of: trees, floating point, binary layers.
json BoardsModelled(const compiler::Compiled& compiled, std::uint64_t macs) {
  json boards = json::array();
  for (const auto& op : compiled.report) {
    if (op.opcode == nn::Opcode::kForest || op.opcode == nn::Opcode::kLinear ||
        op.opcode == nn::Opcode::kBinary) {
      return boards;
    }
  }
  const auto times = [&](double per_mac) { return static_cast<double>(macs) * per_mac; };
  const auto whole = [](double value) { return static_cast<std::uint64_t>(value); };
  for (const PublishedBoard& board : PublishedBoards()) {
    const Range cycles = CyclesPerMac(board);
    const Range energy = NanojoulesPerMac(board);
    boards.push_back({{"board", board.name},
                      {"cycles", whole(times(cycles.middle))},
                      {"cycles_least", whole(times(cycles.least))},
                      {"cycles_most", whole(times(cycles.most))},
                      {"time_ms", times(cycles.middle) / board.hertz * 1000},
                      {"energy_uj", times(energy.middle) / 1000},
                      {"energy_uj_least", times(energy.least) / 1000},
                      {"energy_uj_most", times(energy.most) / 1000}});
  }
  return boards;
}

json ProfileJson(const ModelArguments& arguments, const compiler::Compiled& compiled) {
  json operators = json::array();
  std::uint64_t macs = 0;
  for (const auto& op : compiled.report) {
    macs += op.macs;
    operators.push_back({{"operator", op.source},
                         {"name", op.name},
                         {"output", op.output_shape},
                         {"macs", op.macs},
                         {"weight_bytes", op.weight_bytes},
                         {"arena_bytes", op.arena_bytes}});
  }
  json cuts = json::array();
  for (const auto& cut : compiled.cuts) {
    cuts.push_back({{"cut", cut.cut},
                    {"before", compiled.report[cut.cut].name},
                    {"tensors", cut.tensors.size()},
                    {"bytes", cut.bytes}});
  }
  std::error_code failure;
  const auto file_bytes = std::filesystem::file_size(arguments.model, failure);
  return {{"file", arguments.model},
          {"file_bytes", failure ? json() : json(file_bytes)},
          {"operators", std::move(operators)},
          {"totals",
           {{"macs", macs},
            {"flash_bytes", compiled.plan.size() + compiled.weights.size()},
            {"plan_bytes", compiled.plan.size()},
            {"weight_bytes", compiled.weights.size()},
            {"arena_bytes", compiled.arena_bytes},
            {"scratch_bytes", compiled.scratch_bytes},
            {"state_bytes", compiled.state_bytes},
            {"liveness_peak_bytes", compiled.liveness_peak}}},
          {"boards_modelled", BoardsModelled(compiled, macs)},
          {"cuts", std::move(cuts)},
          {"advice", Advice(compiled)}};
}

std::string Fixed(double value, const char* unit) {
  std::array<char, 48> text{};
  std::snprintf(text.data(),
                text.size(),
                value < 0.1  ? "%.4f%s"
                : value < 10 ? "%.2f%s"
                             : "%.0f%s",
                value,
                unit);
  return text.data();
}

void PrintBoards(const Context& context, const json& modelled) {
  using host::cli::Align;
  if (modelled.empty()) {
    std::puts("\nboards: nothing is published that trees, linear or binary models could go by");
    return;
  }
  std::puts(
      "\nboards: a model, not a measurement: published runs of int8 networks with the vendor's "
      "kernels,\nby multiplications; in brackets the least and most of those runs");
  host::cli::Table boards({{"board"},
                           {"cycles", Align::kRight},
                           {"", Align::kRight},
                           {"time", Align::kRight},
                           {"energy", Align::kRight},
                           {"", Align::kRight}});
  for (const auto& board : modelled) {
    boards.Add({board["board"].get<std::string>(),
                std::to_string(board["cycles"].get<std::uint64_t>()),
                "[" + std::to_string(board["cycles_least"].get<std::uint64_t>()) + " - " +
                    std::to_string(board["cycles_most"].get<std::uint64_t>()) + "]",
                Fixed(board["time_ms"].get<double>(), " ms"),
                Fixed(board["energy_uj"].get<double>(), " uJ"),
                "[" + Fixed(board["energy_uj_least"].get<double>(), "") + " - " +
                    Fixed(board["energy_uj_most"].get<double>(), "") + "]"});
  }
  std::fputs(boards.ToText(context.color()).c_str(), stdout);
}

void PrintProfile(const Context& context, const compiler::Compiled& compiled, const json& profile) {
  using host::cli::Align;
  host::cli::Table operators({{"#", Align::kRight},
                              {"operator"},
                              {"output"},
                              {"MACs", Align::kRight},
                              {"weights", Align::kRight},
                              {"arena", Align::kRight}});
  for (const auto& op : compiled.report) {
    operators.Add({std::to_string(op.source),
                   op.name,
                   ShapeText(op.output_shape),
                   std::to_string(op.macs),
                   std::to_string(op.weight_bytes),
                   std::to_string(op.arena_bytes)});
  }
  std::fputs(operators.ToText(context.color()).c_str(), stdout);
  std::printf("\n%s", ObjectText(profile["totals"], context.color()).c_str());
  PrintBoards(context, profile["boards_modelled"]);
  std::puts("\ncuts: what crosses the link when the network is split before an operator");
  host::cli::Table cuts(
      {{"cut", Align::kRight}, {"before"}, {"tensors", Align::kRight}, {"bytes", Align::kRight}});
  for (const auto& cut : profile["cuts"]) {
    cuts.Add({std::to_string(cut["cut"].get<std::size_t>()),
              cut["before"].get<std::string>(),
              std::to_string(cut["tensors"].get<std::size_t>()),
              std::to_string(cut["bytes"].get<std::uint64_t>())});
  }
  std::fputs(cuts.ToText(context.color()).c_str(), stdout);
  for (const auto& line : profile["advice"]) {
    std::printf("advice: %s\n", line.get<std::string>().c_str());
  }
}

int Profile(const Context& context, const ModelArguments& arguments) {
  std::string error;
  const auto loaded = Load(arguments, error);
  if (!loaded.ok()) {
    return Fail(context, kExitUsage, loaded.status().code(), error);
  }
  const json profile = ProfileJson(arguments, *loaded);
  if (context.json) {
    host::cli::PrintJson(profile);
  } else {
    PrintProfile(context, *loaded, profile);
  }
  return kExitOk;
}

/// Memory and a runner for a compiled model.
class Machine {
 public:
  static Result<std::unique_ptr<Machine>> Open(const compiler::Compiled& compiled) {
    TRIB_TRY_ASSIGN(const nn::Plan plan, nn::Plan::Load(compiled.plan, compiled.weights));
    std::unique_ptr<Machine> machine(new Machine(plan));
    TRIB_TRY_ASSIGN(const nn::Runner runner,
                    nn::Runner::Open(machine->plan_,
                                     std::as_writable_bytes(std::span(machine->arena_)),
                                     std::as_writable_bytes(std::span(machine->state_))));
    machine->runner_.emplace_back(runner);
    return machine;
  }
  [[nodiscard]] const nn::Plan& plan() const { return plan_; }
  [[nodiscard]] nn::Runner& runner() { return runner_.front(); }

 private:
  explicit Machine(const nn::Plan& plan)
      : plan_(plan), arena_((plan.arena_bytes() + 3) / 4), state_((plan.state_bytes() + 3) / 4) {}

  nn::Plan plan_;
  std::vector<std::uint32_t> arena_;
  std::vector<std::uint32_t> state_;
  std::vector<nn::Runner> runner_;
};

std::string LayerFile(const nn::Operator& op) {
  std::array<char, 64> name{};
  std::snprintf(name.data(),
                name.size(),
                "%03u_%s.bin",
                unsigned{op.source},
                std::string(nn::OpcodeName(op.opcode)).c_str());
  return name.data();
}

/// Runs every operator, and writes each output into the folder `layers` unless that is empty.
/// @returns the file that could not be written, or nothing.
std::string RunAll(nn::Runner& runner, const nn::Plan& plan, const std::string& layers) {
  nn::Plan::Walk walk(plan);
  for (std::size_t i = 0; i < plan.operators(); ++i) {
    const nn::Operator op = walk.Next();
    runner.Run(i, i + 1);
    const auto path = std::filesystem::path(layers) / LayerFile(op);
    if (!layers.empty() && !WriteFile(path, runner.tensor(op.output))) {
      return path.string();
    }
  }
  return {};
}

int Run(const Context& context, const ModelArguments& arguments) {
  std::string error;
  const auto loaded = Load(arguments, error);
  if (!loaded.ok()) {
    return Fail(context, kExitUsage, loaded.status().code(), error);
  }
  const auto machine = Machine::Open(*loaded);
  if (!machine.ok()) {
    return Fail(context, kExitFailed, machine.status().code(), "the plan made cannot be run");
  }
  nn::Runner& runner = (*machine)->runner();
  const nn::Plan& plan = (*machine)->plan();
  std::size_t wanted = 0;
  for (std::size_t i = 0; i < plan.inputs(); ++i) {
    wanted += runner.input(i).size();
  }
  const auto input = ReadFile(arguments.input);
  if (!input) {
    return Fail(
        context, kExitUsage, Code::kNotFound, arguments.input + ": cannot be opened and read");
  }
  if (input->size() != wanted) {
    return Fail(context,
                kExitUsage,
                Code::kInvalidArgument,
                arguments.input + ": must hold the raw input tensor" +
                    (plan.inputs() > 1 ? "s, one after the other" : "") + ", " +
                    std::to_string(wanted) + " bytes; it has " + std::to_string(input->size()));
  }
  runner.Reset();
  auto from = input->begin();
  for (std::size_t i = 0; i < plan.inputs(); ++i) {
    const auto to = runner.input(i);
    std::copy_n(from, to.size(), to.begin());
    from += static_cast<std::ptrdiff_t>(to.size());
  }
  if (!arguments.layers.empty()) {
    std::error_code failure;
    std::filesystem::create_directories(arguments.layers, failure);
    if (!std::filesystem::is_directory(arguments.layers, failure)) {
      return Fail(context,
                  kExitUsage,
                  Code::kInvalidArgument,
                  arguments.layers + ": is no folder and cannot be made one");
    }
  }
  if (const std::string path = RunAll(runner, plan, arguments.layers); !path.empty()) {
    return Fail(context, kExitFailed, Code::kUnknown, path + ": cannot be written");
  }
  Bytes output;
  for (std::size_t i = 0; i < plan.outputs(); ++i) {
    const auto bytes = runner.output(i);
    output.insert(output.end(), bytes.begin(), bytes.end());
  }
  if (!WriteFile(arguments.output, output)) {
    return Fail(context, kExitFailed, Code::kUnknown, arguments.output + ": cannot be written");
  }
  const json result = {{"output", arguments.output},
                       {"bytes", output.size()},
                       {"operators", plan.operators()},
                       {"arena_bytes", plan.arena_bytes()}};
  if (context.json) {
    host::cli::PrintJson(result);
  } else {
    std::fputs(ObjectText(result, context.color()).c_str(), stdout);
  }
  return kExitOk;
}

int Build(const Context& context, const ModelArguments& arguments) {
  std::string error;
  const auto bytes = package::BuildPackage(arguments.spec, &error, arguments.model);
  if (!bytes.ok()) {
    return Fail(context, kExitUsage, bytes.status().code(), error);
  }
  if (const Status status = package::WritePackageFile(arguments.output, *bytes, &error);
      !status.ok()) {
    return Fail(context, kExitFailed, status.code(), error);
  }
  const json result = {{"file", arguments.output}, {"bytes", bytes->size()}};
  if (context.json) {
    host::cli::PrintJson(result);
  } else {
    std::fputs(ObjectText(result, context.color()).c_str(), stdout);
  }
  return kExitOk;
}

/// A header that places the bytes in flash, aligned as a node maps packages.
std::string ArrayText(const std::string& name, std::span<const std::byte> bytes) {
  std::string text =
      "/* A package for the first flash of a node; made by `trib model export`. */\n";
  text += "#pragma once\n\n#include <cstddef>\n#include <cstdint>\n\n";
  text += "alignas(16) inline constexpr std::uint8_t " + name + "[] = {";
  std::array<char, 8> item{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::snprintf(item.data(), item.size(), "0x%02x,", static_cast<unsigned>(bytes[i]));
    text += (i % 16 == 0 ? "\n    " : " ") + std::string(item.data());
  }
  text += "\n};\ninline constexpr std::size_t " + name + "_bytes = sizeof(" + name + ");\n";
  return text;
}

bool IsIdentifier(const std::string& name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9');
  });
}

int Export(const Context& context, const ModelArguments& arguments) {
  if (!IsIdentifier(arguments.name)) {
    return Fail(context,
                kExitUsage,
                Code::kInvalidArgument,
                "--name: '" + arguments.name + "' is no C++ identifier");
  }
  std::string error;
  auto bytes = package::ReadPackageFile(arguments.model, &error);
  if (bytes.ok() && !package::PackageView::Open(*bytes).ok()) {
    bytes = package::BuildPackage(arguments.spec, &error, arguments.model);
  }
  if (!bytes.ok()) {
    return Fail(context, kExitUsage, bytes.status().code(), error);
  }
  const std::string text = ArrayText(arguments.name, *bytes);
  if (!WriteFile(arguments.output, text)) {
    return Fail(context, kExitFailed, Code::kUnknown, arguments.output + ": cannot be written");
  }
  const json result = {
      {"file", arguments.output}, {"array", arguments.name}, {"bytes", bytes->size()}};
  if (context.json) {
    host::cli::PrintJson(result);
  } else {
    std::fputs(ObjectText(result, context.color()).c_str(), stdout);
  }
  return kExitOk;
}

}  // namespace

void AddModelCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand("model",
                                      "Look into, run, pack and evaluate models: int8 .tflite "
                                      "networks, trees, linear and binary ones")
                       ->require_subcommand(1);
  auto arguments = std::make_shared<ModelArguments>();
  const auto bind = [&context, arguments](CLI::App* command,
                                          int (*run)(const Context&, const ModelArguments&)) {
    command->callback([&context, arguments, run] {
      context.run = [&context, arguments, run] { return run(context, *arguments); };
    });
  };
  const auto model = [&](CLI::App* command, const char* what) {
    command->add_option("MODEL", arguments->model, what)->required()->type_name("FILE");
  };

  CLI::App* profile = noun->add_subcommand(
      "profile",
      "Print what a model costs: MACs, flash, arena, cuts\nExample: trib model profile kws.tflite");
  model(profile, "The model: int8 .tflite, or small JSON");
  profile->add_flag("--unfused", arguments->unfused, "Keep every operator of the model");
  bind(profile, Profile);

  CLI::App* run = noun->add_subcommand(
      "run",
      "Run a model once on raw tensors, state reset first\n"
      "Example: trib model run kws.tflite --input in.bin --output out.bin --layers layers");
  model(run, "The model: int8 .tflite, or small JSON");
  run->add_option("--input", arguments->input, "Raw input tensor, little-endian")
      ->required()
      ->type_name("FILE");
  run->add_option("--output", arguments->output, "Where to write the raw output tensor")
      ->required()
      ->type_name("FILE");
  run->add_option(
         "--layers", arguments->layers, "Also write every operator's output into this folder")
      ->type_name("DIR");
  run->add_flag("--unfused", arguments->unfused, "Keep every operator of the model");
  bind(run, Run);

  CLI::App* build =
      noun->add_subcommand("build",
                           "Make an unsigned package that carries a model\n"
                           "Example: trib model build kws.tflite --spec package.toml -o kws.trib");
  model(build, "The model: int8 .tflite, or small JSON");
  build
      ->add_option("--spec",
                   arguments->spec,
                   "Specification of everything else; without it the package carries the network "
                   "alone")
      ->type_name("FILE");
  build->add_option("-o,--output", arguments->output, "The package to write")
      ->required()
      ->type_name("FILE");
  bind(build, Build);

  CLI::App* array = noun->add_subcommand(
      "export",
      "Write a package, or the package of a model, as a C++ array for a first flash\n"
      "Example: trib model export kws.trib --c-array -o kws.h");
  model(array, "A package, or a model");
  array->add_flag("--c-array", arguments->c_array, "The only format there is")->required();
  array->add_option("--name", arguments->name, "Name of the array")->capture_default_str();
  array->add_option("--spec", arguments->spec, "As in build")->type_name("FILE");
  array->add_option("-o,--output", arguments->output, "The header to write")
      ->required()
      ->type_name("FILE");
  bind(array, Export);
  AddModelEvaluation(*noun, context);
}

}  // namespace trib::tools::trib_cli
