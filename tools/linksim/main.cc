// trib-linksim: a bad wire between nodes and a gateway. docs: tools/linksim/README.md
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "proxy.h"
#include "report.h"
#include "trib/common/host/cli/output.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/cli/stop_signal.h"

namespace trib::tools::linksim {
namespace {

namespace cli = host::cli;
namespace serial = host::serial;

constexpr const char* kProgram = "trib-linksim";

struct Options {
  std::string listen = "tcp://127.0.0.1:*";
  std::string connect;
  std::uint64_t seed = 0;
  double loss_percent = 0;
  double duplicates_percent = 0;
  double reorder_percent = 0;
  double bit_errors = 0;
  double latency_ms = 0;
  double jitter_ms = 0;
  double reorder_by_ms = 50;
  std::uint64_t bits_per_second = 0;
  double report_s = 0;
  bool json = false;
  cli::CommonOptions common;
};

Time FromMs(double ms) {
  return Time(static_cast<Time::rep>(ms * 1000));
}

std::optional<int> Parse(int argc, const char* const* argv, Options& options) {
  CLI::App app{
      "A bad wire between nodes and a gateway's serial endpoint, for tests: drops, doubles, "
      "reorders and changes frames, and counts what is on the air. What happens to a frame depends "
      "on the seed and on the number of its connection and of the frame alone.",
      kProgram};
  cli::AddCommonOptions(app, options.common);
  app.add_option("--listen", options.listen, "Where nodes connect, on this machine; * is any port")
      ->type_name("tcp://127.0.0.1:PORT")
      ->capture_default_str();
  app.add_option("--connect", options.connect, "The gateway's [serial] endpoint")
      ->type_name("tcp://127.0.0.1:PORT|/dev/NAME")
      ->required();
  app.add_option("--seed", options.seed, "Chooses what happens to which frame")
      ->type_name("N")
      ->capture_default_str();
  const CLI::Range percent(0.0, 100.0);
  app.add_option("--loss", options.loss_percent, "Of 100 frames, so many are dropped")
      ->type_name("PERCENT")
      ->check(percent)
      ->capture_default_str();
  app.add_option("--duplicates", options.duplicates_percent, "So many arrive twice")
      ->type_name("PERCENT")
      ->check(percent)
      ->capture_default_str();
  app.add_option("--reorder", options.reorder_percent, "So many are overtaken by later ones")
      ->type_name("PERCENT")
      ->check(percent)
      ->capture_default_str();
  app.add_option("--reorder-by", options.reorder_by_ms, "So much later these come")
      ->type_name("MS")
      ->check(CLI::Range(0.0, 60'000.0))
      ->capture_default_str();
  app.add_option("--bit-errors", options.bit_errors, "Share of bits that are flipped, e.g. 1e-5")
      ->type_name("SHARE")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--latency", options.latency_ms, "Each frame takes so long")
      ->type_name("MS")
      ->check(CLI::Range(0.0, 60'000.0))
      ->capture_default_str();
  app.add_option("--jitter", options.jitter_ms, "And up to so much longer; overtakes nothing")
      ->type_name("MS")
      ->check(CLI::Range(0.0, 60'000.0))
      ->capture_default_str();
  app.add_option("--bandwidth",
                 options.bits_per_second,
                 "Bits per second in each direction, 10 for a byte as on a UART; 0: no limit")
      ->type_name("BITS")
      ->capture_default_str();
  app.add_option("--report",
                 options.report_s,
                 "Print the counters every so many seconds; 0: only at the end")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 86'400.0))
      ->capture_default_str();
  app.add_flag("--json", options.json, "Print as JSON, a line each; the first one has \"listen\"");
  app.footer(
      "Runs until SIGINT or SIGTERM, then prints the counters and ends.\n"
      "Exit codes:\n"
      "  0  stopped\n"
      "  1  could not listen\n"
      "  2  wrong usage\n"
      "Examples:\n"
      "  trib-linksim --connect tcp://127.0.0.1:7500 --loss 20 --duplicates 2 --reorder 5\n"
      "  trib-linksim --connect tcp://127.0.0.1:7500 --bandwidth 115200 --report 5 --json");
  return cli::ParseArguments(app, argc, argv);
}

/// @returns nothing, after saying why, when an endpoint is wrong.
std::optional<ProxyOptions> ToProxy(const Options& options) {
  std::string error;
  const auto listen = serial::ParseEndpoint(options.listen, serial::Use::kListen, error);
  if (!listen.ok() || listen->kind != serial::Endpoint::Kind::kTcp) {
    cli::PrintError(kProgram, "--listen: " + (listen.ok() ? "is a device; give TCP" : error));
    return std::nullopt;
  }
  const auto connect = serial::ParseEndpoint(options.connect, serial::Use::kConnect, error);
  if (!connect.ok()) {
    cli::PrintError(kProgram, "--connect: " + error);
    return std::nullopt;
  }
  return ProxyOptions{.listen = *listen,
                      .connect = *connect,
                      .seed = options.seed,
                      .air = {.loss = options.loss_percent / 100,
                              .duplicates = options.duplicates_percent / 100,
                              .reorder = options.reorder_percent / 100,
                              .bit_errors = options.bit_errors,
                              .latency = FromMs(options.latency_ms),
                              .jitter = FromMs(options.jitter_ms),
                              .reorder_by = FromMs(options.reorder_by_ms),
                              .bits_per_second = options.bits_per_second}};
}

void Print(const Options& options, const ProxyTotals& totals) {
  std::fputs(options.json ? (ToJson(totals).dump() + "\n").c_str() : ToText(totals).c_str(),
             stdout);
  (void)std::fflush(stdout);
}

int Main(const Options& options) {
  const cli::StopSignal stop;
  const auto proxy_options = ToProxy(options);
  if (!proxy_options) {
    return cli::kExitUsage;
  }
  std::string error;
  const auto proxy = Proxy::Open(*proxy_options, error);
  if (!proxy) {
    cli::PrintError(kProgram, error);
    return cli::kExitFailed;
  }
  if (options.json) {
    std::printf("%s\n", nlohmann::json{{"listen", proxy->endpoint()}}.dump().c_str());
  } else {
    std::printf("listening on %s\n", proxy->endpoint().c_str());
  }
  (void)std::fflush(stdout);
  const Time interval = FromMs(options.report_s * 1000);
  Time next = Now() + interval;
  while (proxy->Run(stop.fd(), options.report_s > 0 ? std::optional(next) : std::nullopt)) {
    Print(options, proxy->totals());
    next += interval;
  }
  Print(options, proxy->totals());
  return cli::kExitOk;
}

}  // namespace
}  // namespace trib::tools::linksim

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  namespace linksim = trib::tools::linksim;
  linksim::Options options;
  if (const auto code = linksim::Parse(argc, argv, options)) {
    return *code;
  }
  trib::host::logging::Configure(options.common.logging);
  return linksim::Main(options);
}
