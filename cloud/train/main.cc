// trib-train: from recordings to a package with a network of three exits.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>

#include "trib/cloud/train/card.h"
#include "trib/cloud/train/fit.h"
#include "trib/cloud/train/packages.h"
#include "trib/cloud/train/pipeline.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/package/package.h"

namespace trib::cloud::train {
namespace {

using host::cli::kExitFailed;
using host::cli::kExitOk;
using host::cli::kExitUsage;

struct Arguments {
  std::string config;
  std::vector<std::string> data;
  std::string out = ".";
  std::string split;
  std::int64_t seed = -1;
  bool json = false;
  host::cli::CommonOptions common;
};

class Bar {
 public:
  explicit Bar(std::string name) : name_(std::move(name)), terminal_(isatty(STDERR_FILENO) == 1) {}
  void operator()(const Progress& p) {
    const bool epoch_ends = p.batch == p.batches;
    if (!epoch_ends && (!terminal_ || p.batch % 8 != 0)) {
      return;
    }
    const double done = (static_cast<double>((p.epoch - 1) * p.batches + p.batch)) /
                        static_cast<double>(p.epochs * p.batches);
    const double passed =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    std::string bar(24, '.');
    std::fill_n(bar.begin(), static_cast<std::size_t>(24 * done), '#');
    std::fprintf(stderr,
                 "%s%s [%s] epoch %zu/%zu  loss %.4f  %.0f s left%s",
                 terminal_ ? "\r" : "",
                 name_.c_str(),
                 bar.c_str(),
                 p.epoch,
                 p.epochs,
                 p.loss,
                 passed / done - passed,
                 terminal_ && done < 1 ? "   " : "\n");
  }

 private:
  std::string name_;
  bool terminal_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

int Fail(const std::vector<std::string>& errors, int code) {
  for (const std::string& error : errors) {
    host::cli::PrintError("trib-train", error);
  }
  return code;
}

std::uint64_t Macs(const host::compiler::Compiled& compiled) {
  std::uint64_t macs = 0;
  for (const auto& op : compiled.report) {
    macs += op.macs;
  }
  return macs;
}

std::size_t Bytes(const host::compiler::Compiled& compiled) {
  return compiled.plan.size() + compiled.weights.size();
}

/// One training with what came out of it.
struct Trained {
  Compiled compiled;
  ColumnReport report;
  std::vector<WindowRef> fit;
};

FloatNetwork FitNetwork(const TrainConfig& config,
                        const Material& material,
                        const Plan& plan,
                        const Quantisation& input,
                        const std::string& name) {
  const Sampler sampler(material, config, plan.parts);
  SplitMix64 random(SplitMix64::Mix(config.seed + 4));
  const std::size_t frames = material.shape.frames;
  const std::size_t channels = material.shape.channels;
  std::vector<std::int16_t> samples(frames * channels);
  Bar bar(name);
  return Fit(
      Design(config.network, material.shape, config.classes.size()),
      config.fit,
      config.seed,
      [&](std::span<float> inputs, std::span<std::int64_t> labels) {
        for (std::size_t n = 0; n < labels.size(); ++n) {
          const WindowRef& ref = sampler.Draw(random);
          const Source& source = material.sources[ref.source];
          CutWindow(source, ref, material.shape, &config.augment, random, samples);
          const auto int8 = InputOf(material, samples, source.scale, input);
          for (std::size_t i = 0; i < int8.size(); ++i) {
            inputs[(n * channels + i % channels) * frames + i / channels] =
                input.scale * static_cast<float>(int8[i]);
          }
          labels[n] = static_cast<std::int64_t>(source.label);
        }
      },
      [&](const Progress& progress) { bar(progress); });
}

SetReport Report(const Material& material,
                 const std::string& name,
                 const std::vector<WindowRef>& windows,
                 const std::vector<package::ExitSpec>& exits,
                 std::size_t classes,
                 const Answers& answers) {
  SetReport out{
      .name = name, .windows = windows.size(), .parts = Groups(material, windows), .exits = {}};
  for (std::size_t e = 0; e < exits.size(); ++e) {
    out.exits.push_back(
        Measure(LogitsOf(answers, e, classes), 1 / double{exits[e].inverse_temperature}));
  }
  return out;
}

Result<Trained> TrainSplit(const TrainConfig& config,
                           const Base& base,
                           const Material& material,
                           const Split& split,
                           std::string& error) {
  const Plan plan = MakePlan(material, config, split);
  error = CheckPlan(plan, material, config, split);
  if (!error.empty()) {
    return Code::kInvalidArgument;
  }
  const Quantisation input =
      MeasureInput(material, plan.parts.fit, config.quantise.input_percentile);
  const FloatNetwork network = FitNetwork(config, material, plan, input, split.name);
  const std::size_t classes = network.classes;
  Trained out;
  TRIB_TRY_ASSIGN(
      out.compiled,
      QuantiseBest(
          network, material, plan.parts.calibrate, input, config.quantise.percentiles, error));
  TRIB_TRY_ASSIGN(const auto engine,
                  Engine::Open(out.compiled.whole.plan, out.compiled.whole.weights));
  const std::size_t exits = network.heads.size();
  const Answers calibration = AskChanged(*engine,
                                         material,
                                         plan.parts.calibrate,
                                         config.augment,
                                         CalibrationRounds(config.exits),
                                         SplitMix64::Mix(config.seed + 5),
                                         exits);
  ColumnReport& report = out.report;
  report.split = split;
  report.exits = ChooseExits(calibration, network, config.exits, base.alarm);
  report.fit = plan.parts.fit.size();
  report.fit_parts = Groups(material, plan.parts.fit);
  report.calibrate = plan.parts.calibrate.size();
  report.percentile = out.compiled.percentile;
  report.logit_error = out.compiled.error;
  report.head_bytes = Bytes(out.compiled.head);
  report.whole_bytes = Bytes(out.compiled.whole);
  report.head_macs = Macs(out.compiled.head);
  report.whole_macs = Macs(out.compiled.whole);
  const Answers answers = Ask(*engine, material, plan.parts.test, exits);
  report.test = Report(material, "test", plan.parts.test, report.exits, classes, answers);
  report.agreement = Agreement(network, material, plan.parts.test, input, answers);
  report.cascade = RunCascade(answers, report.exits);
  DrawCurves(answers, classes, report);
  std::vector<std::pair<std::string, std::vector<WindowRef>>> beside = plan.outside;
  if (!plan.simulated_test.empty()) {
    beside.emplace_back("simulated", plan.simulated_test);
  }
  for (const auto& [name, windows] : beside) {
    report.beside.push_back(Report(
        material, name, windows, report.exits, classes, Ask(*engine, material, windows, exits)));
  }
  out.fit = plan.parts.fit;
  return out;
}

int WriteFiles(const std::filesystem::path& folder,
               const std::map<std::string, std::string>& files) {
  for (const auto& [name, text] : files) {
    std::ofstream out(folder / name, std::ios::binary);
    out << text;
    out.close();
    if (!out) {
      return Fail({(folder / name).string() + ": cannot be written"}, kExitFailed);
    }
  }
  return kExitOk;
}

int Ship(const TrainConfig& config,
         const Base& base,
         const Material& material,
         const Trained& trained,
         const std::filesystem::path& folder) {
  const auto packages = MakePackages(base,
                                     config,
                                     trained.compiled,
                                     trained.report.exits,
                                     MakeReference(base, material, trained.fit));
  if (!packages.ok()) {
    return Fail({"the packages are refused: " + host::package::DescribeRefusal(packages.status())},
                kExitFailed);
  }
  std::string error;
  const auto write = [&](const std::string& name, std::span<const std::byte> bytes) {
    return host::package::WritePackageFile(folder / name, bytes, &error).ok();
  };
  if (!write(base.name + ".trib", packages->head) ||
      !write(base.name + "-tail.trib", packages->tail)) {
    return Fail({error}, kExitFailed);
  }
  return kExitOk;
}

/// The command without what depends on where it ran.
std::string CommandOf(const Arguments& arguments, const TrainConfig& config) {
  return "trib-train " + std::filesystem::path(arguments.config).filename().string() +
         " --data DIR --out . --seed " + std::to_string(config.seed) +
         (arguments.split.empty() ? "" : " --split " + arguments.split);
}

void PrintSummary(const CardReport& card) {
  using host::cli::Align;
  host::cli::Table table({{"split"},
                          {"windows of"},
                          {"exit"},
                          {"macro-F1", Align::kRight},
                          {"fault types", Align::kRight},
                          {"fault", Align::kRight},
                          {"accuracy", Align::kRight}});
  const auto number = [](double value) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%.3f", value);
    return std::isnan(value) ? std::string("-") : std::string(text.data());
  };
  for (const ColumnReport& column : card.columns) {
    std::vector<SetReport> sets = column.beside;
    sets.insert(sets.begin(), column.test);
    for (const SetReport& set : sets) {
      for (std::size_t e = 0; e < set.exits.size(); ++e) {
        const ExitMetrics& m = set.exits[e];
        table.Add({column.split.name,
                   set.name,
                   std::to_string(e + 1),
                   number(m.macro_f1),
                   number(m.macro_auroc),
                   number(m.fault_auroc),
                   number(m.accuracy)});
      }
    }
  }
  std::fputs(table.ToText(false).c_str(), stdout);
}

int Main(const Arguments& arguments) {
  std::vector<std::string> errors;
  auto config = LoadConfig(arguments.config, errors);
  if (!config.ok()) {
    return Fail(errors, kExitUsage);
  }
  if (arguments.seed >= 0) {
    config->seed = static_cast<std::uint64_t>(arguments.seed);
  }
  const auto base = LoadBase(*config, errors);
  if (!base.ok()) {
    return Fail(errors, kExitUsage);
  }
  const auto mistakes = CheckDesign(Design(config->network, base->shape, config->classes.size()));
  if (!mistakes.empty()) {
    return Fail(mistakes, kExitUsage);
  }
  // Before the training, which takes minutes.
  std::error_code failure;
  std::filesystem::create_directories(std::filesystem::path(arguments.out) / "card", failure);
  if (failure) {
    return Fail({arguments.out + ": cannot be made: " + failure.message()}, kExitFailed);
  }
  const std::vector<std::filesystem::path> folders(arguments.data.begin(), arguments.data.end());
  const auto material = Gather(*config, base->shape, folders, errors);
  if (!material.ok()) {
    return Fail(errors, kExitUsage);
  }
  CardReport card{.name = base->name,
                  .version = config->version,
                  .command = CommandOf(arguments, *config),
                  .seed = config->seed,
                  .classes = config->classes,
                  .columns = {}};
  for (const Split& split : config->splits) {
    if (!arguments.split.empty() && arguments.split != split.name) {
      continue;
    }
    std::string error;
    auto trained = TrainSplit(*config, *base, *material, split, error);
    if (!trained.ok()) {
      return Fail({error.empty() ? "the engine refuses the network" : error}, kExitFailed);
    }
    if (split.ship) {
      if (const int code = Ship(*config, *base, *material, *trained, arguments.out);
          code != kExitOk) {
        return code;
      }
    }
    card.columns.push_back(std::move(trained->report));
  }
  if (card.columns.empty()) {
    return Fail({"--split " + arguments.split + ": no [[split]] has this name"}, kExitUsage);
  }
  if (const int code = WriteFiles(std::filesystem::path(arguments.out) / "card", RenderCard(card));
      code != kExitOk) {
    return code;
  }
  if (arguments.json) {
    std::printf("%s\n", RenderJson(card).c_str());
  } else {
    PrintSummary(card);
  }
  return kExitOk;
}

}  // namespace
}  // namespace trib::cloud::train

int main(int argc, char** argv) {
  trib::cloud::train::Arguments arguments;
  CLI::App app(
      "Trains a network with three exits, quantises it and writes its packages\n"
      "Example: trib-train workloads/bearing/train.toml --data data --out workloads/bearing",
      "trib-train");
  app.add_option("CONFIG", arguments.config, "The training configuration")
      ->required()
      ->type_name("FILE");
  app.add_option("--data", arguments.data, "A folder in which data sets lie; may be given again")
      ->type_name("DIR");
  app.add_option("--out", arguments.out, "Where packages and model card go")
      ->capture_default_str()
      ->type_name("DIR");
  app.add_option("--split", arguments.split, "Train this split alone")->type_name("NAME");
  app.add_option("--seed", arguments.seed, "Instead of the configuration's")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{0}, INT64_MAX));
  app.add_flag("--json", arguments.json, "Print the figures as JSON");
  trib::host::cli::AddCommonOptions(app, arguments.common);
  if (const auto code = trib::host::cli::ParseArguments(app, argc, argv)) {
    return *code;
  }
  return trib::cloud::train::Main(arguments);
}
