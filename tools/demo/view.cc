#include "view.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "trib/common/host/cli/output.h"

namespace trib::tools::demo {
namespace {

using host::cli::Align;
using host::cli::Color;
using host::cli::HumanBytes;
using nlohmann::json;

std::uint64_t Number(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_number() ? it->get<std::uint64_t>() : 0;
}

json Part(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() ? *it : json::object();
}

std::string Text(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "-";
}

std::string Fixed(double value, int digits) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.*f", digits, value);
  return buffer;
}

std::string Ratio(std::uint64_t raw, std::uint64_t sent) {
  return sent == 0 ? "-" : "1/" + Fixed(static_cast<double>(raw) / static_cast<double>(sent), 0);
}

/// Null where nothing was judged.
json Share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? json() : json(static_cast<double>(part) / static_cast<double>(whole));
}

/// Tiers in the order of the flow. Rules decide only where no model does.
constexpr std::array<const char*, 4> kTiers = {"trigger", "classifier", "gateway", "cloud"};

void AddExits(const json& report, Totals& totals) {
  const json exits = Part(report, "exits");
  for (const char* tier : kTiers) {
    totals.exits[tier] += Number(exits, tier);
  }
  totals.deferred += Number(report, "deferred");
  totals.timeouts += Number(report, "timeouts");
  totals.not_asked += Number(report, "not_asked");
}

void AddTruth(const json& report, Totals& totals) {
  const json confusion = Part(report, "confusion");
  for (const auto& [truth, labels] : confusion.items()) {
    for (const auto& [label, tiers] : labels.items()) {
      for (const char* tier : kTiers) {
        const std::uint64_t windows = Number(tiers, tier);
        totals.judged += windows;
        totals.right_kind += label == truth ? windows : 0;
        totals.right_fault += (label == "normal") == (truth == "normal") ? windows : 0;
      }
    }
  }
}

/// Adds up the nodes' histograms of how long a verdict took.
class VerdictTimes {
 public:
  void Add(const json& latency) {
    count_ += Number(latency, "count");
    sum_ += Number(latency, "sum");
    max_ = std::max(max_, Number(latency, "max"));
    // Nodes that ask nobody do not tell any.
    if (const json bounds = Part(latency, "bounds"); !bounds.empty()) {
      bounds_ = bounds;
    }
    const json bins = Part(latency, "bins");
    bins_.resize(std::max(bins_.size(), bins.size()));
    for (std::size_t i = 0; bins.is_array() && i < bins.size(); ++i) {
      bins_[i] += bins[i].get<std::uint64_t>();
    }
  }
  void Give(Totals& totals) const {
    totals.verdicts = count_;
    totals.verdict_ms_mean =
        count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
    totals.verdict_ms_max = max_;
    totals.verdict_ms_p50 = Below(0.50);
    totals.verdict_ms_p99 = Below(0.99);
  }

 private:
  /// What the share of the verdicts stayed below.
  [[nodiscard]] std::uint64_t Below(double share) const {
    std::uint64_t seen = 0;
    for (std::size_t i = 0; count_ > 0 && i < bins_.size(); ++i) {
      seen += bins_[i];
      if (static_cast<double>(seen) >= share * static_cast<double>(count_)) {
        return i < bounds_.size() ? std::min(bounds_[i].get<std::uint64_t>(), max_) : max_;
      }
    }
    return 0;
  }

  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
  std::vector<std::uint64_t> bins_;
  json bounds_;
};

std::string Percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0
             ? "-"
             : Fixed(100.0 * static_cast<double>(part) / static_cast<double>(whole), 1) + " %";
}

std::string VerdictLine(const Totals& t) {
  if (t.verdicts == 0) {
    return "none yet";
  }
  return std::to_string(t.verdicts) + ", half within " + std::to_string(t.verdict_ms_p50) +
         " ms, 99 % within " + std::to_string(t.verdict_ms_p99) + " ms";
}

std::string TruthLine(const Totals& t) {
  if (t.judged == 0) {
    return "no labelled window yet";
  }
  return "fault or not " + Percent(t.right_fault, t.judged) + ", which fault " +
         Percent(t.right_kind, t.judged) + " of " + std::to_string(t.judged) +
         " windows after commissioning";
}

std::string DriftLine(const Totals& t) {
  if (t.drift_nodes == 0) {
    return "no sensor drifts yet";
  }
  return std::to_string(t.drift_nodes) + " of " + std::to_string(t.drift_pumps) +
         " pumps' sensors drifted, " + std::to_string(t.drift_named) + " named by " +
         std::to_string(t.drift_alarms) + " alarms" +
         (t.drift_named == 0 ? "" : " within " + Fixed(t.drift_delay_s, 1) + " s") +
         (t.drift_others == 0 ? ""
                              : "; " + std::to_string(t.drift_others) + " more that did not drift");
}

/// What the pumps and those who watch them are at.
std::string DriftState(const Snapshot& snapshot, const Totals& totals) {
  const Snapshot::Drift& drift = snapshot.drift;
  const json options = Part(drift.status, "options");
  const std::uint64_t watched = Number(Part(drift.status, "nodes"), "watched");
  const std::string pumps =
      std::to_string(totals.drift_pumps) + " pumps at " + Fixed(drift.pace, 0) + " x time: ";
  if (watched < totals.drift_pumps) {
    return pumps + std::to_string(totals.drift_pumps - watched) + " learn from " +
           std::to_string(Number(options, "reference_blocks")) + " blocks of " +
           Fixed(drift.block_s, 1) + " s";
  }
  const std::uint64_t blocks =
      Number(options, "week_ms") / std::max<std::uint64_t>(1, Number(options, "block_ms"));
  return pumps + "watched, a block is " + Fixed(drift.block_s, 1) +
         " s; false alarms allowed: " + std::to_string(Number(options, "budget_per_week")) +
         " in " + std::to_string(blocks) + " blocks";
}

/// The part of the picture that is about drift: nothing without pumps.
std::string RenderDrift(const Snapshot& snapshot, const Totals& totals, bool color) {
  if (totals.drift_pumps == 0) {
    return {};
  }
  std::string out = "\ndrift       " + DriftState(snapshot, totals) + "\n";
  for (const auto& [id, node] : snapshot.nodes) {
    if (!node.drift_ms) {
      continue;
    }
    out += "node " + std::to_string(id) + "    reads " + snapshot.drift.gain + " times as much: ";
    out += node.delay_s ? host::cli::Paint(
                              "alarm after " + Fixed(*node.delay_s, 1) + " s", Color::kRed, color) +
                              ", cause " + node.cause
                        : std::string("no alarm yet");
    out += "\n";
  }
  return out;
}

Color StateColor(const std::string& state) {
  if (state == "alarm") {
    return Color::kRed;
  }
  if (state == "normal") {
    return Color::kGreen;
  }
  return state == "commissioning" ? Color::kDim : Color::kYellow;
}

}  // namespace

json Totals::ToJson() const {
  return {{"windows", windows},
          {"events", events},
          {"faults", faults},
          {"bytes_sent", bytes_sent},
          {"bytes_raw", bytes_raw},
          {"energy_uj", energy_uj},
          {"records_sent", records_sent},
          {"records_dropped", records_dropped},
          {"records_stored", records_stored},
          {"records_lost", records_lost},
          {"records_duplicated", records_duplicated},
          {"duplicates_ignored", duplicates_ignored},
          {"in_flight_at_kill", in_flight_at_kill},
          {"exits", exits},
          {"deferred", deferred},
          {"timeouts", timeouts},
          {"not_asked", not_asked},
          {"verdicts", verdicts},
          {"verdict_ms_mean", verdict_ms_mean},
          {"verdict_ms_p50", verdict_ms_p50},
          {"verdict_ms_p99", verdict_ms_p99},
          {"verdict_ms_max", verdict_ms_max},
          {"windows_judged", judged},
          {"accuracy", Share(right_kind, judged)},
          {"accuracy_fault", Share(right_fault, judged)},
          {"boards", boards},
          {"drift_pumps", drift_pumps},
          {"drift_nodes", drift_nodes},
          {"drift_alarms", drift_alarms},
          {"drift_named", drift_named},
          {"drift_others", drift_others},
          {"drift_delay_s", drift_named == 0 ? json() : json(drift_delay_s)}};
}

namespace {

/// What a node did; the pumps are not part of it.
void AddWork(const json& report, VerdictTimes& times, Totals& totals) {
  AddExits(report, totals);
  AddTruth(report, totals);
  times.Add(Part(report, "verdict_ms"));
  totals.windows += Number(report, "windows");
  totals.events += Number(report, "events");
  totals.faults += Number(report, "faults");
  totals.bytes_sent += Number(report, "bytes_sent");
  totals.bytes_raw += Number(report, "bytes_raw");
  totals.energy_uj += Number(report, "energy_uj");
}

void AddDrift(const Snapshot::Node& node, Totals& totals) {
  totals.drift_pumps += node.pump ? 1U : 0U;
  totals.drift_nodes += node.drift_ms ? 1U : 0U;
  totals.drift_named += node.delay_s ? 1U : 0U;
  totals.drift_delay_s = std::max(totals.drift_delay_s, node.delay_s.value_or(0));
}

void AddRecords(const Snapshot::Node& node, Totals& totals) {
  const std::uint64_t made = Number(node.report, "records");
  totals.records_sent += made;
  totals.records_dropped += Number(node.report, "records_dropped");
  if (node.stored) {
    // Of each node on its own: one node's loss must not hide behind another's excess. A dropped
    // record is a lost one here; the demo gives no reason to drop any.
    totals.records_lost += made - std::min(made, *node.stored);
    totals.records_duplicated += *node.stored - std::min(made, *node.stored);
  }
}

}  // namespace

Totals Sum(const Snapshot& snapshot) {
  Totals totals;
  VerdictTimes times;
  for (const auto& [id, node] : snapshot.nodes) {
    if (!node.pump) {
      AddWork(node.report, times, totals);
    }
    totals.boards += node.board.empty() ? 0U : 1U;
    AddDrift(node, totals);
    AddRecords(node, totals);
  }
  totals.drift_alarms = snapshot.drift.alarms.size();
  totals.drift_others = snapshot.drift.others.size();
  totals.records_stored = Number(snapshot.cloud, "records_stored");
  totals.duplicates_ignored = Number(snapshot.cloud, "records_duplicated");
  totals.in_flight_at_kill = snapshot.in_flight;
  times.Give(totals);
  return totals;
}

std::string ExitsLine(const Totals& totals) {
  std::string text;
  for (const char* tier : kTiers) {
    const auto found = totals.exits.find(tier);
    text += (text.empty() ? "" : ", ") + std::string(tier) + " " +
            std::to_string(found != totals.exits.end() ? found->second : 0);
  }
  return text;
}

namespace {

/// Of all nodes but the pumps. With boards there is a column of what a node runs on, and in 80
/// columns none of how much less is sent.
std::string RenderNodes(const Snapshot& snapshot, bool wide, bool color) {
  const bool boards = Sum(snapshot).boards > 0;
  const bool ratio = wide || !boards;
  std::vector<host::cli::Table::Column> columns = {{"node"}, {"gw"}};
  if (boards) {
    columns.push_back({"on"});
  }
  columns.insert(columns.end(),
                 {{"state"}, {"machine"}, {"events", Align::kRight}, {"sent", Align::kRight}});
  if (ratio) {
    columns.push_back({"of raw", Align::kRight});
  }
  columns.insert(columns.end(),
                 {{"made", Align::kRight}, {"waiting", Align::kRight}, {"stored", Align::kRight}});
  if (wide) {
    columns.insert(columns.end(),
                   {{"windows", Align::kRight}, {"energy", Align::kRight}, {"ack", Align::kRight}});
  }
  host::cli::Table nodes(columns);
  for (const auto& [id, node] : snapshot.nodes) {
    if (node.pump) {
      continue;
    }
    const json& r = node.report;
    const std::string state = Text(r, "state");
    host::cli::Table::Cell stored("-");
    if (node.stored) {
      stored = {std::to_string(*node.stored),
                *node.stored == Number(r, "records") ? Color::kGreen : Color::kRed};
    }
    std::vector<host::cli::Table::Cell> cells = {std::to_string(id), std::to_string(node.gateway)};
    if (boards) {
      cells.emplace_back(node.board.empty() ? "linux" : node.board);
    }
    cells.insert(cells.end(),
                 {{node.running ? state : state + ", ended", StateColor(state)},
                  Text(r, "label"),
                  std::to_string(Number(r, "events")),
                  HumanBytes(Number(r, "bytes_sent"))});
    if (ratio) {
      cells.emplace_back(Ratio(Number(r, "bytes_raw"), Number(r, "bytes_sent")));
    }
    cells.insert(
        cells.end(),
        {std::to_string(Number(r, "records")), std::to_string(Number(r, "backlog")), stored});
    if (wide) {
      cells.insert(cells.end(),
                   {std::to_string(Number(r, "windows")),
                    Fixed(static_cast<double>(Number(r, "energy_uj")) / 1000.0, 1) + " mJ",
                    std::to_string(Number(r, "ack_ms_p50")) + " ms"});
    }
    nodes.Add(std::move(cells));
  }
  return nodes.ToText(color);
}

}  // namespace

std::string Render(const Snapshot& snapshot, bool wide, bool color) {
  host::cli::Table tiers({{"tier"},
                          {"state"},
                          {"records", Align::kRight},
                          {"resent", Align::kRight},
                          {"spool", Align::kRight}});
  for (const auto& [id, gateway] : snapshot.gateways) {
    tiers.Add({"gateway " + std::to_string(id),
               {gateway.state, gateway.running ? Color::kGreen : Color::kRed},
               std::to_string(Number(Part(gateway.stats, "link"), "accepted")),
               std::to_string(Number(Part(gateway.stats, "link"), "duplicates")),
               std::to_string(Number(Part(gateway.stats, "spool"), "records"))});
  }
  tiers.Add({"cloud",
             {"up", Color::kGreen},
             std::to_string(Number(snapshot.cloud, "records_stored")),
             std::to_string(Number(snapshot.cloud, "records_duplicated")),
             "-"});
  const Totals totals = Sum(snapshot);
  return host::cli::Paint("Tributary demo", Color::kBold, color) + "   " +
         Fixed(snapshot.elapsed_s, 0) + " s   " + snapshot.phase + "\n\n" +
         RenderNodes(snapshot, wide, color) + "\n" + tiers.ToText(color) + "\nsent " +
         HumanBytes(totals.bytes_sent) + " instead of " + HumanBytes(totals.bytes_raw) + " raw (" +
         Ratio(totals.bytes_raw, totals.bytes_sent) + "); energy is a model\ndecided by  " +
         ExitsLine(totals) + "\nverdicts    " + VerdictLine(totals) + "\nright       " +
         TruthLine(totals) + "\n" + RenderDrift(snapshot, totals, color);
}

std::string Summary(const Totals& t, bool color) {
  const bool exact = t.records_lost == 0 && t.records_duplicated == 0;
  std::string text;
  text += "windows      " + std::to_string(t.windows) + ", events " + std::to_string(t.events) +
          ", sensor faults " + std::to_string(t.faults) + "\n";
  text += "bytes up     " + HumanBytes(t.bytes_sent) + " instead of " + HumanBytes(t.bytes_raw) +
          " raw (" + Ratio(t.bytes_raw, t.bytes_sent) + ")\n";
  text += "records      " + std::to_string(t.records_sent) + " made, " +
          std::to_string(t.records_stored) + " stored, " + std::to_string(t.records_lost) +
          " lost, " + std::to_string(t.records_duplicated) + " stored twice\n";
  text += "decided by   " + ExitsLine(t) + "; unsure and nobody to ask " +
          std::to_string(t.not_asked + t.timeouts) + "\n";
  text += "verdicts     " + VerdictLine(t) + "\n";
  text += "right        " + TruthLine(t) + "\n";
  text += "drift        " + DriftLine(t) + "\n";
  text +=
      "the kill     records on their way to the gateway: " + std::to_string(t.in_flight_at_kill) +
      "; sent again, ignored by the store: " + std::to_string(t.duplicates_ignored) + "\n";
  text += host::cli::Paint(
      exact ? "every record arrived exactly once" : "NOT every record arrived exactly once",
      exact ? Color::kGreen : Color::kRed,
      color);
  return text + "\n";
}

}  // namespace trib::tools::demo
