#include "power.h"

#include <algorithm>
#include <set>

#include "simulated_fleet.h"
#include "trib/cloud/drift/monitor.h"

namespace trib::bench::drift_power {
namespace {

using namespace trib::cloud::drift;  // NOLINT(google-build-using-namespace): it is about drift

/// A change, on whom, and what it should be called.
struct Experiment {
  std::string name;
  SubjectKind scope;
  Change change;
  Cause truth;
};

std::vector<Experiment> Experiments(const Sensitivities& sensitivities) {
  std::vector<Experiment> out;
  for (const SubjectKind scope : {SubjectKind::kNode, SubjectKind::kSite, SubjectKind::kFleet}) {
    const bool one = scope == SubjectKind::kNode;
    for (const Sensitivity& sensitivity : sensitivities.changes) {
      const bool machine = sensitivity.name.find("race") != std::string::npos;
      if (machine && !one) {
        continue;  // bearings do not break together
      }
      out.push_back({sensitivity.name,
                     scope,
                     {.shift = sensitivity.shift},
                     !one      ? Cause::kEnvironment
                     : machine ? Cause::kMachine
                               : Cause::kSensor});
    }
    out.push_back({"label rate x 2", scope, {.label_factor = 2}, Cause::kModel});
    if (scope == SubjectKind::kFleet) {
      out.push_back({"error rate x 2", scope, {.error_factor = 2}, Cause::kModel});
    }
  }
  return out;
}

Options WithSums(double part) {
  Options out;
  out.sum_part = part;
  return out;
}

/// A fleet whose references are learned, and what is wrong with it now.
class Rig {
 public:
  Rig(const PowerOptions& options, const Sensitivities& sensitivities)
      : options_(options),
        fleet_({.nodes = options.nodes,
                .sites = options.sites,
                .features = static_cast<std::uint32_t>(sensitivities.features.size()),
                .seed = options.seed,
                .spread = sensitivities.spread}),
        monitor_(WithSums(options.sum_part),
                 [&](PackageHash, RecipeId) { return sensitivities.kinds; }) {
    for (std::uint32_t i = 0; i < monitor_.options().reference_blocks; ++i) {
      (void)Next();
    }
  }

  void Try(const Experiment& experiment, std::uint32_t trial, PowerRow& row, PowerReport& report) {
    // Another node, another site each time.
    const std::uint32_t target = (7 + 31 * trial) % options_.nodes;
    const auto hit = [&](std::uint32_t node) {
      return experiment.scope == SubjectKind::kFleet ||
             (experiment.scope == SubjectKind::kSite
                  ? node % options_.sites == target % options_.sites
                  : node == target);
    };
    changes_ = [&](std::uint32_t node, std::uint32_t /*day*/) {
      return hit(node) ? experiment.change : Change();
    };
    bool found = false;
    for (std::uint32_t block = 1; block <= options_.patience && !found; ++block) {
      const Look look = Next();
      ++report.looks;
      ++row.looks;
      for (const Alarm& alarm : look.alarms) {
        if (found || !IsAbout(alarm, hit, experiment.scope)) {
          ++report.other_alarms;
          ++row.other_alarms;
          continue;
        }
        found = true;
        row.delays.push_back(block);
        ++row.causes[alarm.cause];
        row.subject_right += Fits(alarm.subject, experiment.scope) ? 1U : 0U;
      }
    }
    row.misses += found ? 0U : 1U;
    changes_ = {};
    (void)Next();  // everything as before, so that no trial helps the next
  }

 private:
  /// Whether most of the alarm's nodes are those that changed. When all did, one node is a chance
  /// hit.
  template <typename Hit>
  bool IsAbout(const Alarm& alarm, const Hit& hit, SubjectKind scope) const {
    if (scope == SubjectKind::kFleet) {
      return alarm.subject.kind != SubjectKind::kNode;
    }
    std::size_t count = 0;
    for (const NodeId node : alarm.nodes) {
      count += hit(static_cast<std::uint32_t>(node.value() - SimulatedFleet::NodeAt(0).value()))
                   ? 1U
                   : 0U;
    }
    return count > 0 && 2 * count >= alarm.nodes.size();
  }
  static bool Fits(const Subject& subject, SubjectKind scope) {
    return subject.kind == scope ||
           (scope == SubjectKind::kFleet && subject.kind == SubjectKind::kModel);
  }
  Look Next() { return monitor_.Judge(fleet_.Day(day_++, changes_), {}, 0); }

  PowerOptions options_;
  SimulatedFleet fleet_;
  Monitor monitor_;
  Changes changes_;
  std::uint32_t day_ = 0;
};

}  // namespace

PowerReport MeasurePower(const PowerOptions& options,
                         const Sensitivities& sensitivities,
                         const std::function<void(const PowerRow&)>& progress) {
  PowerReport report;
  Rig rig(options, sensitivities);
  std::uint32_t trial = 0;
  for (const Experiment& experiment : Experiments(sensitivities)) {
    if (!options.only.empty() &&
        std::find(options.only.begin(), options.only.end(), experiment.name) ==
            options.only.end()) {
      continue;
    }
    PowerRow& row = report.rows.emplace_back();
    row.change = experiment.name;
    row.scope = experiment.scope;
    row.truth = experiment.truth;
    const std::uint32_t trials =
        experiment.scope == SubjectKind::kNode ? options.trials : (options.trials + 1) / 2;
    for (std::uint32_t i = 0; i < trials; ++i) {
      rig.Try(experiment, trial++, row, report);
    }
    progress(row);
  }
  return report;
}

}  // namespace trib::bench::drift_power
