// trib-bench-drift: when do detectors notice that real streams change, and how often without cause?
//
// Baseline: each other, and shuffled halves of what came before, in which nothing can drift. Input:
// recordings of gas sensors, bearings, a power market, the weather; the Numenta Anomaly Benchmark.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "detectors.h"
#include "evaluate.h"
#include "nab.h"
#include "series.h"
#include "trib/common/host/cli/program.h"
#include "trib/testing/shared_data.h"

namespace trib::bench::drift {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kProgram = "trib-bench-drift";
constexpr std::size_t kLeastReference = 80;  // for two windows of twenty in half of it

struct Stream {
  const char* name;
  const char* what;
  std::function<std::optional<std::vector<Series>>(const fs::path&, std::string&)> read;
};

const std::vector<Stream>& Streams() {
  static const std::vector<Stream> streams = {
      {"gas_drift", "16 gas sensors, months 1 to 20; batch 1 is healthy", ReadGasDrift},
      {"femto",
       "bearings run to failure, a value each 10 s; the first fifth is healthy",
       ReadFemto},
      {"drift_streams",
       "power market and weather; the first fifth is the reference",
       ReadDriftStreams},
      {"nab", "Numenta Anomaly Benchmark, its scoring", {}},
  };
  return streams;
}

Json ToJson(const Series& series, const Setting& setting, const Outcome& outcome) {
  const Rate rate = PerTenThousand(outcome.false_alarms, outcome.calm_values);
  Json out = {{"stream", series.stream},
              {"series", series.name},
              {"detector", setting.name},
              {"values", series.values.size()},
              {"reference", series.reference}};
  out["first"] = outcome.first ? Json(*outcome.first) : Json();
  out["times"] = outcome.times;
  if (series.truth) {
    out["truth"] = *series.truth;
    out["delay"] = outcome.first ? Json(static_cast<std::int64_t>(*outcome.first) -
                                        static_cast<std::int64_t>(*series.truth))
                                 : Json();
  }
  out["false_alarms"] = outcome.false_alarms;
  out["calm_values"] = outcome.calm_values;
  out["false_alarms_per_10000"] = {rate.rate, rate.low, rate.high};
  out["ns_per_value"] = outcome.per_value_ns;
  return out;
}

/// "445 (0)": the index and its delay, or where in a life it is.
std::string FirstText(const Series& series, const Outcome& outcome) {
  if (!outcome.first) {
    return "never";
  }
  char text[64];
  const auto at = static_cast<double>(*outcome.first);
  if (series.truth) {
    std::snprintf(text, sizeof text, "%.0f (+%.0f)", at, at - static_cast<double>(*series.truth));
  } else if (series.ends_in_failure) {
    const double life = 100 * at / static_cast<double>(series.values.size());
    std::snprintf(text, sizeof text, "%.0f (%.0f %% of life)", at, life);
  } else {
    std::snprintf(text, sizeof text, "%.0f", at);
  }
  return text;
}

void PrintSeries(const Series& series) {
  std::printf("\n%s %s: %zu values, reference %zu",
              series.stream.c_str(),
              series.name.c_str(),
              series.values.size(),
              series.reference);
  if (series.truth) {
    std::printf(", changed at %zu", *series.truth);
  }
  if (series.errors) {
    std::printf("; wrong %.1f %%, then %.1f %%",
                100 * series.error_rate_before,
                100 * series.error_rate_after);
  }
  // Half of the reference is watched in each shuffle.
  if (!series.errors) {
    std::printf("; windows may fire %.2f in 10,000",
                1e4 * kWindowAlpha / static_cast<double>(series.reference - series.reference / 2));
  }
  std::printf("\n  %-14s %-22s %6s  %-28s %9s\n",
              "detector",
              series.truth ? "first (delay)" : "first",
              "times",
              "false in 10,000 [95 %]",
              "ns/value");
}

void PrintOutcome(const Series& series, const Setting& setting, const Outcome& outcome) {
  const Rate rate = PerTenThousand(outcome.false_alarms, outcome.calm_values);
  char rates[64];
  std::snprintf(rates, sizeof rates, "%.2f [%.2f-%.2f]", rate.rate, rate.low, rate.high);
  std::printf("  %-14s %-22s %6zu  %-28s %9.0f\n",
              setting.name.c_str(),
              FirstText(series, outcome).c_str(),
              outcome.times,
              rates,
              outcome.per_value_ns);
}

void RunSeries(const std::vector<Series>& all, int shuffles, bool json, Json& out) {
  for (const Series& series : all) {
    if (!json) {
      PrintSeries(series);
    }
    for (const Setting& setting : Settings()) {
      if (!(series.errors ? setting.errors : setting.values)) {
        continue;
      }
      const Outcome outcome = Evaluate(series, setting, shuffles);
      if (json) {
        out["series"].push_back(ToJson(series, setting, outcome));
      } else {
        PrintOutcome(series, setting, outcome);
      }
    }
    std::fflush(stdout);
  }
}

void RunNab(const std::vector<NabFile>& files, bool json, Json& out) {
  std::size_t values = 0;
  for (const NabFile& file : files) {
    values += file.series.values.size();
  }
  if (!json) {
    std::printf(
        "\nnab: %zu of the 58 files, %zu values; only these are scored, so no score here\n"
        "compares with a published one. 0 is who never detects, 100 who is perfect.\n"
        "  %-14s %9s %17s %11s %12s %12s %9s\n",
        files.size(),
        values,
        "detector",
        kNabProfiles[0].name,
        kNabProfiles[1].name,
        kNabProfiles[2].name,
        "caught",
        "false alarms",
        "ns/value");
  }
  for (const Setting& setting : Settings()) {
    if (!setting.values) {
      continue;
    }
    const NabOutcome outcome = EvaluateNab(files, setting);
    if (json) {
      Json one = {{"detector", outcome.detector},
                  {"files", files.size()},
                  {"windows", outcome.windows},
                  {"caught", outcome.caught},
                  {"false_alarms", outcome.false_alarms},
                  {"ns_per_value", outcome.per_value_ns}};
      for (std::size_t p = 0; p < outcome.scores.size(); ++p) {
        one["scores"][kNabProfiles[p].name] = outcome.scores[p];
      }
      out["nab"].push_back(one);
      continue;
    }
    const std::string caught =
        std::to_string(outcome.caught) + " of " + std::to_string(outcome.windows);
    std::printf("  %-14s %9.1f %17.1f %11.1f %12s %12zu %9.0f\n",
                outcome.detector.c_str(),
                outcome.scores[0],
                outcome.scores[1],
                outcome.scores[2],
                caught.c_str(),
                outcome.false_alarms,
                outcome.per_value_ns);
  }
}

/// @returns false and `error` when the stream cannot be read.
bool RunStream(const Stream& stream,
               const fs::path& data,
               int shuffles,
               bool json,
               Json& out,
               std::string& error) {
  if (!stream.read) {
    const auto files = ReadNab(data, error);
    if (!files) {
      return false;
    }
    RunNab(*files, json, out);
    return true;
  }
  const auto series = stream.read(data, error);
  if (!series) {
    return false;
  }
  for (const Series& one : *series) {
    if (one.reference < kLeastReference || one.values.size() <= one.reference) {
      error = one.stream + " " + one.name + ": too few rows to learn from and to watch";
      return false;
    }
  }
  RunSeries(*series, shuffles, json, out);
  return true;
}

void PrintLegend(int shuffles) {
  for (const Setting& setting : Settings()) {
    std::printf("%-14s %s\n", setting.name.c_str(), setting.what.c_str());
  }
  std::printf(
      "False alarms: %d shuffles of the reference, its first half learnt, its second "
      "watched.\n",
      shuffles);
}

int Main(int argc, char** argv) {
  CLI::App app{
      "Drift detectors on recorded streams.\n"
      "When each first fires, how often on shuffled halves of the reference, where nothing can "
      "drift, and what a value costs. Seeds are fixed; only times differ between runs."};
  bool json = false;
  bool list = false;
  std::vector<std::string> only;
  int shuffles = 400;
  std::string data;
  app.add_flag("--json", json, "print the figures as JSON");
  app.add_flag("--list", list, "name the streams and end");
  app.add_option("--only", only, "this stream only; may be repeated");
  app.add_option("--shuffles", shuffles, "of each reference")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  app.add_option(
      "--data",
      data,
      "folder of the recordings (default: data in TRIB_SHARED, or in a folder \"shared\" "
      "here or above)");
  if (const auto code = host::cli::ParseArguments(app, argc, argv)) {
    return *code;
  }
  if (list) {
    for (const Stream& stream : Streams()) {
      std::printf("%-14s %s\n", stream.name, stream.what);
    }
    return host::cli::kExitOk;
  }
  for (const std::string& name : only) {
    if (std::none_of(Streams().begin(), Streams().end(), [&](const Stream& stream) {
          return stream.name == name;
        })) {
      host::cli::PrintError(kProgram, "no stream \"" + name + "\" (--list names them)");
      return host::cli::kExitUsage;
    }
  }
  fs::path folder = data;
  if (data.empty()) {
    const auto shared = testing::SharedDir();
    folder = shared ? *shared / "data" : fs::path();
  }
  if (!fs::is_directory(folder)) {
    host::cli::PrintError(kProgram,
                          folder.empty() ? "no recordings found; name their folder with --data"
                                         : folder.string() + ": no such folder");
    return host::cli::kExitFailed;
  }
  Json out = {{"shuffles", shuffles}};
  if (!json) {
    PrintLegend(shuffles);
  }
  for (const Stream& stream : Streams()) {
    if (!only.empty() && std::find(only.begin(), only.end(), stream.name) == only.end()) {
      continue;
    }
    std::string error;
    if (!RunStream(stream, folder, shuffles, json, out, error)) {
      host::cli::PrintError(kProgram, error);
      return host::cli::kExitFailed;
    }
  }
  if (json) {
    std::printf("%s\n", out.dump(2).c_str());
  }
  return host::cli::kExitOk;
}

}  // namespace
}  // namespace trib::bench::drift

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  return trib::bench::drift::Main(argc, argv);
}
