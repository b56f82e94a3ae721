#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "trib/common/dsp/recipe.h"
#include "trib/common/host/recording/manifest.h"
#include "trib/common/status/result.h"

/// Labelled recordings, cut into windows as a node cuts them.
namespace trib::tools::evaluation {

/// Loads `path`: a manifest of ours, a folder with a manifest.toml, or a folder with the
/// manifest.csv of a published data set. `dialect` names the latter; empty: the one whose columns
/// it has.
///
/// @returns the manifest; or kNotFound, kInvalidArgument after appending one-line texts to `errors`
Result<host::recording::Manifest> LoadData(const std::filesystem::path& path,
                                           const std::string& dialect,
                                           std::vector<std::string>& errors);

/// What a recording's condition `key` says, as text; "" without such a condition.
std::string ConditionText(const host::recording::Recording& recording, const std::string& key);

/// The condition that `split` names: "by_load" stands for "split_by_load", else "by_load" itself;
/// "" when no recording has either.
std::string SplitKey(const host::recording::Manifest& manifest, const std::string& split);

/// From the labels of recordings to those of a package: by name, after the pairs of `map`; what is
/// mapped to "-" is left out.
using LabelMap = std::map<std::string, std::string>;
/// Reads "from=to" pairs. @returns kInvalidArgument, with one line in `error`
Result<LabelMap> ParseLabelMap(const std::vector<std::string>& pairs, std::string& error);

/// Cuts a stretch of a recording into windows. None crosses a record boundary.
struct WindowCut {
  std::uint32_t window_frames = 0;
  std::uint32_t hop_frames = 0;
  std::uint32_t sample_rate_hz = 0;
  std::uint32_t channels = 1;
  /// Convert recordings of another rate instead of refusing them.
  bool resample = false;
};
/// Given the window, interleaved, and how many of its frames were not finite in the file. Returns
/// whether to go on.
using WindowSink =
    std::function<bool(std::span<const std::int16_t> samples, std::uint32_t non_finite_frames)>;
/// @param from, to  shares of the recording, 0..1
/// @returns kInvalidArgument or kDataLoss after appending one-line texts to `errors`
Status ForEachWindow(const host::recording::Recording& recording,
                     double from,
                     double to,
                     const WindowCut& cut,
                     const WindowSink& sink,
                     std::vector<std::string>& errors);

/// Band-limited conversion of one channel (Kaiser-windowed sinc).
///
/// Requires  rates > 0.
std::vector<std::int16_t> Resample(std::span<const std::int16_t> samples,
                                   double from_hz,
                                   double to_hz);

}  // namespace trib::tools::evaluation
