#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "trib/common/status/result.h"
#include "trib/node/board/sample_clock.h"
#include "trib/node/ports/sensor.h"

namespace trib::node::board {

/// A block of sensor memory, as it was read when the memory was made.
struct StoredBlock {
  std::uint32_t frames = 0;
  float scale = 0;
  float speed_hz = std::numeric_limits<float>::quiet_NaN();
  std::uint32_t non_finite_frames = 0;
  std::uint32_t pause_frames = 0;  ///< right before it
  bool boundary = false;           ///< right behind it
};

inline constexpr std::size_t kSensorHeaderBytes = 32;
inline constexpr std::size_t kStoredBlockBytes = 24;
inline constexpr std::uint32_t kMostSampleRate_hz = 10'000'000;
inline constexpr std::uint16_t kMostChannels = 8;

/// Where the samples begin behind a table of so many blocks.
constexpr std::size_t SamplesAt(std::size_t blocks) {
  return (kSensorHeaderBytes + blocks * kStoredBlockBytes + 15) / 16 * 16;
}

/// Why sensor memory is refused.
enum class SensorReason : std::uint16_t {
  kNone = 0,
  kBlank = 1,     ///< nobody has written it
  kValue = 2,     ///< rate, channels, flags or a block's fields are outside their ranges
  kLength = 3,    ///< table or samples reach beyond the area
  kChecksum = 4,  ///< of the table
  kFrames = 5,    ///< the blocks do not add up to the frames stated
};

/// Sensor memory (docs/formats/board_memory.md, section 4), checked: nothing in it can be invalid.
///
/// Memory   Borrows the area for life.
/// Threads  Read-only.
class SensorTable {
 public:
  /// @returns kNotFound (blank) or kDataLoss, with a SensorReason.
  static Result<SensorTable> Open(std::span<const std::byte> area);

  [[nodiscard]] std::uint32_t sample_rate_hz() const { return rate_; }
  [[nodiscard]] std::uint32_t channels() const { return channels_; }
  [[nodiscard]] bool loop() const { return loop_; }
  /// 1 or more.
  [[nodiscard]] std::uint32_t block_count() const { return blocks_; }
  [[nodiscard]] std::uint64_t frames() const { return frames_; }
  [[nodiscard]] std::uint32_t longest_pause_frames() const { return longest_pause_; }
  /// Requires  index < block_count().
  [[nodiscard]] StoredBlock block(std::uint32_t index) const;
  /// Copies whole frames. Requires  `first` and what fits `out` lie within frames().
  void Copy(std::uint64_t first, std::span<std::int16_t> out) const;

 private:
  explicit SensorTable(std::span<const std::byte> area) : area_(area) {}

  std::span<const std::byte> area_;
  std::uint32_t rate_ = 0;
  std::uint16_t channels_ = 0;
  bool loop_ = false;
  std::uint32_t blocks_ = 0;
  std::uint32_t longest_pause_ = 0;
  std::uint64_t frames_ = 0;
};

struct SensorHeader {
  std::uint32_t sample_rate_hz = 0;
  std::uint16_t channels = 0;
  bool loop = false;
};

/// Writes header and table; the samples belong at SamplesAt(blocks.size()).
/// @returns kInvalidArgument when SensorTable::Open() would refuse a value; kResourceExhausted when
///   `area` cannot hold table and samples.
Status EncodeSensor(const SensorHeader& header,
                    std::span<const StoredBlock> blocks,
                    std::span<std::byte> area);

/// The Sensor port over sensor memory: gives its blocks as a converter would, by the clock, or as
/// fast as they are read, and moves logical time with them.
///
/// Memory   Borrows the table's area and the clock for life.
/// Threads  The node's loop.
class SensorMemory final : public Sensor {
 public:
  SensorMemory(const SensorTable& table, SampleClock& clock, bool full_speed)
      : table_(table), clock_(clock), full_speed_(full_speed) {}

  /// A block never crosses one of the table; a part of one that has frames which were not finite
  /// says as many, at most its own.
  Result<SampleBlock> Read(std::span<std::int16_t> memory) override;
  [[nodiscard]] std::uint32_t sample_rate_hz() const override { return table_.sample_rate_hz(); }
  [[nodiscard]] std::uint32_t channels() const override { return table_.channels(); }

  /// How long Read() will say kUnavailable unless Hold() is called; 0 when it has something.
  [[nodiscard]] Millis UntilReady();
  /// While held, Read() says kUnavailable.
  void Hold(bool held) { held_ = held; }
  [[nodiscard]] std::uint64_t delivered_frames() const { return delivered_; }

  /// What UntilReady() says while held, and at the end.
  static constexpr Millis kIdle{60'000};

 private:
  [[nodiscard]] std::uint64_t DueFrames();
  [[nodiscard]] std::uint64_t Step() const;
  /// Frames that pass before the next one of the table.
  [[nodiscard]] std::uint64_t PauseFrames() const;

  // 1. block_ < block_count() unless all was given and nothing loops; used_ < its frames.
  // 2. position_ is the frame of the table that comes next; delivered_ counts on over loops and
  //    pauses.
  const SensorTable table_;
  SampleClock& clock_;
  const bool full_speed_;
  std::uint32_t block_ = 0;
  std::uint32_t used_ = 0;
  std::uint64_t position_ = 0;
  std::uint64_t delivered_ = 0;
  MonotonicTime begin_{};
  bool begun_ = false;
  bool ended_ = false;
  bool held_ = false;
};

}  // namespace trib::node::board
