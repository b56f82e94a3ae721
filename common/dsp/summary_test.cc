#include "trib/common/dsp/summary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <vector>

namespace trib::dsp {
namespace {

using Samples = std::vector<std::int16_t>;
using View = ChannelView<std::int16_t>;

View ViewOf(std::span<const std::int16_t> samples) {
  return View(samples);
}

bool Clipped(std::int16_t value, std::int32_t clip_level) {
  return std::abs(std::int32_t{value}) >= clip_level;
}

/// Sample by sample, by the definitions of the fields.
Summary Defined(const Samples& samples, std::int32_t clip_level) {
  const Sums<std::int16_t> sums = Accumulate(ViewOf(samples));
  Summary out;
  out.sum_of_squares = sums.sum_of_squares;
  out.sum = static_cast<std::int32_t>(sums.sum);
  out.count = static_cast<std::uint16_t>(samples.size());
  out.first = samples.front();
  out.last = samples.back();
  out.minimum = *std::min_element(samples.begin(), samples.end());
  out.maximum = *std::max_element(samples.begin(), samples.end());
  std::uint16_t run = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    out.sum_of_negatives += std::min<std::int32_t>(samples[i], 0);
    out.sum_of_falls += i > 0 ? std::min(samples[i] - samples[i - 1], 0) : 0;
    run = i > 0 && samples[i] == samples[i - 1] ? static_cast<std::uint16_t>(run + 1) : 1;
    out.first_run = run == i + 1 ? run : out.first_run;
    if (Clipped(samples[i], clip_level)) {
      ++out.clipped;
    } else {
      out.longest_run = std::max(out.longest_run, run);
    }
  }
  out.last_run = run;
  return out;
}

/// The samples cut into blocks and the blocks into stretches, at random.
Summary Pieced(const Samples& samples, std::int32_t clip_level, std::mt19937& random) {
  Summary whole;
  Summary stretch;
  const std::size_t longest = std::uniform_int_distribution<std::size_t>(1, samples.size())(random);
  for (std::size_t at = 0; at < samples.size();) {
    const std::size_t most = std::min(longest, samples.size() - at);
    const std::size_t size = std::uniform_int_distribution<std::size_t>(0, most)(random);
    Append(stretch, ViewOf(std::span(samples).subspan(at, size)), clip_level);
    at += size;
    if (random() % 3 == 0) {
      Append(whole, stretch, clip_level);
      stretch = {};
    }
  }
  Append(whole, stretch, clip_level);
  return whole;
}

/// Signals in which whatever a summary has a case for happens: long runs, runs at the clip level,
/// runs across cuts, both ends of the range, a single value.
Samples Signal(int kind, std::size_t size, std::mt19937& random) {
  Samples out(size);
  const auto constant = static_cast<std::int16_t>(random());
  for (std::size_t i = 0; i < size; ++i) {
    const auto r = static_cast<std::uint32_t>(random());
    switch (kind) {
      case 0:
        out[i] = static_cast<std::int16_t>(r);
        break;
      case 1:  // few values: runs everywhere
        out[i] = static_cast<std::int16_t>(static_cast<int>(r % 3) - 1);
        break;
      case 2:  // sticks nine times in ten
        out[i] = i > 0 && r % 10 != 0 ? out[i - 1] : static_cast<std::int16_t>(r >> 8U);
        break;
      case 3:  // saturates on both sides
        out[i] = r % 4 == 0 ? std::int16_t{32767} : r % 4 == 1 ? std::int16_t{-32768} : out[i / 2];
        break;
      case 4:
        out[i] = constant;
        break;
      case 5:  // the largest steps there are
        out[i] = i % 2 == 0 ? std::int16_t{-32768} : std::int16_t{32767};
        break;
      default:  // a constant with one knock
        out[i] = i == size / 2 ? std::int16_t{500} : std::int16_t{100};
        break;
    }
  }
  return out;
}

TEST(Summary, DoesNotDependOnWhereTheStretchWasCut) {
  std::mt19937 random(11);
  for (int round = 0; round < 4'000; ++round) {
    const std::size_t size =
        std::uniform_int_distribution<std::size_t>(1, round % 8 == 0 ? 3000 : 40)(random);
    const Samples samples = Signal(round % 7, size, random);
    for (const std::int32_t clip_level : {1, 100, 20'000, 32'767}) {
      const Summary expected = Defined(samples, clip_level);
      Summary at_once;
      Append(at_once, ViewOf(samples), clip_level);
      ASSERT_EQ(at_once, expected) << "round " << round << ", clip level " << clip_level;
      ASSERT_EQ(Pieced(samples, clip_level, random), expected)
          << "round " << round << ", clip level " << clip_level;
    }
  }
}

TEST(Summary, IsTheSameForEveryCutOfAShortStretch) {
  std::mt19937 random(12);
  for (int kind = 0; kind < 7; ++kind) {
    for (std::size_t size = 2; size <= 24; ++size) {
      const Samples samples = Signal(kind, size, random);
      const Summary expected = Defined(samples, 100);
      for (std::size_t cut = 0; cut <= size; ++cut) {
        Summary left;
        Summary right;
        Append(left, ViewOf(std::span(samples).first(cut)), 100);
        Append(right, ViewOf(std::span(samples).subspan(cut)), 100);
        Append(left, right, 100);
        ASSERT_EQ(left, expected) << "kind " << kind << ", " << cut << " of " << size;
      }
    }
  }
}

TEST(Summary, GivesTheSumsOfTheWindow) {
  std::mt19937 random(13);
  for (int kind = 0; kind < 7; ++kind) {
    const Samples samples = Signal(kind, 2048, random);
    const Sums<std::int16_t> expected = Accumulate(ViewOf(samples));
    const Sums<std::int16_t> sums = SumsOf(Pieced(samples, 32'000, random));
    EXPECT_EQ(sums.sum, expected.sum);
    EXPECT_EQ(sums.sum_of_squares, expected.sum_of_squares);
    EXPECT_EQ(sums.sum_of_absolutes, expected.sum_of_absolutes);
    EXPECT_EQ(sums.sum_of_steps, expected.sum_of_steps);
    EXPECT_EQ(sums.minimum, expected.minimum);
    EXPECT_EQ(sums.maximum, expected.maximum);
    EXPECT_EQ(sums.count, expected.count);
  }
}

TEST(Summary, HoldsTheLongestStretchOfTheLargestNumbers) {
  std::mt19937 random(14);
  for (const Samples& samples : {Samples(Summary::kMaxSamples, std::int16_t{-32768}),
                                 Signal(5, Summary::kMaxSamples, random)}) {
    for (const std::int32_t clip_level : {1, 32'767, 32'769}) {
      EXPECT_EQ(Pieced(samples, clip_level, random), Defined(samples, clip_level));
    }
  }
}

TEST(Summary, TakesOneChannelOfInterleavedSamples) {
  std::mt19937 random(15);
  const Samples samples = Signal(2, 300, random);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    Samples own;
    for (std::size_t i = channel; i < samples.size(); i += 3) {
      own.push_back(samples[i]);
    }
    Summary summary;
    Append(summary, View(samples, 3, channel), 1000);
    EXPECT_EQ(summary, Defined(own, 1000));
  }
}

}  // namespace
}  // namespace trib::dsp
