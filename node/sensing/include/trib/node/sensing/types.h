#pragma once

#include <cstdint>
#include <span>

#include "trib/common/dsp/summary.h"

namespace trib::node::sensing {

/// What the recipe asks of a window, in frames.
struct WindowShape {
  std::uint32_t channels = 0;
  std::uint32_t length = 0;
  /// Distance between the starts of consecutive windows; may exceed `length` (duty cycle). A
  /// sensor may then leave out frames of the pause: the next block's first_frame says how many.
  std::uint32_t hop = 0;
};

/// A window as it was cut, before anybody judged it.
///
/// Memory  Borrows `samples` and `summaries` from the buffer until its next Advance() or Commit().
struct CutWindow {
  /// Interleaved [frame][channel], length x channels.
  std::span<const std::int16_t> samples;
  /// Of each channel's samples, with the clip levels of the buffer's guardrails.
  std::span<const dsp::Summary> summaries;
  std::uint32_t channels = 0;
  /// Index of the first frame since boot.
  std::uint64_t first_frame = 0;
  /// Physical units per count, the same for all samples of the window; may be NaN.
  float scale = 0;
  /// Frames that the platform invented or that came from values that were not finite, in the blocks
  /// that the window touches: an upper bound for the window itself.
  std::uint32_t missing_frames = 0;
  std::uint32_t non_finite_frames = 0;
  /// Operating condition, the same for all samples of the window.
  std::uint32_t condition = 0;
  /// Frames were lost between this window's stretch and what came before it.
  bool after_gap = false;
};

}  // namespace trib::node::sensing
