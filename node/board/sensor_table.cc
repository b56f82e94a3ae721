#include <algorithm>
#include <bit>
#include <cstring>

#include "trib/common/base/check.h"
#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/reader.h"
#include "trib/common/bytes/writer.h"
#include "trib/node/board/sensor_memory.h"

namespace trib::node::board {
namespace {

// "TRIBSNS1" as a little-endian number.
constexpr std::uint64_t kMagic = 0x3153'4e53'4249'5254;
constexpr std::uint16_t kLoop = 1;
constexpr std::uint32_t kBoundary = 1;

// Samples are copied as they lie.
static_assert(std::endian::native == std::endian::little);

Status Refused(SensorReason reason) {
  return {reason == SensorReason::kBlank ? Code::kNotFound : Code::kDataLoss, reason};
}

bool Possible(std::uint32_t rate, std::uint16_t channels) {
  return rate >= 1 && rate <= kMostSampleRate_hz && channels >= 1 && channels <= kMostChannels;
}

bool Possible(const StoredBlock& block) {
  return block.frames >= 1 && block.non_finite_frames <= block.frames;
}

StoredBlock DecodeBlock(std::span<const std::byte> bytes, std::uint32_t& flags) {
  ByteReader reader(bytes);
  StoredBlock block;
  block.frames = reader.U32();
  block.scale = reader.F32();
  block.speed_hz = reader.F32();
  block.non_finite_frames = reader.U32();
  block.pause_frames = reader.U32();
  flags = reader.U32();
  block.boundary = (flags & kBoundary) != 0;
  return block;
}

}  // namespace

StoredBlock SensorTable::block(std::uint32_t index) const {
  TRIB_DCHECK(index < blocks_);
  std::uint32_t flags = 0;
  return DecodeBlock(
      area_.subspan(kSensorHeaderBytes + std::size_t{index} * kStoredBlockBytes, kStoredBlockBytes),
      flags);
}

void SensorTable::Copy(std::uint64_t first, std::span<std::int16_t> out) const {
  const std::size_t at = static_cast<std::size_t>(first) * channels_ * sizeof(std::int16_t);
  const auto from = area_.subspan(SamplesAt(blocks_) + at, out.size_bytes());
  std::memcpy(out.data(), from.data(), from.size());
}

Result<SensorTable> SensorTable::Open(std::span<const std::byte> area) {
  ByteReader reader(area);
  if (reader.U64() != kMagic) {
    return Refused(SensorReason::kBlank);
  }
  SensorTable out(area);
  out.rate_ = reader.U32();
  out.channels_ = reader.U16();
  const std::uint16_t flags = reader.U16();
  out.loop_ = (flags & kLoop) != 0;
  out.blocks_ = reader.U32();
  const std::uint32_t checksum = reader.U32();
  out.frames_ = reader.U64();
  if (!reader.ok() || out.blocks_ > reader.remaining() / kStoredBlockBytes) {
    return Refused(SensorReason::kLength);
  }
  if ((flags & ~kLoop) != 0 || out.blocks_ == 0 || !Possible(out.rate_, out.channels_)) {
    return Refused(SensorReason::kValue);
  }
  const std::size_t samples_at = SamplesAt(out.blocks_);
  const std::size_t frame_bytes = out.channels_ * sizeof(std::int16_t);
  if (samples_at > area.size() || out.frames_ > (area.size() - samples_at) / frame_bytes) {
    return Refused(SensorReason::kLength);
  }
  const auto table = area.subspan(kSensorHeaderBytes, std::size_t{out.blocks_} * kStoredBlockBytes);
  if (Crc32c(table) != checksum) {
    return Refused(SensorReason::kChecksum);
  }
  std::uint64_t frames = 0;
  for (std::uint32_t i = 0; i < out.blocks_; ++i) {
    std::uint32_t block_flags = 0;
    const StoredBlock block = DecodeBlock(
        table.subspan(std::size_t{i} * kStoredBlockBytes, kStoredBlockBytes), block_flags);
    if (!Possible(block) || (block_flags & ~kBoundary) != 0) {
      return Refused(SensorReason::kValue);
    }
    frames += block.frames;
    out.longest_pause_ = std::max(out.longest_pause_, block.pause_frames);
  }
  if (frames != out.frames_) {
    return Refused(SensorReason::kFrames);
  }
  return out;
}

Status EncodeSensor(const SensorHeader& header,
                    std::span<const StoredBlock> blocks,
                    std::span<std::byte> area) {
  std::uint64_t frames = 0;
  for (const StoredBlock& block : blocks) {
    if (!Possible(block)) {
      return Code::kInvalidArgument;
    }
    frames += block.frames;
  }
  if (blocks.empty() || !Possible(header.sample_rate_hz, header.channels)) {
    return Code::kInvalidArgument;
  }
  const std::size_t samples_at = SamplesAt(blocks.size());
  if (blocks.size() > area.size() / kStoredBlockBytes || samples_at > area.size() ||
      frames > (area.size() - samples_at) / (header.channels * sizeof(std::int16_t))) {
    return Code::kResourceExhausted;
  }
  const auto table = area.subspan(kSensorHeaderBytes, blocks.size() * kStoredBlockBytes);
  ByteWriter entries(table);
  for (const StoredBlock& block : blocks) {
    entries.U32(block.frames);
    entries.F32(block.scale);
    entries.F32(block.speed_hz);
    entries.U32(block.non_finite_frames);
    entries.U32(block.pause_frames);
    entries.U32(block.boundary ? kBoundary : 0);
  }
  ByteWriter writer(area);
  writer.U64(kMagic);
  writer.U32(header.sample_rate_hz);
  writer.U16(header.channels);
  writer.U16(header.loop ? kLoop : 0);
  writer.U32(static_cast<std::uint32_t>(blocks.size()));
  writer.U32(Crc32c(table));
  writer.U64(frames);
  return {};
}

}  // namespace trib::node::board
