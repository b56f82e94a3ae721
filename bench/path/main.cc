// trib-bench-path: the path's speed, each question with its raw side measured in the same run.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "bare_curve.h"
#include "measure.h"
#include "questions.h"
#include "south_server.h"
#include "trib/common/host/cli/program.h"

namespace trib::bench::path {
namespace {

constexpr Question kQuestions[] = {
    {"codec", "judging a batch of records beside parsing it with libprotobuf", AskCodec},
    {"store", "the cloud's store beside a bare SQLite loop", AskStore},
    {"spool", "the gateway's spool beside a bare SQLite loop", AskSpool},
    {"ingest", "records a gateway takes beside bare CURVE batches", AskIngest},
    {"end_to_end", "node to store, durable, beside the slower raw limit", AskEndToEnd},
    {"paced", "the gateway's CPU per message at 1 message/s/node", AskPaced},
    {"memory", "the gateway's memory and handshake per connected node", AskMemory},
    {"latency", "time to durable, and to visible in the store", AskLatency},
};

std::string LoadNow() {
  std::ifstream in("/proc/loadavg");
  std::string one;
  std::string five;
  std::string fifteen;
  in >> one >> five >> fifteen;
  return one + " " + five + " " + fifteen;
}

/// A folder that goes when the program ends, however it ends by itself.
std::filesystem::path folder_to_remove;  // NOLINT(runtime/string): read at exit only
void RemoveFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_to_remove, ignored);
}

std::filesystem::path MakeFolder(const std::filesystem::path& parent) {
  std::string name = (parent / "trib-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    Fail(parent.string() + ": cannot make a folder there");
  }
  folder_to_remove = name;
  (void)std::atexit(RemoveFolder);
  return name;
}

int Main(int argc, char** argv) {
  CLI::App app{
      "The path's speed. Each question is asked in turns of the raw side and ours, in one run, "
      "and\n"
      "answered with the median and [least-most] of the turns. Progress goes to standard error."};
  bool json = false;
  bool list = false;
  std::vector<std::string> only;
  Run run;
  std::string folder;
  app.add_flag("--json", json, "print the figures of every turn as JSON");
  app.add_flag("--list", list, "name the questions and end");
  app.add_option("--seconds", run.seconds, "length of one turn, about")
      ->check(CLI::Range(0.01, 600.0))
      ->capture_default_str();
  app.add_option("--turns", run.turns, "turns of each side")
      ->check(CLI::Range(1, 99))
      ->capture_default_str();
  app.add_option("--only", only, "ask only this question; may be repeated");
  app.add_option("--folder", folder, "on the disk to measure (default: beside the program)")
      ->check(CLI::ExistingDirectory);
  app.add_flag("--tiny", run.tiny, "few nodes and records: a test of this program, no measurement");
  // How this program starts itself as the server of a question.
  std::string serve;
  std::vector<std::uint64_t> serve_south;
  std::string state;
  app.add_option("--serve", serve)->group("");
  app.add_option("--serve-south", serve_south)->delimiter(',')->expected(2)->group("");
  app.add_option("--state", state)->group("");
  if (const auto code = host::cli::ParseArguments(app, argc, argv)) {
    return *code;
  }
  if (!serve.empty()) {
    ServeBare(static_cast<Serve>(std::stoi(serve)), state);
  }
  if (!serve_south.empty()) {
    ServeSouth(serve_south[0], serve_south[1], state);
  }
  if (list) {
    for (const Question& question : kQuestions) {
      std::printf(
          "%-12s %s\n", std::string(question.name).c_str(), std::string(question.asks).c_str());
    }
    return host::cli::kExitOk;
  }
  for (const std::string& name : only) {
    if (std::none_of(std::begin(kQuestions), std::end(kQuestions), [&](const Question& question) {
          return question.name == name;
        })) {
      host::cli::PrintError("trib-bench-path", "no question \"" + name + "\" (--list names them)");
      return host::cli::kExitUsage;
    }
  }
  run.bin = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  run.folder = MakeFolder(folder.empty() ? run.bin : std::filesystem::path(folder));

  const std::string load_before = LoadNow();
  Report report;
  for (const Question& question : kQuestions) {
    if (only.empty() || std::find(only.begin(), only.end(), question.name) != only.end()) {
      question.ask(run, report);
    }
  }
  const std::string load_after = LoadNow();
  const auto cores = static_cast<long>(::sysconf(_SC_NPROCESSORS_ONLN));
  if (json) {
    nlohmann::ordered_json out = report.Json();
    out["seconds"] = run.seconds;
    out["turns"] = run.turns;
    out["cores"] = cores;
    out["load_before"] = load_before;
    out["load_after"] = load_after;
    std::printf("%s\n", out.dump(2).c_str());
  } else {
    std::printf("%s\nload before %s, after %s; %ld cores; %d turns of %g s\n",
                report.Table().c_str(),
                load_before.c_str(),
                load_after.c_str(),
                cores,
                run.turns,
                run.seconds);
  }
  return report.complete() ? host::cli::kExitOk : host::cli::kExitFailed;
}

}  // namespace
}  // namespace trib::bench::path

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  return trib::bench::path::Main(argc, argv);
}
