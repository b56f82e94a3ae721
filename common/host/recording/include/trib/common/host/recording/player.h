#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/host/recording/manifest.h"
#include "trib/common/status/result.h"

namespace trib::host::recording {

/// A part of a recording to play: file frames [begin, end) cut to what the recording covers.
struct PlayItem {
  std::size_t recording = 0;  ///< index into Manifest::recordings
  std::uint64_t begin = 0;
  std::uint64_t end = UINT64_MAX;
};

struct PlayOptions {
  /// Empty: every recording of the manifest, whole, in its order.
  std::vector<PlayItem> order;
  /// Start again at the first item after the last.
  bool loop = false;
};

/// A run of frames that are neighbours in one record.
struct Block {
  std::size_t frames = 0;          ///< whole frames, at the start of the memory given to Read()
  std::uint64_t first_frame = 0;   ///< index in play order; counts on over items and loops
  std::uint64_t source_frame = 0;  ///< index of the first frame in its file
  std::size_t recording = 0;       ///< index into Manifest::recordings
  /// Frames that hold a value which was not finite or did not fit int16.
  std::uint32_t non_finite_frames = 0;
  /// A record, an item or a loop ends with this block; nothing continues past it.
  bool boundary = false;
};

/// Plays recordings as int16 counts. No block crosses a record boundary, the end of an item or a
/// loop seam.
///
/// Memory   The manifest and 64 kB; samples stream from disk. Movable.
/// Threads  One caller at a time.
/// Blocks   On disk reads.
class Player {
 public:
  /// Checks every file it will play before the first sample.
  ///
  /// @returns the player; or, after appending one-line texts to `errors`,
  ///   kNotFound         a sample file is not there
  ///   kInvalidArgument  a length is wrong, a PlayItem is empty or out of range, or the items
  ///   differ
  ///                     in channels or rate: one sensor has one of each
  static Result<Player> Open(Manifest manifest,
                             PlayOptions options,
                             std::vector<std::string>& errors);

  Player(Player&& other) noexcept;
  Player& operator=(Player&& other) noexcept;
  ~Player();

  /// Fills `memory`, interleaved [frame][channel], up to the next boundary.
  ///
  /// @returns a block of at least one frame; or
  ///   kOutOfRange       everything was played (never when looping)
  ///   kInvalidArgument  `memory` is too small for one frame
  ///   kDataLoss         a file became shorter or unreadable while it was played
  Result<Block> Read(std::span<std::int16_t> memory);

  /// Starts again at the first item; frames count from 0.
  void Rewind();

  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  /// The recording that the next Read() gives frames of; the last one at the end.
  [[nodiscard]] const Recording& current() const {
    return manifest_
        .recordings[items_[item_ < items_.size() ? item_ : items_.size() - 1].recording];
  }
  [[nodiscard]] std::string_view label() const { return current().label; }
  /// Frames of one pass over the play order.
  [[nodiscard]] std::uint64_t total_frames() const { return total_frames_; }
  [[nodiscard]] std::size_t channels() const { return current().channels.size(); }
  [[nodiscard]] double fs_hz() const { return current().fs_hz; }

 private:
  Player() = default;
  Status OpenFile(std::size_t recording);
  void CloseFile();
  Result<std::uint32_t> ReadFrames(std::span<std::int16_t> out);

  // 1. items_ is not empty, and every item has begin < end inside its recording's extent.
  // 2. position_ is a file frame of items_[item_] unless item_ == items_.size(): all was played.
  Manifest manifest_;
  std::vector<PlayItem> items_;
  bool loop_ = false;
  std::uint64_t total_frames_ = 0;
  std::size_t item_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t played_ = 0;
  int fd_ = -1;
  std::size_t open_recording_ = 0;
  std::vector<std::byte> scratch_;
};

}  // namespace trib::host::recording
