#include "node_run.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "link_watch.h"
#include "node_report.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/logging/log.h"

namespace trib::node::images {
namespace {

namespace cli = host::cli;
using host::logging::Level;
using host::logging::Log;

/// Looks at the link, and says in the log when it has changed.
void Watch(LinkWatch& watch, GatewayLink& gateway, std::uint64_t records_waiting) {
  if (watch.Update(
          gateway.state(), gateway.received(), records_waiting, std::chrono::steady_clock::now())) {
    Log(watch.good() ? Level::kInfo : Level::kWarn, "link", watch.Explain());
  }
}

/// The exit code once everything is acknowledged, or the time for that is over. `since_end`: how
/// long ago the recording ended.
std::optional<int> ExitWhenDrained(const SimOptions& options,
                                   const app::NodeLoop& loop,
                                   const LinkWatch& watch,
                                   Millis since_end) {
  if (!options.connected() || loop.finished()) {
    return cli::kExitOk;
  }
  if (since_end > Millis(static_cast<std::int64_t>(options.drain_timeout_s * 1000))) {
    cli::PrintError("trib-node",
                    std::to_string(loop.backlog_metrics().records) +
                        " records were not acknowledged in time; they stay in " + options.state +
                        "; " + watch.Explain());
    return cli::kExitFailed;
  }
  return std::nullopt;
}

}  // namespace

int Run(const SimOptions& options,
        RunningNode& node,
        const DecisionTally& tally,
        Clock& clock,
        sim::SimPower& power,
        GatewayLink& gateway,
        const cli::StopSignal& stop) {
  const app::NodeLoop& loop = node.loop();
  AckLatency latency;
  LinkWatch watch = options.serial.empty()
                        ? LinkWatch(options.gateway, options.id)
                        : LinkWatch(options.serial, options.id, LinkWatch::Way::kSerial);
  MonotonicTime next_report = clock.Monotonic();
  std::optional<MonotonicTime> ended;
  std::optional<int> exit;
  while (!exit && !stop.requested()) {
    const Millis sleep = node.Step();
    const MonotonicTime now = clock.Monotonic();
    Watch(watch, gateway, loop.backlog_metrics().records);
    latency.Note(loop.metrics().records, loop.uplink_metrics().acknowledged, now);
    if (options.report_s > 0 && now >= next_report) {
      next_report = now + Millis(static_cast<std::int64_t>(options.report_s * 1000));
      Print(options, Report(options, loop, node.label(), tally, latency, watch));
    }
    if (loop.source_ended()) {
      ended = ended.value_or(now);
      if (options.exit_when_done) {
        exit = ExitWhenDrained(options, loop, watch, now - *ended);
      }
    }
    if (!exit && sleep > Millis(0)) {
      power.Sleep(sleep);
    }
  }
  Print(options, Report(options, loop, node.label(), tally, latency, watch));
  if (node.failed()) {
    cli::PrintError("trib-node", "the recording could not be read to its end");
    return cli::kExitFailed;
  }
  const int code = exit.value_or(cli::kExitOk);
  return code == cli::kExitOk && !loop.package_status().ok() ? cli::kExitDegraded : code;
}

}  // namespace trib::node::images
