#include "sensor_area.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "trib/common/base/random.h"
#include "trib/node/board/sensor_memory.h"
#include "trib/node/sim/paced_sensor.h"
#include "trib/node/sim/sim_clock.h"

namespace trib::tools::board {
namespace {

using node::board::StoredBlock;

/// How finely what is told of a block (speed, frames that were not finite) is kept.
constexpr std::uint64_t kBlockFrames = 256;

struct Taken {
  std::vector<StoredBlock> blocks;
  std::vector<std::int16_t> samples;
  std::uint64_t next_frame = 0;  ///< as the sensor counts
};

bool SameBits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

/// Whether nothing told of either block would be lost.
bool Continues(const StoredBlock& before, const StoredBlock& block) {
  return !before.boundary && block.pause_frames == 0 && SameBits(before.scale, block.scale) &&
         SameBits(before.speed_hz, block.speed_hz) && before.non_finite_frames == 0 &&
         block.non_finite_frames == 0;
}

/// @returns an empty text, or what the memory cannot say.
std::string Take(const node::SampleBlock& block, std::uint32_t channels, Taken& taken) {
  if (block.missing_frames > 0 || block.first_frame != taken.next_frame + block.pause_frames) {
    return "board memory cannot say that frames are missing; leave out faults of the kinds "
           "missing and gap";
  }
  if (block.pause_frames > UINT32_MAX) {
    return "a pause of the source is too long for board memory";
  }
  const StoredBlock stored{.frames = static_cast<std::uint32_t>(block.samples.size() / channels),
                           .scale = block.scale,
                           .speed_hz = block.speed_hz,
                           .non_finite_frames = block.non_finite_frames,
                           .pause_frames = static_cast<std::uint32_t>(block.pause_frames),
                           .boundary = block.boundary};
  taken.next_frame = block.first_frame + stored.frames;
  taken.samples.insert(taken.samples.end(), block.samples.begin(), block.samples.end());
  if (!taken.blocks.empty() && Continues(taken.blocks.back(), stored)) {
    taken.blocks.back().frames += stored.frames;
    taken.blocks.back().boundary = stored.boundary;
  } else {
    taken.blocks.push_back(stored);
  }
  return {};
}

std::string TooLong(const Taken& taken, const node::Sensor& sensor) {
  const auto seconds = taken.next_frame / sensor.sample_rate_hz();
  return "the source is longer than sensor memory, which holds " + std::to_string(seconds) +
         " s of it; give --seconds";
}

/// Reads up to `frames`, as the sensor counts them. @returns an empty text when all is well.
std::string TakeAll(node::sim::PacedSensor& sensor,
                    std::uint64_t frames,
                    std::size_t room_bytes,
                    Taken& taken) {
  const std::uint32_t channels = sensor.channels();
  std::array<std::int16_t, kBlockFrames * node::board::kMostChannels> memory{};
  while (taken.next_frame < frames) {
    const std::uint64_t most = std::min(kBlockFrames, frames - taken.next_frame);
    const auto block = sensor.Read(std::span(memory).first(most * channels));
    if (block.status().code() == Code::kUnavailable) {
      return "board memory cannot say that frames are missing; leave out faults of the kind gap";
    }
    if (!block.ok()) {
      return sensor.failure().ok() ? std::string() : "the source could not be read to its end";
    }
    if (block->first_frame >= frames) {
      return {};  // behind a pause
    }
    if (std::string text = Take(*block, channels, taken); !text.empty()) {
      return text;
    }
    if (node::board::SamplesAt(taken.blocks.size()) + taken.samples.size() * sizeof(std::int16_t) >
        room_bytes) {
      return TooLong(taken, sensor);
    }
  }
  return {};
}

}  // namespace

Status PutSensor(const ImageRequest& request,
                 std::span<std::byte> area,
                 std::vector<std::string>& errors) {
  node::sim::SourceRequest wanted = request.source;
  wanted.loop = false;
  node::sim::Source source = node::sim::OpenSource(wanted, errors);
  if (source.samples == nullptr) {
    return Code::kInvalidArgument;
  }
  if (source.endless && !request.seconds) {
    errors.emplace_back("--seconds: this machine has no end; say how much of it");
    return Code::kInvalidArgument;
  }
  if (source.samples->channels() > node::board::kMostChannels) {
    errors.emplace_back("board memory holds up to " + std::to_string(node::board::kMostChannels) +
                        " channels");
    return Code::kInvalidArgument;
  }
  source.faults.insert(source.faults.end(), request.faults.begin(), request.faults.end());
  source.drifts.insert(source.drifts.end(), request.drifts.begin(), request.drifts.end());
  node::sim::SimClock clock({});
  node::sim::PacedSensor sensor(
      std::move(source.samples),
      clock,
      {.pace = 0,
       .faults = std::move(source.faults),
       .drifts = std::move(source.drifts),
       .seed = SplitMix64::Mix(request.identity.node.value()) ^ request.identity.seed});
  const std::uint64_t frames =
      request.seconds ? static_cast<std::uint64_t>(*request.seconds * sensor.sample_rate_hz())
                      : UINT64_MAX;
  Taken taken;
  if (std::string text = TakeAll(sensor, frames, area.size(), taken); !text.empty()) {
    errors.push_back(std::move(text));
    return Code::kInvalidArgument;
  }
  const Status made =
      node::board::EncodeSensor({.sample_rate_hz = sensor.sample_rate_hz(),
                                 .channels = static_cast<std::uint16_t>(sensor.channels()),
                                 .loop = request.source.loop},
                                taken.blocks,
                                area);
  if (!made.ok()) {
    errors.emplace_back("the source gives nothing that sensor memory can hold");
    return Code::kInvalidArgument;
  }
  std::memcpy(area.data() + node::board::SamplesAt(taken.blocks.size()),
              taken.samples.data(),
              taken.samples.size() * sizeof(std::int16_t));
  return {};
}

}  // namespace trib::tools::board
