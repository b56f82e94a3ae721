#include "trib/node/sensing/window_summaries.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <vector>

#include "trib/node/sensing/guardrails.h"
#include "trib/node/sensing/window_buffer.h"

namespace trib::node::sensing {
namespace {

package::Guardrails ClipLimits() {
  package::Guardrails out;
  // The second channel clips lower, and so does every one behind it.
  (void)out.channels.push_back({.clip_level_raw = 30'000});
  (void)out.channels.push_back({.clip_level_raw = 3});
  return out;
}

/// Sticks, jumps and saturates.
std::int16_t Sample(std::mt19937& random, std::int16_t previous) {
  switch (random() % 8) {
    case 0:
      return static_cast<std::int16_t>(random());
    case 1:
      return random() % 2 == 0 ? std::int16_t{32767} : std::int16_t{-32768};
    case 2:
      return static_cast<std::int16_t>(static_cast<int>(random() % 9) - 4);
    default:
      return previous;
  }
}

/// A buffer that is fed at random: blocks of any size, now and then a boundary, a gap, a new scale.
/// Checks each window's summaries against its samples.
class Life {
 public:
  Life(const WindowShape& shape, std::size_t summaries, std::uint32_t seed)
      : shape_(shape),
        samples_(WindowBuffer::RequiredSamples(shape)),
        summaries_(summaries),
        buffer_(samples_, summaries_, shape, limits_),
        random_(seed) {}

  void Feed(std::size_t blocks) {
    for (std::size_t i = 0; i < blocks; ++i) {
      FeedBlock();
      if (buffer_.ready()) {
        Check(buffer_.window());
        ++windows;
        buffer_.Advance();
      }
    }
  }

  int windows = 0;

 private:
  void FeedBlock() {
    const std::span<std::int16_t> room = buffer_.Writable();
    const std::size_t most = room.size() / shape_.channels;
    const std::size_t frames =
        random_() % 3 == 0 ? most
                           : std::uniform_int_distribution<std::size_t>(
                                 0, std::min<std::size_t>(most, 1 + random_() % 64))(random_);
    for (std::size_t k = 0; k < frames * shape_.channels; ++k) {
      room[k] =
          k < shape_.channels ? Sample(random_, 0) : Sample(random_, room[k - shape_.channels]);
    }
    next_ += random_() % 40 == 0 ? 5 : 0;
    scale_ = random_() % 40 == 0 ? scale_ + 1 : scale_;
    buffer_.Commit({.samples = room.first(frames * shape_.channels),
                    .first_frame = next_,
                    .scale = scale_,
                    .boundary = random_() % 40 == 0});
    next_ += frames;
  }

  void Check(const CutWindow& window) const {
    ASSERT_EQ(window.summaries.size(), shape_.channels);
    for (std::size_t channel = 0; channel < shape_.channels; ++channel) {
      dsp::Summary expected;
      dsp::Append(expected,
                  dsp::ChannelView<std::int16_t>(window.samples, shape_.channels, channel),
                  LimitsOf(limits_, channel).clip_level_raw);
      ASSERT_EQ(window.summaries[channel], expected)
          << "length " << shape_.length << ", hop " << shape_.hop << ", channel " << channel
          << ", window at " << window.first_frame;
    }
  }

  WindowShape shape_;
  package::Guardrails limits_ = ClipLimits();
  std::vector<std::int16_t> samples_;
  std::vector<dsp::Summary> summaries_;
  WindowBuffer buffer_;
  std::mt19937 random_;
  std::uint64_t next_ = 0;
  float scale_ = 1;
};

TEST(WindowSummaries, AreThoseOfTheSamplesForEveryHop) {
  for (const std::uint32_t channels : {1U, 3U}) {
    for (std::uint32_t hop = 1; hop <= 40; ++hop) {
      const WindowShape shape{.channels = channels, .length = 32, .hop = hop};
      Life life(shape, WindowSummaries::RequiredSummaries(shape), hop);
      life.Feed(3'000);
      EXPECT_GT(life.windows, 100);
    }
  }
}

TEST(WindowSummaries, AreTheSameWithoutMemoryForPieces) {
  for (const std::uint32_t hop : {8U, 31U, 32U, 33U}) {
    Life life({.channels = 2, .length = 32, .hop = hop}, 2, hop);
    life.Feed(3'000);
    EXPECT_GT(life.windows, 100);
  }
}

TEST(WindowSummaries, CutWhereWindowsBeginAndEnd) {
  const auto pieces = [](std::uint32_t length, std::uint32_t hop) {
    return WindowSummaries::PiecesOf({.channels = 1, .length = length, .hop = hop});
  };
  EXPECT_EQ(pieces(2048, 1024), 2U);
  EXPECT_EQ(pieces(1024, 128), 8U);
  EXPECT_EQ(pieces(1024, 1000), 3U);
  EXPECT_EQ(pieces(1024, 300), 7U);
  EXPECT_EQ(pieces(1024, 1024), 1U);
  EXPECT_EQ(pieces(1024, 120'000), 1U);
  EXPECT_EQ(pieces(1024, 100), 21U);
}

TEST(WindowSummaries, AskForOneMoreThanTheyMerge) {
  const auto required = [](std::uint32_t hop) {
    return WindowSummaries::RequiredSummaries({.channels = 3, .length = 1024, .hop = hop});
  };
  EXPECT_EQ(required(128), 27U);
  EXPECT_EQ(required(1024), 3U);
  EXPECT_EQ(required(100), 3U) << "too many pieces: when the window is full";
}

}  // namespace
}  // namespace trib::node::sensing
