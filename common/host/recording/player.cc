#include "trib/common/host/recording/player.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <map>
#include <utility>

namespace trib::host::recording {
namespace {

constexpr std::size_t kScratchBytes = 65536;

bool ReadFully(int fd, std::byte* data, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t got = ::pread(fd, data, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return false;
    }
    data += got;
    size -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return true;
}

std::uint32_t LittleEndian(const std::byte* data, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i) {
    value |= std::to_integer<std::uint32_t>(data[i]) << (8U * i);
  }
  return value;
}

// The nearest count, and whether the value had an honest one.
bool ToCount(float value, double scale, std::int16_t& count) {
  const double counts = std::nearbyint(static_cast<double>(value) / scale);
  if (!std::isfinite(value)) {
    count = 0;
    return false;
  }
  const double clamped = std::clamp(counts, -32768.0, 32767.0);
  count = static_cast<std::int16_t>(clamped);
  return clamped == counts;
}

}  // namespace

Result<Player> Player::Open(Manifest manifest,
                            PlayOptions options,
                            std::vector<std::string>& errors) {
  Player player;
  player.manifest_ = std::move(manifest);
  player.loop_ = options.loop;
  std::vector<PlayItem>& items = player.items_;
  items = std::move(options.order);
  const std::vector<Recording>& recordings = player.manifest_.recordings;
  if (items.empty()) {
    for (std::size_t i = 0; i < recordings.size(); ++i) {
      items.push_back({.recording = i});
    }
  }
  if (items.empty()) {
    errors.emplace_back("there is no recording to play");
    return Code::kInvalidArgument;
  }
  std::map<std::size_t, Extent> extents;
  for (PlayItem& item : items) {
    if (item.recording >= recordings.size()) {
      errors.push_back("recording " + std::to_string(item.recording) + " is asked for; there are " +
                       std::to_string(recordings.size()));
      return Code::kInvalidArgument;
    }
    const Recording& recording = recordings[item.recording];
    const Recording& first = recordings[items.front().recording];
    if (recording.channels.size() != first.channels.size() || recording.fs_hz != first.fs_hz) {
      errors.push_back(recording.file.string() + ": differs in channels or rate from " +
                       first.file.string() + "; one sensor has one of each");
      return Code::kInvalidArgument;
    }
    if (!extents.contains(item.recording)) {
      TRIB_TRY_ASSIGN(extents[item.recording], Measure(recording, errors));
    }
    const Extent& extent = extents[item.recording];
    item.begin = std::max(item.begin, extent.begin);
    item.end = std::min(item.end, extent.end);
    if (item.begin >= item.end) {
      errors.push_back(recording.file.string() + ": nothing of it is in the part to play");
      return Code::kInvalidArgument;
    }
    player.total_frames_ += item.end - item.begin;
  }
  player.position_ = items.front().begin;
  return player;
}

Player::Player(Player&& other) noexcept {
  *this = std::move(other);
}

Player& Player::operator=(Player&& other) noexcept {
  if (this != &other) {
    CloseFile();
    manifest_ = std::move(other.manifest_);
    items_ = std::move(other.items_);
    loop_ = other.loop_;
    total_frames_ = other.total_frames_;
    item_ = other.item_;
    position_ = other.position_;
    played_ = other.played_;
    fd_ = std::exchange(other.fd_, -1);
    open_recording_ = other.open_recording_;
    scratch_ = std::move(other.scratch_);
  }
  return *this;
}

Player::~Player() {
  CloseFile();
}

void Player::CloseFile() {
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

Status Player::OpenFile(std::size_t recording) {
  if (fd_ >= 0 && open_recording_ == recording) {
    return {};
  }
  CloseFile();
  fd_ = ::open(manifest_.recordings[recording].file.c_str(), O_RDONLY | O_CLOEXEC);
  open_recording_ = recording;
  return fd_ >= 0 ? Status() : Status(Code::kDataLoss);
}

void Player::Rewind() {
  item_ = 0;
  position_ = items_.front().begin;
  played_ = 0;
}

// Reads the frames at position_ and converts them; gives the number of non-finite frames.
Result<std::uint32_t> Player::ReadFrames(std::span<std::int16_t> out) {
  const Recording& recording = current();
  const std::size_t width = recording.encoding == Encoding::kInt16Le ? 2 : 4;
  const std::size_t channel_count = recording.channels.size();
  std::uint64_t offset = position_ * recording.frame_bytes();
  std::uint32_t non_finite = 0;
  scratch_.resize(kScratchBytes);
  // Whole frames per chunk, so that a frame is counted once.
  const std::size_t chunk_samples = kScratchBytes / width / channel_count * channel_count;
  while (!out.empty()) {
    const std::size_t samples = std::min(out.size(), chunk_samples);
    if (!ReadFully(fd_, scratch_.data(), samples * width, offset)) {
      return Code::kDataLoss;
    }
    for (std::size_t frame = 0; frame < samples; frame += channel_count) {
      bool finite = true;
      for (std::size_t i = frame; i < frame + channel_count; ++i) {
        const std::uint32_t raw = LittleEndian(scratch_.data() + i * width, width);
        if (width == 2) {
          out[i] = static_cast<std::int16_t>(static_cast<std::uint16_t>(raw));
        } else {
          finite = ToCount(std::bit_cast<float>(raw), recording.scale, out[i]) && finite;
        }
      }
      non_finite += finite ? 0 : 1;
    }
    offset += samples * width;
    out = out.subspan(samples);
  }
  return non_finite;
}

Result<Block> Player::Read(std::span<std::int16_t> memory) {
  if (item_ == items_.size()) {
    return Code::kOutOfRange;
  }
  const PlayItem& item = items_[item_];
  const Recording& recording = current();
  const std::size_t channel_count = recording.channels.size();
  if (memory.size() < channel_count) {
    return Code::kInvalidArgument;
  }
  TRIB_TRY(OpenFile(item.recording));
  const std::uint64_t stop =
      std::min(item.end, recording.NextBoundary(position_).value_or(UINT64_MAX));
  Block block;
  block.frames = static_cast<std::size_t>(
      std::min<std::uint64_t>(stop - position_, memory.size() / channel_count));
  block.first_frame = played_;
  block.source_frame = position_;
  block.recording = item.recording;
  TRIB_TRY_ASSIGN(block.non_finite_frames, ReadFrames(memory.first(block.frames * channel_count)));
  position_ += block.frames;
  played_ += block.frames;
  block.boundary = position_ == stop;
  if (position_ == item.end) {
    ++item_;
    if (item_ == items_.size() && loop_) {
      item_ = 0;
    }
    if (item_ < items_.size()) {
      position_ = items_[item_].begin;
    }
  }
  return block;
}

}  // namespace trib::host::recording
