// Question  What do a node's code and networks cost on the boards: executed instructions of each
// stage
//           of a window and of whole networks, memory, bytes of code?
// Input     A simulated machine, first healthy and then with a broken bearing, and the shipped
// packages;
//           the networks of shared/golden with their first vector.
// Command   ./dev bench mcu [--json] [--verify]
//
// Counted in QEMU by a plugin of ours: exact, and the same on every machine. Figures count only
// where the board gave the right result: the reference's outputs, the host's records.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "networks.h"
#include "trib/common/host/cli/program.h"
#include "trib/testing/shared_data.h"
#include "window.h"

namespace trib::bench::mcu {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kProgram = "trib-bench-mcu";

struct EngineImage {
  const char* image;
  const char* flags;
};
constexpr EngineImage kEngines[] = {{"mcu_engine", "-Os"}, {"mcu_engine_o2", "-O2"}};

struct Options {
  bool json = false;
  bool verify = false;
  bool layers = false;
  std::vector<std::string> boards;
  std::vector<std::string> only;
  std::string package;
  std::uint32_t block_samples = WindowScene().block_samples;
  std::uint32_t sample_rate_hz = WindowScene().sample_rate_hz;
};

bool Wanted(const std::vector<std::string>& chosen, std::string_view name) {
  return chosen.empty() || std::find(chosen.begin(), chosen.end(), name) != chosen.end();
}

unsigned long long Wide(std::uint64_t value) {
  return value;
}

Json ToJson(const NetworkCost& cost, bool cycles) {
  Json out = {{"network", cost.name},
              {"macs", cost.macs},
              {"instructions", cost.instructions},
              {"arena_bytes", cost.arena_bytes},
              {"state_bytes", cost.state_bytes},
              {"plan_bytes", cost.plan_bytes},
              {"weights_bytes", cost.weights_bytes}};
  if (cycles) {
    out["estimated_cycles"] = cost.cycles;
  }
  for (const OperatorCost& op : cost.operators) {
    out["operators"].push_back(
        {{"operator", op.name}, {"macs", op.macs}, {"instructions", op.instructions}});
  }
  return out;
}

Json ToJson(const StageCost& stage, bool cycles) {
  Json out = {{"stage", stage.name},
              {"what", stage.what},
              {"calls", stage.calls},
              {"least", stage.least},
              {"median", stage.median},
              {"most", stage.most}};
  if (cycles) {
    out["estimated_cycles"] = stage.cycles;
  }
  return out;
}

Json ToJson(const WindowCost& cost, bool cycles) {
  Json out = {{"windows", cost.report.windows},
              {"triggered", cost.report.windows_triggered},
              {"classified", cost.report.classified},
              {"records", cost.report.records},
              {"stack_bytes", cost.stack_bytes}};
  for (const StageCost& stage : cost.stages) {
    out["stages"].push_back(ToJson(stage, cycles));
  }
  return out;
}

void Print(const NetworkCost& cost, const Options& options) {
  const double per_mac = static_cast<double>(cost.instructions) /
                         static_cast<double>(std::max<std::uint64_t>(1, cost.macs));
  std::printf("  %-8s %10llu %12llu %7.2f",
              cost.name.c_str(),
              Wide(cost.macs),
              Wide(cost.instructions),
              per_mac);
  if (cost.cycles != 0) {
    std::printf(" %12llu", Wide(cost.cycles));
  } else {
    std::printf(" %12s", "-");
  }
  std::printf(" %7u %6u %6zu %8zu\n",
              cost.arena_bytes,
              cost.state_bytes,
              cost.plan_bytes,
              cost.weights_bytes);
  for (const OperatorCost& op : cost.operators) {
    if (options.layers) {
      std::printf(
          "    %-30s %10llu %12llu\n", op.name.c_str(), Wide(op.macs), Wide(op.instructions));
    }
  }
}

/// @param width  of the first column
void Print(const StageCost& stage, int width = 11) {
  std::printf("  %-*s %6llu %10llu %10llu %10llu",
              width,
              stage.name.c_str(),
              Wide(stage.calls),
              Wide(stage.least),
              Wide(stage.median),
              Wide(stage.most));
  if (stage.cycles != 0) {
    std::printf(" %11llu\n", Wide(stage.cycles));
  } else {
    std::printf(" %11s\n", "-");
  }
}

void PrintHead(const char* what, int width) {
  std::printf("  %-*s %6s %10s %10s %10s %11s\n",
              width,
              what,
              "calls",
              "least",
              "median",
              "most",
              "cycles*");
}

/// One run of everything that is wanted. @returns null with one line in `error`.
class Run {
 public:
  explicit Run(const Options& options) : options_(options) {}

  /// @param aloud  print tables while it runs
  bool All(bool aloud, std::string& error) {
    aloud_ = aloud;
    for (const Board& board : kBoards) {
      if (Wanted(options_.boards, board.name) && !One(board, error)) {
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] const Json& json() const { return json_; }

 private:
  bool One(const Board& board, std::string& error) {
    Json out = {{"board", board.name}, {"core", board.core}};
    Say("\n" + std::string(board.name) + " (" + std::string(board.core) + ")\n");
    if (Wanted(options_.only, "window") && !Windows(board, out, error)) {
      return false;
    }
    if (Wanted(options_.only, "path") && !Paths(board, out, error)) {
      return false;
    }
    const auto shared = testing::SharedDir();
    if (shared && std::filesystem::exists(*shared / "golden")) {
      if (!Networks(board, *shared / "golden", out, error)) {
        return false;
      }
    } else {
      host::cli::PrintError(kProgram,
                            "NOT MEASURED: networks; no golden models here (TRIB_SHARED)");
    }
    json_.push_back(std::move(out));
    return true;
  }

  bool Size(const Board& board, std::string_view image, Json& out, std::string& error) {
    const auto size = SizeOf(board, image, error);
    if (!size) {
      return false;
    }
    Say("\nimage " + std::string(image) + ": " + std::to_string(size->flash_bytes) +
        " bytes of flash, " + std::to_string(size->ram_bytes) + " of RAM beside its stack\n");
    out["images"].push_back(
        {{"image", image}, {"flash_bytes", size->flash_bytes}, {"ram_bytes", size->ram_bytes}});
    return true;
  }

  bool Windows(const Board& board, Json& out, std::string& error) {
    if (!Size(board, "mcu_window", out, error)) {
      return false;
    }
    std::vector<PackageName> packages(kPackages.begin(), kPackages.end());
    if (!options_.package.empty()) {
      packages = {{options_.package.c_str(), options_.package.c_str()}};
    }
    for (const PackageName& package : packages) {
      const auto cost = CountWindow(board,
                                    {.package = package.file,
                                     .block_samples = options_.block_samples,
                                     .sample_rate_hz = options_.sample_rate_hz},
                                    error);
      if (!cost) {
        return false;
      }
      Json one = ToJson(*cost, board.cortex_m4);
      one["package"] = package.name;
      out["windows"].push_back(std::move(one));
      if (!aloud_) {
        continue;
      }
      std::printf("\n%s: %llu windows, %llu over the threshold, %llu records, stack %u\n",
                  package.name,
                  Wide(cost->report.windows),
                  Wide(cost->report.windows_triggered),
                  Wide(cost->report.records),
                  cost->stack_bytes);
      PrintHead("stage", 11);
      for (const StageCost& stage : cost->stages) {
        Print(stage);
      }
    }
    return true;
  }

  bool Paths(const Board& board, Json& out, std::string& error) {
    constexpr int kWidth = 34;
    Say("\nlast sample to actuator: from the sensor's return to Actuator::Set, aim " +
        std::to_string(kPathAim_cycles) + " cycles\n");
    if (aloud_) {
      PrintHead("recipe", kWidth);
    }
    for (const PathCase& one : PathCases()) {
      auto path = CountPath(board, one.scene, error);
      if (!path) {
        return false;
      }
      path->name = one.name;
      Json json = ToJson(*path, board.cortex_m4);
      json["package"] = one.scene.package.string();
      json["block_samples"] = one.scene.block_samples;
      out["last_sample_to_actuator"].push_back(std::move(json));
      if (aloud_) {
        Print(*path, kWidth);
      }
    }
    return true;
  }

  bool Networks(const Board& board,
                const std::filesystem::path& folder,
                Json& out,
                std::string& error) {
    std::vector<std::string> names;
    std::copy_if(options_.only.begin(),
                 options_.only.end(),
                 std::back_inserter(names),
                 [](const std::string& name) { return name != "window" && name != "path"; });
    if (names.empty() && !options_.only.empty()) {
      return true;
    }
    const auto networks = GoldenNetworks(folder, names, error);
    if (!networks) {
      return false;
    }
    for (const EngineImage& engine : kEngines) {
      const auto costs = CountNetworks(board, engine.image, *networks, error);
      if (!costs || !Size(board, engine.image, out, error)) {
        return false;
      }
      Say("networks, engine compiled with " + std::string(engine.flags) + "\n");
      if (aloud_) {
        std::printf("  %-8s %10s %12s %7s %12s %7s %6s %6s %8s\n",
                    "network",
                    "MAC",
                    "instructions",
                    "per MAC",
                    "cycles*",
                    "arena",
                    "state",
                    "plan",
                    "weights");
      }
      for (const NetworkCost& cost : *costs) {
        Json one = ToJson(cost, board.cortex_m4);
        one["engine"] = engine.flags;
        out["networks"].push_back(std::move(one));
        if (aloud_) {
          Print(cost, options_);
        }
      }
    }
    return true;
  }

  void Say(const std::string& text) const {
    if (aloud_) {
      std::fputs(text.c_str(), stdout);
      (void)std::fflush(stdout);
    }
  }

  const Options& options_;
  bool aloud_ = false;
  Json json_ = Json::array();
};

int Main(int argc, char** argv) {
  CLI::App app{
      "What a node's code costs on the boards, counted in QEMU by a plugin: executed instructions, "
      "exact and the same on every machine. A window's stages: from a simulated machine, first "
      "healthy and then with a broken bearing, since the baseline was learned. Networks: one "
      "inference. cycles*: of a Cortex-M4, estimated from the counts. Runs in the source folder "
      "and "
      "needs the images of the builds node-m4 and node-m55: ./dev bench mcu makes them."};
  Options options;
  app.add_flag("--json", options.json, "print the figures as JSON");
  app.add_flag("--verify", options.verify, "run everything twice and fail if a figure differs");
  app.add_flag("--layers", options.layers, "print each operator of a network");
  app.add_option("--board", options.boards, "only this board; may be repeated")
      ->check(CLI::IsMember({"mps2-an386", "mps3-an547"}));
  app.add_option("--only",
                 options.only,
                 "only \"window\", \"path\", or a network: ad, kws, resnet, vww, sww, hello, svdf, "
                 "lstm; may "
                 "be repeated")
      ->check(CLI::IsMember(
          {"window", "path", "ad", "kws", "resnet", "vww", "sww", "hello", "svdf", "lstm"}));
  app.add_option("--package",
                 options.package,
                 "count windows with this package, or the specification (.toml) of one")
      ->check(CLI::ExistingFile);
  app.add_option("--rate", options.sample_rate_hz, "of that package's sensor, in Hz")
      ->check(CLI::Range(100, 1'000'000))
      ->capture_default_str();
  app.add_option("--block", options.block_samples, "samples that the sensor gives at once")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  if (const auto code = host::cli::ParseArguments(app, argc, argv)) {
    return *code;
  }
  std::string error;
  Run run(options);
  Run again(options);
  if (!run.All(!options.json, error) || (options.verify && !again.All(false, error))) {
    host::cli::PrintError(kProgram, error);
    return host::cli::kExitFailed;
  }
  if (options.json) {
    std::printf("%s\n", run.json().dump(2).c_str());
  }
  if (options.verify && run.json() != again.json()) {
    host::cli::PrintError(kProgram, "two runs gave different figures");
    return host::cli::kExitFailed;
  }
  if (options.verify && !options.json) {
    std::printf("\nA second run gave the same figures.\n");
  }
  return host::cli::kExitOk;
}

}  // namespace
}  // namespace trib::bench::mcu

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  return trib::bench::mcu::Main(argc, argv);
}
