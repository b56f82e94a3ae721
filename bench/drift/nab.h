// The detectors on the series of the Numenta Anomaly Benchmark that are at hand, by its scoring.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "detectors.h"
#include "nab_score.h"
#include "series.h"

namespace trib::bench::drift {

struct NabFile {
  Series series;  ///< its reference is the probation
  std::vector<NabWindow> windows;
};

/// All files of <data>/nab/manifest.csv, in its order. @returns nothing and `error`, one line.
std::optional<std::vector<NabFile>> ReadNab(const std::filesystem::path& data, std::string& error);

struct NabOutcome {
  std::string detector;
  std::vector<double> scores;  ///< normalised, one for each of kNabProfiles
  std::size_t windows = 0;     ///< scored
  std::size_t caught = 0;
  std::size_t false_alarms = 0;
  double per_value_ns = 0;  ///< mean over the files
};

NabOutcome EvaluateNab(const std::vector<NabFile>& files, const Setting& setting);

}  // namespace trib::bench::drift
