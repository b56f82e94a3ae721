#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "trib/cloud/train/config.h"
#include "trib/common/base/random.h"
#include "trib/common/status/result.h"

namespace trib::cloud::train {

/// The windows a workload's recipe cuts.
struct WindowShape {
  std::size_t frames = 0;
  std::size_t hop = 0;
  std::size_t channels = 0;
  double rate_hz = 0;
};

/// Frames [begin, end).
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Samples of one recording or one simulated machine, at the workload's rate.
struct Source {
  std::string name;
  std::string group;      ///< the physical part it is of
  std::size_t label = 0;  ///< class
  std::size_t set = 0;    ///< index in TrainConfig::data; data.size(): simulated
  float scale = 1;        ///< physical units per count
  std::map<std::string, std::string> conditions;
  std::vector<std::int16_t> samples;  ///< interleaved
  std::vector<Span> segments;         ///< no window crosses their edges
};

/// Where a window lies, and how far it may be moved without leaving its part of the split.
struct WindowRef {
  std::uint32_t source = 0;
  std::uint32_t begin = 0;
  std::uint32_t low = 0;   ///< first frame that may be touched
  std::uint32_t high = 0;  ///< end of what may be touched
};

/// The parts of a split. Windows of one part share no sample with those of another, except in a
/// split at random, which exists to show what that leaks.
struct Parts {
  std::vector<WindowRef> fit;
  std::vector<WindowRef> calibrate;  ///< ends of the training recordings, behind a gap
  std::vector<WindowRef> test;
};

/// Reads every recording of the configuration; labels that are no class are left out. Data of
/// another rate is resampled.
///
/// @param folders  where DataSource::folder is looked for, in turn
/// @returns kNotFound or kInvalidArgument, and a line in `errors` for each mistake.
Result<std::vector<Source>> LoadSources(const TrainConfig& config,
                                        const WindowShape& shape,
                                        const std::vector<std::filesystem::path>& folders,
                                        std::vector<std::string>& errors);

/// Simulated machines, `per_class` of each class that the simulator knows ("normal", "inner_race",
/// "outer_race", "ball"). Equal arguments give equal samples.
std::vector<Source> Simulate(const TrainConfig& config,
                             const WindowShape& shape,
                             std::size_t per_class,
                             std::uint64_t seed);

/// Windows of a source at the recipe's hop.
std::vector<WindowRef> WindowsOf(const Source& source,
                                 std::size_t index,
                                 const WindowShape& shape,
                                 Span within);

/// Divides the recordings of data sets that are not outside; simulated machines are left to others.
Parts Divide(const std::vector<Source>& sources,
             const TrainConfig& config,
             const Split& split,
             const WindowShape& shape,
             std::uint64_t seed);

/// The first and last part of a training recording: what is fitted on, what calibrates.
struct Tail {
  Span fit;
  Span calibrate;
};
Tail CutTail(std::size_t frames, const ExitConfig& config, const WindowShape& shape);

/// `count` frames from `begin` on in steps of `step` frames, by a windowed sinc that lets nothing
/// above the lower of both Nyquist frequencies through. Frames outside of `within` repeat its edge.
void Resample(const Source& source,
              std::size_t channels,
              Span within,
              double begin,
              double step,
              std::span<float> out);

/// Copies a window, changed at random as `augment` says.
void CutWindow(const Source& source,
               const WindowRef& ref,
               const WindowShape& shape,
               const Augment* augment,
               SplitMix64& random,
               std::span<std::int16_t> out);

}  // namespace trib::cloud::train
