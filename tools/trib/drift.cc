// trib drift status | explain | history | acknowledge | silence | resolve
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "connection.h"
#include "context.h"
#include "drift_plot.h"
#include "drift_text.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/config/config_file.h"
#include "trib/common/host/files/files.h"

namespace trib::tools::trib_cli {
namespace {

using host::cli::kExitFailed;
using host::cli::kExitOk;
using host::cli::kExitUsage;
using nlohmann::json;

/// Plots in a terminal; an SVG has one per histogram.
constexpr std::size_t kPlots = 3;
constexpr std::size_t kPanels = 64;

struct DriftArguments {
  std::uint64_t alarm = 0;
  std::uint64_t node = 0;
  std::uint64_t limit = 20;
  std::uint64_t before = 0;
  std::string svg;
  std::string note;
  std::string duration;
  bool keep_reference = false;
};

/// For the age of an alarm where the answer does not tell the cloud's time.
std::int64_t WallMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int ShowStatus(const Context& context, const DriftArguments& /*arguments*/) {
  return CallAndShow(context, "drift.status", json::object(), [&](const json& result) {
    std::fputs(DriftStatusText(result, WallMs(), context.color()).c_str(), stdout);
  });
}

std::string TitleOf(const json& explained, const DriftArguments& arguments) {
  return arguments.alarm != 0
             ? "Drift alarm " + std::to_string(arguments.alarm) + ": " + DriftSubject(explained)
             : "Drift of node " + std::to_string(arguments.node);
}

/// @returns kExitOk also when there was nothing to write to.
int WriteSvg(const Context& context, const DriftArguments& arguments, const json& explained) {
  if (arguments.svg.empty()) {
    return kExitOk;
  }
  const auto histograms = HistogramsOf(explained, kPanels);
  if (histograms.empty()) {
    return Fail(context,
                kExitFailed,
                Code::kFailedPrecondition,
                "--svg: there are no histograms to draw: no block was compared yet");
  }
  const std::string text = PlotSvg(TitleOf(explained, arguments), histograms);
  std::string error;
  const Status status =
      host::files::Replace(arguments.svg, 0644, std::as_bytes(std::span(text)), &error);
  return status.ok() ? kExitOk : Fail(context, kExitFailed, status.code(), error);
}

int Explain(const Context& context, const DriftArguments& arguments) {
  if ((arguments.alarm == 0) == (arguments.node == 0)) {
    return Fail(context,
                kExitUsage,
                Code::kInvalidArgument,
                "give either an alarm's number or --node N; trib drift status lists the alarms");
  }
  const json args = arguments.alarm != 0 ? json{{"alarm", arguments.alarm}}
                                         : json{{"node", host::control::IdText(arguments.node)}};
  json explained;
  const int exit_code = CallAndTake(context, "drift.explain", args, explained);
  if (exit_code != kExitOk) {
    return exit_code;
  }
  if (const int failed = WriteSvg(context, arguments, explained); failed != kExitOk) {
    return failed;
  }
  if (context.json) {
    host::cli::PrintJson(explained);
    return kExitOk;
  }
  std::fputs(DriftExplainText(explained, WallMs(), context.color()).c_str(), stdout);
  for (const ThenAndNow& histogram : HistogramsOf(explained, kPlots)) {
    std::puts("");
    std::fputs(PlotText(histogram, context.color()).c_str(), stdout);
  }
  return kExitOk;
}

int History(const Context& context, const DriftArguments& arguments) {
  json args = {{"limit", arguments.limit}};
  if (arguments.before != 0) {
    args["before"] = arguments.before;
  }
  return CallAndShow(context, "drift.history", args, [&](const json& result) {
    std::fputs(DriftHistoryText(result, context.color()).c_str(), stdout);
  });
}

int Change(const Context& context, const char* call, const DriftArguments& arguments, json args) {
  args["alarm"] = arguments.alarm;
  if (!arguments.note.empty()) {
    args["note"] = arguments.note;
  }
  return CallAndShow(context, call, args, [&](const json& result) {
    std::fputs(DriftAlarmLine(result).c_str(), stdout);
  });
}

int Acknowledge(const Context& context, const DriftArguments& arguments) {
  return Change(context, "drift.acknowledge", arguments, json::object());
}

int Silence(const Context& context, const DriftArguments& arguments) {
  const auto duration = host::config::ParseDuration(arguments.duration);
  if (!duration || duration->count() <= 0) {
    return Fail(context,
                kExitUsage,
                Code::kInvalidArgument,
                "--for: '" + arguments.duration + "' is no duration; e.g. 12h or 7d");
  }
  return Change(context, "drift.silence", arguments, {{"for_ms", duration->count()}});
}

int Resolve(const Context& context, const DriftArguments& arguments) {
  return Change(context, "drift.resolve", arguments, {{"relearn", !arguments.keep_reference}});
}

class Nouns {
 public:
  Nouns(CLI::App* noun, Context& context) : noun_(noun), context_(context) {}

  /// A verb of its own arguments.
  CLI::App* Add(const char* verb,
                const char* help,
                int (*run)(const Context&, const DriftArguments&),
                const std::shared_ptr<DriftArguments>& arguments) {
    CLI::App* command = noun_->add_subcommand(verb, help);
    command->callback([&context = context_, arguments, run] {
      context.run = [&context, arguments, run] { return run(context, *arguments); };
    });
    return command;
  }
  /// A verb that changes an alarm.
  CLI::App* AddChange(const char* verb,
                      const char* help,
                      int (*run)(const Context&, const DriftArguments&),
                      const std::shared_ptr<DriftArguments>& arguments) {
    CLI::App* command = Add(verb, help, run, arguments);
    AddAlarm(command, *arguments)->required();
    command->add_option("--note", arguments->note, "Kept with the alarm; others see it in history")
        ->type_name("TEXT");
    return command;
  }
  static CLI::Option* AddAlarm(CLI::App* command, DriftArguments& arguments) {
    return command->add_option("ALARM", arguments.alarm, "The alarm's number")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{INT64_MAX}, "ALARM"));
  }

 private:
  CLI::App* noun_;
  Context& context_;
};

}  // namespace

void AddDriftCommands(CLI::App& app, Context& context) {
  CLI::App* drift =
      app.add_subcommand("drift", "Whether the world has changed since the nodes learned it")
          ->require_subcommand(1);
  Nouns nouns(drift, context);
  nouns.Add(
      "status",
      "The alarms that stand, and what of the false-alarm budget is spent\n"
      "SPENT and TESTS are of this week. A p below RESOLUTION cannot be seen yet; an alarm of "
      "one subject alone needs NEEDED. Flagged nodes have a flag, which promises nothing.\n"
      "Example: trib drift status",
      ShowStatus,
      std::make_shared<DriftArguments>());

  auto explained = std::make_shared<DriftArguments>();
  CLI::App* explain = nouns.Add(
      "explain",
      "The numbers that decided an alarm, or where a node stands; histograms then and now\n"
      "Z is in spreads between the node's own blocks. CRITICAL and KS P are as if windows were "
      "independent, which they are not: they do not decide.\n"
      "Example: trib drift explain 7 --svg alarm-7.svg",
      Explain,
      explained);
  Nouns::AddAlarm(explain, *explained);
  explain->add_option("--node", explained->node, "A node instead of an alarm")
      ->check(CLI::Range(std::uint64_t{1}, UINT64_MAX, "ID"));
  explain->add_option("--svg", explained->svg, "Also draw all histograms into this file")
      ->type_name("FILE");

  auto listed = std::make_shared<DriftArguments>();
  CLI::App* history = nouns.Add("history",
                                "Alarms, newest first, and what became of them; the latest looks\n"
                                "Example: trib drift history --limit 50",
                                History,
                                listed);
  history->add_option("--limit", listed->limit, "How many alarms")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  history->add_option("--before", listed->before, "Only alarms with a lower number")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{INT64_MAX}, "ALARM"))
      ->type_name("ALARM");

  nouns.AddChange("acknowledge",
                  "Say that somebody has taken care of an alarm; it stays, and its subject is not "
                  "tested\n"
                  "Example: trib drift acknowledge 7 --note \"sensor ordered\"",
                  Acknowledge,
                  std::make_shared<DriftArguments>());

  auto silenced = std::make_shared<DriftArguments>();
  CLI::App* silence = nouns.AddChange("silence",
                                      "Do not test an alarm's subject for a while\n"
                                      "Example: trib drift silence 7 --for 48h",
                                      Silence,
                                      silenced);
  silence->add_option("--for", silenced->duration, "How long: 90s, 30m, 12h, 7d")
      ->required()
      ->type_name("DURATION");

  auto resolved = std::make_shared<DriftArguments>();
  CLI::App* resolve = nouns.AddChange(
      "resolve",
      "Close an alarm: its subject is tested again, against a reference that is learned anew\n"
      "Example: trib drift resolve 7 --note \"sensor replaced\"",
      Resolve,
      resolved);
  resolve->add_flag("--keep-reference",
                    resolved->keep_reference,
                    "Go on with the old reference: things are as they were before the alarm");

  AddDriftRecalibration(*drift, context);
}

}  // namespace trib::tools::trib_cli
