#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "trib/common/base/fixed_vector.h"

namespace trib::simulation {

/// What breaks between the machine and the node, played on top of good samples.
enum class SensorFaultKind : std::uint8_t {
  kUnspecified = 0,
  kStuck = 1,      ///< the first value of the stretch, again and again
  kClipped = 2,    ///< the signal times 100, cut at the rails
  kMissing = 3,    ///< every frame marked as invented
  kNonFinite = 4,  ///< every frame marked as not a number
  kBadScale = 5,   ///< the calibration is NaN
  kRange = 6,      ///< a constant beyond anything believable on top
  kGap = 7,        ///< the frames are lost
};

/// "stuck", "clipped", "missing", "nonfinite", "scale", "range", "gap".
[[nodiscard]] std::optional<SensorFaultKind> ParseSensorFaultKind(std::string_view name);

/// What a fault says about samples beside changing them: fields of a SampleBlock.
struct SpoiltSamples {
  std::uint32_t missing_frames = 0;
  std::uint32_t non_finite_frames = 0;
  bool bad_scale = false;  ///< the scale is NaN
  bool lost = false;       ///< they never arrive; the next block's first_frame tells
};

/// Spoils the samples of one sensor of at most kMaxChannels channels.
///
/// Threads  One caller at a time.
class SensorSpoiler {
 public:
  static constexpr std::size_t kMaxChannels = 64;

  /// Applies the fault to samples that lie wholly within it, interleaved [frame][channel].
  /// `stretch` tells one stretch of a stuck sensor from the next.
  ///
  /// Requires  1..kMaxChannels channels; whole frames.
  SpoiltSamples Spoil(SensorFaultKind kind,
                      std::size_t stretch,
                      std::uint32_t channels,
                      std::span<std::int16_t> samples);
  /// No fault now: the next stuck stretch begins anew.
  void Heal() { stuck_values_.clear(); }

 private:
  FixedVector<std::int16_t, kMaxChannels> stuck_values_;  // empty: not stuck
  std::size_t stuck_stretch_ = 0;
};

}  // namespace trib::simulation
