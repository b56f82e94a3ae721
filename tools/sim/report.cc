#include "report.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "trib/common/host/cli/output.h"

namespace trib::tools::sim {
namespace {

using nlohmann::json;

// In the order of message::Priority, which has one kind of record each.
constexpr const char* kKinds[] = {"event", "fault", "status", "sketch", "frame"};
static_assert(std::size(kKinds) == message::kPriorityCount);

double Percentile(const std::vector<double>& sorted, double part) {
  return sorted.empty() ? 0
                        : sorted[std::min(
                              sorted.size() - 1,
                              static_cast<std::size_t>(part * static_cast<double>(sorted.size())))];
}

json AlarmJson(const AlarmReport& alarms) {
  const double days = alarms.healthy_machine_days;
  return {{"faulty_machines", alarms.faulty_machines},
          {"detected", alarms.detected},
          {"missed", alarms.missed},
          {"youngest_missed_s", alarms.shortest_missed_s},
          {"delay_s",
           {{"median", Percentile(alarms.delays_s, 0.5)},
            {"p90", Percentile(alarms.delays_s, 0.9)},
            {"max", alarms.delays_s.empty() ? 0 : alarms.delays_s.back()}}},
          {"episodes", alarms.episodes},
          {"false_alarms", alarms.false_alarms},
          {"false_alarms_per_machine_day",
           days > 0 ? static_cast<double>(alarms.false_alarms) / days : 0},
          {"healthy_machine_days", days},
          {"drift_alarms", alarms.drift_alarms},
          {"sensor_alarms", alarms.sensor_alarms}};
}

json ExactJson(const Exactness& exactness) {
  return {{"exact", exactness.exact()},
          {"acknowledged", exactness.acknowledged},
          {"missing", exactness.missing},
          {"drops_counted", exactness.drops},
          {"extra", exactness.extra},
          {"doubles", exactness.doubles},
          {"wrong", exactness.nodes_wrong},
          {"examples", exactness.examples}};
}

/// Sums over all nodes.
struct Sums {
  node::app::NodeMetrics node;
  LinkCounts link;
  std::array<std::uint64_t, message::kPriorityCount> dropped{};
  std::uint64_t acknowledged_to_nodes = 0;
  std::uint64_t retransmissions = 0;
  std::uint64_t sessions = 0;
  std::uint64_t refused = 0;
  std::uint64_t steps = 0;
  std::uint64_t commissioned = 0;
  std::uint64_t left = 0;
};

Sums SumUp(const FleetRun& run) {
  Sums sums;
  for (const auto& node : run.nodes()) {
    const auto& metrics = node->loop().metrics();
    sums.node.windows += metrics.windows;
    sums.node.windows_invalid += metrics.windows_invalid;
    sums.node.windows_triggered += metrics.windows_triggered;
    sums.node.records += metrics.records;
    sums.node.records_failed += metrics.records_failed;
    sums.node.bytes_raw += metrics.bytes_raw;
    const LinkCounts& link = node->link().counts();
    sums.link.messages += link.messages;
    sums.link.bytes += link.bytes;
    sums.link.lost_up += link.lost_up;
    sums.link.lost_down += link.lost_down;
    sums.link.duplicated += link.duplicated;
    sums.link.reordered += link.reordered;
    sums.link.answers += link.answers;
    sums.link.unanswered += link.unanswered;
    sums.link.unexpected += link.unexpected;
    for (std::size_t i = 0; i < message::kPriorityCount; ++i) {
      sums.link.records[i] += link.records[i];
      sums.dropped[i] += node->loop().backlog_metrics().dropped[i];
    }
    sums.acknowledged_to_nodes += node->loop().uplink_metrics().acknowledged;
    sums.retransmissions += node->loop().uplink_metrics().retransmissions;
    sums.sessions += node->loop().uplink_metrics().sessions;
    sums.refused += node->link().refused();
    sums.steps += node->steps();
    sums.commissioned += node->loop().commissioning_permille() == 1000 ? 1U : 0U;
    sums.left += node->loop().backlog_metrics().records;
  }
  return sums;
}

json RecordsJson(const Sums& sums, const Exactness& exactness) {
  json kinds = json::object();
  for (std::size_t i = 0; i < message::kPriorityCount; ++i) {
    kinds[kKinds[i]] = {{"made", sums.link.records[i] + sums.dropped[i]},
                        {"dropped_by_nodes", sums.dropped[i]},
                        {"stored", exactness.stored[i]}};
  }
  return {{"made", sums.node.records + sums.node.records_failed},
          {"acknowledged", exactness.acknowledged},
          {"acknowledged_to_nodes", sums.acknowledged_to_nodes},
          {"refused", sums.refused},
          {"left_in_nodes", sums.left},
          {"by_kind", std::move(kinds)}};
}

json ProcessJson(const ProcessMeter::Series& series, std::size_t connections) {
  const LeakCheck leak = CheckLeak(series, connections);
  json points = json::array();
  const std::size_t step = std::max<std::size_t>(1, series.points.size() / 48);
  for (std::size_t i = 0; i < series.points.size(); i += step) {
    points.push_back({series.points[i].first, series.points[i].second});
  }
  return {{"cpu_s", series.cpu_s},
          {"peak_bytes", series.peak_bytes},
          {"last_bytes", series.points.empty() ? 0 : series.points.back().second},
          {"samples", series.points.size()},
          {"hours_and_bytes", std::move(points)},
          {"leak_check",
           {{"judged", leak.judged},
            {"flat", leak.flat},
            {"hours", leak.hours},
            {"mean_bytes", leak.mean_bytes},
            {"growth_bytes", leak.growth_bytes},
            {"allowed_bytes", leak.allowed_bytes},
            {"bytes_per_hour", leak.slope.per_hour},
            {"interval_95", {leak.slope.low, leak.slope.high}}}}};
}

json WallJson(const FleetRun& run,
              const Deployment::GatewayTotals& gateways,
              const Sums& sums,
              const WallTimes& wall) {
  json processes = json::object();
  json tiers = {{"sim", 0.0}, {"gateways", 0.0}, {"cloud", 0.0}};
  bool flat = true;
  bool judged = true;
  for (const auto& [name, series] : run.meter().series()) {
    const bool gateway = name.starts_with("gateway-");
    std::size_t connections = 0;
    for (const auto& node : run.nodes()) {
      connections +=
          gateway && name == "gateway-" + std::to_string(node->plan().site + 1) ? 1U : 0U;
    }
    json process = ProcessJson(series, connections);
    const char* tier = gateway ? "gateways" : name.c_str();
    tiers[tier] = tiers[tier].get<double>() + series.cpu_s;
    if (name != "sim") {
      flat = flat && (process["leak_check"]["flat"].get<bool>() ||
                      !process["leak_check"]["judged"].get<bool>());
      judged = judged && process["leak_check"]["judged"].get<bool>();
    }
    processes[name] = std::move(process);
  }
  const double virtual_s = static_cast<double>(run.now().count()) / 1000;
  return {{"start_s", wall.start_s},
          {"run_s", wall.run_s},
          {"end_s", wall.end_s},
          {"speed_up", wall.run_s > 0 ? virtual_s / wall.run_s : 0},
          {"waited_for_answers_thread_s", run.waited_s()},
          {"load_before", wall.load_before},
          {"load_after", wall.load_after},
          {"cpu_s", std::move(tiers)},
          {"memory_flat", flat},
          {"memory_all_judged", judged},
          {"processes", std::move(processes)},
          {"unexpected_downlinks", sums.link.unexpected},
          {"steps", sums.steps},
          {"gateways",
           {{"stored", gateways.stored},
            {"duplicates", gateways.duplicates},
            {"commits", gateways.commits},
            {"batches", gateways.batches}}}};
}

std::string Format(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

}  // namespace

json MakeReport(const Scenario& scenario,
                const FleetRun& run,
                const AlarmReport& alarms,
                const Exactness& exactness,
                const Deployment::GatewayTotals& gateways,
                const WallTimes& wall) {
  const Sums sums = SumUp(run);
  const double up = static_cast<double>(sums.link.bytes);
  const bool whole = !run.stopped() && sums.left == 0;
  return {{"scenario", scenario.name},
          {"seed", scenario.seed},
          {"nodes", run.nodes().size()},
          {"sites", scenario.site_count()},
          {"virtual_s", static_cast<double>(run.now().count()) / 1000},
          {"ok", exactness.exact() && whole && sums.link.unanswered == 0},
          {"windows",
           {{"cut", sums.node.windows},
            {"invalid", sums.node.windows_invalid},
            {"over_threshold", sums.node.windows_triggered}}},
          {"nodes_commissioned", sums.commissioned},
          {"records", RecordsJson(sums, exactness)},
          {"exactness", ExactJson(exactness)},
          {"link",
           {{"messages", sums.link.messages},
            {"lost_up", sums.link.lost_up},
            {"lost_down", sums.link.lost_down},
            {"duplicated", sums.link.duplicated},
            {"reordered", sums.link.reordered},
            {"answers", sums.link.answers},
            {"unanswered", sums.link.unanswered},
            {"records_sent_again", sums.retransmissions},
            {"sessions", sums.sessions}}},
          {"bytes",
           {{"up", sums.link.bytes},
            {"raw", sums.node.bytes_raw},
            {"raw_to_up", up > 0 ? static_cast<double>(sums.node.bytes_raw) / up : 0}}},
          {"alarms", AlarmJson(alarms)},
          {"wall", WallJson(run, gateways, sums, wall)}};
}

std::string ReportText(const json& report) {
  std::ostringstream out;
  const json& wall = report.at("wall");
  const auto count = [](const json& value) { return value.dump(); };
  out << report.at("scenario").get<std::string>() << ", seed " << count(report.at("seed")) << ": "
      << count(report.at("nodes")) << " nodes at " << count(report.at("sites")) << " sites, "
      << Format("%.2f h", report.at("virtual_s").get<double>() / 3600) << " in "
      << Format("%.1f s", wall.at("run_s").get<double>())
      << Format(": %.0f x real time", wall.at("speed_up").get<double>()) << "\n";
  const json& windows = report.at("windows");
  out << "windows    " << count(windows.at("cut")) << ", " << count(windows.at("invalid"))
      << " refused by guardrails, " << count(windows.at("over_threshold"))
      << " over the threshold; " << count(report.at("nodes_commissioned"))
      << " nodes have their baseline\n";
  const json& records = report.at("records");
  host::cli::Table table({{"RECORDS"},
                          {"MADE", host::cli::Align::kRight},
                          {"DROPPED BY NODES", host::cli::Align::kRight},
                          {"STORED", host::cli::Align::kRight}});
  for (const char* kind : kKinds) {
    const json& row = records.at("by_kind").at(kind);
    table.Add(
        {kind, count(row.at("made")), count(row.at("dropped_by_nodes")), count(row.at("stored"))});
  }
  out << table.ToText(false);
  const json& exact = report.at("exactness");
  out << "exactness  " << (exact.at("exact").get<bool>() ? "EXACT" : "WRONG") << ": "
      << count(exact.at("acknowledged")) << " acknowledged, " << count(exact.at("missing"))
      << " missing, " << count(exact.at("drops_counted")) << " drops counted, "
      << count(exact.at("extra")) << " extra, " << count(exact.at("doubles")) << " doubles\n";
  for (const json& example : exact.at("examples")) {
    out << "           " << example.get<std::string>() << "\n";
  }
  const json& link = report.at("link");
  out << "link       " << count(link.at("messages")) << " messages up, "
      << count(link.at("lost_up")) << " lost, " << count(link.at("duplicated")) << " twice, "
      << count(link.at("lost_down")) << " answers lost, " << count(link.at("records_sent_again"))
      << " records sent again, " << count(link.at("unanswered")) << " never answered\n";
  const json& bytes = report.at("bytes");
  out << "bytes      " << host::cli::HumanBytes(bytes.at("up").get<std::uint64_t>()) << " up for "
      << host::cli::HumanBytes(bytes.at("raw").get<std::uint64_t>()) << " of signal"
      << Format(": 1/%.0f\n", bytes.at("raw_to_up").get<double>());
  const json& alarms = report.at("alarms");
  out << "alarms     " << count(alarms.at("detected")) << " of "
      << count(alarms.at("faulty_machines")) << " faulty machines detected after"
      << Format(" %.2f h (median),", alarms.at("delay_s").at("median").get<double>() / 3600)
      << Format(" %.2f h (90 %%); ", alarms.at("delay_s").at("p90").get<double>() / 3600)
      << count(alarms.at("false_alarms")) << " false in"
      << Format(" %.1f healthy machine-days, ", alarms.at("healthy_machine_days").get<double>())
      << count(alarms.at("drift_alarms")) << " of drifting and "
      << count(alarms.at("sensor_alarms")) << " of faulty sensors\n";
  const json& cpu = wall.at("cpu_s");
  out << Format("cpu        %.1f s simulator,", cpu.at("sim").get<double>())
      << Format(" %.1f s gateways,", cpu.at("gateways").get<double>())
      << Format(" %.1f s cloud;", cpu.at("cloud").get<double>())
      << Format(" threads waited %.1f s for answers\n",
                wall.at("waited_for_answers_thread_s").get<double>());
  double gateway_peak = 0;
  double gateway_slope = 0;
  double gateway_growth = 0;
  double gateway_allowed = 0;
  std::size_t gateways = 0;
  for (const auto& [name, process] : wall.at("processes").items()) {
    const json& leak = process.at("leak_check");
    if (name.starts_with("gateway-")) {
      ++gateways;
      gateway_peak = std::max(gateway_peak, process.at("peak_bytes").get<double>());
      gateway_slope += leak.at("bytes_per_hour").get<double>();
      if (leak.at("growth_bytes").get<double>() > gateway_growth) {
        gateway_growth = leak.at("growth_bytes").get<double>();
        gateway_allowed = leak.at("allowed_bytes").get<double>();
      }
      continue;
    }
    out << "memory     " << name << ": peak "
        << host::cli::HumanBytes(process.at("peak_bytes").get<std::uint64_t>())
        << Format(", %+.0f", leak.at("bytes_per_hour").get<double>())
        << Format(" [%+.0f,", leak.at("interval_95")[0].get<double>())
        << Format(" %+.0f] bytes per hour\n", leak.at("interval_95")[1].get<double>());
  }
  out << "memory     " << gateways << " gateways: largest peak "
      << host::cli::HumanBytes(static_cast<std::uint64_t>(gateway_peak))
      << Format(", mean slope %+.0f bytes per hour, ",
                gateways > 0 ? gateway_slope / static_cast<double>(gateways) : 0)
      << Format("largest growth %+.2f MB", gateway_growth / 1e6)
      << Format(" of %.2f MB allowed; ", gateway_allowed / 1e6)
      << (wall.at("memory_flat").get<bool>() ? "flat" : "NOT FLAT")
      << (wall.at("memory_all_judged").get<bool>() ? "" : " (too few samples for some)") << "\n";
  out << "machine    load " << wall.at("load_before").get<std::string>() << " before, "
      << wall.at("load_after").get<std::string>() << " after\n";
  return out.str();
}

}  // namespace trib::tools::sim
