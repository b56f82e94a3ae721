// What the detectors are run on: series of one value, made from recordings.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace trib::bench::drift {

struct Series {
  std::string stream;  ///< the data set
  std::string name;
  std::vector<double> values;
  /// So many values at the beginning are taken for healthy; detectors learn from these alone.
  std::size_t reference = 0;
  bool errors = false;               ///< zeros and ones: was the classifier wrong
  std::optional<std::size_t> truth;  ///< where the world changed, if anybody knows
  bool ends_in_failure = false;      ///< the machine broke after the last value
  double error_rate_before = 0;      ///< of errors: in the reference and after it
  double error_rate_after = 0;
};

/// Each reads one data set. @returns nothing and `error`, one line, when it cannot be read.
std::optional<std::vector<Series>> ReadGasDrift(const std::filesystem::path& data,
                                                std::string& error);
std::optional<std::vector<Series>> ReadFemto(const std::filesystem::path& data, std::string& error);
std::optional<std::vector<Series>> ReadDriftStreams(const std::filesystem::path& data,
                                                    std::string& error);

}  // namespace trib::bench::drift
