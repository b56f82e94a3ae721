#include "trib/node/sensing/window_buffer.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "trib/node/sensing/guardrails.h"

namespace trib::node::sensing {
namespace {

/// A sensor whose sample is a function of its frame and channel, so that a window can be checked.
class Feeder {
 public:
  explicit Feeder(WindowShape shape)
      : shape_(shape),
        limits_(BuiltInGuardrails(shape)),
        memory_(WindowBuffer::RequiredSamples(shape)),
        summaries_(WindowSummaries::RequiredSummaries(shape)),
        buffer_(memory_, summaries_, shape, limits_) {}

  static std::int16_t SampleAt(std::uint64_t frame, std::uint32_t channel) {
    return static_cast<std::int16_t>((frame * 7 + channel * 1000) % 30011);
  }

  /// Feeds `frames`, in blocks of at most `block`, with the boundary flag on the last one.
  void Feed(std::uint64_t frames, std::size_t block, bool boundary = false) {
    while (frames > 0) {
      const std::span<std::int16_t> room = buffer_.Writable();
      std::size_t count = std::min<std::size_t>(room.size() / shape_.channels, block);
      count = std::min<std::size_t>(count, frames);
      ASSERT_GT(count, 0U);
      for (std::size_t i = 0; i < count; ++i) {
        for (std::uint32_t c = 0; c < shape_.channels; ++c) {
          room[i * shape_.channels + c] = SampleAt(next_ + i, c);
        }
      }
      frames -= count;
      buffer_.Commit({.samples = room.first(count * shape_.channels),
                      .first_frame = next_,
                      .pause_frames = std::exchange(pause_, 0U),
                      .scale = scale_,
                      .missing_frames = std::exchange(missing_, 0U),
                      .non_finite_frames = std::exchange(non_finite_, 0U),
                      .boundary = boundary && frames == 0});
      next_ += count;
      Collect();
    }
  }
  void Lose(std::uint64_t frames) { next_ += frames; }
  void Pause(std::uint64_t frames) {
    next_ += frames;
    pause_ += frames;
  }
  void SetScale(float scale) { scale_ = scale; }
  void MarkMissing(std::uint32_t frames) { missing_ = frames; }
  void MarkNonFinite(std::uint32_t frames) { non_finite_ = frames; }

  struct Seen {
    std::uint64_t first;
    bool after_gap;
    float scale;
    std::uint32_t missing;
    std::uint32_t non_finite;
  };
  std::vector<Seen> seen;
  WindowBuffer& buffer() { return buffer_; }

 private:
  void Collect() {
    if (!buffer_.ready()) {
      return;
    }
    EXPECT_TRUE(buffer_.Writable().empty());
    const CutWindow window = buffer_.window();
    ASSERT_EQ(window.samples.size(), std::size_t{shape_.length} * shape_.channels);
    for (std::size_t i = 0; i < shape_.length; ++i) {
      for (std::uint32_t c = 0; c < shape_.channels; ++c) {
        ASSERT_EQ(window.samples[i * shape_.channels + c], SampleAt(window.first_frame + i, c))
            << "frame " << i << " of the window at " << window.first_frame;
      }
    }
    for (std::uint32_t c = 0; c < shape_.channels; ++c) {
      dsp::Summary expected;
      dsp::Append(expected,
                  dsp::ChannelView<std::int16_t>(window.samples, shape_.channels, c),
                  limits_.channels[0].clip_level_raw);
      ASSERT_EQ(window.summaries[c], expected) << "window at " << window.first_frame;
    }
    seen.push_back({window.first_frame,
                    window.after_gap,
                    window.scale,
                    window.missing_frames,
                    window.non_finite_frames});
    buffer_.Advance();
  }

  WindowShape shape_;
  package::Guardrails limits_;
  std::vector<std::int16_t> memory_;
  std::vector<dsp::Summary> summaries_;
  WindowBuffer buffer_;
  std::uint64_t next_ = 0;
  std::uint64_t pause_ = 0;
  float scale_ = 0.5F;
  std::uint32_t missing_ = 0;
  std::uint32_t non_finite_ = 0;
};

std::vector<std::uint64_t> Firsts(const Feeder& feeder) {
  std::vector<std::uint64_t> out;
  for (const auto& seen : feeder.seen) {
    out.push_back(seen.first);
  }
  return out;
}

using Starts = std::vector<std::uint64_t>;

TEST(WindowBuffer, CutsWindowsOfTheLengthAtTheHop) {
  for (const std::uint32_t hop : {3U, 8U, 16U, 21U}) {
    for (const std::size_t block : {1U, 5U, 16U}) {
      Feeder feeder({.channels = 2, .length = 16, .hop = hop});
      feeder.Feed(100, block);
      Starts expected;
      for (std::uint64_t start = 0; start + 16 <= 100; start += hop) {
        expected.push_back(start);
      }
      EXPECT_EQ(Firsts(feeder), expected) << "hop " << hop << " block " << block;
      EXPECT_EQ(feeder.buffer().metrics().frames, 100U);
      EXPECT_EQ(feeder.buffer().metrics().frames_discarded, 0U);
    }
  }
}

TEST(WindowBuffer, NeverCrossesABoundaryAndCountsWhatIsLeftOver) {
  Feeder feeder({.channels = 1, .length = 16, .hop = 8});
  feeder.Feed(35, 6, /*boundary=*/true);  // windows at 0, 8, 16; frames 32..34 are in none
  feeder.Feed(20, 6);
  EXPECT_EQ(Firsts(feeder), (Starts{0, 8, 16, 35}));
  EXPECT_EQ(feeder.buffer().metrics().frames_discarded, 3U);
  EXPECT_EQ(feeder.buffer().metrics().boundaries, 1U);
}

TEST(WindowBuffer, BoundaryRightAfterAWindowLeavesNothingOver) {
  Feeder feeder({.channels = 1, .length = 16, .hop = 8});
  feeder.Feed(16, 16, /*boundary=*/true);
  feeder.Feed(16, 16);
  EXPECT_EQ(Firsts(feeder), (Starts{0, 16}));
  EXPECT_EQ(feeder.buffer().metrics().frames_discarded, 0U);
}

TEST(WindowBuffer, BoundaryMayComeWithoutFrames) {
  Feeder feeder({.channels = 1, .length = 16, .hop = 16});
  feeder.Feed(5, 5);
  feeder.buffer().Commit({.samples = {}, .first_frame = 5, .scale = 0.5F, .boundary = true});
  feeder.Feed(16, 16);
  EXPECT_EQ(Firsts(feeder), (Starts{5}));
  EXPECT_EQ(feeder.buffer().metrics().frames_discarded, 5U);
}

TEST(WindowBuffer, ASensorMaySleepBetweenWindows) {
  for (const std::uint64_t asleep : {1U, 60U, 80U, 84U}) {
    Feeder feeder({.channels = 2, .length = 16, .hop = 100});
    feeder.Feed(16, 16);
    feeder.Lose(asleep);  // of the 84 that no window has
    feeder.Feed(84 - asleep + 16, 16);
    EXPECT_EQ(Firsts(feeder), (Starts{0, 100})) << asleep;
    EXPECT_FALSE(feeder.seen[1].after_gap);
    EXPECT_EQ(feeder.buffer().metrics().gaps, 0U);
  }
}

TEST(WindowBuffer, ASensorThatSleepsTooLongLostFrames) {
  Feeder feeder({.channels = 1, .length = 16, .hop = 100});
  feeder.Feed(16, 16);
  feeder.Lose(85);
  feeder.Feed(16, 16);
  EXPECT_EQ(Firsts(feeder), (Starts{0, 101}));
  EXPECT_TRUE(feeder.seen[1].after_gap);
}

TEST(WindowBuffer, StartsAgainAfterAGapAndSaysSo) {
  Feeder feeder({.channels = 2, .length = 16, .hop = 16});
  feeder.Feed(20, 7);
  feeder.Lose(3);
  feeder.Feed(40, 7);
  EXPECT_EQ(Firsts(feeder), (Starts{0, 23, 39}));
  EXPECT_FALSE(feeder.seen[0].after_gap);
  EXPECT_TRUE(feeder.seen[1].after_gap);
  EXPECT_FALSE(feeder.seen[2].after_gap);
  EXPECT_EQ(feeder.buffer().metrics().gaps, 1U);
  EXPECT_EQ(feeder.buffer().metrics().frames_discarded, 4U);
}

TEST(WindowBuffer, TakesAPauseForABoundaryAndNotForALoss) {
  Feeder feeder({.channels = 1, .length = 16, .hop = 24});
  feeder.Feed(16, 16, /*boundary=*/true);
  feeder.Pause(1000);
  feeder.Feed(20, 5);  // the pause ends the four frames skipped after the window
  feeder.Pause(1000);
  feeder.Feed(10, 5);
  feeder.Pause(1000);  // without a boundary before it
  feeder.Feed(16, 16);
  EXPECT_EQ(Firsts(feeder), (Starts{0, 1016, 3046}));
  for (const auto& seen : feeder.seen) {
    EXPECT_FALSE(seen.after_gap);
  }
  EXPECT_EQ(feeder.buffer().metrics().gaps, 0U);
  EXPECT_EQ(feeder.buffer().metrics().boundaries, 3U);
  EXPECT_EQ(feeder.buffer().metrics().frames_discarded, 10U);
}

TEST(WindowBuffer, SeesALossBesideAPause) {
  Feeder feeder({.channels = 1, .length = 16, .hop = 16});
  feeder.Feed(16, 16, /*boundary=*/true);
  feeder.Pause(1000);
  feeder.Lose(3);
  feeder.Feed(16, 16);
  EXPECT_EQ(Firsts(feeder), (Starts{0, 1019}));
  EXPECT_TRUE(feeder.seen[1].after_gap);
  EXPECT_EQ(feeder.buffer().metrics().gaps, 1U);
}

TEST(WindowBuffer, NeverMixesTwoScales) {
  Feeder feeder({.channels = 1, .length = 16, .hop = 16});
  feeder.Feed(10, 4);
  feeder.SetScale(std::numeric_limits<float>::quiet_NaN());
  feeder.Feed(32, 4);  // NaN differs from itself in value, not in bits: no restart within
  EXPECT_EQ(Firsts(feeder), (Starts{10, 26}));
  EXPECT_TRUE(feeder.seen[0].scale != feeder.seen[0].scale);
  EXPECT_EQ(feeder.buffer().metrics().frames_discarded, 10U);
}

TEST(WindowBuffer, CountsSuspectFramesInEveryWindowTheyTouch) {
  Feeder feeder({.channels = 1, .length = 16, .hop = 8});
  feeder.Feed(8, 8);
  feeder.MarkMissing(2);
  feeder.MarkNonFinite(1);
  feeder.Feed(8, 8);  // frames 8..15
  feeder.Feed(24, 8);
  ASSERT_EQ(Firsts(feeder), (Starts{0, 8, 16, 24}));
  EXPECT_EQ(feeder.seen[0].missing, 2U);
  EXPECT_EQ(feeder.seen[1].missing, 2U);
  EXPECT_EQ(feeder.seen[1].non_finite, 1U);
  EXPECT_EQ(feeder.seen[2].missing, 0U);
  EXPECT_EQ(feeder.seen[3].non_finite, 0U);
}

TEST(WindowBuffer, NeverForgetsASuspectFrameHoweverManyBlocks) {
  Feeder feeder({.channels = 1, .length = 64, .hop = 64});
  for (int i = 0; i < 64; ++i) {
    feeder.MarkMissing(1);
    feeder.Feed(1, 1);
  }
  ASSERT_EQ(feeder.seen.size(), 1U);
  EXPECT_EQ(feeder.seen[0].missing, 64U);
  feeder.Feed(64, 64);
  EXPECT_EQ(feeder.seen[1].missing, 0U);
}

TEST(WindowBuffer, AccountsForEveryFrameInRandomHistories) {
  constexpr unsigned kSeed = 20240607;
  std::mt19937 engine(kSeed);
  const auto random = [&engine] { return static_cast<std::uint32_t>(engine()); };
  for (int round = 0; round < 50; ++round) {
    const WindowShape shape{
        .channels = 1 + random() % 3, .length = 1 + random() % 40, .hop = 1 + random() % 60};
    Feeder feeder(shape);
    for (int i = 0; i < 40; ++i) {
      if (random() % 4 == 0) {
        feeder.Lose(1 + random() % 9);
      }
      feeder.Feed(1 + random() % 90, 1 + random() % 30, random() % 3 == 0);
    }
    feeder.buffer().Finish();
    // Frames in at least one window: for hops up to the length, consecutive windows overlap.
    std::uint64_t covered = 0;
    std::uint64_t end = 0;
    for (const auto& seen : feeder.seen) {
      covered += seen.first + shape.length - std::max(end, seen.first);
      end = seen.first + shape.length;
    }
    const WindowMetrics& metrics = feeder.buffer().metrics();
    if (shape.hop <= shape.length) {
      EXPECT_EQ(covered + metrics.frames_discarded, metrics.frames) << "seed " << kSeed;
    } else {
      EXPECT_LE(covered + metrics.frames_discarded, metrics.frames) << "seed " << kSeed;
    }
    EXPECT_EQ(metrics.windows, feeder.seen.size());
  }
}

}  // namespace
}  // namespace trib::node::sensing
