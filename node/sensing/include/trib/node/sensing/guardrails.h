#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "trib/common/message/types.h"
#include "trib/common/package/sections.h"
#include "trib/node/sensing/types.h"

namespace trib::node::sensing {

/// What a node without a package believes: anything that a converter can give with any finite scale
/// above 0, unless it is one value for the whole window, clipped for half of it, or missing.
package::Guardrails BuiltInGuardrails(const WindowShape& shape);

/// Why a window may not reach features or a model. `code` kUnspecified: it may.
struct GuardrailVerdict {
  message::FaultCode code = message::FaultCode::kUnspecified;
  std::uint32_t channel = 0;
  /// Finite. The scale (0 when not finite), the number of non-finite frames, permille missing or
  /// clipped, the length of the run, the peak to peak counts, or the physical value out of range,
  /// whichever `code` is about.
  float value = 0;
  [[nodiscard]] bool ok() const { return code == message::FaultCode::kUnspecified; }
};

/// What a channel is judged by: channels beyond those of `limits` keep the rules of the last one.
///
/// Requires  limits.channels not empty.
inline const package::ChannelGuardrail& LimitsOf(const package::Guardrails& limits,
                                                 std::size_t channel) {
  return limits.channels[std::min(channel, limits.channels.size() - 1)];
}

/// Judges a window. The first of these that holds is the verdict: scale not finite, frames that
/// were not finite (both kSensorNonFinite); then channel by channel: scale outside its range
/// (kSensorOutOfRange), frames missing, stuck, clipped, a sample out of range, too little peak to
/// peak (kSensorStuck). A run at the clip level counts as clipped, not as stuck.
///
/// Requires  limits.channels not empty; window.summaries made with the clip levels of `limits`.
GuardrailVerdict Judge(const CutWindow& window, const package::Guardrails& limits);

}  // namespace trib::node::sensing
