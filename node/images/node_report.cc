#include "node_report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/energy/battery.h"
#include "trib/common/energy/ledger.h"
#include "trib/common/package/types.h"

namespace trib::node::images {
namespace {

using Json = nlohmann::ordered_json;

/// Null, or why the package that was given does not run.
nlohmann::ordered_json PackageRefusal(const app::NodeLoop& loop) {
  const Status status = loop.package_status();
  return status.ok() ? nlohmann::ordered_json()
                     : nlohmann::ordered_json(
                           package::ReasonName(static_cast<package::Reason>(status.reason())));
}

/// Counts by the tier that has a word in it.
Json ByTier(const std::array<std::uint64_t, message::kTierCount>& counts, message::Tier first) {
  Json out = Json::object();
  for (auto tier = static_cast<std::size_t>(first); tier < counts.size(); ++tier) {
    out[std::string(TierName(static_cast<message::Tier>(tier)))] = counts[tier];
  }
  return out;
}

Json RefusalsOf(const app::CascadeMetrics& metrics) {
  constexpr std::array<const char*, app::kVerdictRefusals> kNames = {
      "late", "unknown", "package", "tier", "label"};
  Json out;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    out[kNames[i]] = metrics.refused[i];
  }
  return out;
}

/// bins[i] counts what is below bounds[i]; the last one the rest.
Json LatencyOf(const app::CascadeMetrics& metrics) {
  const app::VerdictLatency& latency = metrics.latency;
  std::uint64_t count = 0;
  for (const std::uint32_t bin : latency.bins) {
    count += bin;
  }
  return {
      {"count", count},
      {"sum", latency.sum_ms},
      {"mean", count == 0 ? 0.0 : static_cast<double>(latency.sum_ms) / static_cast<double>(count)},
      {"max", latency.max_ms},
      {"bounds", app::VerdictLatency::kBounds_ms},
      {"bins", latency.bins}};
}

void AddCascade(const app::NodeLoop& loop, const DecisionTally& tally, Json& out) {
  const app::CascadeMetrics& m = loop.metrics().cascade;
  out["classified"] = m.classified;
  out["exits"] = ByTier(m.exits, message::Tier::kFallback);
  out["deferred"] = m.deferred;
  out["open_questions"] = loop.open_questions();
  out["timeouts"] = m.timeouts;
  out["not_asked"] = m.not_asked;
  out["verdicts"] = ByTier(m.verdicts, message::Tier::kGateway);
  out["verdicts_refused"] = RefusalsOf(m);
  out["verdict_ms"] = LatencyOf(m);
  out["audits"] = {{"asked", m.audits},
                   {"not_asked", m.audits_not_asked},
                   {"agreed", m.audits_agreed},
                   {"disagreed", m.audits_disagreed},
                   {"timeouts", m.audit_timeouts}};
  out["right_permille"] = tally.RightPermille(loop.package().labels);
  out["confusion"] = tally.ToJson(loop.package().labels);
}

/// What a day costs and how long batteries last if every day is as what was played.
Json EnergyOf(const energy::EnergyLedger& ledger) {
  const auto per_day = [&](std::uint64_t nanojoules) {
    return energy::JoulesPerDay<double>(nanojoules, ledger.time_us());
  };
  constexpr std::array kNames = {
      "sense", "trigger", "features", "classifier", "transmit", "sleep", "peripherals"};
  static_assert(kNames.size() == energy::kCategoryCount);
  Json days;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    days[kNames[i]] = per_day(ledger.spent_nj(static_cast<energy::Category>(i)));
  }
  const double total = per_day(ledger.total_nj());
  return {{"seconds", static_cast<double>(ledger.time_us()) / 1e6},
          {"joules_per_day", days},
          {"total_joules_per_day", total},
          {"saved_joules_per_day", per_day(ledger.saved_nj())},
          {"days_on_two_alkaline_aa", energy::BatteryDays(energy::kTwoAlkalineAa<double>, total)},
          {"days_on_lithium_d", energy::BatteryDays(energy::kLithiumD<double>, total)}};
}

}  // namespace

void AckLatency::Note(std::uint64_t stored, std::uint64_t acknowledged, MonotonicTime now) {
  if (stored > stored_) {
    waiting_.emplace_back(stored, now);
    stored_ = stored;
  }
  while (!waiting_.empty() && waiting_.front().first <= acknowledged) {
    recent_.push_back((now - waiting_.front().second).count());
    waiting_.pop_front();
    if (recent_.size() > 256) {
      recent_.pop_front();
    }
  }
}

std::int64_t AckLatency::Median() const {
  std::vector<std::int64_t> sorted(recent_.begin(), recent_.end());
  if (sorted.empty()) {
    return 0;
  }
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

nlohmann::ordered_json Report(const SimOptions& options,
                              const app::NodeLoop& loop,
                              std::string_view label,
                              const DecisionTally& tally,
                              const AckLatency& latency,
                              const LinkWatch& link) {
  const app::NodeMetrics& m = loop.metrics();
  const uplink::BacklogMetrics& backlog = loop.backlog_metrics();
  const uplink::UplinkMetrics& uplink = loop.uplink_metrics();
  std::uint64_t dropped = 0;
  for (const std::uint32_t count : backlog.dropped) {
    dropped += count;
  }
  std::array<char, 17> epoch{};
  std::snprintf(epoch.data(),
                epoch.size(),
                "%016llx",
                static_cast<unsigned long long>(loop.identity().epoch.value()));
  nlohmann::ordered_json out{{"node", std::to_string(options.id)},
                             {"state", NameOf(loop.state())},
                             {"link", link.name()},
                             {"label", label},
                             {"windows", m.windows},
                             {"windows_invalid", m.windows_invalid},
                             {"windows_triggered", m.windows_triggered},
                             {"episodes", m.episodes},
                             {"events", m.events},
                             {"faults", m.faults},
                             {"drift_flags", m.drift_flags},
                             {"records", m.records},
                             {"records_failed", m.records_failed},
                             {"records_dropped", dropped},
                             {"acked", uplink.acknowledged},
                             {"backlog", backlog.records},
                             {"bytes_sent", uplink.bytes_sent},
                             {"bytes_raw", m.bytes_raw},
                             {"frames_discarded", loop.window_metrics().frames_discarded},
                             {"energy_uj", loop.energy().total_nj() / 1000},
                             {"energy_saved_uj", loop.energy().saved_nj() / 1000},
                             {"energy_model", EnergyOf(loop.energy())},
                             {"commissioning_permille", loop.commissioning_permille()},
                             {"ack_ms_p50", latency.Median()},
                             {"package_refused", PackageRefusal(loop)},
                             {"boot", loop.identity().boot},
                             {"epoch", std::string(epoch.data())},
                             {"done", loop.source_ended()}};
  AddCascade(loop, tally, out);
  return out;
}

void Print(const SimOptions& options, const nlohmann::ordered_json& report) {
  if (options.json) {
    std::cout << report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n"
              << std::flush;
    return;
  }
  std::cout << "node " << options.id << ": " << report["state"].get<std::string>() << ", link "
            << report["link"].get<std::string>() << ", windows " << report["windows"] << ", events "
            << report["events"] << ", faults " << report["faults"] << ", backlog "
            << report["backlog"] << ", sent " << report["bytes_sent"] << " of "
            << report["bytes_raw"] << " bytes";
  if (report["classified"].get<std::uint64_t>() > 0) {
    std::cout << "; decided by";
    for (const auto& [tier, windows] : report["exits"].items()) {
      std::cout << " " << tier << " " << windows << ",";
    }
    std::cout << " deferred " << report["deferred"] << ", timeouts " << report["timeouts"]
              << ", not asked " << report["not_asked"];
    if (!report["right_permille"].is_null()) {
      std::cout << ", right " << report["right_permille"].get<double>() / 10 << " %";
    }
  }
  std::cout << "\n" << std::flush;
}

}  // namespace trib::node::images
