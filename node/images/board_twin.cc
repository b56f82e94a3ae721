#include "board_twin.h"

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "board_node.h"
#include "gateway_link.h"
#include "node_run.h"
#include "trib/common/host/cli/daemon.h"
#include "trib/common/host/cli/program.h"
#include "trib/common/host/cli/stop_signal.h"
#include "trib/common/host/logging/log.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/node/board/seeded_entropy.h"
#include "trib/node/sim/board_file.h"
#include "trib/node/sim/sim_clock.h"

namespace trib::node::images {
namespace {

namespace cli = host::cli;
using host::logging::Level;
using host::logging::Log;

struct Twin {
  BoardStorage storage;
  alignas(16) std::array<std::byte, board::kNetworkBytes> arena{};
};

class TwinNode final : public RunningNode {
 public:
  explicit TwinNode(BoardNode& node) : node_(node) {}
  Millis Step() override { return node_.Step(); }
  [[nodiscard]] const app::NodeLoop& loop() const override { return node_.loop(); }
  [[nodiscard]] std::string_view label() const override { return {}; }
  [[nodiscard]] bool failed() const override { return false; }

 private:
  BoardNode& node_;
};

int Fail(int code, const std::string& text) {
  cli::PrintError("trib-node", text);
  return code;
}

/// What is wrong with the memory in `path`; empty when nothing is.
std::string Problem(const std::string& path, BoardMemory::Part part, Status status) {
  const std::string name = part == BoardMemory::Part::kIdentity ? "identity page" : "sensor memory";
  return status.ok() ? std::string()
                     : "--board-memory: " + path + ": its " + name +
                           (status.code() == Code::kNotFound ? " is blank" : " is broken") +
                           "; trib board inspect tells more";
}

int Start(const SimOptions& options,
          const BoardMemory& memory,
          sim::BoardFile& file,
          Clock& clock,
          GatewayLink& gateway) {
  const cli::StopSignal stop;
  host::zmq::Poller poller;
  (void)poller.AddFd(stop.fd());
  gateway.AddTo(poller);
  sim::MappedFlash flash(file.writable(board::kFlashArea),
                         {.sector_bytes = board::kFlashSectorBytes,
                          .sector_count = board::kStateSectors + board::kBacklogSectors,
                          .program_unit_bytes = board::kProgramUnitBytes});
  sim::MappedFlash seeds(file.writable(board::kEntropyArea),
                         {.sector_bytes = board::kEntropySectorBytes,
                          .sector_count = board::kEntropyArea.bytes / board::kEntropySectorBytes,
                          .program_unit_bytes = board::kProgramUnitBytes});
  sim::SimPower power(
      flash.blank() ? ResetCause::kPowerOn : ResetCause::kSoftware,
      [&poller, &gateway](Millis limit) {
        poller.Wait(std::max(std::min(limit, gateway.Settle()), Millis(1)));
      },
      kBoardPeripherals);
  sim::SimWatchdog watchdog;
  sim::LogActuator actuator;
  board::SeededEntropy entropy(seeds);
  const auto twin = std::make_unique<Twin>();
  const auto node = std::make_unique<BoardNode>(
      memory,
      file.board(),
      BoardPorts{clock, gateway.link(), flash, watchdog, actuator, entropy, power},
      twin->storage,
      twin->arena);
  const Status started = node->Start();
  if (!started.ok()) {
    return Fail(cli::kExitFailed,
                "cannot start on " + options.state + ": " + std::string(CodeName(started.code())));
  }
  const app::NodeLoop& loop = node->loop();
  if (!loop.package_status().ok()) {
    Log(Level::kWarn,
        "app",
        "package refused: ",
        package::ReasonName(static_cast<package::Reason>(loop.package_status().reason())),
        "; the node runs by its built-in rules");
  }
  Log(Level::kInfo, "app", "node ", options.id, ", boot ", loop.identity().boot);
  TwinNode running(*node);
  return Run(options, running, DecisionTally(), clock, power, gateway, stop);
}

}  // namespace

int RunBoardTwin(SimOptions options) {
  std::string error;
  const auto file = sim::BoardFile::Open(options.board_memory, error);
  if (!file.ok()) {
    return Fail(cli::kExitUsage, "--board-memory: " + error);
  }
  BoardMemory::Part part{};
  const auto memory = BoardMemory::Open((*file)->memory(), part);
  std::vector<std::string> errors;
  if (!memory.ok()) {
    errors.push_back(Problem(options.board_memory, part, memory.status()));
  }
  if (!GatewayLink::Check(options, error)) {
    errors.push_back(error);
  }
  if (options.check_config || !errors.empty()) {
    const int code = cli::ReportConfigErrors("trib-node", errors, options.json);
    return options.check_config || errors.empty() ? code : cli::kExitUsage;
  }
  options.id = memory->identity.node.value();
  options.serial_mtu = memory->identity.mtu;
  options.state = options.board_memory;
  sim::WorldClock clock;
  GatewayLink gateway;
  if (!gateway.Open(options, clock, error)) {
    return Fail(cli::kExitUsage, error);
  }
  return Start(options, *memory, **file, clock, gateway);
}

}  // namespace trib::node::images
