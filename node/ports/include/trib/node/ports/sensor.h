#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "trib/common/status/result.h"

namespace trib::node {

/// A run of samples as the converter gave them.
struct SampleBlock {
  /// Frames read, interleaved [frame][channel]; points into the memory given to Read().
  std::span<const std::int16_t> samples;
  /// Index of the first frame since boot, counted also while nobody samples. A jump by other than
  /// `pause_frames` means that frames were lost in between, or, up to the next window of a recipe
  /// whose hop exceeds it, that the sensor slept.
  std::uint64_t first_frame = 0;
  /// Frames right before the first that nobody wanted: a duty-cycled converter was off. A window
  /// never continues past it, and nothing is lost.
  std::uint64_t pause_frames = 0;
  /// Physical units per count, from the sensor's calibration; may be anything, even NaN: the
  /// guardrails judge it.
  float scale = 0;
  /// Frames of this block that the platform had to invent because none arrived.
  std::uint32_t missing_frames = 0;
  /// Frames whose source value was not a finite number.
  std::uint32_t non_finite_frames = 0;
  /// The source ends here: machine off, file or record boundary, loop seam. A window never
  /// continues past it.
  bool boundary = false;
  /// Shaft speed during the block, turns per second; quiet NaN when nobody measures it. The package
  /// may keep a baseline for each of a few ranges of it.
  float speed_hz = std::numeric_limits<float>::quiet_NaN();
};

class Sensor {
 public:
  /// Fills `memory` as far as samples are there.
  ///
  /// @returns a block of whole frames, maybe shorter than asked; or
  ///   kUnavailable  nothing yet; ask again after sleeping
  ///   kOutOfRange   the source has ended for good (replay only)
  virtual Result<SampleBlock> Read(std::span<std::int16_t> memory) = 0;
  [[nodiscard]] virtual std::uint32_t sample_rate_hz() const = 0;
  [[nodiscard]] virtual std::uint32_t channels() const = 0;

 protected:
  ~Sensor() = default;
};

}  // namespace trib::node
