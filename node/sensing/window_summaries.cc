#include "trib/node/sensing/window_summaries.h"

#include <algorithm>

#include "trib/common/base/check.h"
#include "trib/node/sensing/guardrails.h"

namespace trib::node::sensing {

WindowSummaries::WindowSummaries(std::span<dsp::Summary> memory,
                                 const WindowShape& shape,
                                 const package::Guardrails& limits)
    : memory_(memory), shape_(shape), limits_(limits) {
  TRIB_CHECK(memory.size() >= shape.channels && !limits.channels.empty());
  TRIB_CHECK(shape.length <= dsp::Summary::kMaxSamples);
  const std::size_t pieces = PiecesOf(shape);
  pieces_ = pieces <= kMaxPieces && memory.size() >= RequiredSummaries(shape) ? pieces : 0;
  const std::uint32_t step = std::min(shape.hop, shape.length);
  const std::uint32_t rest = shape.length % step;
  lengths_[0] = rest > 0 ? rest : step;
  lengths_[1] = step - rest;
  Restart();
}

void WindowSummaries::Restart() {
  for (std::size_t i = 0; i < pieces_; ++i) {
    Clear(piece(i));
  }
  second_ = true;
  NextPiece();
}

std::span<dsp::Summary> WindowSummaries::piece(std::size_t index) {
  return memory_.subspan((pieces_ > 1 ? index + 1 : 0) * shape_.channels, shape_.channels);
}

void WindowSummaries::Clear(std::span<dsp::Summary> summaries) {
  for (dsp::Summary& summary : summaries) {
    summary = {};
  }
}

// Inlined: a call costs as much as what it does for one sample.
[[gnu::always_inline]] inline void WindowSummaries::AddToPiece(
    std::span<const std::int16_t> samples) {
  const std::span<dsp::Summary> summaries = piece(newest_);
  for (std::size_t channel = 0; channel < shape_.channels; ++channel) {
    dsp::Append(summaries[channel],
                dsp::ChannelView<std::int16_t>(samples, shape_.channels, channel),
                LimitsOf(limits_, channel).clip_level_raw);
  }
}

[[gnu::always_inline]] inline void WindowSummaries::Merge(std::span<const dsp::Summary> next) {
  for (std::size_t channel = 0; channel < shape_.channels; ++channel) {
    dsp::Append(memory_[channel], next[channel], LimitsOf(limits_, channel).clip_level_raw);
  }
}

void WindowSummaries::NextPiece() {
  newest_ = newest_ + 1 < pieces_ ? newest_ + 1 : 0;
  second_ = !second_;
  lacks_ = lengths_[second_ ? 1 : 0];
  Clear(piece(newest_));
  Clear(whole_memory());
  std::size_t at = newest_;
  for (std::size_t i = 1; i < pieces_; ++i) {
    at = at + 1 < pieces_ ? at + 1 : 0;  // the oldest follows the newest
    Merge(piece(at));
  }
}

void WindowSummaries::Add(std::span<const std::int16_t> samples) {
  if (!as_they_arrive()) {
    return;
  }
  while (!samples.empty()) {
    if (lacks_ == 0) {
      NextPiece();
    }
    const std::size_t frames = std::min<std::size_t>(lacks_, samples.size() / shape_.channels);
    AddToPiece(samples.first(frames * shape_.channels));
    samples = samples.subspan(frames * shape_.channels);
    lacks_ -= static_cast<std::uint32_t>(frames);
  }
}

void WindowSummaries::Complete(std::span<const std::int16_t> samples) {
  if (!as_they_arrive()) {
    Restart();
    AddToPiece(samples);
  } else if (pieces_ > 1) {
    Merge(piece(newest_));
  }
}

}  // namespace trib::node::sensing
