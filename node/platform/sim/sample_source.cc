#include "trib/node/sim/sample_source.h"

#include <cmath>
#include <utility>

namespace trib::node::sim {

RecordingSource::RecordingSource(host::recording::Player player) : player_(std::move(player)) {}

Result<SampleSource::Block> RecordingSource::Read(std::span<std::int16_t> memory) {
  TRIB_TRY_ASSIGN(const host::recording::Block block, player_.Read(memory));
  const host::recording::Recording& recording = player_.manifest().recordings[block.recording];
  if (label_ != recording.label) {
    label_ = recording.label;
  }
  return Block{.frames = block.frames,
               .scale = static_cast<float>(recording.scale),
               .non_finite_frames = block.non_finite_frames,
               .boundary = block.boundary};
}

std::uint32_t RecordingSource::sample_rate_hz() const {
  return static_cast<std::uint32_t>(std::lround(player_.fs_hz()));
}

std::uint32_t RecordingSource::channels() const {
  return static_cast<std::uint32_t>(player_.channels());
}

}  // namespace trib::node::sim
