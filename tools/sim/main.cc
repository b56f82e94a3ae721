// trib-sim: thousands of NodeLoops in one process against real gateway and cloud processes.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "alarms.h"
#include "deployment.h"
#include "exactness.h"
#include "fleet_run.h"
#include "plan.h"
#include "report.h"
#include "scenario.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/cli/stop_signal.h"

namespace trib::tools::sim {
namespace {

namespace cli = host::cli;
using SteadyClock = std::chrono::steady_clock;

constexpr const char* kProgram = "trib-sim";

struct Options {
  std::string scenario;
  std::optional<std::uint64_t> seed;
  std::string duration;
  std::string keep;
  unsigned threads = 2;
  double answer_limit_s = 60;
  bool json = false;
  bool check = false;
  cli::CommonOptions common;
};

double SecondsSince(SteadyClock::time_point begin) {
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

std::string Load() {
  std::ifstream in("/proc/loadavg");
  std::string one;
  std::string five;
  in >> one >> five;
  return one + " " + five;
}

int Failed(const std::string& text) {
  cli::PrintError(kProgram, text);
  return cli::kExitFailed;
}

std::filesystem::path OwnFolder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

/// Raises the soft limit to what `nodes` need. @returns a line saying what is wrong.
std::optional<std::string> RaiseDescriptorLimit(std::size_t nodes) {
  rlimit limit{};
  const std::uint64_t needed = Deployment::DescriptorsFor(nodes);
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return "cannot read the limit of open files";
  }
  if (limit.rlim_max < needed) {
    return std::to_string(nodes) + " nodes need " + std::to_string(needed) +
           " open files, and the hard limit (ulimit -Hn) is " + std::to_string(limit.rlim_max) +
           "; at most " +
           std::to_string((limit.rlim_max - Deployment::DescriptorsFor(0)) /
                          (Deployment::DescriptorsFor(1) - Deployment::DescriptorsFor(0))) +
           " nodes fit one process";
  }
  limit.rlim_cur = limit.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &limit) == 0
             ? std::nullopt
             : std::optional<std::string>("cannot raise the limit of open files");
}

/// A folder that goes away with this object, unless it is to be kept.
class Folder {
 public:
  explicit Folder(const std::string& keep) : kept_(!keep.empty()) {
    if (kept_) {
      path_ = std::filesystem::absolute(keep);
      std::error_code error;
      std::filesystem::create_directories(path_, error);
      usable_ = !error && std::filesystem::is_empty(path_, error) && !error;
      return;
    }
    std::string pattern = (std::filesystem::temp_directory_path() / "trib-sim.XXXXXX").string();
    usable_ = mkdtemp(pattern.data()) != nullptr;
    path_ = pattern;
  }
  ~Folder() {
    std::error_code error;
    if (!kept_ && usable_) {
      std::filesystem::remove_all(path_, error);
    }
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] bool usable() const { return usable_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool kept_;
  bool usable_ = false;
};

void PrintProgress(const Scenario& scenario, VirtualTime now, SteadyClock::time_point begin) {
  const double real = SecondsSince(begin);
  const double hours = static_cast<double>(now.count()) / 3'600'000;
  const double total = static_cast<double>(scenario.duration.count()) / 3'600'000;
  std::fprintf(stderr,
               "\r%s: %.2f of %.2f h, %.0f s real, %.0f x ",
               scenario.name.c_str(),
               std::min(hours, total),
               total,
               real,
               real > 0 ? hours * 3600 / real : 0);
  std::fflush(stderr);
}

int Main(const Options& options, Scenario& scenario) {
  const cli::StopSignal stop;
  if (const auto wrong = RaiseDescriptorLimit(scenario.node_count())) {
    return Failed(*wrong);
  }
  const Folder folder(options.keep);
  if (!folder.usable()) {
    return Failed("--keep: " + options.keep + " is no empty folder and cannot be made one");
  }
  const std::vector<NodePlan> plan = MakePlan(scenario);
  WallTimes wall;
  wall.load_before = Load();
  auto begin = SteadyClock::now();
  Deployment deployment(scenario, plan, {.bin = OwnFolder(), .folder = folder.path()});
  if (!deployment.Start()) {
    return Failed(deployment.error());
  }
  wall.start_s = SecondsSince(begin);
  begin = SteadyClock::now();
  auto printed = begin;
  FleetRun run(scenario,
               plan,
               deployment,
               {.threads = options.threads,
                .answer_limit = std::chrono::milliseconds(
                    static_cast<std::int64_t>(options.answer_limit_s * 1000)),
                .progress =
                    [&](VirtualTime now) {
                      if (SteadyClock::now() - printed >= std::chrono::seconds(1)) {
                        printed = SteadyClock::now();
                        PrintProgress(scenario, now, begin);
                      }
                    },
                .stop = [&stop] { return stop.requested(); }});
  if (!run.Run()) {
    std::fputc('\n', stderr);
    return Failed(run.error());
  }
  wall.run_s = SecondsSince(begin);
  PrintProgress(scenario, run.now(), begin);
  std::fputc('\n', stderr);
  begin = SteadyClock::now();
  Deployment::GatewayTotals gateways;
  if (!deployment.Settle(gateways) || !deployment.Stop()) {
    return Failed(deployment.error());
  }
  Exactness exactness;
  std::string error;
  if (!CheckExactness(deployment.store(), run.nodes(), gateways.dropped, exactness, error).ok()) {
    return Failed(error);
  }
  wall.end_s = SecondsSince(begin);
  wall.load_after = Load();
  const nlohmann::json report = MakeReport(
      scenario, run, JudgeAlarms(run.nodes(), scenario.duration), exactness, gateways, wall);
  if (options.json) {
    cli::PrintJson(report);
  } else {
    std::fputs(ReportText(report).c_str(), stdout);
  }
  return report.at("ok").get<bool>() ? cli::kExitOk : cli::kExitFailed;
}

std::optional<int> Parse(int argc, const char* const* argv, Options& options) {
  CLI::App app{
      "Runs a scenario: simulated machines and real nodes in one process, against real gateway "
      "and cloud processes, in virtual time. Ends with 0 only when every acknowledged record is in "
      "the store once.",
      kProgram};
  cli::AddCommonOptions(app, options.common);
  app.add_option("SCENARIO", options.scenario, "Scenario file (docs/formats/scenario.md)")
      ->required()
      ->type_name("FILE");
  app.add_option("--seed", options.seed, "Seed instead of the file's")->type_name("N");
  app.add_option("--duration",
                 options.duration,
                 "Instead of the file's, e.g. 2h; what begins later is left out")
      ->type_name("DURATION");
  app.add_option("--keep", options.keep, "Keep keys, stores and logs in this empty folder")
      ->type_name("DIR");
  app.add_option("--threads", options.threads, "Threads that run nodes")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  app.add_option("--answer-limit",
                 options.answer_limit_s,
                 "Real seconds without any answer after which nodes stop waiting")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_flag("--json", options.json, "Print the report as JSON");
  app.add_flag("--check", options.check, "Read the scenario, say what is in it, run nothing");
  app.footer(
      "Exit codes:\n"
      "  0  every acknowledged record is in the store once, or in a counted drop\n"
      "  1  failed: that is not so, or a process ended\n"
      "  2  wrong usage or scenario; nothing was started\n"
      "Examples:\n"
      "  trib-sim workloads/bearing/scenarios/short.toml\n"
      "  trib-sim workloads/bearing/scenarios/day.toml --duration 1h --json");
  return cli::ParseArguments(app, argc, argv);
}

}  // namespace
}  // namespace trib::tools::sim

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  namespace sim = trib::tools::sim;
  namespace cli = trib::host::cli;
  sim::Options options;
  if (const auto code = sim::Parse(argc, argv, options)) {
    return *code;
  }
  trib::host::logging::Configure(options.common.logging);
  std::vector<std::string> errors;
  auto scenario = sim::LoadScenario(options.scenario, errors);
  if (!scenario) {
    for (const std::string& error : errors) {
      cli::PrintError(sim::kProgram, error);
    }
    return cli::kExitUsage;
  }
  scenario->seed = options.seed.value_or(scenario->seed);
  if (!options.duration.empty() && !sim::Shorten(*scenario, options.duration)) {
    cli::PrintError(sim::kProgram,
                    "--duration: '" + options.duration + "' is no duration such as 30m or 2h");
    return cli::kExitUsage;
  }
  if (options.check) {
    std::printf("%s: %u nodes at %u sites, %.2f h\n",
                scenario->name.c_str(),
                scenario->node_count(),
                scenario->site_count(),
                static_cast<double>(scenario->duration.count()) / 3'600'000);
    return cli::kExitOk;
  }
  return sim::Main(options, *scenario);
}
