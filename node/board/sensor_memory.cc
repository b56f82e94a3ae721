#include "trib/node/board/sensor_memory.h"

#include <algorithm>

namespace trib::node::board {
namespace {

/// Samples come in steps of this much time, as a converter's buffer would give them.
constexpr std::uint64_t kStep_ms = 20;

}  // namespace

std::uint64_t SensorMemory::Step() const {
  return std::max<std::uint64_t>(1, table_.sample_rate_hz() * kStep_ms / 1000);
}

std::uint64_t SensorMemory::DueFrames() {
  if (full_speed_) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  const MonotonicTime now = clock_.Monotonic();
  if (!begun_) {
    begun_ = true;
    begin_ = now;
  }
  const auto passed_ms = static_cast<std::uint64_t>((now - begin_).count());
  return passed_ms * table_.sample_rate_hz() / 1000 / Step() * Step();
}

std::uint64_t SensorMemory::PauseFrames() const {
  return used_ == 0 && block_ < table_.block_count() ? table_.block(block_).pause_frames : 0;
}

Millis SensorMemory::UntilReady() {
  if (ended_ || held_) {
    return kIdle;
  }
  const std::uint64_t wanted = delivered_ + PauseFrames();
  if (DueFrames() > wanted) {
    return Millis(0);
  }
  const std::uint64_t next = (wanted / Step() + 1) * Step();
  const std::uint64_t rate = table_.sample_rate_hz();
  const MonotonicTime at =
      begin_ + Millis(static_cast<std::int64_t>((next * 1000 + rate - 1) / rate));
  return std::max(at - clock_.Monotonic(), Millis(1));
}

Result<SampleBlock> SensorMemory::Read(std::span<std::int16_t> memory) {
  if (ended_) {
    return Code::kOutOfRange;
  }
  const std::uint64_t due = DueFrames();
  const std::uint64_t pause = PauseFrames();
  if (held_ || due <= delivered_ + pause) {
    return Code::kUnavailable;
  }
  if (block_ == table_.block_count()) {
    ended_ = true;
    return Code::kOutOfRange;
  }
  const std::uint64_t fits = memory.size() / table_.channels();
  if (fits == 0) {
    return Code::kInvalidArgument;
  }
  delivered_ += pause;
  const StoredBlock stored = table_.block(block_);
  const auto frames = static_cast<std::uint32_t>(
      std::min({fits, due - delivered_, std::uint64_t{stored.frames - used_}}));
  SampleBlock block;
  const auto samples = memory.first(std::size_t{frames} * table_.channels());
  table_.Copy(position_, samples);
  block.samples = samples;
  block.first_frame = delivered_;
  block.pause_frames = pause;
  block.scale = stored.scale;
  block.speed_hz = stored.speed_hz;
  block.non_finite_frames = std::min(stored.non_finite_frames, frames);
  delivered_ += frames;
  position_ += frames;
  used_ += frames;
  if (used_ == stored.frames) {
    used_ = 0;
    ++block_;
    block.boundary = stored.boundary;
    if (block_ == table_.block_count() && table_.loop()) {
      block_ = 0;
      position_ = 0;
      block.boundary = true;  // the seam
    }
  }
  clock_.SetDelivered(
      Millis(static_cast<std::int64_t>(delivered_ * 1000 / table_.sample_rate_hz())));
  return block;
}

}  // namespace trib::node::board
