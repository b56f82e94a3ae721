#include "air.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <string_view>

namespace trib::tools::linksim {
namespace {

constexpr int kFrames = 4000;

std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string TextOf(const Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A frame that tells its number, with its delimiter.
std::string Frame(int number) {
  return "frame " + std::to_string(number) + std::string(1, '\0');
}

/// Gives `frames` to the air a millisecond apart, and takes what arrives.
std::string Fly(Air& air, int frames) {
  Bytes out;
  for (int i = 0; i < frames; ++i) {
    const Time now{i * 1000};
    air.Take(AsBytes(Frame(i)), now);
    air.Give(now, out);
  }
  while (const auto due = air.next_due()) {
    air.Give(*due, out);
  }
  return TextOf(out);
}

/// The numbers of whole frames in what arrived.
std::vector<int> Numbers(const std::string& text) {
  std::vector<int> out;
  for (std::size_t at = text.find("frame "); at != std::string::npos;
       at = text.find("frame ", at + 1)) {
    out.push_back(std::stoi(text.substr(at + 6)));
  }
  return out;
}

TEST(FrameCutter, CutsBehindDelimitersWhateverThePieces) {
  // A zero before a frame goes with it, as do several.
  const std::string stream("\0abc\0de\0\0\0f\0tail", 16);
  const std::vector<std::string> expected = {
      std::string("\0abc\0", 5), std::string("de\0", 3), std::string("\0\0f\0", 4)};
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    FrameCutter cutter;
    std::vector<std::string> frames;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      auto bytes = AsBytes(std::string_view(stream).substr(at, piece));
      for (Bytes frame = cutter.Next(bytes); !frame.empty(); frame = cutter.Next(bytes)) {
        frames.push_back(TextOf(frame));
      }
    }
    EXPECT_EQ(frames, expected) << "in pieces of " << piece;
  }
}

TEST(FrameCutter, CutsWhatHasNoDelimiter) {
  FrameCutter cutter;
  const std::string noise(10'000, 'n');
  auto bytes = AsBytes(noise);
  std::size_t total = 0;
  std::size_t pieces = 0;
  for (Bytes frame = cutter.Next(bytes); !frame.empty(); frame = cutter.Next(bytes)) {
    total += frame.size();
    ++pieces;
  }
  EXPECT_EQ(pieces, 4U);
  EXPECT_EQ(total, 8192U);
}

TEST(Air, WithoutFaultsBytesArriveAsTheyWere) {
  Air air({}, 1);
  std::string sent;
  for (int i = 0; i < 100; ++i) {
    sent += Frame(i);
  }
  EXPECT_EQ(Fly(air, 100), sent);
  EXPECT_EQ(air.metrics().frames, 100U);
  EXPECT_EQ(air.metrics().bytes, sent.size());
  EXPECT_EQ(air.metrics().frames_delivered, 100U);
  EXPECT_EQ(air.metrics().bytes_delivered, sent.size());
}

/// Binomial: of kFrames with this share, so many within five deviations.
void ExpectShare(std::uint64_t count, double share) {
  const double mean = kFrames * share;
  EXPECT_NEAR(static_cast<double>(count), mean, 5 * std::sqrt(mean * (1 - share)));
}

TEST(Air, DropsItsShareAndNothingElse) {
  Air air({.loss = 0.2}, 2);
  const auto numbers = Numbers(Fly(air, kFrames));
  ExpectShare(air.metrics().dropped, 0.2);
  EXPECT_EQ(numbers.size() + air.metrics().dropped, std::size_t{kFrames});
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
}

TEST(Air, DoublesItsShare) {
  Air air({.duplicates = 0.02}, 3);
  auto numbers = Numbers(Fly(air, kFrames));
  ExpectShare(air.metrics().doubled, 0.02);
  EXPECT_EQ(numbers.size(), kFrames + air.metrics().doubled);
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  EXPECT_EQ(numbers.size(), std::size_t{kFrames});
}

TEST(Air, ReorderedFramesAreOvertakenByTheirDelay) {
  Air air({.reorder = 0.05, .reorder_by = Time(10'500)}, 4);
  const auto numbers = Numbers(Fly(air, kFrames));
  ASSERT_EQ(numbers.size(), std::size_t{kFrames});
  ExpectShare(air.metrics().reordered, 0.05);
  std::uint64_t overtaken = 0;
  int newest = -1;
  for (const int number : numbers) {
    // A frame each millisecond: one that is late comes behind the ten that follow it.
    overtaken += number < newest ? 1U : 0U;
    EXPECT_GE(number, newest - 11);
    newest = std::max(newest, number);
  }
  // The last ones have too few behind them.
  EXPECT_LE(overtaken, air.metrics().reordered);
  EXPECT_GE(overtaken + 11, air.metrics().reordered);
}

TEST(Air, FlipsBitsByTheirShare) {
  constexpr double kShare = 1e-3;
  Air air({.bit_errors = kShare}, 5);
  const std::string arrived = Fly(air, kFrames);
  std::string sent;
  for (int i = 0; i < kFrames; ++i) {
    sent += Frame(i);
  }
  ASSERT_EQ(arrived.size(), sent.size());
  std::uint64_t flipped = 0;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    flipped += static_cast<std::uint64_t>(
        std::popcount(static_cast<unsigned>(static_cast<unsigned char>(sent[i] ^ arrived[i]))));
  }
  EXPECT_EQ(flipped, air.metrics().bits_flipped);
  const double mean = static_cast<double>(sent.size() * 8) * kShare;
  EXPECT_NEAR(static_cast<double>(flipped), mean, 5 * std::sqrt(mean));
  EXPECT_GT(air.metrics().changed, 0U);
  EXPECT_LE(air.metrics().changed, flipped);
}

TEST(Air, FramesTakeTheirTime) {
  Air air({.latency = Time(5'000), .bits_per_second = 10'000}, 6);
  // 10 bytes, 100 bits: 10 ms each, one after the other.
  const std::string frame = std::string(9, 'x') + std::string(1, '\0');
  air.Take(AsBytes(frame + frame), Time(1'000));
  Bytes out;
  EXPECT_EQ(air.next_due(), Time(16'000));
  air.Give(Time(15'999), out);
  EXPECT_TRUE(out.empty());
  air.Give(Time(16'000), out);
  EXPECT_EQ(out.size(), 10U);
  EXPECT_EQ(air.next_due(), Time(26'000));
  air.Give(Time(26'000), out);
  EXPECT_EQ(out.size(), 20U);
  EXPECT_EQ(air.next_due(), std::nullopt);
}

TEST(Air, JitterOvertakesNothing) {
  Air air({.latency = Time(1'000), .jitter = Time(20'000)}, 7);
  const auto numbers = Numbers(Fly(air, kFrames));
  ASSERT_EQ(numbers.size(), std::size_t{kFrames});
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
}

TEST(Air, StopsTheSenderWhenMuchIsUnderWay) {
  Air air({.latency = Time(1'000'000)}, 8);
  int sent = 0;
  for (; !air.full() && sent < 1'000'000; ++sent) {
    air.Take(AsBytes(Frame(sent)), Time(0));
  }
  EXPECT_TRUE(air.full());
  Bytes out;
  air.Give(Time(1'000'000), out);
  EXPECT_FALSE(air.full());
  EXPECT_EQ(Numbers(TextOf(out)).size(), static_cast<std::size_t>(sent));
}

TEST(Air, WhatHappensToAFrameDependsOnSeedAndNumberAlone) {
  constexpr AirOptions kBad = {
      .loss = 0.2, .duplicates = 0.1, .reorder = 0.1, .bit_errors = 1e-3, .jitter = Time(500)};
  Air first(kBad, 9);
  Air second(kBad, 9);
  Air other(kBad, 10);
  const std::string arrived = Fly(first, kFrames);
  EXPECT_EQ(Fly(second, kFrames), arrived);
  EXPECT_NE(Fly(other, kFrames), arrived);
  // Also when the moments are others.
  Air late(kBad, 9);
  for (int i = 0; i < kFrames; ++i) {
    late.Take(AsBytes(Frame(i)), Time(i * 17'000));
  }
  EXPECT_EQ(late.metrics().dropped, first.metrics().dropped);
  EXPECT_EQ(late.metrics().doubled, first.metrics().doubled);
  EXPECT_EQ(late.metrics().reordered, first.metrics().reordered);
  EXPECT_EQ(late.metrics().bits_flipped, first.metrics().bits_flipped);
}

}  // namespace
}  // namespace trib::tools::linksim
