#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "trib/cloud/train/exits.h"
#include "trib/cloud/train/metrics.h"

namespace trib::cloud::train {

/// How one set of windows was answered.
struct SetReport {
  std::string name;
  std::size_t windows = 0;
  std::size_t parts = 0;  ///< distinct physical parts behind them
  std::vector<ExitMetrics> exits;
};

/// One split: a training of its own.
struct ColumnReport {
  Split split;
  std::size_t fit = 0;
  std::size_t fit_parts = 0;
  std::size_t calibrate = 0;
  SetReport test;
  std::vector<SetReport> beside;  ///< simulated machines, data from outside
  std::vector<double> agreement;  ///< of int8 and float, per exit
  double percentile = 0;
  double logit_error = 0;
  std::size_t head_bytes = 0;
  std::size_t whole_bytes = 0;
  std::uint64_t head_macs = 0;
  std::uint64_t whole_macs = 0;
  std::vector<package::ExitSpec> exits;
  CascadeResult cascade;  ///< on the test windows
  // For the pictures, of the test windows:
  std::vector<std::vector<std::vector<CurvePoint>>> roc;  ///< [exit][class]
  std::vector<std::vector<host::calibration::Bin>> reliability;
  std::vector<double> calibration_error;
  struct ExitPoint {
    double threshold = 0;
    double share = 0;     ///< of the windows that end at this exit
    double accuracy = 0;  ///< of all, the rest being answered by the last exit
  };
  std::vector<std::vector<ExitPoint>> curve;  ///< [exit but the last]
};

struct CardReport {
  std::string name;
  std::string version;
  std::string command;  ///< that makes it again
  std::uint64_t seed = 0;
  std::vector<std::string> classes;
  std::vector<ColumnReport> columns;
};

/// Fills what a report shows of the test windows.
void DrawCurves(const Answers& answers, std::size_t classes, ColumnReport& report);

/// The files of a model card by name: card.md, figures.json and the pictures that it shows, of the
/// column that is shipped, or else of the first. Equal reports give equal bytes.
std::map<std::string, std::string> RenderCard(const CardReport& report);

/// The figures for programs.
std::string RenderJson(const CardReport& report);

}  // namespace trib::cloud::train
