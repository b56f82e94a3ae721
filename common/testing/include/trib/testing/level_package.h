#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

/// A package whose network decides by the level of the signal alone, for tests of what a sensor's
/// gain does to a network that takes features.
namespace trib::testing {

struct LevelShape {
  std::string version = "1.0.0";
  float border = 0;     ///< log rms half-way between normal and faulty
  float deviation = 1;  ///< of log rms: the unit in which the network sees the distance from there
  std::uint32_t sample_rate_hz = 12'000;
  std::uint32_t window = 256;
  std::uint32_t hop = 256;
  std::uint32_t commissioning_windows = 60;
  std::string block = "1m";   ///< of a sketch
  std::string status = "5m";  ///< of a status record
  std::uint32_t audit_permille = 200;
  std::string more = {};  ///< more of the specification, at its end
};

/// Features are log_rms, rms, log_crest and log_kurtosis; labels normal, anomaly and outer_race.
/// Every window is classified: with x = (log rms - border) / deviation the logits are -x and x. The
/// trigger only learns the baseline that sketches are in; it never speaks.
inline constexpr std::size_t kLevelFeatures = 4;

/// Writes `package.toml` and the model that it names into `folder`, which exists.
///
/// @returns the specification's path
std::filesystem::path WriteLevelSpecification(const std::filesystem::path& folder,
                                              const LevelShape& shape = {});

}  // namespace trib::testing
