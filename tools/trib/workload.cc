// trib workload new
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "context.h"
#include "files.h"
#include "render.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/package/package.h"
#include "trib/common/host/recording/manifest.h"
#include "trib/tools/adapters/adapters.h"
#include "trib/tools/evaluation/data.h"

namespace trib::tools::trib_cli {
namespace {

namespace fs = std::filesystem;
using host::cli::kExitFailed;
using host::cli::kExitOk;
using host::cli::kExitUsage;
using host::recording::Manifest;
using host::recording::Recording;
using nlohmann::json;

struct WorkloadArguments {
  std::string name;
  std::string data;
  std::string dialect;
  std::string normal = "normal";
  std::vector<std::string> no_alarm;
  std::string output;
};

/// What the recordings say about a sensor and its states.
struct Survey {
  std::size_t channels = 0;
  double rate_hz = 0;
  double scale = 0;
  std::string unit;
  std::vector<std::string> labels;      ///< the normal one first
  std::uint64_t shortest = UINT64_MAX;  ///< frames between two boundaries
  std::string split;                    ///< condition with the values train and test
  std::size_t window = 0;
};

constexpr std::size_t kMostWindow = 2048;
constexpr std::size_t kLeastWindow = 64;

bool HasValue(const Recording& recording, const std::string& key, std::string_view value) {
  const auto found = recording.conditions.find(key);
  return found != recording.conditions.end() &&
         std::holds_alternative<std::string>(found->second) &&
         std::get<std::string>(found->second) == value;
}

/// A condition that some recordings call train and others test.
std::string FindSplit(const Manifest& manifest) {
  std::set<std::string> keys;
  for (const Recording& recording : manifest.recordings) {
    for (const auto& [key, value] : recording.conditions) {
      keys.insert(key);
    }
  }
  for (const std::string& key : keys) {
    const auto has = [&](std::string_view value) {
      return std::any_of(
          manifest.recordings.begin(), manifest.recordings.end(), [&](const Recording& recording) {
            return HasValue(recording, key, value);
          });
    };
    if (has("train") && has("test")) {
      return key;
    }
  }
  return "";
}

/// Frames of the shortest stretch without a boundary.
std::uint64_t Shortest(const Recording& recording, const host::recording::Extent& extent) {
  std::uint64_t shortest = extent.frames();
  std::uint64_t begin = extent.begin;
  while (const auto next = recording.NextBoundary(begin)) {
    if (*next >= extent.end) {
      break;
    }
    shortest = std::min(shortest, *next - begin);
    begin = *next;
  }
  return shortest;
}

std::string Listed(const std::set<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    out += (out.empty() ? "" : ", ") + word;
  }
  return out;
}

/// Names for the trigger's and the guardrails' own words, beside which the recordings' labels
/// stand.
constexpr std::string_view kAnomaly = "anomaly";
constexpr std::string_view kSensorFault = "sensor_fault";

/// Labels that can stand in a package, and options that name them.
void CheckLabels(const std::set<std::string>& labels,
                 const WorkloadArguments& arguments,
                 std::vector<std::string>& errors) {
  constexpr std::size_t kMost = 31;
  for (const std::string& label : labels) {
    if (label.empty()) {
      errors.emplace_back("a recording has no label: say what was going on, or leave it out");
    } else if (label == kAnomaly || label == kSensorFault) {
      errors.push_back("label \"" + label + "\" is what the " +
                       (label == kAnomaly ? "trigger reports" : "guardrails report") +
                       " of every machine; call the state otherwise");
    } else if (label.size() > kMost) {
      errors.push_back("label \"" + label + "\" is longer than 31 bytes");
    }
  }
  if (!labels.contains(arguments.normal)) {
    errors.push_back("--normal " + arguments.normal + ": no recording has this label; there are " +
                     Listed(labels));
  }
  for (const std::string& label : arguments.no_alarm) {
    if (label == arguments.normal) {
      errors.push_back("--no-alarm " + label + ": is the normal state, which is none anyway");
    } else if (!labels.contains(label)) {
      errors.push_back("--no-alarm " + label + ": no recording has this label; there are " +
                       Listed(labels));
    }
  }
  if (labels.size() < 2 || labels.size() > 13) {
    errors.push_back("the recordings must have 2 to 13 labels; they have " +
                     std::to_string(labels.size()));
  }
}

std::optional<Survey> Look(const Manifest& manifest,
                           const WorkloadArguments& arguments,
                           std::vector<std::string>& errors) {
  Survey out;
  const Recording& first = manifest.recordings.front();
  out.channels = first.channels.size();
  out.rate_hz = first.fs_hz;
  out.scale = first.scale;
  out.unit = first.unit;
  std::set<std::string> labels;
  for (const Recording& recording : manifest.recordings) {
    const auto extent = host::recording::Measure(recording, errors);
    if (!extent.ok()) {
      continue;
    }
    if (recording.channels.size() != out.channels || recording.fs_hz != out.rate_hz) {
      errors.push_back(recording.file.string() +
                       ": has other channels or another rate than the first recording; one "
                       "workload has one sensor");
    }
    labels.insert(recording.label);
    out.shortest = std::min(out.shortest, Shortest(recording, *extent));
  }
  if (!errors.empty()) {
    return std::nullopt;
  }
  CheckLabels(labels, arguments, errors);
  if (!std::isfinite(out.scale) || out.scale <= 0) {
    errors.push_back(first.file.string() + ": the scale must be a number above 0, from which the " +
                     "guardrails follow");
  }
  if (out.channels > 4 || out.rate_hz != std::floor(out.rate_hz)) {
    errors.push_back("a node's sensor has 1 to 4 channels and a whole number of Hz");
  }
  labels.erase(arguments.normal);
  out.labels.assign(labels.begin(), labels.end());
  out.labels.insert(out.labels.begin(), arguments.normal);
  out.split = FindSplit(manifest);
  out.window = kMostWindow;
  while (out.window > out.shortest && out.window > kLeastWindow) {
    out.window /= 2;
  }
  if (out.window > out.shortest) {
    errors.push_back("a stretch of a recording has " + std::to_string(out.shortest) +
                     " frames; a window needs " + std::to_string(kLeastWindow));
  }
  if (!errors.empty()) {
    return std::nullopt;
  }
  return out;
}

std::string Number(double value) {
  return json(value).dump();
}

std::string Quoted(const std::string& text) {
  return json(text).dump();
}

/// Edges a constant ratio apart, from the third line of the spectrum to 0.42 of the rate; no two in
/// one line.
std::string Bands(const Survey& survey) {
  const double line = survey.rate_hz / static_cast<double>(survey.window);
  const double low = 2 * line;
  const double high = 0.42 * survey.rate_hz;
  constexpr int kBands = 7;
  std::string out;
  double last = 0;
  for (int i = 0; i <= kBands; ++i) {
    double edge = low * std::pow(high / low, static_cast<double>(i) / kBands);
    edge = std::max(std::round(edge / line) * line, last + line);
    last = edge;
    out += (i == 0 ? "" : ", ") + Number(edge);
  }
  return "[" + out + "]";
}

std::string Seconds(double seconds) {
  return Number(std::round(seconds * 1000) / 1000) + " s";
}

std::string RecipeText(const Survey& survey) {
  const double hop = static_cast<double>(survey.window) / 2 / survey.rate_hz;
  std::string out =
      "# A window is the largest power of two that fits the shortest stretch of the recordings, "
      "at\n"
      "# most 2,048 frames: " +
      Seconds(2 * hop) + ". The next one begins " + Seconds(hop) +
      " later.\n[recipe]\nsample_rate_hz = " + std::to_string(std::lround(survey.rate_hz)) +
      "\nchannels = " + std::to_string(survey.channels) +
      "\nwindow = " + std::to_string(survey.window) +
      "\nhop = " + std::to_string(survey.window / 2) + "\nlog_floor = 1e-9\n";
  for (std::size_t c = 0; c < survey.channels; ++c) {
    const std::string channel = "channel = " + std::to_string(c) + "\n";
    out += "\n# Channel " + std::to_string(c) +
           ": size, how impulsive it is, and where in the spectrum.\n";
    for (const char* op : {"log_std", "log_crest", "log_kurtosis"}) {
      out += "[[recipe.op]]\nop = \"" + std::string(op) + "\"\n" + channel;
    }
    out += "[[recipe.op]]\nop = \"log_band_energy\"\n" + channel + "edges_hz = " + Bands(survey) +
           "\n";
  }
  return out;
}

std::string GuardrailText(const Survey& survey) {
  std::string out =
      "\n# What a window must keep to be trusted, per channel, in converter counts: set the ends "
      "of\n"
      "# your converter, and how long a value may repeat (0: for ever).\n";
  for (std::size_t c = 0; c < survey.channels; ++c) {
    out +=
        "[[guardrails]]\nclip_level_raw = 32760\nmax_clipped_permille = 5\nmax_stuck_run = 0\n"
        "min_peak_to_peak_raw = 0\nmax_missing_permille = 10\nscale_min = " +
        Number(survey.scale / 100) + "\nscale_max = " + Number(survey.scale * 100) + "\n";
  }
  return out;
}

std::string LabelText(const Survey& survey, const WorkloadArguments& arguments) {
  std::string out =
      "\n# The first label is the normal state, the second what the trigger reports, then the "
      "sensor's\n"
      "# own faults and what the network knows.\n";
  const auto add = [&](const std::string& name, bool alarm) {
    out += "[[label]]\nname = " + Quoted(name) + "\nactuator = \"" + (alarm ? "warn" : "normal") +
           "\"\nalarm = " + (alarm ? "true" : "false") + "\n";
  };
  add(survey.labels[0], false);
  add(std::string(kAnomaly), true);
  add(std::string(kSensorFault), true);
  for (std::size_t i = 1; i < survey.labels.size(); ++i) {
    const auto& quiet = arguments.no_alarm;
    add(survey.labels[i], std::find(quiet.begin(), quiet.end(), survey.labels[i]) == quiet.end());
  }
  return out;
}

std::string PackageText(const Survey& survey, const WorkloadArguments& arguments) {
  return "# What a node does with windows of this sensor. Made by `trib workload new` from "
         "recordings;\n"
         "# yours to change. Every key: docs/formats/package_spec.md.\n\n[manifest]\nname = " +
         Quoted(arguments.name) + "\nversion = \"1.0.0\"\nhardware_class = \"any\"\n\n" +
         RecipeText(survey) + GuardrailText(survey) +
         R"toml(
# What each node learns of its own machine while that is known to be healthy, and when it speaks.
[trigger]
commissioning_windows = 60
skip_windows = 2
ewma_alpha = 0.25
false_alarm_rate = 0.001      # per window, before the hysteresis
min_std = 0.05                # 5 %, as the features are logarithms
enter_m = 3                   # an alarm needs 3 of the last 5 windows,
enter_n = 5
clear_n = 10                  # and ends after 10 quiet ones
threshold_scale = 1.5

[exit_policy]
heartbeat = "60s"
reminder = "10m"
block = "60s"
status = "5m"
audit_permille = 5
)toml" + LabelText(survey, arguments) +
         R"toml(
# When the guardrails refuse a window no model looks at it.
[[fallback_rule]]
source = "any_fault"
actuator = "warn"
label = "sensor_fault"

# In standard deviations from the baseline; a training replaces them by quantiles.
[sketch_edges]
edges = [-8, -4, -2.5, -1.5, -1, -0.6, -0.25, 0, 0.25, 0.6, 1, 1.5, 2.5, 4, 8]
score_edges = [0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 4, 5, 6, 7, 8, 10, 14, 25, 60]
)toml";
}

std::string BlockText(const char* part,
                      std::size_t kernel,
                      std::size_t stride,
                      std::size_t channels) {
  return "[[network.block]]\npart = \"" + std::string(part) +
         "\"\nkernel = " + std::to_string(kernel) + "\nstride = " + std::to_string(stride) +
         "\nchannels = " + std::to_string(channels) + "\n";
}

/// Strides until some 32 frames are left where a node stops.
std::string NetworkText(const Survey& survey) {
  const std::size_t stem = survey.window >= 512 ? 4 : 2;
  std::size_t frames = survey.window / stem;
  std::string out = "\n# Three parts, each with an exit behind it.\n[network.stem]\nkernel = " +
                    std::to_string(std::clamp<std::size_t>(survey.window / 32, 8, 48)) +
                    "\nstride = " + std::to_string(stem) + "\nchannels = 16\n";
  for (int block = 0; block < 3; ++block) {
    const std::size_t stride = frames > 128 ? 4 : frames > 32 ? 2 : 1;
    frames /= stride;
    out += BlockText("node", block == 0 ? 9 : 15, stride, block == 0 ? 24 : 32);
  }
  return out + BlockText("gateway", 9, 1, 48) + BlockText("gateway", 9, 2, 64) +
         BlockText("cloud", 7, 1, 96);
}

std::string TrainText(const Survey& survey,
                      const WorkloadArguments& arguments,
                      const fs::path& data) {
  std::string classes;
  for (const std::string& label : survey.labels) {
    classes += (classes.empty() ? "" : ", ") + Quoted(label);
  }
  std::string out =
      "# How the network of this workload is trained: trib-train. Made by `trib workload new`; "
      "yours\n"
      "# to change. Every key: docs/formats/train.md.\nbase = \"package.toml\"\nversion = "
      "\"1.0.0\"\n"
      "seed = 1\nclasses = [" +
      classes + "]\n\n# Found below a folder given with --data.\n[[data]]\n";
  if (!arguments.dialect.empty()) {
    out += "dialect = " + Quoted(arguments.dialect) + "\n";
  }
  out += "folder = " + Quoted(data.filename().string()) + "\n\n";
  if (survey.split.empty()) {
    out +=
        "# The recordings have no condition with the values train and test, so windows are divided "
        "at\n"
        "# random. That flatters the network: windows of one recording are alike. Give recordings "
        "a\n"
        "# condition that tells days, machines or parts from each other, and divide by it.\n"
        "[[split]]\nname = \"random\"\nby = \"random\"\nship = true\n";
  } else {
    out += "[[split]]\nname = " + Quoted("by_" + survey.split) + "\nby = " + Quoted(survey.split) +
           "\ntrain = [\"train\"]\ntest = [\"test\"]\nship = true\n";
  }
  return out +
         "\n[augment]\ngain = [0.7, 1.4]\nnoise_share = 0.3\nsnr_db = [15, 40]\nspeed = 0.03\n" +
         NetworkText(survey) +
         "\n[fit]\nepochs = 15\nbatches = 40\nbatch = 64\nlearning_rate = 0.004\n"
         "\n# What a wrong answer costs beside asking the next tier.\n[exits]\nask = 0.05\nwrong = "
         "0.5\n"
         "missed = 1\n";
}

/// The folder that --data means: itself, or where the manifest lies. A training finds it by name.
///
/// Requires  data is not empty.
fs::path FolderOf(const std::string& data) {
  const fs::path path = fs::absolute(data).lexically_normal();
  return path.filename() == "manifest.toml" || !path.has_filename() ? path.parent_path() : path;
}

void Print(const Context& context,
           const json& result,
           const fs::path& folder,
           const fs::path& data) {
  if (context.json) {
    host::cli::PrintJson(result);
    return;
  }
  std::fputs(ObjectText(result, context.color()).c_str(), stdout);
  if (result["split"] == "random") {
    std::puts(
        "no condition has the values \"train\" and \"test\": windows are divided at random, which "
        "flatters");
  }
  std::printf("next: ./dev train %s --data %s\n",
              fs::absolute(folder).lexically_normal().c_str(),
              data.parent_path().c_str());
}

int New(const Context& context, const WorkloadArguments& arguments) {
  if (arguments.data.empty()) {
    return Fail(context, kExitUsage, Code::kInvalidArgument, "--data: is empty");
  }
  std::vector<std::string> errors;
  const fs::path data = FolderOf(arguments.data);
  if (std::error_code failure; fs::is_regular_file(data, failure)) {
    return Fail(context,
                kExitUsage,
                Code::kInvalidArgument,
                "--data " + arguments.data + ": is no manifest.toml, and no folder with one");
  }
  const auto manifest = evaluation::LoadData(
      arguments.dialect.empty() ? data / "manifest.toml" : data, arguments.dialect, errors);
  if (!manifest.ok()) {
    return Fail(context, kExitUsage, manifest.status().code(), errors);
  }
  const auto survey = Look(*manifest, arguments, errors);
  if (!survey) {
    return Fail(context, kExitUsage, Code::kInvalidArgument, errors);
  }
  const fs::path folder = arguments.output.empty() ? arguments.name : arguments.output;
  for (const char* name : {"package.toml", "train.toml"}) {
    if (fs::exists(folder / name)) {
      return Fail(context,
                  host::cli::kExitRefused,
                  Code::kAlreadyExists,
                  (folder / name).string() + ": exists already");
    }
  }
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (!WriteFile(folder / "package.toml", PackageText(*survey, arguments)) ||
      !WriteFile(folder / "train.toml", TrainText(*survey, arguments, data))) {
    return Fail(context, kExitFailed, Code::kUnknown, folder.string() + ": cannot be written");
  }
  // What was written is what the builder takes.
  std::string error;
  if (!host::package::BuildPackage(folder / "package.toml", &error).ok()) {
    return Fail(context, kExitFailed, Code::kInternal, error);
  }
  const json result = {{"package", (folder / "package.toml").string()},
                       {"train", (folder / "train.toml").string()},
                       {"window", survey->window},
                       {"channels", survey->channels},
                       {"labels", survey->labels},
                       {"split", survey->split.empty() ? "random" : survey->split}};
  Print(context, result, folder, data);
  return kExitOk;
}

}  // namespace

void AddWorkloadCommands(CLI::App& app, Context& context) {
  CLI::App* noun =
      app.add_subcommand("workload", "Begin a use case of your own")->require_subcommand(1);
  auto arguments = std::make_shared<WorkloadArguments>();
  CLI::App* create = noun->add_subcommand(
      "new",
      "Write package and training specifications for a folder of labelled recordings\n"
      "Example: trib workload new pump --data recordings/pump");
  create->add_option("NAME", arguments->name, "Its name: [a-z0-9._-]")
      ->required()
      ->type_name("NAME")
      ->check(CLI::Validator(
          [](std::string& text) {
            const bool good = !text.empty() && text.size() <= 26 &&
                              std::all_of(text.begin(), text.end(), [](unsigned char c) {
                                return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '.' ||
                                       c == '_' || c == '-';
                              });
            return good ? std::string() : "'" + text + "' is no name: 1 to 26 of [a-z0-9._-]";
          },
          ""));
  create
      ->add_option("--data",
                   arguments->data,
                   "Folder of recordings with a manifest.toml (docs/formats/recording.md)")
      ->required()
      ->type_name("DIR");
  create->add_option("--dialect", arguments->dialect, "The folder is in this data set's own format")
      ->check(CLI::IsMember(adapters::DialectNames()));
  create->add_option("--normal", arguments->normal, "Label of the normal state")
      ->capture_default_str()
      ->type_name("LABEL");
  create->add_option("--no-alarm", arguments->no_alarm, "A label that is no alarm; repeatable")
      ->type_name("LABEL");
  create->add_option("-o,--output", arguments->output, "Folder to write to; default NAME")
      ->type_name("DIR");
  create->callback([&context, arguments] {
    context.run = [&context, arguments] { return New(context, *arguments); };
  });
}

}  // namespace trib::tools::trib_cli
