// trib-demo: the whole river on one machine. Starts a cloud, gateways and nodes as processes with
// fresh keys, plays machine recordings, kills a gateway midway and checks that nothing was lost.
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "board_part.h"
#include "drift_part.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/cli/stop_signal.h"
#include "trib/tools/adapters/adapters.h"
#include "trib/tools/launcher/fleet.h"
#include "trib/tools/launcher/playlist.h"
#include "view.h"

namespace trib::tools::demo {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

constexpr const char* kProgram = "trib-demo";
constexpr std::uint64_t kFirstNode = 101;
constexpr std::uint64_t kFirstGateway = 1;
constexpr auto kRefresh = milliseconds(500);
constexpr auto kPlainRefresh = seconds(5);
constexpr auto kDrainLimit = seconds(120);
// Of the demo's time.
constexpr double kFreezeAt = 0.30;
constexpr double kKillAt = 0.55;  // at the latest
constexpr double kAwayFor = 0.08;

struct Options {
  std::size_t nodes = 12;
  std::size_t gateways = 2;
  double seconds = 60;
  std::uint64_t seed = 1;
  std::filesystem::path data;
  std::filesystem::path keep;
  bool generate = false;
  bool mcu = false;
  bool json = false;
  host::cli::CommonOptions common;
};

/// Ends the demo with one clear line.
struct Problem {
  int exit_code;
  std::string text;
};

std::filesystem::path SourceDir() {
  return std::filesystem::current_path();
}
std::filesystem::path BinDir() {
  return std::filesystem::canonical("/proc/self/exe").parent_path();
}

launcher::Fleet::Options FleetOptions(const Options& options, std::filesystem::path folder) {
  launcher::Fleet::Options out{
      .bin = BinDir(), .folder = std::move(folder), .cloud_drift = DriftPart::CloudLines()};
  if (options.mcu) {
    out.gateway_serial = {"tcp://127.0.0.1:*"};
    out.serial_nodes = BoardPart::Nodes();
  }
  return out;
}

class Demo {
 public:
  Demo(const Options& options, host::cli::StopSignal& stop, std::filesystem::path folder)
      : options_(options),
        stop_(stop),
        fleet_(FleetOptions(options, std::move(folder))),
        drift_(fleet_, options.seconds, options.seed),
        boards_(fleet_, BinDir(), options.seconds, options.seed),
        color_(host::cli::UseColor(options.common.no_color, STDOUT_FILENO)),
        live_(!options.json && ::isatty(STDOUT_FILENO) == 1) {}

  /// @returns nullopt when the demo ran to its end.
  std::optional<Problem> Run(Totals& totals) {
    if (auto problem = Start()) {
      return problem;
    }
    if (auto problem = Watch()) {
      return problem;
    }
    Say("counting what the store has of each node");
    if (!CountStored()) {
      return Failed();
    }
    Say("every record is counted");
    if (live_) {
      Show();
    }
    totals = Sum(snapshot_);
    if (!fleet_.Stop(seconds(20))) {
      return Problem{host::cli::kExitFailed, fleet_.error()};
    }
    return std::nullopt;
  }

 private:
  std::optional<Problem> Failed() { return Problem{host::cli::kExitFailed, fleet_.error()}; }

  void Say(const std::string& phase) {
    snapshot_.phase = phase;
    if (!live_ || !table_) {
      std::cerr << "demo: " << phase << std::endl;
    }
  }

  std::optional<Problem> Start() {
    Say("making keys and a signed package");
    if (!fleet_.MakeKeys()) {
      return Failed();
    }
    const auto workload = SourceDir() / "workloads/bearing";
    const auto package =
        fleet_.AddNetwork(workload / "bearing.trib", workload / "bearing-tail.trib");
    if (!package) {
      return Failed();
    }
    Say("starting the cloud and " + std::to_string(options_.gateways) + " gateways");
    if (!fleet_.StartCloud()) {
      return Failed();
    }
    for (std::size_t i = 0; i < options_.gateways; ++i) {
      const std::uint64_t id = kFirstGateway + i;
      if (!fleet_.AdmitGateway(id) || !fleet_.StartGateway(id)) {
        return Failed();
      }
      snapshot_.gateways[id];
    }
    Say("starting " + std::to_string(options_.nodes) + " nodes");
    for (std::size_t i = 0; i < options_.nodes; ++i) {
      if (stop_.requested()) {
        return Problem{130, "interrupted"};
      }
      const std::uint64_t id = kFirstNode + i;
      const std::uint64_t gateway = kFirstGateway + i % options_.gateways;
      auto source = Source(i, id);
      if (!source) {
        return problem_;
      }
      source->insert(
          source->end(),
          {"--exit-when-done", "--report", "0.5", "--seed", std::to_string(options_.seed + i)});
      if (!fleet_.AdmitNode(id, gateway) ||
          !fleet_.StartNode(id, {.arguments = *source, .package = package->string()})) {
        return Failed();
      }
      snapshot_.nodes[id].gateway = gateway;
    }
    if (options_.mcu) {
      Say("powering up emulated microcontroller boards");
      if (!boards_.Start(kFirstGateway, options_.gateways, package->string(), snapshot_)) {
        return Failed();
      }
    }
    Say("starting pumps whose time passes faster, to show drift");
    if (!drift_.Start(kFirstGateway + options_.gateways - 1, snapshot_)) {
      return Failed();
    }
    Say(options_.data.empty() ? "playing simulated machines" : "playing " + options_.data.string());
    return std::nullopt;
  }

  /// The command line that gives a node its machine.
  std::optional<std::vector<std::string>> Source(std::size_t index, std::uint64_t id) {
    // Playing takes three quarters of the time; the rest is for the backlog to drain.
    const double play_seconds = options_.seconds * 0.75;
    if (options_.data.empty()) {
      return std::vector<std::string>{"--generate",
                                      std::to_string(options_.seed * 1000 + index),
                                      "--phases",
                                      "normal:30,fault:10,normal:10,fault:10",
                                      "--time-scale",
                                      std::to_string(std::max(1.0, 60.0 / play_seconds))};
    }
    std::vector<std::string> errors;
    const auto data = adapters::Import("cwru", options_.data, errors);
    if (!data.ok()) {
      problem_ = Problem{host::cli::kExitUsage, errors.empty() ? "--data" : errors.front()};
      return std::nullopt;
    }
    std::string error;
    const auto playlist =
        launcher::BearingPlaylist(*data, index, {.test_split = "split_by_load"}, error);
    if (!playlist.ok()) {
      problem_ = Problem{host::cli::kExitUsage, options_.data.string() + ": " + error};
      return std::nullopt;
    }
    const auto file = fleet_.File("node-" + std::to_string(id) + ".recordings.toml");
    std::ofstream(file) << playlist->ToToml();
    const double scale = launcher::SignalSeconds(*playlist) / play_seconds;
    return std::vector<std::string>{
        "--replay", file.string(), "--time-scale", std::to_string(std::max(0.1, scale))};
  }

  std::optional<Problem> Watch() {
    const auto start = SteadyClock::now();
    const auto limit =
        std::chrono::duration_cast<milliseconds>(std::chrono::duration<double>(options_.seconds)) +
        kDrainLimit;
    auto next_plain = start;
    while (true) {
      snapshot_.elapsed_s = std::chrono::duration<double>(SteadyClock::now() - start).count();
      Collect();
      if (auto problem = PlayAccident()) {
        return problem;
      }
      SayPhase();
      if (accident_ == Accident::kAhead || accident_ == Accident::kOver) {
        if (const auto casualty = fleet_.Casualty()) {
          return Problem{host::cli::kExitFailed, *casualty};
        }
      }
      if (live_ || SteadyClock::now() >= next_plain) {
        Show();
        next_plain = SteadyClock::now() + kPlainRefresh;
      }
      if (accident_ == Accident::kOver && Finished()) {
        Show();
        return std::nullopt;
      }
      if (SteadyClock::now() - start > limit) {
        return Problem{host::cli::kExitFailed, "nodes did not finish in time"};
      }
      if (stop_.Wait(static_cast<int>(kRefresh.count()))) {
        fleet_.gateway(kFirstGateway)->Signal(SIGCONT);  // frozen, it could not end
        fleet_.Stop(seconds(10));
        return Problem{130, "interrupted"};
      }
    }
  }

  /// A gateway is killed midway and comes back a little later. It is frozen first, until one of its
  /// nodes has sent what nobody acknowledges: so the kill hits records on their way.
  std::optional<Problem> PlayAccident() {
    const std::uint64_t victim = kFirstGateway;
    const std::string name = "gateway " + std::to_string(victim);
    const double now = snapshot_.elapsed_s;
    auto& gateway = snapshot_.gateways[victim];
    if (accident_ == Accident::kAhead && now >= options_.seconds * kFreezeAt) {
      fleet_.gateway(victim)->Signal(SIGSTOP);
      gateway.state = "frozen";
      gateway.running = false;
      accident_ = Accident::kFrozen;
      frozen_at_ = now;
    }
    if (accident_ == Accident::kFrozen && now > frozen_at_) {
      const std::uint64_t waiting = WaitingAt(victim);
      if (waiting > 0 || now >= options_.seconds * kKillAt) {
        fleet_.gateway(victim)->Kill();
        snapshot_.in_flight = waiting;
        gateway.state = "killed";
        accident_ = Accident::kAway;
        killed_at_ = now;
        Say("killed " + name + " with kill -9; records on their way to it, which its nodes keep: " +
            std::to_string(waiting));
      }
    }
    if (accident_ == Accident::kAway && now >= killed_at_ + options_.seconds * kAwayFor) {
      if (!fleet_.StartGateway(victim)) {
        return Failed();
      }
      gateway.state = "up";
      gateway.running = true;
      accident_ = Accident::kOver;
      Say(name + " is back; its nodes send again what was not acknowledged");
    }
    return std::nullopt;
  }

  /// Records that the nodes of a gateway hold unacknowledged, as far as they have told.
  [[nodiscard]] std::uint64_t WaitingAt(std::uint64_t gateway) const {
    std::uint64_t sum = 0;
    for (const auto& [id, node] : snapshot_.nodes) {
      const bool sends = node.gateway == gateway && node.report.value("link", "") == "up";
      sum += sends ? node.report.value("backlog", std::uint64_t{0}) : 0;
    }
    return sum;
  }

  /// The phase follows what the nodes tell, except around the accident.
  void SayPhase() {
    if (accident_ == Accident::kFrozen || accident_ == Accident::kAway) {
      return;
    }
    std::size_t learning = 0;
    std::size_t running = 0;
    for (const auto& [id, node] : snapshot_.nodes) {
      running += node.running ? 1U : 0U;
      const bool started = node.report.value("windows", 0) > 0;
      const std::string state = node.report.value("state", "");
      learning += !started || state == "commissioning" || state == "fallback" ? 1U : 0U;
    }
    std::string phase;
    if (running == 0) {
      phase = "all nodes have ended; the last records go from spool to store";
    } else if (accident_ == Accident::kAhead && learning > 0) {
      phase = "nodes learn what is normal";
    } else if (accident_ == Accident::kAhead) {
      phase = "nodes watch their machines";
    } else if (running < snapshot_.nodes.size()) {
      phase = std::to_string(snapshot_.nodes.size() - running) + " of " +
              std::to_string(snapshot_.nodes.size()) +
              " nodes have ended: all their records are acknowledged";
    } else if (snapshot_.elapsed_s >= killed_at_ + 2 * options_.seconds * kAwayFor) {
      phase = "faults appear; nodes report them and drive their actuators";
    }
    if (!phase.empty() && phase != snapshot_.phase) {
      Say(phase);
    }
  }

  void Collect() {
    boards_.Collect(snapshot_);
    for (auto& [id, node] : snapshot_.nodes) {
      auto* process = fleet_.node(id);
      node.running = !process->Poll().has_value();
      for (const auto& line : process->ReadLines()) {
        auto report = nlohmann::json::parse(line, nullptr, false);
        if (report.is_object()) {
          node.report = std::move(report);
        }
      }
    }
    for (auto& [id, gateway] : snapshot_.gateways) {
      if (gateway.running) {
        auto stats = fleet_.CallGateway(id, "stats", nlohmann::json::object());
        if (stats.is_object()) {
          gateway.stats = std::move(stats);
        }
      }
    }
    auto stats = fleet_.CallCloud("stats", nlohmann::json::object());
    if (stats.is_object()) {
      snapshot_.cloud = std::move(stats);
    }
    for (const std::string& line : drift_.Collect(snapshot_)) {
      if (!live_ || !table_) {
        std::cerr << "demo: " << line << std::endl;
      }
    }
  }

  bool CountStored() {
    for (auto& [id, node] : snapshot_.nodes) {
      const auto shown = fleet_.CallCloud("node.show", {{"node", id}});
      if (!shown.is_object()) {
        return false;
      }
      std::uint64_t rows = 0;
      for (const auto& epoch : shown.value("epochs", nlohmann::json::array())) {
        rows += epoch.value("records", std::uint64_t{0});
      }
      node.stored = rows;
    }
    return true;
  }

  /// Every node has ended, which it does when all its records are acknowledged, and every gateway
  /// has handed all of them on.
  bool Finished() {
    for (const auto& [id, node] : snapshot_.nodes) {
      if (node.running) {
        return false;
      }
    }
    for (const auto& [id, gateway] : snapshot_.gateways) {
      if (gateway.stats.value(nlohmann::json::json_pointer("/spool/records"), 1) != 0) {
        return false;
      }
    }
    return true;
  }

  /// Whether the terminal has room for the whole table.
  static bool Wide() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 116;
  }

  void Show() {
    if (options_.json) {
      return;
    }
    if (live_) {
      table_ = true;
      std::cout << "\x1b[H\x1b[2J" << Render(snapshot_, Wide(), color_) << std::flush;
      return;
    }
    const Totals totals = Sum(snapshot_);
    std::cerr << "demo: " << static_cast<int>(snapshot_.elapsed_s) << " s: " << totals.windows
              << " windows, " << totals.events << " events, " << totals.records_stored << " of "
              << totals.records_sent << " records stored; decided by " << ExitsLine(totals)
              << std::endl;
  }

  const Options& options_;
  host::cli::StopSignal& stop_;
  launcher::Fleet fleet_;
  DriftPart drift_;
  BoardPart boards_;
  Snapshot snapshot_;
  enum class Accident { kAhead, kFrozen, kAway, kOver } accident_ = Accident::kAhead;
  double frozen_at_ = 0;
  double killed_at_ = 0;
  bool table_ = false;  // on the screen
  std::optional<Problem> problem_;
  bool color_;
  bool live_;
};

std::filesystem::path MakeFolder() {
  auto pattern = (std::filesystem::temp_directory_path() / "trib-demo-XXXXXX").string();
  return ::mkdtemp(pattern.data()) != nullptr ? std::filesystem::path(pattern)
                                              : std::filesystem::path();
}

void AddOptions(CLI::App& app, Options& options) {
  app.add_option("--nodes", options.nodes, "Number of nodes")
      ->check(CLI::Range(1, 200))
      ->capture_default_str();
  app.add_option("--gateways", options.gateways, "Number of gateways")
      ->check(CLI::Range(1, 8))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "How long it takes, about, in seconds")
      ->check(CLI::Range(10.0, 3600.0))
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Seed of everything random but keys")
      ->capture_default_str();
  app.add_option("--data",
                 options.data,
                 "Folder of the CWRU recordings (default ../shared/data/cwru if it is there, else "
                 "simulated machines)")
      ->type_name("DIR");
  app.add_flag("--generate", options.generate, "Play simulated machines even where recordings are");
  app.add_flag("--mcu",
               options.mcu,
               "Add two nodes on emulated microcontroller boards: the firmware image, attached by "
               "wire; needs QEMU and the boards' builds");
  app.add_option("--keep", options.keep, "Keep keys, databases and logs in this new folder")
      ->type_name("DIR");
  app.add_flag("--json", options.json, "Print the closing summary as JSON, progress on stderr");
  host::cli::AddCommonOptions(app, options.common);
  app.footer(
      "Exit codes:\n"
      "  0    every record arrived exactly once\n"
      "  1    failed: a process ended, or a record was lost or stored twice; the logs are kept\n"
      "  2    wrong usage; nothing was started\n"
      "  130  interrupted\n"
      "Examples:\n"
      "  ./dev demo\n"
      "  ./dev demo --nodes 20 --seconds 90 --keep demo-run\n"
      "  ./dev demo --mcu");
}

/// Settles what the nodes play: leaves `options.data` empty for generated machines.
std::optional<Problem> ChooseData(Options& options) {
  if (!options.data.empty() && !std::filesystem::exists(options.data / "manifest.csv")) {
    return Problem{host::cli::kExitUsage,
                   "--data " + options.data.string() + ": no manifest.csv in there"};
  }
  if (options.generate && !options.data.empty()) {
    return Problem{host::cli::kExitUsage, "--generate and --data exclude each other"};
  }
  const auto standard = SourceDir() / "../shared/data/cwru";
  if (!options.generate && options.data.empty() &&
      std::filesystem::exists(standard / "manifest.csv")) {
    options.data = std::filesystem::canonical(standard);
  }
  return std::nullopt;
}

/// Before anything is started or made.
std::optional<Problem> CheckBoards(const Options& options) {
  const std::string missing = options.mcu ? BoardPart::Missing(BinDir()) : std::string();
  return missing.empty() ? std::nullopt
                         : std::optional(Problem{host::cli::kExitUsage, "--mcu: " + missing});
}

std::optional<Problem> ChooseFolder(const Options& options, std::filesystem::path& folder) {
  std::error_code failed;
  folder = options.keep;
  if (folder.empty()) {
    folder = MakeFolder();
  } else if (!std::filesystem::create_directory(folder, failed)) {
    return Problem{
        host::cli::kExitUsage,
        "--keep " + folder.string() + ": " + (failed ? failed.message() : "exists already")};
  }
  return std::nullopt;
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "Runs a cloud, gateways and nodes on this machine. The nodes learn what normal is, then meet "
      "bearing faults; midway a gateway is killed with kill -9 and comes back. Pumps whose time "
      "passes faster show drift: the sensors of two begin to read too much, and an alarm names "
      "them.\n"
      "The end compares what the nodes made with what the store has.",
      kProgram);
  AddOptions(app, options);
  if (const auto exit = host::cli::ParseArguments(app, argc, argv)) {
    return *exit;
  }
  host::cli::StopSignal stop;
  std::filesystem::path folder;
  auto refused = ChooseData(options);
  refused = refused ? refused : CheckBoards(options);
  refused = refused ? refused : ChooseFolder(options, folder);
  if (refused) {
    host::cli::PrintError(kProgram, refused->text);
    return refused->exit_code;
  }

  Totals totals;
  std::error_code ignored;
  const auto problem = Demo(options, stop, folder).Run(totals);
  if (problem) {
    const bool logs_help = problem->exit_code == host::cli::kExitFailed;
    if (options.keep.empty() && !logs_help) {
      std::filesystem::remove_all(folder, ignored);
    }
    host::cli::PrintError(kProgram,
                          problem->text + (logs_help ? " (logs: " + folder.string() + ")" : ""));
    return problem->exit_code;
  }
  if (options.keep.empty()) {
    std::filesystem::remove_all(folder, ignored);
  }
  if (options.json) {
    host::cli::PrintJson(totals.ToJson());
  } else {
    std::cout << '\n'
              << Summary(totals, host::cli::UseColor(options.common.no_color, STDOUT_FILENO));
  }
  return totals.records_lost == 0 && totals.records_duplicated == 0 ? host::cli::kExitOk
                                                                    : host::cli::kExitFailed;
}

}  // namespace
}  // namespace trib::tools::demo

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  return trib::tools::demo::Main(argc, argv);
}
