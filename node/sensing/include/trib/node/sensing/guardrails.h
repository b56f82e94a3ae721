#pragma once

#include <cstdint>

#include "trib/common/message/types.h"
#include "trib/node/sensing/window_buffer.h"

namespace trib::node::sensing {

struct GuardrailLimits {
  /// Physical range of a believable sample.
  float min_value = 0;
  float max_value = 0;
  /// Believable calibration; outside is a fault of the sensor, not of the machine.
  float min_scale = 0;
  float max_scale = 0;
  /// So many equal samples in a row are a stuck sensor. 0 switches the check off.
  std::uint32_t stuck_run = 0;
  /// Samples at or beyond this magnitude count as clipped; more than `clip_permille` of a window is
  /// a fault. A level of 0 switches the check off.
  std::uint32_t clip_level = 0;
  std::uint32_t clip_permille = 0;
  /// More missing frames than this are a fault.
  std::uint32_t missing_permille = 0;
};

/// What a node without a package believes: anything that a converter can give, not stuck for a
/// whole window, at most half of it clipped, none missing.
GuardrailLimits BuiltInLimits(const WindowShape& shape);

/// Why a window may not reach features or a model. `code` kUnspecified: it may.
struct GuardrailVerdict {
  message::FaultCode code = message::FaultCode::kUnspecified;
  std::uint32_t channel = 0;
  /// The scale (0 when not finite), the number of non-finite frames, permille missing or clipped,
  /// the length of the run, or the physical value out of range, whichever `code` is about. Finite.
  float value = 0;
  [[nodiscard]] bool ok() const { return code == message::FaultCode::kUnspecified; }
};

/// Judges a window. The first of these that holds is the verdict: scale not finite
/// (kSensorNonFinite), scale outside its range (kSensorOutOfRange), frames that were not finite
/// (kSensorNonFinite), frames missing (kSensorMissing), then channel by channel: stuck, clipped,
/// out of range. A run at the clip level counts as clipped, not as stuck.
GuardrailVerdict Judge(const CutWindow& window, const GuardrailLimits& limits);

}  // namespace trib::node::sensing
