// trib-train: from recordings to a package with a network of three exits.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "trib/cloud/train/fit.h"
#include "trib/cloud/train/pipeline.h"
#include "trib/common/dsp/recipe.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/package/package.h"

namespace trib::cloud::train {
namespace {

using host::cli::kExitFailed;
using host::cli::kExitOk;
using host::cli::kExitUsage;
using nlohmann::json;

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

json MetricsJson(const Answers& answers, std::size_t exit, std::size_t classes) {
  std::vector<std::vector<double>> probabilities;
  for (const auto& logits : answers.logits[exit]) {
    probabilities.push_back(Softmax(logits, 1));
  }
  const ExitMetrics m = Measure(probabilities, answers.truth, classes);
  return {{"accuracy", m.accuracy},
          {"macro_f1", m.macro_f1},
          {"auroc", m.auroc},
          {"macro_auroc", m.macro_auroc},
          {"fault_auroc", m.fault_auroc},
          {"fault_recall", m.fault_recall},
          {"confusion", m.confusion}};
}

int Fail(const std::vector<std::string>& errors, int code) {
  for (const std::string& error : errors) {
    host::cli::PrintError("trib-train", error);
  }
  return code;
}

int TrainSplit(const TrainConfig& config, const Material& material, const Split& split) {
  const Plan plan = MakePlan(material, config, split);
  const FloatNetwork design = Design(config.network, material.shape, config.classes.size());
  if (const auto mistakes = CheckDesign(design); !mistakes.empty()) {
    return Fail(mistakes, kExitUsage);
  }
  const Quantisation input =
      MeasureInput(material, plan.parts.fit, config.quantise.input_percentile);
  const Sampler sampler(material, config, plan.parts);
  SplitMix64 random(SplitMix64::Mix(config.seed + 4));
  const std::size_t frames = material.shape.frames;
  const std::size_t channels = material.shape.channels;
  std::vector<std::int16_t> samples(frames * channels);
  Bar bar(split.name);
  const FloatNetwork network = Fit(
      design,
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
  std::string error;
  const auto compiled = QuantiseBest(
      network, material, plan.parts.calibrate, input, config.quantise.percentiles, error);
  if (!compiled.ok()) {
    return Fail({error}, kExitFailed);
  }
  const std::size_t exits = network.heads.size();
  const auto answers = Ask(*compiled, material, plan.parts.test, exits);
  json out = {{"split", split.name},
              {"fit", plan.parts.fit.size()},
              {"calibrate", plan.parts.calibrate.size()},
              {"test", plan.parts.test.size()},
              {"parts_tested", Groups(material, plan.parts.test)},
              {"parts_trained", Groups(material, plan.parts.fit)},
              {"head_bytes", compiled->head.plan.size() + compiled->head.weights.size()},
              {"whole_bytes", compiled->whole.plan.size() + compiled->whole.weights.size()},
              {"percentile", compiled->percentile},
              {"logit_error", compiled->error},
              {"agreement",
               Agreement(network, material, plan.parts.test, input, *answers)}};
  std::uint64_t macs = 0;
  for (const auto& op : compiled->head.report) {
    macs += op.macs;
  }
  out["head_macs"] = macs;
  for (std::size_t e = 0; e < exits; ++e) {
    out["exits"].push_back(MetricsJson(*answers, e, config.classes.size()));
  }
  const auto beside = [&](const std::string& name, const std::vector<WindowRef>& windows) {
    const auto other = Ask(*compiled, material, windows, exits);
    for (std::size_t e = 0; e < exits; ++e) {
      out[name].push_back(MetricsJson(*other, e, config.classes.size()));
    }
  };
  beside("simulated", plan.simulated_test);
  for (const auto& [name, windows] : plan.outside) {
    beside(name, windows);
  }
  std::printf("%s\n", out.dump().c_str());
  return kExitOk;
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
  std::string error;
  const auto base = host::package::BuildPackage(config->base, &error);
  if (!base.ok()) {
    return Fail({error}, kExitUsage);
  }
  const auto view = host::package::PackageView::Open(*base);
  const auto section =
      view.ok() ? view->Find(host::package::SectionType::kRecipe) : std::span<const std::byte>();
  const auto recipe = dsp::DecodeRecipe(section);
  if (!recipe.ok()) {
    return Fail({"the base has no recipe"}, kExitUsage);
  }
  const WindowShape shape{recipe->window_frames,
                          recipe->hop_frames,
                          recipe->channels,
                          static_cast<double>(recipe->sample_rate_hz)};
  std::vector<std::filesystem::path> folders(arguments.data.begin(), arguments.data.end());
  const auto material = Gather(*config, shape, folders, errors);
  if (!material.ok()) {
    return Fail(errors, kExitUsage);
  }
  for (const Split& split : config->splits) {
    if (arguments.split.empty() || arguments.split == split.name) {
      if (const int code = TrainSplit(*config, *material, split); code != kExitOk) {
        return code;
      }
    }
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
  app.add_option("--seed", arguments.seed, "Instead of the configuration's")->type_name("N");
  app.add_flag("--json", arguments.json, "Print the figures as JSON");
  trib::host::cli::AddCommonOptions(app, arguments.common);
  if (const auto code = trib::host::cli::ParseArguments(app, argc, argv)) {
    return *code;
  }
  return trib::cloud::train::Main(arguments);
}
