#pragma once

#include <string_view>

#include "decision_tally.h"
#include "gateway_link.h"
#include "sim_options.h"
#include "trib/common/host/cli/stop_signal.h"
#include "trib/node/app/node_loop.h"
#include "trib/node/ports/clock.h"
#include "trib/node/sim/host_ports.h"

namespace trib::node::images {

/// A node that was started, as the main loop drives it.
class RunningNode {
 public:
  virtual ~RunningNode() = default;
  /// One round. @returns how long to sleep unless something comes; 0: not at all.
  virtual Millis Step() = 0;
  [[nodiscard]] virtual const app::NodeLoop& loop() const = 0;
  /// What is true of the samples now; "" when nobody knows.
  [[nodiscard]] virtual std::string_view label() const = 0;
  /// The source could not be read to its end.
  [[nodiscard]] virtual bool failed() const = 0;
};

/// The main loop: steps, sleeps, reports, until it is told to stop or is done.
/// @returns the exit code.
int Run(const SimOptions& options,
        RunningNode& node,
        const DecisionTally& tally,
        Clock& clock,
        sim::SimPower& power,
        GatewayLink& gateway,
        const host::cli::StopSignal& stop);

}  // namespace trib::node::images
