// Question  How soon does the drift monitor see a change, how often never, and how often does it
// name
//           the cause right: with its default options, whose budget is one false alarm a week.
// Input     What each change does to the features of the bearing recipe, measured on simulated
//           machines through the code that nodes run; then fleets of sketches with daily cycles,
//           correlated windows, machines that differ from day to day, and weather.
// Command   ./dev bench power [--trials N] [--json]
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "power.h"
#include "sensitivity.h"
#include "trib/cloud/drift/names.h"
#include "trib/common/host/cli/program.h"

namespace trib::bench::drift_power {
namespace {

using cloud::drift::Cause;
using cloud::drift::FeatureKind;
using cloud::drift::SubjectKind;
using nlohmann::ordered_json;

std::uint32_t Median(std::vector<std::uint32_t> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

std::uint32_t NamedRight(const PowerRow& row) {
  const auto found = row.causes.find(row.truth);
  return found == row.causes.end() ? 0 : found->second;
}

void PrintSensitivities(const Sensitivities& measured) {
  std::printf(
      "How far features move, in deviations of the baseline (levels: least, median, most;\n"
      "shapes: the one that moves most)\n\n%-20s %28s %10s\n",
      "change",
      "levels",
      "shapes");
  for (const Sensitivity& change : measured.changes) {
    std::vector<float> levels;
    float shape = 0;
    for (std::size_t f = 0; f < change.shift.size(); ++f) {
      if (measured.kinds[f] == FeatureKind::kLevel || measured.kinds[f] == FeatureKind::kTotal) {
        levels.push_back(change.shift[f]);
      } else if (std::abs(change.shift[f]) > std::abs(shape)) {
        shape = change.shift[f];
      }
    }
    std::sort(levels.begin(), levels.end());
    std::printf("%-20s %+9.2f %+8.2f %+9.2f %+10.2f\n",
                change.name.c_str(),
                static_cast<double>(levels.front()),
                static_cast<double>(levels[levels.size() / 2]),
                static_cast<double>(levels.back()),
                static_cast<double>(shape));
  }
  std::printf("\n");
}

void PrintHeader() {
  std::printf("%-6s %-20s %6s %6s %18s %8s %8s %9s   %s\n",
              "on",
              "change",
              "trials",
              "missed",
              "delay in blocks",
              "subject",
              "cause",
              "others",
              "named");
}

void PrintRow(const PowerRow& row) {
  const auto seen = row.delays.size();
  std::string named;
  for (const auto& [cause, count] : row.causes) {
    named += (named.empty() ? "" : ", ") + std::string(NameOf(cause)) + " " + std::to_string(count);
  }
  std::string delay = "-";
  if (seen > 0) {
    delay = std::to_string(Median(row.delays)) + " [" +
            std::to_string(*std::min_element(row.delays.begin(), row.delays.end())) + "-" +
            std::to_string(*std::max_element(row.delays.begin(), row.delays.end())) + "]";
  }
  std::printf("%-6s %-20s %6zu %6u %18s %4u/%-3zu %4u/%-3zu %4u/%-4u   %s\n",
              NameOf(row.scope),
              row.change.c_str(),
              seen + row.misses,
              row.misses,
              delay.c_str(),
              row.subject_right,
              seen,
              NamedRight(row),
              seen,
              row.other_alarms,
              row.looks,
              named.c_str());
  (void)std::fflush(stdout);
}

ordered_json JsonOf(const Sensitivities& measured, const PowerReport& report) {
  ordered_json out;
  out["features"] = measured.features;
  out["spread"] = measured.spread;
  for (const Sensitivity& change : measured.changes) {
    out["shifts"][change.name] = change.shift;
  }
  for (const PowerRow& row : report.rows) {
    ordered_json one;
    one["on"] = NameOf(row.scope);
    one["change"] = row.change;
    one["delays"] = row.delays;
    one["missed"] = row.misses;
    one["subject_right"] = row.subject_right;
    one["looks"] = row.looks;
    one["other_alarms"] = row.other_alarms;
    one["cause"] = NameOf(row.truth);
    one["cause_right"] = NamedRight(row);
    for (const auto& [cause, count] : row.causes) {
      one["named"][NameOf(cause)] = count;
    }
    out["rows"].push_back(std::move(one));
  }
  out["looks"] = report.looks;
  out["other_alarms"] = report.other_alarms;
  return out;
}

int Main(int argc, char** argv) {
  CLI::App app{
      "How soon the drift monitor sees a change, and what it calls it.\n"
      "One subject at a time is changed, until it is alarmed or given up. Default options of the\n"
      "monitor: blocks of a day, 28 for a reference, one false alarm a week for the whole fleet."};
  bool json = false;
  unsigned machines = 12;
  PowerOptions options;
  app.add_flag("--json", json, "print the figures as JSON");
  app.add_option("--trials", options.trials, "trials of each change on one node")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--nodes", options.nodes, "size of the fleet")
      ->check(CLI::Range(40, 100'000))
      ->capture_default_str();
  app.add_option("--patience", options.patience, "blocks after which a trial is a miss")
      ->check(CLI::Range(1, 400))
      ->capture_default_str();
  app.add_option("--machines", machines, "simulated machines whose features are measured")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option(
      "--only", options.only, "try only this change, e.g. \"gain +20 %\"; may be repeated");
  app.add_option("--sums", options.sum_part, "part of the nodes' budget that whole weeks spend")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "of the fleet")->capture_default_str();
  if (const auto code = host::cli::ParseArguments(app, argc, argv)) {
    return *code;
  }
  const Sensitivities measured = MeasureSensitivities(machines);
  if (!json) {
    PrintSensitivities(measured);
    PrintHeader();
  }
  const PowerReport report = MeasurePower(options, measured, [json](const PowerRow& row) {
    if (!json) {
      PrintRow(row);
    }
  });
  if (report.rows.empty()) {
    host::cli::PrintError("trib-bench-drift-power", "--only: no such change");
    return host::cli::kExitUsage;
  }
  if (json) {
    std::printf("%s\n", JsonOf(measured, report).dump(2).c_str());
  } else {
    std::printf("\n%llu looks at %u nodes; %llu alarms of what had not changed\n",
                static_cast<unsigned long long>(report.looks),
                options.nodes,
                static_cast<unsigned long long>(report.other_alarms));
  }
  return host::cli::kExitOk;
}

}  // namespace
}  // namespace trib::bench::drift_power

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  return trib::bench::drift_power::Main(argc, argv);
}
