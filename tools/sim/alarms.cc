#include "alarms.h"

#include <algorithm>

namespace trib::tools::sim {
namespace {

constexpr double kDay_s = 86'400;

double Seconds(Millis time) {
  return static_cast<double>(time.count()) / 1000;
}

struct Truth {
  VirtualTime fault = VirtualTime::max();  // the machine's first
  VirtualTime drift = VirtualTime::max();
};

Truth TruthOf(const NodePlan& plan) {
  Truth truth;
  for (const MachineFaultPlan& fault : plan.faults) {
    truth.fault = std::min(truth.fault, fault.begin);
  }
  for (const DriftPlan& drift : plan.drifts) {
    truth.drift = std::min(truth.drift, drift.begin);
  }
  return truth;
}

bool SensorFaulty(const NodePlan& plan, VirtualTime at) {
  return std::any_of(
      plan.sensor_faults.begin(), plan.sensor_faults.end(), [at](const SensorFaultPlan& fault) {
        return at >= fault.begin && at < fault.end;
      });
}

/// Counts one episode. `detected`: an earlier one found the fault, or this one does.
void Judge(const Episode& episode,
           const NodePlan& plan,
           const Truth& truth,
           VirtualTime end,
           bool& detected,
           AlarmReport& report) {
  const bool lasts = episode.end < VirtualTime(0);
  if (episode.begin >= truth.fault) {
    if (!detected) {
      report.delays_s.push_back(Seconds(episode.begin - truth.fault));
    }
    detected = true;
  } else if (truth.fault < end && (lasts || episode.end > truth.fault)) {
    // It stood when the fault began: false at first, and nothing is left to be detected.
    ++report.false_alarms;
    detected = true;
  } else if (SensorFaulty(plan, episode.begin)) {
    ++report.sensor_alarms;
  } else if (episode.begin >= truth.drift) {
    ++report.drift_alarms;
  } else {
    ++report.false_alarms;
  }
}

}  // namespace

AlarmReport JudgeAlarms(std::span<const std::unique_ptr<SimNode>> nodes, VirtualTime end) {
  AlarmReport report;
  for (const auto& node : nodes) {
    const NodePlan& plan = node->plan();
    const Truth truth = TruthOf(plan);
    const bool faulty = truth.fault < end;
    bool detected = false;
    for (const Episode& episode : node->episodes()) {
      ++report.episodes;
      Judge(episode, plan, truth, end, detected, report);
    }
    if (faulty) {
      ++report.faulty_machines;
      ++(detected ? report.detected : report.missed);
      const double there = Seconds(end - truth.fault);
      if (!detected) {
        report.shortest_missed_s =
            report.missed == 1 ? there : std::min(report.shortest_missed_s, there);
      }
    }
    const VirtualTime healthy_until = std::min({truth.fault, truth.drift, end});
    report.healthy_machine_days += std::max(0.0, Seconds(healthy_until - plan.boot)) / kDay_s;
  }
  std::sort(report.delays_s.begin(), report.delays_s.end());
  return report;
}

}  // namespace trib::tools::sim
