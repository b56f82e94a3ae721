#pragma once

#include <nlohmann/json.hpp>

/// What a cloud answers to the calls drift.*, as docs/formats/admin_calls.md has it, for tests.
namespace trib::tools::trib_cli {

inline constexpr std::int64_t kDriftNow = 1'700'010'800'000;

inline nlohmann::json DriftEvidence() {
  return {{{"channel", "feature"},
           {"index", 0},
           {"name", "ch0.log_rms"},
           {"reference", 0.5},
           {"now", 0.97},
           {"z", 14.25},
           {"psi", 2.31},
           {"psi_critical", 0.04},
           {"ks", 0.81},
           {"ks_p", 1e-12}},
          {{"channel", "label_rate"},
           {"index", 2},
           {"name", "outer_race"},
           {"reference", 0.25},
           {"now", 0.75},
           {"z", 6.5},
           {"psi", 0},
           {"psi_critical", 0},
           {"ks", 0},
           {"ks_p", 1}}};
}

inline nlohmann::json DriftAlarm() {
  return {{"alarm", 7},
          {"state", "open"},
          {"subject", {{"kind", "node"}, {"id", "17"}}},
          {"family", "node"},
          {"cause", "sensor"},
          {"reasoning", "levels move together (z 14.2), shapes stay (z 0.4)"},
          {"package_hash", "00112233445566aa"},
          {"begin_ms", 1'699'999'200'000},
          {"raised_ms", 1'700'000'000'000},
          {"p", 3.2e-5},
          {"threshold", 6.3e-5},
          {"resolution", 3.1e-5},
          {"tests", 1130},
          {"nodes", {"17"}},
          {"evidence", DriftEvidence()},
          {"note", ""},
          {"acknowledged_ms", 0},
          {"silenced_until_ms", 0},
          {"resolved_ms", 0}};
}

inline nlohmann::json DriftStatus() {
  return {{"options",
           {{"block_ms", 86'400'000},
            {"look_ms", 3'600'000},
            {"week_ms", 604'800'000},
            {"budget_per_week", 1.0},
            {"reference_blocks", 28},
            {"min_windows", 50},
            {"min_psi", 0.1}}},
          {"budget", {{"per_week", 1.0}}},
          {"families",
           {{{"family", "node"},
             {"budget_per_week", 0.5},
             {"spent_this_week", 0.0714},
             {"tests_this_week", 1130},
             {"rejected_this_week", 1},
             {"least_p", 3.2e-5},
             {"resolution", 3.1e-5},
             {"resolution_needed", 6.3e-5}},
            {{"family", "group"},
             {"budget_per_week", 0.2},
             {"spent_this_week", 0.02},
             {"tests_this_week", 30},
             {"rejected_this_week", 0},
             {"least_p", 0.11},
             {"resolution", 0.0},
             {"resolution_needed", 0.001}}}},
          {"alarms", nlohmann::json::array({DriftAlarm()})},
          {"nodes", {{"watched", 1130}, {"learning", 12}, {"silent", 4}, {"flagged", 3}}},
          {"last_look",
           {{"at_ms", 1'700'010'000'000},
            {"blocks", 1130},
            {"too_small", 2},
            {"learning", 12},
            {"watched", 1130},
            {"families", nlohmann::json::array()},
            {"alarms", {7}}}},
          {"now_ms", kDriftNow}};
}

/// The alarm with one histogram whose mass has moved to the right, and one that has not.
inline nlohmann::json DriftExplained() {
  nlohmann::json out = DriftAlarm();
  const nlohmann::json edges = {
      -8, -4, -2.5, -1.5, -1, -0.6, -0.25, 0, 0.25, 0.6, 1, 1.5, 2.5, 4, 8};
  out["histograms"] = {
      {{"channel", "confidence"},
       {"index", 0},
       {"name", "confidence"},
       {"edges", nullptr},
       {"then", {0, 0, 0, 0, 0, 0, 0, 0, 10, 10, 10, 10, 20, 20, 10, 10}},
       {"now", {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 1, 1}}},
      {{"channel", "feature"},
       {"index", 0},
       {"name", "ch0.log_rms <&\"'\x01>"},
       {"edges", edges},
       {"then", {0, 10, 40, 50, 100, 200, 300, 600, 300, 200, 100, 50, 40, 10, 0, 0}},
       {"now", {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 20, 30, 20, 20}}}};
  return out;
}

/// A gain of 1.5 on four features, log_rms, rms, log_crest and log_kurtosis.
inline nlohmann::json DriftShift(const std::string& package_hash) {
  const auto feature = [](int index, double then, double now, double deviation, double ratio) {
    return nlohmann::json{{"index", index},
                          {"mean_then", then},
                          {"deviation_then", deviation},
                          {"frames_then", 2000},
                          {"mean_now", now},
                          {"deviation_now", deviation * ratio},
                          {"frames_now", 500}};
  };
  return {{"package_hash", package_hash},
          {"features",
           {feature(0, -1.6, -1.2, 0.3, 1),
            feature(1, 0.21, 0.315, 0.06, 1.5),
            feature(2, 1.2, 1.2, 0.15, 1),
            feature(3, 1.3, 1.3, 0.2, 1)}}};
}

}  // namespace trib::tools::trib_cli
