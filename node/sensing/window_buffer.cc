#include "trib/node/sensing/window_buffer.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace trib::node::sensing {
namespace {

/// Four samples at a time: what a board's library does byte by byte costs more than the statistics.
void Copy(std::span<const std::int16_t> from, std::int16_t* to) {
  std::size_t i = 0;
  for (; i + 4 <= from.size(); i += 4) {
    std::uint64_t four = 0;
    std::memcpy(&four, &from[i], sizeof four);
    std::memcpy(to + i, &four, sizeof four);
  }
  for (; i < from.size(); ++i) {
    to[i] = from[i];
  }
}

}  // namespace

WindowBuffer::WindowBuffer(std::span<std::int16_t> memory,
                           std::span<dsp::Summary> summaries,
                           const WindowShape& shape,
                           const package::Guardrails& limits)
    : memory_(memory), shape_(shape), summaries_(summaries, shape, limits) {
  TRIB_CHECK(shape.channels > 0 && shape.length > 0 && shape.hop > 0);
  TRIB_CHECK(memory.size() >= RequiredSamples(shape));
}

std::span<std::int16_t> WindowBuffer::Writable() {
  if (ready_) {
    return {};
  }
  const std::size_t frames =
      skip_ > 0 ? std::min<std::size_t>(skip_, shape_.length) : shape_.length - filled_;
  return memory_.subspan(tail_ * shape_.channels, frames * shape_.channels);
}

void WindowBuffer::Commit(const SampleBlock& block, std::uint32_t condition) {
  const std::size_t frames = block.samples.size() / shape_.channels;
  TRIB_DCHECK(!ready_ && block.samples.size() % shape_.channels == 0);
  TRIB_DCHECK(frames == 0 || block.samples.data() == memory_.data() + tail_ * shape_.channels);
  if (frames > 0) {
    const bool rescaled =
        std::bit_cast<std::uint32_t>(block.scale) != std::bit_cast<std::uint32_t>(scale_) ||
        condition != condition_;
    const bool paused = block.pause_frames > 0;
    if (started_ && block.first_frame > next_frame_ && block.first_frame - next_frame_ <= skip_) {
      // The sensor slept through frames that nobody wanted.
      skip_ -= static_cast<std::size_t>(block.first_frame - next_frame_);
    } else if (started_ && block.first_frame != next_frame_ + block.pause_frames) {
      ++metrics_.gaps;
      Restart();
      after_gap_ = true;
    } else if ((filled_ > 0 && (rescaled || paused)) || (skip_ > 0 && paused)) {
      ++metrics_.boundaries;
      Restart();
    }
    started_ = true;
    scale_ = block.scale;
    condition_ = condition;
    next_frame_ = block.first_frame + frames;
    metrics_.frames += frames;
    const std::size_t unwanted = std::min(skip_, frames);
    const std::size_t wanted = frames - unwanted;
    skip_ -= unwanted;
    if (wanted > 0) {
      // Only after a sleep does a block reach beyond the pause.
      std::copy_n(block.samples.begin() + static_cast<std::ptrdiff_t>(unwanted * shape_.channels),
                  unwanted > 0 ? wanted * shape_.channels : 0,
                  memory_.begin() + static_cast<std::ptrdiff_t>(tail_ * shape_.channels));
      Mirror(tail_, wanted);
      summaries_.Add(memory_.subspan(tail_ * shape_.channels, wanted * shape_.channels));
      tail_ += wanted;
      tail_ -= tail_ >= shape_.length ? shape_.length : 0;
      filled_ += wanted;
      fresh_ += wanted;
      if (block.missing_frames > 0 || block.non_finite_frames > 0) {
        NoteSuspect(next_frame_, block);
      }
    }
  }
  ready_ = filled_ == shape_.length;
  if (ready_) {
    summaries_.Complete(Window());
  }
  if (block.boundary) {
    ++metrics_.boundaries;
    if (ready_) {
      boundary_pending_ = true;
    } else {
      Restart();
    }
  }
}

std::span<const std::int16_t> WindowBuffer::Window() const {
  return memory_.subspan(tail_ * shape_.channels,
                         static_cast<std::size_t>(shape_.length) * shape_.channels);
}

CutWindow WindowBuffer::window() const {
  TRIB_DCHECK(ready_);
  const std::uint64_t first_frame = next_frame_ - shape_.length;
  std::uint32_t missing = 0;
  std::uint32_t non_finite = 0;
  for (const Suspect& suspect : suspects_) {
    if (suspect.end_frame > first_frame) {
      missing += suspect.missing;
      non_finite += suspect.non_finite;
    }
  }
  return {.samples = Window(),
          .summaries = summaries_.whole(),
          .channels = shape_.channels,
          .first_frame = first_frame,
          .scale = scale_,
          .missing_frames = missing,
          .non_finite_frames = non_finite,
          .condition = condition_,
          .after_gap = after_gap_};
}

void WindowBuffer::Advance() {
  TRIB_DCHECK(ready_);
  ++metrics_.windows;
  ready_ = false;
  after_gap_ = false;
  fresh_ = 0;
  if (boundary_pending_) {
    boundary_pending_ = false;
    Restart();
  } else if (shape_.hop >= shape_.length) {
    skip_ = shape_.hop - shape_.length;
    filled_ = 0;
    suspects_.clear();
    summaries_.Restart();
  } else {
    filled_ = shape_.length - shape_.hop;
  }
}

void WindowBuffer::Restart() {
  metrics_.frames_discarded += fresh_;
  filled_ = 0;
  fresh_ = 0;
  skip_ = 0;
  suspects_.clear();
  summaries_.Restart();
}

void WindowBuffer::Mirror(std::size_t first_slot, std::size_t frames) {
  const std::size_t ring = static_cast<std::size_t>(shape_.length) * shape_.channels;
  const std::size_t begin = first_slot * shape_.channels;
  const std::size_t end = begin + frames * shape_.channels;
  const std::size_t seam = std::min(ring, end);  // tail_ lies before it
  Copy(memory_.subspan(begin, seam - begin), memory_.data() + ring + begin);
  if (end > seam) {
    Copy(memory_.subspan(seam, end - seam), memory_.data() + seam - ring);
  }
}

void WindowBuffer::NoteSuspect(std::uint64_t end_frame, const SampleBlock& block) {
  const std::uint64_t window_start = end_frame > filled_ ? end_frame - filled_ : 0;
  std::size_t kept = 0;
  for (const Suspect& suspect : suspects_) {
    if (suspect.end_frame > window_start) {
      suspects_[kept++] = suspect;
    }
  }
  (void)suspects_.resize(kept);
  if (suspects_.full()) {
    // Counting the older frames as newer errs on the side of suspicion.
    Suspect& last = suspects_[suspects_.size() - 1];
    last.end_frame = end_frame;
    last.missing += block.missing_frames;
    last.non_finite += block.non_finite_frames;
    return;
  }
  (void)suspects_.push_back({end_frame, block.missing_frames, block.non_finite_frames});
}

}  // namespace trib::node::sensing
