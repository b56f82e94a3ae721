#include "trib/common/host/recording/player.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>

namespace trib::host::recording {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Playing : public ::testing::Test {
 protected:
  // A file whose sample i is the number i (of all channels).
  std::filesystem::path Ramp(const std::string& name, std::size_t samples) {
    std::string bytes;
    for (std::size_t i = 0; i < samples; ++i) {
      bytes += static_cast<char>(i & 0xFFU);
      bytes += static_cast<char>((i >> 8U) & 0xFFU);
    }
    return Write(name, bytes);
  }

  std::filesystem::path Floats(const std::string& name, std::initializer_list<float> values) {
    std::string bytes;
    for (const float value : values) {
      const auto raw = std::bit_cast<std::uint32_t>(value);
      for (unsigned i = 0; i < 4; ++i) {
        bytes += static_cast<char>((raw >> (8 * i)) & 0xFFU);
      }
    }
    return Write(name, bytes);
  }

  std::filesystem::path Write(const std::string& name, const std::string& bytes) {
    auto path =
        std::filesystem::path(::testing::TempDir()) /
        (std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + name);
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  static Recording Make(const std::filesystem::path& file, std::size_t channels) {
    Recording recording;
    recording.file = file;
    for (std::size_t i = 0; i < channels; ++i) {
      recording.channels.push_back("c" + std::to_string(i));
    }
    recording.fs_hz = 100;
    recording.scale = 1;
    return recording;
  }

  Result<Player> Open(std::vector<Recording> recordings, PlayOptions options = {}) {
    return Player::Open(Manifest{std::move(recordings)}, std::move(options), errors_);
  }

  std::vector<std::string> errors_;
  std::array<std::int16_t, 64> memory_{};
};

TEST_F(Playing, BlocksEndAtRecordBoundariesAndRangeEnd) {
  Recording recording = Make(Ramp("a", 60), 2);  // 30 frames
  recording.begin_frame = 5;
  recording.end_frame = 28;
  recording.record_frames = 10;
  recording.boundaries = {13};
  auto player = Open({recording});
  ASSERT_TRUE(player.ok()) << ::testing::PrintToString(errors_);
  EXPECT_EQ(player->total_frames(), 23U);
  std::vector<std::uint64_t> starts;
  std::uint64_t frames = 0;
  for (auto block = player->Read(memory_); block.ok(); block = player->Read(memory_)) {
    starts.push_back(block->source_frame);
    EXPECT_EQ(block->first_frame, frames);
    EXPECT_TRUE(block->boundary);
    EXPECT_EQ(memory_[0], static_cast<int>(block->source_frame * 2));
    frames += block->frames;
  }
  EXPECT_THAT(starts, ElementsAre(5U, 10U, 13U, 20U));
  EXPECT_EQ(frames, 23U);
  EXPECT_EQ(player->Read(memory_).status(), Status(Code::kOutOfRange));
}

TEST_F(Playing, SmallMemoryGivesPiecesWithTheBoundaryOnTheLast) {
  auto player = Open({Make(Ramp("a", 10), 1)});
  ASSERT_TRUE(player.ok());
  const std::span<std::int16_t> four = std::span(memory_).first(4);
  std::vector<std::pair<std::size_t, bool>> seen;
  for (auto block = player->Read(four); block.ok(); block = player->Read(four)) {
    seen.emplace_back(block->frames, block->boundary);
  }
  EXPECT_THAT(seen, ElementsAre(std::pair(4U, false), std::pair(4U, false), std::pair(2U, true)));
}

TEST_F(Playing, ALoopSeamIsABoundaryAndFramesCountOn) {
  Recording a = Make(Ramp("a", 6), 1);
  Recording b = Make(Ramp("b", 8), 1);
  a.label = "normal";
  b.label = "ball";
  auto player = Open(
      {a, b}, {.order = {{.recording = 1, .begin = 2, .end = 5}, {.recording = 0}}, .loop = true});
  ASSERT_TRUE(player.ok()) << ::testing::PrintToString(errors_);
  EXPECT_EQ(player->total_frames(), 9U);
  std::vector<std::string> labels;
  std::uint64_t expected = 0;
  for (int i = 0; i < 4; ++i) {
    labels.emplace_back(player->label());
    const auto block = player->Read(memory_);
    ASSERT_TRUE(block.ok());
    EXPECT_TRUE(block->boundary);
    EXPECT_EQ(block->first_frame, expected);
    expected += block->frames;
  }
  EXPECT_THAT(labels, ElementsAre("ball", "normal", "ball", "normal"));
  EXPECT_EQ(expected, 18U);
  player->Rewind();
  EXPECT_EQ(player->Read(memory_)->first_frame, 0U);
}

TEST_F(Playing, FloatsBecomeCountsAndBadOnesAreCountedPerFrame) {
  Recording recording = Make(Floats("f",
                                    {0.5F,
                                     -1.0F,
                                     std::numeric_limits<float>::quiet_NaN(),
                                     std::numeric_limits<float>::infinity(),
                                     1e9F,
                                     -1e9F,
                                     16383.5F,
                                     -16384.0F}),
                             2);
  recording.encoding = Encoding::kFloat32Le;
  recording.scale = 0.5;
  auto player = Open({recording});
  ASSERT_TRUE(player.ok());
  const auto block = player->Read(memory_);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->frames, 4U);
  EXPECT_EQ(block->non_finite_frames, 2U);
  EXPECT_THAT(std::span(memory_).first(8), ElementsAre(1, -2, 0, 0, 32767, -32768, 32767, -32768));
}

TEST_F(Playing, MemoryIsBoundedWhateverTheBlockAskedFor) {
  constexpr std::size_t kSamples = std::size_t{3} * 50'000;  // more than one scratch full
  auto player = Open({Make(Ramp("a", kSamples), 3)});
  ASSERT_TRUE(player.ok());
  std::vector<std::int16_t> all(kSamples);
  const auto block = player->Read(all);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->frames, kSamples / 3);
  for (std::size_t i = 0; i < kSamples; ++i) {
    ASSERT_EQ(all[i], static_cast<std::int16_t>(static_cast<std::uint16_t>(i))) << i;
  }
}

TEST_F(Playing, WrongLengthsAreRefusedBeforeTheFirstSample) {
  EXPECT_FALSE(Open({Make(Ramp("a", 7), 2)}).ok());
  EXPECT_THAT(errors_.back(), HasSubstr("14 bytes are not whole frames of 4 bytes"));
  Recording longer = Make(Ramp("b", 8), 2);
  longer.frames = 5;
  EXPECT_FALSE(Open({longer}).ok());
  EXPECT_THAT(errors_.back(), HasSubstr("holds 4 frames; the manifest says 5"));
  longer.frames.reset();
  longer.end_frame = 5;
  EXPECT_FALSE(Open({longer}).ok());
  EXPECT_THAT(errors_.back(), HasSubstr("frames 0 to 5 are asked for; it holds 4"));
  EXPECT_EQ(Open({Make("/nonexistent/x", 1)}).status(), Status(Code::kNotFound));
  EXPECT_EQ(Open({Make(Write("c", ""), 1)}).status(), Status(Code::kInvalidArgument));
  EXPECT_EQ(Open({}).status(), Status(Code::kInvalidArgument));
}

TEST_F(Playing, RecordingsOfDifferentSensorsDoNotMix) {
  EXPECT_FALSE(Open({Make(Ramp("a", 6), 1), Make(Ramp("b", 6), 2)}).ok());
  EXPECT_THAT(errors_.back(), HasSubstr("differs in channels or rate"));
}

TEST_F(Playing, APartOutsideTheRecordingIsRefused) {
  EXPECT_FALSE(Open({Make(Ramp("a", 6), 1)}, {.order = {{.recording = 0, .begin = 6}}}).ok());
  EXPECT_FALSE(Open({Make(Ramp("a", 6), 1)}, {.order = {{.recording = 3}}}).ok());
}

TEST_F(Playing, AFileThatShrinksIsDataLoss) {
  const auto path = Ramp("a", 100);
  auto player = Open({Make(path, 1)});
  ASSERT_TRUE(player.ok());
  ASSERT_TRUE(player->Read(std::span(memory_).first(8)).ok());
  std::filesystem::resize_file(path, 20);
  EXPECT_EQ(player->Read(memory_).status(), Status(Code::kDataLoss));
}

TEST_F(Playing, TooLittleMemoryForAFrameIsRefused) {
  auto player = Open({Make(Ramp("a", 6), 3)});
  ASSERT_TRUE(player.ok());
  EXPECT_EQ(player->Read(std::span(memory_).first(2)).status(), Status(Code::kInvalidArgument));
}

}  // namespace
}  // namespace trib::host::recording
