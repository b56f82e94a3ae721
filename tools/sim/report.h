#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "alarms.h"
#include "deployment.h"
#include "exactness.h"
#include "fleet_run.h"
#include "scenario.h"

namespace trib::tools::sim {

/// Real time of the parts of a run.
struct WallTimes {
  double start_s = 0;  ///< until all nodes were connected
  double run_s = 0;    ///< the scenario, draining included
  double end_s = 0;    ///< until every spool was empty and all processes had ended
  std::string load_before;
  std::string load_after;
};

/// The report of a run (docs/formats/scenario.md). Two runs of one scenario give the same, except
/// for what is under "wall".
nlohmann::json MakeReport(const Scenario& scenario,
                          const FleetRun& run,
                          const AlarmReport& alarms,
                          const Exactness& exactness,
                          const Deployment::GatewayTotals& gateways,
                          const WallTimes& wall);

/// The same for people.
std::string ReportText(const nlohmann::json& report);

}  // namespace trib::tools::sim
