// trib model eval
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "context.h"
#include "recording_filter.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/package/package.h"
#include "trib/tools/adapters/adapters.h"
#include "trib/tools/evaluation/report.h"

namespace trib::tools::trib_cli {
namespace {

using host::cli::Align;
using host::cli::kExitFailed;
using host::cli::kExitOk;
using host::cli::kExitUsage;
using host::cli::Table;
using Json = nlohmann::ordered_json;

struct ModelEvalArguments {
  std::string package;
  std::string tail;
  std::string data;
  std::string dialect;
  std::string split = "none";
  std::string part = "test";
  std::string node;
  std::vector<std::string> only;
  std::vector<std::string> map;
  std::size_t limit = 0;
  bool no_trigger = false;
  bool resample = false;
};

std::string Percent(const Json& share) {
  if (!share.is_number()) {
    return "-";
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2f %%", 100 * share.get<double>());
  return text.data();
}

std::string Number(const Json& value, const char* format) {
  if (!value.is_number()) {
    return "-";
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, value.get<double>());
  return text.data();
}

void PrintTable(const Context& context, const Table& table) {
  std::fputs(table.ToText(context.color()).c_str(), stdout);
}

void PrintScores(const Context& context, const Json& scores) {
  Table table({{"class"},
               {"windows", Align::kRight},
               {"precision", Align::kRight},
               {"recall", Align::kRight},
               {"F1", Align::kRight},
               {"AUROC", Align::kRight},
               {"answers"}});
  const auto& confusion = scores["confusion"];
  for (std::size_t c = 0; c < scores["classes"].size(); ++c) {
    const auto& one = scores["classes"][c];
    std::string answers;
    for (const auto& cell : confusion[c]) {
      answers += (answers.empty() ? "" : " ") + Number(cell, "%.0f");
    }
    table.Add({one["class"].get<std::string>(),
               Number(one["windows"], "%.0f"),
               Number(one["precision"], "%.4f"),
               Number(one["recall"], "%.4f"),
               Number(one["f1"], "%.4f"),
               Number(one["auroc"], "%.4f"),
               answers});
  }
  PrintTable(context, table);
  std::printf("accuracy %s, macro F1 %s, AUROC per fault %s, fault against none %s\n\n",
              Number(scores["accuracy"], "%.4f").c_str(),
              Number(scores["macro_f1"], "%.4f").c_str(),
              Number(scores["macro_fault_auroc"], "%.4f").c_str(),
              Number(scores["fault_auroc"], "%.4f").c_str());
}

void PrintMixes(const Context& context, const Json& cascade) {
  Table table({{""}, {"own mix", Align::kRight}, {"99 % healthy", Align::kRight}});
  const auto row = [&](const char* title, const std::string& path, auto text) {
    const Json::json_pointer at(path);
    const auto cell = [&](const char* mix) {
      const Json& value = cascade[mix];
      return value.is_null() ? std::string("-") : text(value.at(at));
    };
    table.Add({title, cell("own_mix"), cell("healthy_99_percent")});
  };
  const auto bytes = [](const Json& value) { return Number(value, "%.2f B"); };
  const auto energy = [](const Json& value) { return Number(value, "%.1f uJ"); };
  const auto times = [](const Json& value) { return Number(value, "%.1f x"); };
  const auto plain = [](const Json& value) { return Number(value, "%.4f"); };
  row("accuracy", "/accuracy", plain);
  row("macro F1", "/macro_f1", plain);
  row("accuracy of the last exit alone", "/accuracy_of_the_last_exit_alone", plain);
  row("points lost against it", "/accuracy_loss_points", [](const Json& value) {
    return Number(value, "%.2f");
  });
  row("quiet, not woken", "/exits/quiet", Percent);
  for (const char* tier : {"node", "gateway", "cloud"}) {
    if (cascade["own_mix"]["exits"].contains(tier)) {
      row((std::string("exit at the ") + tier).c_str(), std::string("/exits/") + tier, Percent);
    }
  }
  row("ends on the node", "/exits/ends_on_node", Percent);
  row("anomaly without a name", "/exits/anomalies", Percent);
  row("uplink per window", "/bytes_per_window/total", bytes);
  row("  events", "/bytes_per_window/event", bytes);
  row("  activations", "/bytes_per_window/activation", bytes);
  row("  sketches and status", "/bytes_per_window/background", bytes);
  row("raw samples", "/bytes_per_window/raw", bytes);
  row("raw, delta and Rice coded", "/bytes_per_window/coded_raw", bytes);
  row("features alone", "/bytes_per_window/features_only", bytes);
  row("every window deferred", "/bytes_per_window/always_deferred", bytes);
  row("raw over uplink", "/bytes_per_window/raw_over_total", times);
  row("model energy per window", "/energy_uj_per_window/total", energy);
  row("  classify every window", "/energy_uj_per_window/classify_everything", energy);
  row("  send raw samples", "/energy_uj_per_window/send_raw", energy);
  row("below classify every window", "/energy_uj_per_window/below_classify_everything", Percent);
  PrintTable(context, table);
}

std::string ShareText(const Json& share) {
  return Percent(share["share"]) + " (" + Number(share["hits"], "%.0f") + " of " +
         Number(share["of"], "%.0f") + "; 95 %: " + Percent(share["interval_95"][0]) + " to " +
         Percent(share["interval_95"][1]) + ")";
}

void Print(const Context& context, const Json& report) {
  const Json& data = report["data"];
  std::printf("%s windows of %s recordings; %s refused by the guardrails, %s learned from\n",
              Number(data["windows"], "%.0f").c_str(),
              Number(data["recordings"], "%.0f").c_str(),
              Number(data["windows_refused"], "%.0f").c_str(),
              Number(data["commissioning_windows"], "%.0f").c_str());
  if (report["part"] == "all") {
    std::puts(
        "all of them: if the network was trained on some, this flatters; --split judges a part "
        "alone");
  }
  if (!report["trigger"].is_null()) {
    const Json& trigger = report["trigger"];
    std::printf(
        "trigger: faulty windows over it %s\n         faulty recordings noticed %s\n"
        "         healthy windows over it %s\n",
        ShareText(trigger["recall_windows"]).c_str(),
        ShareText(trigger["recall_recordings"]).c_str(),
        ShareText(trigger["over_threshold_healthy_windows"]).c_str());
    for (const Json& one : trigger["recall_classes"]) {
      std::printf("         of class %s %s\n",
                  one["class"].get<std::string>().c_str(),
                  ShareText(one).c_str());
    }
  }
  for (const auto& exit : report["always"]) {
    std::printf("\nevery window at exit %s, the %s's (%s MACs; it accepts %s)\n",
                Number(exit["exit"], "%.0f").c_str(),
                exit["tier"].get<std::string>().c_str(),
                Number(exit["macs"], "%.0f").c_str(),
                Percent(exit["accepted"]).c_str());
    PrintScores(context, exit);
  }
  std::puts("cascade: trigger, then exit after exit until one accepts");
  PrintScores(context, report["cascade"]["own_mix"]);
  PrintMixes(context, report["cascade"]);
  std::puts(
      "energy is a model: operation counts times a table of an STM32L4R5-like board; nothing "
      "is measured");
}

/// A bar on stderr while people look.
void ShowProgress(std::size_t done, std::size_t of) {
  constexpr std::size_t kWidth = 30;
  const std::size_t filled = kWidth * done / of;
  std::fprintf(stderr,
               "\r[%s%s] %zu of %zu recordings%s",
               std::string(filled, '#').c_str(),
               std::string(kWidth - filled, ' ').c_str(),
               done,
               of,
               done == of ? "\r\033[K" : "");
  std::fflush(stderr);
}

Result<std::unique_ptr<evaluation::Subject>> OpenSubject(const ModelEvalArguments& arguments,
                                                         std::string& error) {
  TRIB_TRY_ASSIGN(auto head, host::package::ReadPackageFile(arguments.package, &error));
  std::vector<std::byte> tail;
  if (!arguments.tail.empty()) {
    TRIB_TRY_ASSIGN(tail, host::package::ReadPackageFile(arguments.tail, &error));
  }
  auto subject = evaluation::Subject::Open(std::move(head), std::move(tail), error);
  error = subject.ok() ? error : arguments.package + ": " + error;
  return subject;
}

/// The recordings, and which of them. Gives the exit code of what failed, and was said.
int Select(const Context& context,
           const ModelEvalArguments& arguments,
           host::recording::Manifest& manifest,
           evaluation::RunOptions& options) {
  std::vector<std::string> errors;
  auto loaded = evaluation::LoadData(arguments.data, arguments.dialect, errors);
  if (!loaded.ok()) {
    return Fail(context, kExitFailed, loaded.status().code(), errors);
  }
  manifest = *std::move(loaded);
  std::string error;
  if (!FilterRecordings(arguments.only, manifest, error)) {
    return Fail(context, kExitUsage, Code::kInvalidArgument, error);
  }
  auto map = evaluation::ParseLabelMap(arguments.map, error);
  if (!map.ok()) {
    return Fail(context, kExitUsage, Code::kInvalidArgument, error);
  }
  options.map = *std::move(map);
  const auto& all = manifest.recordings;
  if (!arguments.node.empty() && std::none_of(all.begin(), all.end(), [&](const auto& recording) {
        return recording.conditions.contains(arguments.node);
      })) {
    return Fail(context,
                kExitUsage,
                Code::kInvalidArgument,
                "--node " + arguments.node + ": no recording has this condition");
  }
  if (arguments.split == "none") {
    return kExitOk;
  }
  options.split_key = evaluation::SplitKey(manifest, arguments.split);
  if (options.split_key.empty()) {
    return Fail(context,
                kExitUsage,
                Code::kInvalidArgument,
                "--split " + arguments.split + ": no recording has the condition split_" +
                    arguments.split + " or " + arguments.split);
  }
  return kExitOk;
}

int Evaluate(const Context& context, const ModelEvalArguments& arguments) {
  std::string error;
  const auto subject = OpenSubject(arguments, error);
  if (!subject.ok()) {
    return Fail(context, kExitFailed, subject.status().code(), error);
  }
  host::recording::Manifest manifest;
  evaluation::RunOptions options;
  if (const int code = Select(context, arguments, manifest, options); code != kExitOk) {
    return code;
  }
  options.part = arguments.part;
  options.node_key = arguments.node;
  options.limit = arguments.limit;
  options.resample = arguments.resample;
  options.use_trigger = !arguments.no_trigger;
  if (::isatty(STDERR_FILENO) != 0) {
    options.progress = ShowProgress;
  }
  std::vector<std::string> errors;
  const auto run = evaluation::Evaluate(**subject, manifest, options, errors);
  if (!run.ok()) {
    return Fail(context, kExitFailed, run.status().code(), errors);
  }
  const bool triggered = options.use_trigger && (*subject)->trigger.has_value();
  Json report = {{"package",
                  std::string((*subject)->manifest.name.view()) + " " +
                      std::string((*subject)->manifest.version.view())},
                 {"split", arguments.split},
                 {"part", options.split_key.empty() ? "all" : arguments.part}};
  report.update(evaluation::Report(**subject, *run, triggered));
  if (context.json) {
    host::cli::PrintJson(report);
  } else {
    Print(context, report);
  }
  return kExitOk;
}

}  // namespace

void AddModelEvaluation(CLI::App& noun, Context& context) {
  auto arguments = std::make_shared<ModelEvalArguments>();
  CLI::App* command = noun.add_subcommand(
      "eval",
      "Judge a package on labelled recordings, each exit alone and as a cascade\n"
      "Example: trib model eval bearing.trib --tail bearing-tail.trib --data data/cwru "
      "--split by_load\n"
      "Example: trib model eval bearing.trib --data data/mfpt --resample --no-trigger");
  command->add_option("PACKAGE", arguments->package, "The package that nodes run")
      ->required()
      ->type_name("FILE");
  command->add_option("--tail", arguments->tail, "Its tail: the exits of gateway and cloud")
      ->type_name("FILE");
  command
      ->add_option("--data",
                   arguments->data,
                   "A manifest of recordings, a folder with a manifest.toml, or the folder of a "
                   "published data set")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--dialect", arguments->dialect, "Whose manifest.csv it is; default: found out")
      ->check(CLI::IsMember(adapters::DialectNames()));
  command
      ->add_option(
          "--split",
          arguments->split,
          "Judge one part alone, by the condition split_NAME or NAME; none: all recordings, "
          "those trained on, too")
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--part", arguments->part, "Which part")->capture_default_str();
  command
      ->add_option(
          "--only",
          arguments->only,
          "Take recordings only whose label, file or condition is like PATTERN; repeatable")
      ->type_name("KEY=PATTERN");
  command
      ->add_option("--map",
                   arguments->map,
                   "A label of the recordings is this class of the package, or - to leave it out; "
                   "repeatable")
      ->type_name("FROM=TO");
  command
      ->add_option("--node",
                   arguments->node,
                   "A condition that tells machines apart: each learns a baseline of its own")
      ->type_name("KEY");
  command->add_option("--limit", arguments->limit, "At most so many windows of each recording")
      ->type_name("N");
  command->add_flag("--no-trigger", arguments->no_trigger, "Classify every window");
  command->add_flag("--resample", arguments->resample, "Convert recordings of another rate");
  command->callback([&context, arguments] {
    context.run = [&context, arguments] { return Evaluate(context, *arguments); };
  });
}

}  // namespace trib::tools::trib_cli
