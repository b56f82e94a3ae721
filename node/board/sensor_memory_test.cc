#include "trib/node/board/sensor_memory.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "trib/common/bytes/crc32c.h"
#include "trib/common/bytes/writer.h"
#include "trib/testing/fake_clock.h"

namespace trib::node::board {
namespace {

constexpr std::uint32_t kRate = 1000;  // a frame is a millisecond, a step 20 frames

class Memory : public ::testing::Test {
 protected:
  /// Samples count up from 0.
  void Make(std::vector<StoredBlock> blocks, bool loop = false, std::uint16_t channels = 1) {
    std::size_t frames = 0;
    for (const StoredBlock& block : blocks) {
      frames += block.frames;
    }
    area_.assign(SamplesAt(blocks.size()) + frames * channels * 2, std::byte{0xFF});
    ASSERT_TRUE(
        EncodeSensor({.sample_rate_hz = kRate, .channels = channels, .loop = loop}, blocks, area_)
            .ok());
    for (std::size_t i = 0; i < frames * channels; ++i) {
      const auto sample = static_cast<std::int16_t>(i);
      std::memcpy(&area_[SamplesAt(blocks.size()) + i * 2], &sample, 2);
    }
  }
  SensorTable Table() {
    const auto table = SensorTable::Open(area_);
    EXPECT_TRUE(table.ok());
    return *table;
  }
  SensorMemory Sensor(bool full_speed = true) { return {Table(), clock_, full_speed}; }
  SensorReason Refusal() {
    const auto table = SensorTable::Open(area_);
    EXPECT_FALSE(table.ok());
    return static_cast<SensorReason>(table.status().reason());
  }
  /// Rewrites a 32-bit field of the header or of the table, and the table's checksum.
  void Change(std::size_t at, std::uint32_t value) {
    std::memcpy(&area_[at], &value, 4);
    std::uint32_t blocks = 0;
    std::memcpy(&blocks, &area_[16], 4);
    if (at >= kSensorHeaderBytes) {
      const auto table = std::span(area_).subspan(kSensorHeaderBytes, blocks * kStoredBlockBytes);
      ByteWriter(std::span(area_).subspan(20)).U32(Crc32c(table));
    }
  }

  std::vector<std::byte> area_;
  testing::FakeClock platform_;
  SampleClock clock_{platform_, LogicalTime(Millis(5000))};
  std::array<std::int16_t, 4096> memory_{};
};

TEST_F(Memory, GivesBlocksAsTheyWereRead) {
  Make({{.frames = 30, .scale = 0.5F, .speed_hz = 25},
        {.frames = 10, .scale = 2, .pause_frames = 100, .boundary = true},
        {.frames = 5, .scale = 2, .non_finite_frames = 2}});
  SensorMemory sensor = Sensor();
  auto block = sensor.Read(memory_);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->samples.size(), 30U);
  EXPECT_EQ(block->first_frame, 0U);
  EXPECT_EQ(block->scale, 0.5F);
  EXPECT_EQ(block->speed_hz, 25);
  EXPECT_FALSE(block->boundary);
  block = sensor.Read(memory_);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->samples.size(), 10U);
  EXPECT_EQ(block->samples[0], 30);
  EXPECT_EQ(block->first_frame, 130U);
  EXPECT_EQ(block->pause_frames, 100U);
  EXPECT_TRUE(std::isnan(block->speed_hz));
  EXPECT_TRUE(block->boundary);
  block = sensor.Read(memory_);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->first_frame, 140U);
  EXPECT_EQ(block->pause_frames, 0U);
  EXPECT_EQ(block->non_finite_frames, 2U);
  EXPECT_EQ(sensor.Read(memory_).status().code(), Code::kOutOfRange);
  EXPECT_EQ(sensor.Read(memory_).status().code(), Code::kOutOfRange);
  EXPECT_EQ(sensor.UntilReady(), SensorMemory::kIdle);
}

TEST_F(Memory, CutsWhatDoesNotFit) {
  Make({{.frames = 10, .scale = 1, .non_finite_frames = 9, .pause_frames = 3, .boundary = true}},
       false,
       2);
  SensorMemory sensor = Sensor();
  auto block = sensor.Read(std::span(memory_).first(15));  // seven frames of two
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->samples.size(), 14U);
  EXPECT_EQ(block->pause_frames, 3U);
  EXPECT_EQ(block->non_finite_frames, 7U);
  EXPECT_FALSE(block->boundary);
  block = sensor.Read(std::span(memory_).first(15));
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->samples.size(), 6U);
  EXPECT_EQ(block->samples[0], 14);
  EXPECT_EQ(block->pause_frames, 0U);
  EXPECT_EQ(block->first_frame, 10U);
  EXPECT_TRUE(block->boundary);
  EXPECT_EQ(sensor.Read(std::span(memory_).first(1)).status().code(), Code::kOutOfRange);
}

TEST_F(Memory, LoopsForEverAndCountsOn) {
  Make({{.frames = 3, .scale = 1}, {.frames = 2, .scale = 1}}, true);
  SensorMemory sensor = Sensor();
  for (std::uint64_t round = 0; round < 5; ++round) {
    auto block = sensor.Read(memory_);
    ASSERT_TRUE(block.ok());
    EXPECT_EQ(block->first_frame, round * 5);
    EXPECT_EQ(block->samples[0], 0);
    EXPECT_FALSE(block->boundary);
    block = sensor.Read(memory_);
    ASSERT_TRUE(block.ok());
    EXPECT_EQ(block->samples[0], 3);
    EXPECT_TRUE(block->boundary);  // the seam, although nobody wrote it
  }
}

TEST_F(Memory, TheClockSetsThePace) {
  Make({{.frames = 50, .scale = 1}, {.frames = 10, .scale = 1, .pause_frames = 60}});
  SensorMemory sensor = Sensor(false);
  EXPECT_EQ(sensor.Read(memory_).status().code(), Code::kUnavailable);  // begins
  EXPECT_EQ(sensor.UntilReady(), Millis(20));
  platform_.Advance(Millis(39));
  EXPECT_EQ(sensor.UntilReady(), Millis(0));
  EXPECT_EQ(sensor.Read(memory_)->samples.size(), 20U);
  EXPECT_EQ(sensor.Read(memory_).status().code(), Code::kUnavailable);
  EXPECT_EQ(sensor.UntilReady(), Millis(1));
  platform_.Advance(Millis(1));
  EXPECT_EQ(sensor.Read(memory_)->samples.size(), 20U);
  platform_.Advance(Millis(60));
  EXPECT_EQ(sensor.Read(memory_)->samples.size(), 10U);
  // The pause lasts to frame 110, and the step in which it ends to 120.
  EXPECT_EQ(sensor.Read(memory_).status().code(), Code::kUnavailable);
  EXPECT_EQ(sensor.UntilReady(), Millis(20));
  platform_.Advance(Millis(20));
  const auto block = sensor.Read(memory_);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->first_frame, 110U);
  EXPECT_EQ(block->samples.size(), 10U);
  EXPECT_EQ(sensor.Read(memory_).status().code(), Code::kUnavailable);
  platform_.Advance(Millis(20));
  EXPECT_EQ(sensor.Read(memory_).status().code(), Code::kOutOfRange);
}

TEST_F(Memory, WhileHeldNothingComes) {
  Make({{.frames = 50, .scale = 1}});
  SensorMemory sensor = Sensor();
  sensor.Hold(true);
  EXPECT_EQ(sensor.Read(memory_).status().code(), Code::kUnavailable);
  EXPECT_EQ(sensor.UntilReady(), SensorMemory::kIdle);
  sensor.Hold(false);
  EXPECT_EQ(sensor.UntilReady(), Millis(0));
  EXPECT_TRUE(sensor.Read(memory_).ok());
}

TEST_F(Memory, MovesLogicalTimeWithTheSamples) {
  Make({{.frames = 50, .scale = 1, .pause_frames = 25}, {.frames = 7, .scale = 1}});
  SensorMemory sensor = Sensor();
  clock_.SetTime(LogicalTime(Millis(1)));  // a gateway's word changes nothing
  EXPECT_EQ(clock_.Now(), LogicalTime(Millis(5000)));
  EXPECT_TRUE(clock_.synchronised());
  ASSERT_TRUE(sensor.Read(memory_).ok());
  EXPECT_EQ(clock_.Now(), LogicalTime(Millis(5075)));
  platform_.Advance(Millis(1000));
  ASSERT_TRUE(sensor.Read(memory_).ok());
  EXPECT_EQ(clock_.Now(), LogicalTime(Millis(5082)));
}

TEST_F(Memory, WithoutAStartOfItsOwnTimeIsThePlatforms) {
  SampleClock clock(platform_, std::nullopt);
  EXPECT_FALSE(clock.synchronised());
  clock.SetDelivered(Millis(1000));
  clock.SetTime(LogicalTime(Millis(77)));
  EXPECT_EQ(clock.Now(), LogicalTime(Millis(77)));
  EXPECT_TRUE(platform_.synchronised());
}

TEST_F(Memory, BlankMemoryIsNoSensor) {
  area_.assign(256, std::byte{0xFF});
  EXPECT_EQ(SensorTable::Open(area_).status().code(), Code::kNotFound);
  area_.clear();
  EXPECT_EQ(Refusal(), SensorReason::kBlank);
}

TEST_F(Memory, RefusesWhatDoesNotFitTogether) {
  const std::vector<StoredBlock> blocks = {{.frames = 30, .scale = 1}, {.frames = 20, .scale = 1}};
  Make(blocks);
  Change(8, 0);  // rate
  EXPECT_EQ(Refusal(), SensorReason::kValue);
  Make(blocks);
  Change(12, 0);  // channels
  EXPECT_EQ(Refusal(), SensorReason::kValue);
  Make(blocks);
  Change(12, 1 | 2U << 16U);  // a flag that nobody knows
  EXPECT_EQ(Refusal(), SensorReason::kValue);
  Make(blocks);
  Change(16, 0xFFFF'FFFF);  // a table beyond the area
  EXPECT_EQ(Refusal(), SensorReason::kLength);
  Make(blocks);
  area_.pop_back();  // the last sample is cut
  EXPECT_EQ(Refusal(), SensorReason::kLength);
  Make(blocks);
  Change(24, 49);  // frames in all
  EXPECT_EQ(Refusal(), SensorReason::kFrames);
  Make(blocks);
  Change(32, 0);  // an empty block
  EXPECT_EQ(Refusal(), SensorReason::kValue);
  Make(blocks);
  Change(44, 31);  // more frames that are not finite than there are
  EXPECT_EQ(Refusal(), SensorReason::kValue);
  Make(blocks);
  area_[33] = std::byte{1};
  EXPECT_EQ(Refusal(), SensorReason::kChecksum);
}

TEST_F(Memory, IsNotMadeWhereItHasNoRoom) {
  area_.resize(SamplesAt(1) + 9);
  const std::array blocks = {StoredBlock{.frames = 5, .scale = 1}};
  EXPECT_EQ(EncodeSensor({.sample_rate_hz = 1, .channels = 1}, blocks, area_).code(),
            Code::kResourceExhausted);
  EXPECT_EQ(EncodeSensor({.sample_rate_hz = 0, .channels = 1}, blocks, area_).code(),
            Code::kInvalidArgument);
  EXPECT_EQ(EncodeSensor({.sample_rate_hz = 1, .channels = 1}, {}, area_).code(),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace trib::node::board
