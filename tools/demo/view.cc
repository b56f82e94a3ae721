#include "view.h"

#include <algorithm>
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
          {"in_flight_at_kill", in_flight_at_kill}};
}

Totals Sum(const Snapshot& snapshot) {
  Totals totals;
  for (const auto& [id, node] : snapshot.nodes) {
    totals.windows += Number(node.report, "windows");
    totals.events += Number(node.report, "events");
    totals.faults += Number(node.report, "faults");
    totals.bytes_sent += Number(node.report, "bytes_sent");
    totals.bytes_raw += Number(node.report, "bytes_raw");
    totals.energy_uj += Number(node.report, "energy_uj");
    totals.records_sent += Number(node.report, "records");
    totals.records_dropped += Number(node.report, "records_dropped");
    if (node.stored) {
      // Of each node on its own: one node's loss must not hide behind another's excess. A dropped
      // record is a lost one here; the demo gives no reason to drop any.
      const std::uint64_t made = Number(node.report, "records");
      totals.records_lost += made - std::min(made, *node.stored);
      totals.records_duplicated += *node.stored - std::min(made, *node.stored);
    }
  }
  totals.records_stored = Number(snapshot.cloud, "records_stored");
  totals.duplicates_ignored = Number(snapshot.cloud, "records_duplicated");
  totals.in_flight_at_kill = snapshot.in_flight;
  return totals;
}

std::string Render(const Snapshot& snapshot, bool wide, bool color) {
  std::vector<host::cli::Table::Column> columns = {{"node"},
                                                   {"gw"},
                                                   {"state"},
                                                   {"machine"},
                                                   {"events", Align::kRight},
                                                   {"sent", Align::kRight},
                                                   {"of raw", Align::kRight},
                                                   {"made", Align::kRight},
                                                   {"waiting", Align::kRight},
                                                   {"stored", Align::kRight}};
  if (wide) {
    columns.insert(columns.end(),
                   {{"windows", Align::kRight}, {"energy", Align::kRight}, {"ack", Align::kRight}});
  }
  host::cli::Table nodes(columns);
  for (const auto& [id, node] : snapshot.nodes) {
    const json& r = node.report;
    const std::string state = Text(r, "state");
    host::cli::Table::Cell stored("-");
    if (node.stored) {
      stored = {std::to_string(*node.stored),
                *node.stored == Number(r, "records") ? Color::kGreen : Color::kRed};
    }
    std::vector<host::cli::Table::Cell> cells = {
        std::to_string(id),
        std::to_string(node.gateway),
        {node.running ? state : state + ", ended", StateColor(state)},
        Text(r, "label"),
        std::to_string(Number(r, "events")),
        HumanBytes(Number(r, "bytes_sent")),
        Ratio(Number(r, "bytes_raw"), Number(r, "bytes_sent")),
        std::to_string(Number(r, "records")),
        std::to_string(Number(r, "backlog")),
        stored};
    if (wide) {
      cells.insert(cells.end(),
                   {std::to_string(Number(r, "windows")),
                    Fixed(static_cast<double>(Number(r, "energy_uj")) / 1000.0, 1) + " mJ",
                    std::to_string(Number(r, "ack_ms_p50")) + " ms"});
    }
    nodes.Add(std::move(cells));
  }
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
         Fixed(snapshot.elapsed_s, 0) + " s   " + snapshot.phase + "\n\n" + nodes.ToText(color) +
         "\n" + tiers.ToText(color) + "\nsent " + HumanBytes(totals.bytes_sent) + " instead of " +
         HumanBytes(totals.bytes_raw) + " raw (" + Ratio(totals.bytes_raw, totals.bytes_sent) +
         "); energy is a model\n";
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
