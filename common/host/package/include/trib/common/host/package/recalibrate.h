#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "trib/common/base/ids.h"
#include "trib/common/package/sections.h"
#include "trib/common/status/result.h"

/// A package whose network sees a sensor that drifted as it saw the sensor before.
///
/// Errors   `error`, if not null, gets one line for the operator.
/// Threads  Everything is re-entrant.
namespace trib::host::package {

using namespace trib::package;  // NOLINT(google-build-using-namespace): same vocabulary, more
                                // memory

/// A feature of the recipe's frame in windows drawn at random, before a drift and since.
struct FeatureShift {
  double mean_then = 0;
  double deviation_then = 0;
  std::uint64_t frames_then = 0;
  double mean_now = 0;
  double deviation_now = 0;
  std::uint64_t frames_now = 0;
};

/// What the cloud knows of a drift: in windows of the nodes that run `package`.
struct Shift {
  PackageHash package;
  std::vector<FeatureShift> features;  ///< one per feature of the frame, in its order
};

/// Fewest frames, then and now, of every feature. The mean of so many is right to about a tenth of
/// the feature's own deviation.
inline constexpr std::uint64_t kMinShiftFrames = 100;

struct Recalibration {
  struct Feature {
    std::string name;  ///< as the recipe calls it
    Normalisation::Feature before;
    Normalisation::Feature after;
    bool rescaled = false;  ///< its deviation was changed too
  };
  std::vector<std::byte> file;  ///< the unsigned package
  std::string name;
  std::string version;
  std::vector<Feature> features;
};

/// `base` with another normalisation, and in its manifest the version raised (the last number in it
/// by one) and the base as parent; every other section is the same to the byte.
///
/// Rule  The straight line that takes "then" into "now": with r = deviation_now / deviation_then,
///       mean' = mean_now + r x (mean - mean_then), deviation' = r x deviation. r is 1 - the mean
///       is shifted and nothing else - unless a change of scale is certain: |ln r| is above 4
///       standard errors, sqrt(1 / (2 frames_then) + 1 / (2 frames_now)) of normal noise, and r is
///       between 1/16 and 16. Four, because deviations of real windows vary up to twice as much.
/// Limits  It puts right what a sensor does to a feature as a whole. It cannot know whether the
///       machine has changed: the windows now must be of the same mixture of states as those then,
///       and of after the change only, since windows of both look like a greater deviation.
///
/// @returns kFailedPrecondition  not this package, one whose network takes no features or which has
///            split points (its audit sends activations), too few frames
///          kInvalidArgument     features that are not the recipe's, or no numbers
///          kDataLoss            a base that Open() or CheckContents() refuses
Result<Recalibration> Recalibrate(std::span<const std::byte> base,
                                  const Shift& shift,
                                  std::string* error = nullptr);

}  // namespace trib::host::package
