// trib model profile | run | build | export; eval is in model_eval.cc

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "context.h"
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

struct Arguments {
  std::string model;
  std::string input;
  std::string output;
  std::string layers;
  std::string spec;
  std::string name = "model";
  bool unfused = false;
  bool c_array = false;
};

/// A board that inference figures are modelled for. Sources: published MLPerf Tiny v1.2 results for
/// int8 networks on these parts; nothing is measured here.
struct Board {
  const char* name;
  double cycles_per_mac;
  double nanojoules_per_mac;
};
constexpr std::array kBoards = {
    Board{"stm32l4r5 (Cortex-M4, 120 MHz)", 1.9, 0.65},
    Board{"stm32u575 (Cortex-M33, 160 MHz)", 1.8, 0.25},
    Board{"stm32h7a3 (Cortex-M7, 280 MHz)", 1.4, 0.52},
};

Result<compiler::Compiled> Load(const Arguments& arguments, std::string& error) {
  return compiler::CompileFile(arguments.model, {.fuse = !arguments.unfused}, error);
}

std::string ShapeText(const std::vector<std::int32_t>& shape) {
  std::string text;
  for (const std::int32_t dim : shape) {
    text += (text.empty() ? "" : "x") + std::to_string(dim);
  }
  return text;
}

/// Layers whose depth keeps a kernel from working on four channels at a time.
json Advice(const compiler::Compiled& compiled) {
  json advice = json::array();
  for (const auto& op : compiled.report) {
    const bool weighted = op.opcode == nn::Opcode::kConv2D ||
                          op.opcode == nn::Opcode::kDepthwiseConv2D ||
                          op.opcode == nn::Opcode::kFullyConnected;
    const std::int32_t channels = op.output_shape.empty() ? 1 : op.output_shape.back();
    if (weighted && channels % 4 != 0 && &op != &compiled.report.back()) {
      advice.push_back(op.name + " " + std::to_string(op.source) + ": " + std::to_string(channels) +
                       " output channels; " + std::to_string((channels + 3) / 4 * 4) +
                       " would fill words of four at the same number of loads");
    }
  }
  return advice;
}

json ProfileJson(const Arguments& arguments, const compiler::Compiled& compiled) {
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
  json boards = json::array();
  for (const Board& board : kBoards) {
    boards.push_back(
        {{"board", board.name},
         {"cycles", static_cast<std::uint64_t>(static_cast<double>(macs) * board.cycles_per_mac)},
         {"energy_uj", static_cast<double>(macs) * board.nanojoules_per_mac / 1000}});
  }
  return {{"file", arguments.model},
          {"file_bytes", std::filesystem::file_size(arguments.model)},
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
          {"boards_modelled", std::move(boards)},
          {"cuts", std::move(cuts)},
          {"advice", Advice(compiled)}};
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
  std::puts("\nmodel of what published boards need for so many MACs, not a measurement:");
  host::cli::Table boards({{"board"}, {"cycles", Align::kRight}, {"energy", Align::kRight}});
  for (const auto& board : profile["boards_modelled"]) {
    std::array<char, 32> energy{};
    std::snprintf(energy.data(), energy.size(), "%.1f uJ", board["energy_uj"].get<double>());
    boards.Add({board["board"].get<std::string>(),
                std::to_string(board["cycles"].get<std::uint64_t>()),
                std::string(energy.data())});
  }
  std::fputs(boards.ToText(context.color()).c_str(), stdout);
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

int Profile(const Context& context, const Arguments& arguments) {
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

bool ReadBytes(const std::string& path, Bytes& out) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto bytes = std::as_bytes(std::span(text));
  out.assign(bytes.begin(), bytes.end());
  return static_cast<bool>(in);
}

bool WriteBytes(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
  out.close();
  return static_cast<bool>(out);
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

int Run(const Context& context, const Arguments& arguments) {
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
  Bytes input;
  if (!ReadBytes(arguments.input, input) || input.size() != wanted) {
    return Fail(context,
                kExitUsage,
                Code::kInvalidArgument,
                arguments.input + ": must hold the raw input tensor" +
                    (plan.inputs() > 1 ? "s, one after the other" : "") + ", " +
                    std::to_string(wanted) + " bytes; it has " + std::to_string(input.size()));
  }
  runner.Reset();
  auto from = input.begin();
  for (std::size_t i = 0; i < plan.inputs(); ++i) {
    const auto to = runner.input(i);
    std::copy_n(from, to.size(), to.begin());
    from += static_cast<std::ptrdiff_t>(to.size());
  }
  if (!arguments.layers.empty()) {
    std::error_code failure;
    std::filesystem::create_directories(arguments.layers, failure);
  }
  nn::Plan::Walk walk(plan);
  for (std::size_t i = 0; i < plan.operators(); ++i) {
    const nn::Operator op = walk.Next();
    runner.Run(i, i + 1);
    if (!arguments.layers.empty()) {
      const auto path = std::filesystem::path(arguments.layers) / LayerFile(op);
      if (!WriteBytes(path, runner.tensor(op.output))) {
        return Fail(context, kExitFailed, Code::kUnknown, path.string() + ": cannot be written");
      }
    }
  }
  Bytes output;
  for (std::size_t i = 0; i < plan.outputs(); ++i) {
    const auto bytes = runner.output(i);
    output.insert(output.end(), bytes.begin(), bytes.end());
  }
  if (!WriteBytes(arguments.output, output)) {
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

int Build(const Context& context, const Arguments& arguments) {
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

int Export(const Context& context, const Arguments& arguments) {
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
  if (!WriteBytes(arguments.output, std::as_bytes(std::span(text)))) {
    return Fail(context, kExitFailed, Code::kUnknown, arguments.output + ": cannot be written");
  }
  return kExitOk;
}

}  // namespace

void AddModelCommands(CLI::App& app, Context& context) {
  CLI::App* noun = app.add_subcommand("model",
                                      "Look into, run, pack and evaluate models: int8 .tflite "
                                      "networks, trees, linear and binary ones")
                       ->require_subcommand(1);
  auto arguments = std::make_shared<Arguments>();
  const auto bind = [&context, arguments](CLI::App* command,
                                          int (*run)(const Context&, const Arguments&)) {
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
