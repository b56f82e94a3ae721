#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <vector>

#include "trib/common/host/calibration/scores.h"
#include "trib/tools/evaluation/run.h"

/// What a run is worth: scores, exits, bytes and the energy model.
namespace trib::tools::evaluation {

/// One judged window. Probabilities may be empty: then nothing is ranked.
struct Answered {
  std::size_t truth = 0;
  std::size_t answer = 0;
  std::vector<double> probabilities;
  double weight = 1;
};

struct Scores {
  host::calibration::Confusion confusion{0};
  std::vector<host::calibration::ClassScores> classes;
  double accuracy = 0;
  double macro_f1 = 0;
  std::vector<std::optional<double>> auroc;  ///< each class against the rest
  std::optional<double> macro_fault_auroc;   ///< mean over the fault classes that have one
  std::optional<double> fault_auroc;         ///< any fault against class 0
};
Scores ScoresOf(std::size_t classes, std::span<const Answered> windows);

/// Where a window ended in the cascade.
struct Ended {
  static constexpr int kQuiet = -1;  ///< not woken: the trigger's word, normal
  int exit = kQuiet;
  std::size_t answer = 0;
  bool anomaly = false;  ///< over the threshold, and the network calls it normal
  bool heartbeat = false;
  bool deferred = false;
};
/// Trigger, then exit after exit until one accepts; the last asked decides. Without a trigger every
/// window is classified; with one, those over the threshold and each `heartbeat_every`-th of a
/// recording (0: none). Refused windows are left out of `out`'s meaning: they keep the defaults.
std::vector<Ended> Cascade(const Outcome& run,
                           std::size_t exits,
                           bool with_trigger,
                           std::size_t heartbeat_every);

/// Weights per class with which `healthy` of all windows are of class 0 and the faults keep their
/// proportions; the mean weight of a window is 1. nullopt when one side is missing.
std::optional<std::vector<double>> WeightsFor(std::span<const std::size_t> windows_per_class,
                                              double healthy);

/// The whole report, as `trib model eval --json` prints it.
nlohmann::ordered_json Report(const Subject& subject, const Outcome& run, bool with_trigger);

}  // namespace trib::tools::evaluation
