#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "trib/common/dsp/summary.h"
#include "trib/common/package/sections.h"
#include "trib/node/sensing/types.h"

namespace trib::node::sensing {

/// Summarises windows while their samples arrive, so that a full one needs no pass over them.
///
/// Windows overlap, and samples cannot be taken out of a minimum again; so a stretch is cut into
/// pieces wherever a window begins or ends, and a window is merged from its pieces. With a hop H
/// below the length L, pieces of L mod H and H - L mod H frames alternate, 2 floor(L / H) + 1 to a
/// window, or L / H pieces of H frames where that divides; otherwise a window is one piece. Where
/// that would be more than kMaxPieces, or more than the memory holds, a window is summarised when
/// it is full: the same numbers, only later.
///
/// Memory   Borrows memory and limits for life.
/// Threads  One caller at a time.
class WindowSummaries {
 public:
  static constexpr std::size_t kMaxPieces = 8;

  static constexpr std::size_t PiecesOf(const WindowShape& shape) {
    if (shape.hop >= shape.length) {
      return 1;
    }
    const std::size_t hops = shape.length / shape.hop;
    return shape.length % shape.hop == 0 ? hops : 2 * hops + 1;
  }
  /// For summaries while samples arrive; one for each channel is what there has to be.
  static constexpr std::size_t RequiredSummaries(const WindowShape& shape) {
    const std::size_t pieces = PiecesOf(shape);
    return shape.channels * (pieces > 1 && pieces <= kMaxPieces ? pieces + 1 : 1);
  }

  /// Requires  memory for shape.channels summaries; limits.channels not empty;
  ///           shape.length <= dsp::Summary::kMaxSamples.
  WindowSummaries(std::span<dsp::Summary> memory,
                  const WindowShape& shape,
                  const package::Guardrails& limits);

  /// A new stretch: the next frame is the first of a window.
  void Restart();
  /// The frames that follow, interleaved: never more than the window lacks.
  void Add(std::span<const std::int16_t> samples);
  /// The window is full; `samples` are all of it.
  void Complete(std::span<const std::int16_t> samples);
  /// Of the last full window, one for each channel.
  [[nodiscard]] std::span<const dsp::Summary> whole() const {
    return memory_.first(shape_.channels);
  }

 private:
  [[nodiscard]] bool as_they_arrive() const { return pieces_ > 0; }
  [[nodiscard]] std::span<dsp::Summary> whole_memory() { return memory_.first(shape_.channels); }
  [[nodiscard]] std::span<dsp::Summary> piece(std::size_t index);
  static void Clear(std::span<dsp::Summary> summaries);
  void Merge(std::span<const dsp::Summary> next);
  void NextPiece();
  void AddToPiece(std::span<const std::int16_t> samples);

  // 1. memory_ is [slot][channel]: slot 0 is the window's; behind it, if a window has more than one
  //    piece, lies a ring of as many as a window has.
  // 2. newest_ is the piece that takes samples, and lacks_ so many frames more. Until the window is
  //    full, slot 0 then holds all the other pieces of the ring: so that little is left to do.
  // 3. The pieces of a stretch have lengths_[0] and lengths_[1] frames in turn.
  std::span<dsp::Summary> memory_;
  WindowShape shape_;
  const package::Guardrails& limits_;
  std::size_t pieces_ = 0;  ///< of a window; 0: not as samples arrive
  std::uint32_t lengths_[2] = {};
  std::size_t newest_ = 0;
  std::uint32_t lacks_ = 0;
  bool second_ = false;  ///< the newest piece is of lengths_[1]
};

}  // namespace trib::node::sensing
