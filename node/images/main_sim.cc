// trib-node: one node as a Linux process. docs: node/platform/sim/README.md, deploy/node.toml
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "board_twin.h"
#include "decision_tally.h"
#include "gateway_link.h"
#include "link_watch.h"
#include "node_run.h"
#include "sim_options.h"
#include "trib/common/base/random.h"
#include "trib/common/host/cli/daemon.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/cli/stop_signal.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/logging/log.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/node/app/loaded_package.h"
#include "trib/node/app/node_loop.h"
#include "trib/node/sim/file_flash.h"
#include "trib/node/sim/host_ports.h"
#include "trib/node/sim/paced_sensor.h"
#include "trib/node/sim/sim_clock.h"
#include "trib/node/sim/source.h"

namespace trib::node::images {
namespace {

namespace cli = host::cli;
namespace identity = host::identity;
using host::logging::Level;
using host::logging::Log;

// A sector holds the record of the longest activation.
constexpr std::uint32_t kSectorBytes = 20'480;
constexpr std::uint32_t kStateSectors = 2;
constexpr std::uint32_t kBacklogSectors = 100;  // 2 MB: days of events and sketches
constexpr std::size_t kWindowSamples = std::size_t{8} * 4096;
constexpr std::size_t kNetworkBytes = 65'536;
using Storage = app::NodeLoopStorage<kWindowSamples,
                                     kBacklogSectors,
                                     kSectorBytes,
                                     kNetworkBytes,
                                     message::kMaxActivationBytes>;
// How long a replay at full speed waits for somebody that it can ask.
constexpr Millis kWaitForSession{10'000};

struct Failure {
  int code = cli::kExitFailed;
  std::string text;
};

/// Prints all mistakes but the last one. @returns no samples, and a failure, when there is one.
sim::Source OpenSource(const SimOptions& options, Failure& failure) {
  std::vector<std::string> errors;
  sim::Source source = sim::OpenSource({.replay = options.replay,
                                        .machine = options.machine,
                                        .generate = options.generate,
                                        .phases = options.phases,
                                        .loop = options.loop},
                                       errors);
  for (std::size_t i = 0; i + 1 < errors.size(); ++i) {
    cli::PrintError("trib-node", errors[i]);
  }
  if (!errors.empty()) {
    failure = {cli::kExitUsage, errors.back()};
  }
  return source;
}

int Fail(const Failure& failure) {
  cli::PrintError("trib-node", failure.text);
  return failure.code;
}

bool LoadPackageFile(const SimOptions& options,
                     std::vector<std::byte>& file,
                     std::vector<crypto::PublicKey>& keys,
                     Failure& failure) {
  for (const std::string& argument : options.package_keys) {
    std::string error;
    const auto key = identity::ParsePublicKeyArgument(argument, &error);
    if (!key.ok()) {
      failure = {cli::kExitUsage, "--package-key: " + error};
      return false;
    }
    keys.push_back(*key);
  }
  if (options.package.empty()) {
    return true;
  }
  std::ifstream in(options.package, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (!in || bytes.empty()) {
    failure = {cli::kExitUsage, "--package: cannot read " + options.package};
    return false;
  }
  const auto view = std::as_bytes(std::span(bytes));
  file.assign(view.begin(), view.end());
  return true;
}

/// Whether another doubtful window could not be asked about now, but soon can.
bool MustWaitToAsk(const app::NodeLoop& loop, Millis since_begin) {
  const auto& network = loop.package().network;
  if (!network || !network->split) {
    return false;
  }
  return loop.in_session() ? loop.open_questions() >= cascade::Questions::kMost
                           : since_begin < kWaitForSession;
}

/// Samples from a recording or a simulated machine, at a pace.
class PacedNode final : public RunningNode {
 public:
  /// `may_hold`: samples may wait for the gateway.
  PacedNode(app::NodeLoop& loop, sim::PacedSensor& sensor, Clock& clock, bool may_hold)
      : loop_(loop),
        sensor_(sensor),
        clock_(clock),
        may_hold_(may_hold),
        begun_(clock.Monotonic()) {}

  Millis Step() override {
    // At full speed the gateway sets the pace: a backlog that fills would drop what a machine in
    // real time would have had time to send.
    sensor_.Hold(may_hold_ && (loop_.backlog_metrics().record_bytes > 262'144 ||
                               MustWaitToAsk(loop_, clock_.Monotonic() - begun_)));
    const Millis sleep = loop_.Step();
    if (sleep <= Millis(0)) {
      return sleep;
    }
    const Millis until = loop_.source_ended() ? sleep : std::min(sleep, sensor_.UntilReady());
    return std::max(until, Millis(1));
  }
  [[nodiscard]] const app::NodeLoop& loop() const override { return loop_; }
  [[nodiscard]] std::string_view label() const override { return sensor_.label(); }
  [[nodiscard]] bool failed() const override { return !sensor_.failure().ok(); }

 private:
  app::NodeLoop& loop_;
  sim::PacedSensor& sensor_;
  Clock& clock_;
  const bool may_hold_;
  const MonotonicTime begun_;
};

/// Adds what --inject asks for.
bool ParseInjections(const SimOptions& options,
                     std::vector<sim::InjectedFault>& faults,
                     std::vector<sim::InjectedDrift>& drifts,
                     Failure& failure) {
  for (const std::string& text : options.inject) {
    const auto fault = sim::ParseInjectedFault(text);
    const auto drift = sim::ParseInjectedDrift(text);
    if (fault.ok()) {
      faults.push_back(*fault);
    } else if (drift.ok()) {
      drifts.push_back(*drift);
    } else {
      failure = {cli::kExitUsage,
                 "--inject: '" + text +
                     (drift.status().code() == Code::kOutOfRange
                          ? "': a gain is 0 to 100, an offset up to 1000000 either way, noise not "
                            "below 0"
                          : "' is neither like stuck@30..40 nor like gain:1.2@30..90 (--help lists "
                            "the kinds)")};
      return false;
    }
  }
  return true;
}

/// Reads all that the options name, as a start would, and touches nothing.
int CheckConfig(const SimOptions& options) {
  std::vector<std::string> errors;
  Failure failure;
  const auto note = [&](bool good) {
    if (!good) {
      errors.push_back(failure.text);
    }
    return good;
  };
  std::vector<std::byte> file;
  std::vector<crypto::PublicKey> pinned;
  std::vector<sim::InjectedFault> faults;
  std::vector<sim::InjectedDrift> drifts;
  const bool packaged = note(LoadPackageFile(options, file, pinned, failure));
  const std::unique_ptr<sim::SampleSource> source = OpenSource(options, failure).samples;
  (void)note(source != nullptr);
  (void)note(ParseInjections(options, faults, drifts, failure));
  (void)note(GatewayLink::Check(options, failure.text));
  if (packaged && source != nullptr && !file.empty()) {
    app::LoadedPackage loaded;
    const Status status = app::LoadPackage(file,
                                           pinned,
                                           app::NodeConfig().hardware_class,
                                           {source->sample_rate_hz(), source->channels()},
                                           Storage::kRoom,
                                           loaded);
    failure.text = "--package: " + options.package + ": refused: " +
                   std::string(package::ReasonName(static_cast<package::Reason>(status.reason())));
    (void)note(status.ok());
  }
  return cli::ReportConfigErrors("trib-node", errors, options.json);
}

int Main(const SimOptions& options) {
  const cli::StopSignal stop;
  Failure failure;
  std::vector<std::byte> package_file;  // a network stays in it: it outlives the loop
  std::vector<crypto::PublicKey> package_keys;
  if (!LoadPackageFile(options, package_file, package_keys, failure)) {
    return Fail(failure);
  }
  sim::Source source = OpenSource(options, failure);
  if (source.samples == nullptr) {
    return Fail(failure);
  }
  sim::PacedSensor::Options pacing;
  pacing.faults = std::move(source.faults);
  pacing.drifts = std::move(source.drifts);
  pacing.seed = SplitMix64::Mix(options.id) ^ options.seed;
  pacing.pace = options.pace;
  if (!ParseInjections(options, pacing.faults, pacing.drifts, failure)) {
    return Fail(failure);
  }

  const auto wall =
      std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch());
  sim::SimClock clock({.start = LogicalTime(wall), .synchronised = true, .pace = options.pace});
  GatewayLink gateway;
  if (!gateway.Open(options, clock, failure.text)) {
    failure.code = cli::kExitUsage;
    return Fail(failure);
  }
  sim::FileFlash::Options flash_options;
  flash_options.geometry.sector_bytes = kSectorBytes;
  flash_options.geometry.sector_count = kStateSectors + kBacklogSectors;
  flash_options.sync = !options.no_sync;
  auto flash = sim::FileFlash::Open(options.state, flash_options, failure.text);
  if (!flash.ok()) {
    failure.text = "--state: " + failure.text;
    return Fail(failure);
  }

  sim::PacedSensor sensor(std::move(source.samples), clock, pacing);
  host::zmq::Poller poller;
  (void)poller.AddFd(stop.fd());
  gateway.AddTo(poller);
  sim::SimPower power((*flash)->created() ? ResetCause::kPowerOn : ResetCause::kSoftware,
                      [&poller, &gateway](Millis limit) {
                        poller.Wait(std::max(std::min(limit, gateway.Settle()), Millis(1)));
                      });
  sim::SystemEntropy entropy;
  sim::LogActuator actuator;
  sim::SimWatchdog watchdog;

  app::NodeConfig config;
  config.node = NodeId(options.id);
  config.state_region = {.first = SectorIndex(0), .sectors = kStateSectors};
  config.backlog_region = {.first = SectorIndex(kStateSectors), .sectors = kBacklogSectors};
  config.seed = options.seed;
  // A slow replay gives samples rarely, and so does one in bursts; one at full speed may be held
  // back at will.
  const auto silence_ms = static_cast<double>(source.pause.count() + 10'000);
  config.sensor_silence =
      options.pace <= 0
          ? Millis(86'400'000)
          : Millis(static_cast<std::int64_t>(silence_ms / std::min(1.0, options.pace)));
  DecisionTally tally(sensor);
  const auto storage = std::make_unique<Storage>();
  const auto loop = std::make_unique<app::NodeLoop>(
      app::NodePorts{
          clock, sensor, gateway.link(), **flash, watchdog, actuator, entropy, power, &tally},
      config,
      storage->memory());
  const Status started = loop->Start(package_file, package_keys);
  if (started.code() == Code::kAlreadyExists) {
    return Fail({cli::kExitFailed,
                 options.state + " is the state of another node than " +
                     std::to_string(options.id) + "; give that node's --id, or another --state"});
  }
  if (!started.ok()) {
    return Fail(
        {cli::kExitFailed,
         "cannot start on " + options.state + ": " + std::string(CodeName(started.code()))});
  }
  if (!loop->package_status().ok()) {
    Log(Level::kWarn,
        "app",
        "package refused: ",
        package::ReasonName(static_cast<package::Reason>(loop->package_status().reason())),
        "; the node runs by its built-in rules");
  }
  Log(Level::kInfo, "app", "node ", options.id, ", boot ", loop->identity().boot);
  PacedNode node(*loop, sensor, clock, options.pace <= 0 && options.connected());
  return Run(options, node, tally, clock, power, gateway, stop);
}

}  // namespace
}  // namespace trib::node::images

// NOLINTNEXTLINE(bugprone-exception-escape): what nobody caught ends the program, loudly.
int main(int argc, char** argv) {
  trib::node::images::SimOptions options;
  if (const auto code = trib::node::images::ParseSimOptions(argc, argv, options)) {
    return *code;
  }
  trib::host::logging::Configure(options.common.logging);
  if (!options.board_memory.empty()) {
    return trib::node::images::RunBoardTwin(options);
  }
  return options.check_config ? trib::node::images::CheckConfig(options)
                              : trib::node::images::Main(options);
}
