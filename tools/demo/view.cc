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
  return sent == 0 ? "-" : Fixed(static_cast<double>(raw) / static_cast<double>(sent), 0) + "x";
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
          {"duplicates_ignored", duplicates_ignored}};
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
  return totals;
}

std::string Render(const Snapshot& snapshot, bool color) {
  host::cli::Table nodes({{"node"},
                          {"gateway"},
                          {"state"},
                          {"machine"},
                          {"windows", Align::kRight},
                          {"events", Align::kRight},
                          {"sent", Align::kRight},
                          {"raw", Align::kRight},
                          {"saved", Align::kRight},
                          {"energy", Align::kRight},
                          {"backlog", Align::kRight},
                          {"ack", Align::kRight}});
  for (const auto& [id, node] : snapshot.nodes) {
    const json& r = node.report;
    const std::string state = node.running ? Text(r, "state") : "done";
    nodes.Add({std::to_string(id),
               std::to_string(node.gateway),
               {state, StateColor(state)},
               Text(r, "label"),
               std::to_string(Number(r, "windows")),
               std::to_string(Number(r, "events")),
               HumanBytes(Number(r, "bytes_sent")),
               HumanBytes(Number(r, "bytes_raw")),
               Ratio(Number(r, "bytes_raw"), Number(r, "bytes_sent")),
               Fixed(static_cast<double>(Number(r, "energy_uj")) / 1000.0, 1) + " mJ",
               std::to_string(Number(r, "backlog")),
               std::to_string(Number(r, "ack_ms_p50")) + " ms"});
  }
  host::cli::Table tiers({{"tier"},
                          {"state"},
                          {"records", Align::kRight},
                          {"resent", Align::kRight},
                          {"spool", Align::kRight}});
  for (const auto& [id, gateway] : snapshot.gateways) {
    tiers.Add({"gateway " + std::to_string(id),
               gateway.running ? host::cli::Table::Cell("up", Color::kGreen)
                               : host::cli::Table::Cell("killed", Color::kRed),
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
         " less); energy is a model\n";
}

std::string Summary(const Totals& t, bool color) {
  const bool exact = t.records_lost == 0 && t.records_duplicated == 0;
  std::string text;
  text += "windows      " + std::to_string(t.windows) + ", events " + std::to_string(t.events) +
          ", sensor faults " + std::to_string(t.faults) + "\n";
  text += "bytes up     " + HumanBytes(t.bytes_sent) + " instead of " + HumanBytes(t.bytes_raw) +
          " raw (" + Ratio(t.bytes_raw, t.bytes_sent) + " less)\n";
  text += "records      " + std::to_string(t.records_sent) + " made, " +
          std::to_string(t.records_stored) + " stored, " + std::to_string(t.records_lost) +
          " lost, " + std::to_string(t.records_duplicated) + " duplicated (" +
          std::to_string(t.duplicates_ignored) + " resent and ignored)\n";
  text += host::cli::Paint(
      exact ? "every record arrived exactly once" : "NOT every record arrived exactly once",
      exact ? Color::kGreen : Color::kRed,
      color);
  return text + "\n";
}

}  // namespace trib::tools::demo
