// trib recording import | check
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "context.h"
#include "files.h"
#include "recording_filter.h"
#include "render.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/recording/manifest.h"
#include "trib/tools/adapters/adapters.h"
#include "trib/tools/evaluation/data.h"

namespace trib::tools::trib_cli {
namespace {

using host::cli::kExitFailed;
using host::cli::kExitOk;
using host::recording::Manifest;
using host::recording::Measure;
using nlohmann::json;

struct RecordingArguments {
  std::string input;
  std::string output;
  std::string dialect;
  std::vector<std::string> only;
};

// Looks at every sample file and sums up; errors are of all files.
json Survey(const Manifest& manifest, std::vector<std::string>& errors) {
  struct Sum {
    std::uint64_t recordings = 0;
    std::uint64_t frames = 0;
    double seconds = 0;
  };
  std::map<std::string, Sum> labels;
  Sum total;
  for (const auto& recording : manifest.recordings) {
    const auto extent = Measure(recording, errors);
    if (!extent.ok()) {
      continue;
    }
    const double seconds = static_cast<double>(extent->frames()) / recording.fs_hz;
    for (Sum* sum : {&labels[recording.label], &total}) {
      ++sum->recordings;
      sum->frames += extent->frames();
      sum->seconds += seconds;
    }
  }
  json list = json::array();
  for (const auto& [label, sum] : labels) {
    list.push_back({{"label", label},
                    {"recordings", sum.recordings},
                    {"frames", sum.frames},
                    {"seconds", sum.seconds}});
  }
  return {{"recordings", total.recordings},
          {"frames", total.frames},
          {"seconds", total.seconds},
          {"labels", list}};
}

int PrintSurvey(const Context& context, const json& result) {
  if (context.json) {
    host::cli::PrintJson(result);
    return kExitOk;
  }
  json rows = result["labels"];
  json total = result;
  total["label"] = "(all)";
  rows.push_back(total);
  std::fputs(TableText(rows,
                       {{"LABEL", "label"},
                        {"RECORDINGS", "recordings", Show::kNumber},
                        {"FRAMES", "frames", Show::kNumber},
                        {"SECONDS", "seconds", Show::kNumber}},
                       context.color())
                 .c_str(),
             stdout);
  return kExitOk;
}

int Import(const Context& context, const RecordingArguments& arguments) {
  std::vector<std::string> errors;
  auto manifest = adapters::Import(arguments.dialect, arguments.input, errors);
  if (!manifest.ok()) {
    return Fail(context, kExitFailed, manifest.status().code(), errors);
  }
  if (std::string error; !FilterRecordings(arguments.only, *manifest, error)) {
    return Fail(context, host::cli::kExitUsage, Code::kInvalidArgument, error);
  }
  json result = Survey(*manifest, errors);
  if (!errors.empty()) {
    return Fail(context, kExitFailed, Code::kInvalidArgument, errors);
  }
  if (!WriteFile(arguments.output, manifest->ToToml())) {
    return Fail(context, kExitFailed, Code::kUnavailable, arguments.output + ": cannot be written");
  }
  result["manifest"] = arguments.output;
  return PrintSurvey(context, result);
}

int Check(const Context& context, const RecordingArguments& arguments) {
  std::vector<std::string> errors;
  const auto manifest = evaluation::LoadData(arguments.input, "", errors);
  if (!manifest.ok()) {
    return Fail(context, kExitFailed, manifest.status().code(), errors);
  }
  json result = Survey(*manifest, errors);
  if (!errors.empty()) {
    return Fail(context, kExitFailed, Code::kInvalidArgument, errors);
  }
  result["manifest"] = arguments.input;
  return PrintSurvey(context, result);
}

}  // namespace

void AddRecordingCommands(CLI::App& app, Context& context) {
  CLI::App* noun =
      app.add_subcommand("recording", "Manifests of recordings")->require_subcommand(1);
  auto arguments = std::make_shared<RecordingArguments>();
  CLI::App* importer =
      noun->add_subcommand("import",
                           "Write our manifest for a published data set\n"
                           "Example: trib recording import --dialect cwru data/cwru -o cwru.toml\n"
                           "Example: trib recording import --dialect cwru data/cwru -o ok.toml "
                           "--only label=normal");
  importer->add_option("DIR", arguments->input, "The folder with the data set's manifest.csv")
      ->required()
      ->type_name("DIR");
  importer->add_option("--dialect", arguments->dialect, "Whose manifest.csv it is")
      ->required()
      ->check(CLI::IsMember(adapters::DialectNames()));
  importer->add_option("-o,--output", arguments->output, "The manifest to write")
      ->required()
      ->type_name("FILE");
  importer
      ->add_option("--only",
                   arguments->only,
                   "Take recordings only whose label, file or condition is like PATTERN (with * ? "
                   "[abc]); repeatable, all must hold")
      ->type_name("KEY=PATTERN");
  importer->callback([&context, arguments] {
    context.run = [&context, arguments] { return Import(context, *arguments); };
  });
  CLI::App* check = noun->add_subcommand("check",
                                         "Check a manifest and the lengths of its files\n"
                                         "Example: trib recording check cwru.toml");
  check->add_option("MANIFEST", arguments->input, "The manifest, or its folder")
      ->required()
      ->type_name("FILE");
  check->callback([&context, arguments] {
    context.run = [&context, arguments] { return Check(context, *arguments); };
  });
}

}  // namespace trib::tools::trib_cli
