#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
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
  };
  struct Gateway {
    nlohmann::json stats = nlohmann::json::object();
    bool running = true;
    std::string state = "up";  ///< or "frozen", "killed"
  };
  std::map<std::uint64_t, Node> nodes;
  std::map<std::uint64_t, Gateway> gateways;
  nlohmann::json cloud = nlohmann::json::object();
  double elapsed_s = 0;
  std::string phase;
  std::uint64_t in_flight = 0;  ///< records on their way to the gateway when it was killed
};

/// Totals over all nodes and the store; the keys are those of `--json`.
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
