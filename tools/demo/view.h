#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace trib::tools::demo {

/// What the demo knows at one moment, as the processes reported it.
struct Snapshot {
  struct Node {
    std::uint64_t gateway = 0;
    nlohmann::json report = nlohmann::json::object();  ///< newest line of trib-node --json
    bool running = true;
    std::optional<std::uint64_t> stored;  ///< rows of the node in the store, counted at the end
    std::string board = {};               ///< that it is on; empty: a process
    bool pump = false;                    ///< of the part that shows drift: not in the table
    std::optional<std::int64_t> drift_ms = {};  ///< wall clock when its sensor began to drift
    std::optional<double> delay_s = {};         ///< from then until an alarm that names it
    std::string cause = {};                     ///< that it names, with its p
  };
  /// Of the pumps, whose time passes `pace` times as fast as ours.
  struct Drift {
    double pace = 0;
    double block_s = 0;  ///< of our time
    std::string gain;    ///< what a drifting sensor reads, relative to before
    nlohmann::json status = nlohmann::json::object();  ///< what drift.status answered
    nlohmann::json alarms = nlohmann::json::array();   ///< all that were raised
    std::set<std::string> others;  ///< nodes that an alarm names although nothing drifts there
  };
  struct Gateway {
    nlohmann::json stats = nlohmann::json::object();
    bool running = true;
    std::string state = "up";  ///< or "frozen", "killed"
  };
  std::map<std::uint64_t, Node> nodes;
  std::map<std::uint64_t, Gateway> gateways;
  nlohmann::json cloud = nlohmann::json::object();
  Drift drift;
  double elapsed_s = 0;
  std::string phase;
  std::uint64_t in_flight = 0;  ///< records on their way to the gateway when it was killed
};

/// Totals over all nodes and the store, the pumps' records among them; the keys are those of
/// `--json`.
struct Totals {
  std::uint64_t windows = 0;
  std::uint64_t events = 0;
  std::uint64_t faults = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_raw = 0;
  std::uint64_t energy_uj = 0;
  std::uint64_t records_sent = 0;
  std::uint64_t records_dropped = 0;
  std::uint64_t records_stored = 0;
  std::uint64_t records_lost = 0;
  std::uint64_t records_duplicated = 0;
  std::uint64_t duplicates_ignored = 0;
  std::uint64_t in_flight_at_kill = 0;
  // Of good windows after commissioning.
  std::map<std::string, std::uint64_t> exits;  ///< by the tier whose decision stands
  std::uint64_t deferred = 0;
  std::uint64_t timeouts = 0;   ///< deferred, but nobody answered in time
  std::uint64_t not_asked = 0;  ///< unsure, but nobody could be asked
  std::uint64_t verdicts = 0;
  double verdict_ms_mean = 0;
  std::uint64_t verdict_ms_max = 0;
  std::uint64_t verdict_ms_p50 = 0;  ///< upper bound of the bin that it lies in; 0 = none
  std::uint64_t verdict_ms_p99 = 0;
  // Against the recordings' labels; windows that rules decided are not among them.
  std::uint64_t judged = 0;
  std::uint64_t right_kind = 0;   ///< the label is the recording's
  std::uint64_t right_fault = 0;  ///< fault or no fault is
  std::uint64_t boards = 0;       ///< nodes that are on one
  // Of drift. Windows, bytes, energy and decisions above are without the pumps.
  std::uint64_t drift_pumps = 0;
  std::uint64_t drift_nodes = 0;   ///< whose sensors have begun to drift
  std::uint64_t drift_alarms = 0;  ///< raised
  std::uint64_t drift_named = 0;   ///< drifting nodes that an alarm names
  std::uint64_t drift_others = 0;  ///< other nodes that one names
  double drift_delay_s = 0;        ///< the longest from a drift to its alarm; 0 = none

  [[nodiscard]] nlohmann::json ToJson() const;
};

Totals Sum(const Snapshot& snapshot);

/// E.g. "trigger 812, classifier 143, gateway 12, cloud 3".
std::string ExitsLine(const Totals& totals);

/// The live table: 80 columns, or `wide` with more of each node. `color` allows escape codes for
/// colour; the caller moves the cursor.
std::string Render(const Snapshot& snapshot, bool wide, bool color);
/// The closing summary for a person.
std::string Summary(const Totals& totals, bool color);

}  // namespace trib::tools::demo
