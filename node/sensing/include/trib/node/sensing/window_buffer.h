#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/base/fixed_vector.h"
#include "trib/node/ports/sensor.h"
#include "trib/node/sensing/types.h"
#include "trib/node/sensing/window_summaries.h"

namespace trib::node::sensing {

struct WindowMetrics {
  std::uint64_t frames = 0;            ///< taken from the sensor
  std::uint64_t windows = 0;           ///< cut
  std::uint64_t frames_discarded = 0;  ///< in no window, because a stretch ended before it was full
  std::uint64_t gaps = 0;              ///< jumps of first_frame
  std::uint64_t boundaries = 0;        ///< ends of a stretch: stated, a pause, or a new scale
};

/// A circular buffer that cuts windows. A window never crosses a boundary flag, a pause, a gap
/// in the frame numbers or a change of scale or operating condition: the buffer starts again there.
///
/// The ring is mirrored: every sample lies at slot i and at slot i + length, so that a full window
/// is one span wherever it starts, and the sensor writes straight into the ring.
///
/// Memory   Borrows for life: RequiredSamples(shape) samples, and what WindowSummaries borrows.
/// Threads  One caller at a time.
class WindowBuffer {
 public:
  static constexpr std::size_t RequiredSamples(const WindowShape& shape) {
    return std::size_t{2} * shape.length * shape.channels;
  }

  /// Requires  channels, length and hop above 0; memory of at least RequiredSamples(); what
  ///           WindowSummaries requires. `limits` say what is clipped: the guardrails that the
  ///           windows are judged by.
  WindowBuffer(std::span<std::int16_t> memory,
               std::span<dsp::Summary> summaries,
               const WindowShape& shape,
               const package::Guardrails& limits);

  /// Where the sensor may write next: never more frames than the next window lacks, so one
  /// Commit() completes at most one window. Empty while a window is ready.
  [[nodiscard]] std::span<std::int16_t> Writable();

  /// Takes what the sensor wrote. A block of no frames may still carry a boundary.
  ///
  /// Requires  block.samples starts where the last Writable() did and holds whole frames.
  void Commit(const SampleBlock& block, std::uint32_t condition = 0);

  [[nodiscard]] bool ready() const { return ready_; }
  /// Requires  ready().
  [[nodiscard]] CutWindow window() const;
  /// Gives the window back and moves on by one hop, or starts again after a boundary.
  ///
  /// Requires  ready().
  void Advance();

  /// The source has ended for good: frames left over are counted as discarded.
  void Finish() { Restart(); }

  [[nodiscard]] const WindowMetrics& metrics() const { return metrics_; }
  [[nodiscard]] const WindowShape& shape() const { return shape_; }

 private:
  struct Suspect {
    std::uint64_t end_frame = 0;
    std::uint32_t missing = 0;
    std::uint32_t non_finite = 0;
  };
  static constexpr std::size_t kMaxSuspects = 8;

  [[nodiscard]] std::span<const std::int16_t> Window() const;
  void Restart();
  void Mirror(std::size_t first_slot, std::size_t frames);
  void NoteSuspect(std::uint64_t end_frame, const SampleBlock& block);

  // 1. tail_ is the slot (0 .. length-1) of the next frame.
  // 2. The last filled_ frames before tail_ are consecutive, of one scale; filled_ <= length.
  // 3. The last fresh_ of them were in no window yet; fresh_ <= filled_.
  // 4. ready_ <=> filled_ == length and the window has not been given back.
  // 5. While skip_ > 0, filled_ == 0 and frames are dropped: the pause of a hop beyond the length.
  std::span<std::int16_t> memory_;
  WindowShape shape_;
  std::size_t tail_ = 0;
  std::size_t filled_ = 0;
  std::size_t fresh_ = 0;
  std::size_t skip_ = 0;
  std::uint64_t next_frame_ = 0;
  float scale_ = 0;
  std::uint32_t condition_ = 0;
  bool started_ = false;
  bool ready_ = false;
  bool boundary_pending_ = false;
  bool after_gap_ = false;
  FixedVector<Suspect, kMaxSuspects> suspects_;
  WindowSummaries summaries_;  // of the filled_ frames, and of the pause's never
  WindowMetrics metrics_;
};

/// A WindowBuffer with its memory.
template <std::size_t kMaxSamples>
struct WindowMemory {
  std::int16_t samples[kMaxSamples] = {};
  [[nodiscard]] std::span<std::int16_t> span() { return samples; }
};

}  // namespace trib::node::sensing
