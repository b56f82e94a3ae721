#include "trib/testing/contracts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "trib/common/base/random.h"

namespace trib::testing {
namespace {

using Bytes = std::vector<std::byte>;

Bytes Pattern(std::size_t size, std::uint64_t seed) {
  SplitMix64 random(seed);
  Bytes out(size);
  std::ranges::generate(out, [&] { return static_cast<std::byte>(random.Next()); });
  return out;
}

Bytes ReadBack(node::Flash& flash, std::uint32_t offset, std::size_t size) {
  Bytes out(size);
  EXPECT_TRUE(flash.Read(offset, out).ok());
  return out;
}

bool Blank(const Bytes& bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0xFF}; });
}

}  // namespace

void RunFlashContract(node::Flash& flash) {
  const auto geometry = flash.geometry();
  const std::uint32_t unit = geometry.program_unit_bytes;
  const std::uint32_t sector = geometry.sector_bytes;
  const std::uint32_t size = sector * geometry.sector_count;
  ASSERT_GE(geometry.sector_count, 2U);
  ASSERT_GT(unit, 0U);
  ASSERT_EQ(sector % unit, 0U);
  ASSERT_GE(sector / unit, 4U);

  ASSERT_TRUE(flash.Erase(node::SectorIndex(0), geometry.sector_count).ok());
  EXPECT_TRUE(Blank(ReadBack(flash, 0, size)));

  // What is programmed reads back, and nothing around it changes.
  const Bytes data = Pattern(std::size_t{2} * unit, 1);
  ASSERT_TRUE(flash.Program(unit, data).ok());
  EXPECT_EQ(ReadBack(flash, unit, data.size()), data);
  EXPECT_TRUE(Blank(ReadBack(flash, 0, unit)));
  EXPECT_TRUE(Blank(ReadBack(flash, 3 * unit, sector - 3 * unit)));

  // A unit is programmed once per erasure.
  EXPECT_EQ(flash.Program(2 * unit, Bytes(unit)).code(), Code::kFailedPrecondition);
  EXPECT_EQ(ReadBack(flash, unit, data.size()), data);

  // Unaligned and outside.
  EXPECT_EQ(flash.Program(size, Bytes(unit)).code(), Code::kInvalidArgument);
  EXPECT_EQ(flash.Program(size - unit, Bytes(std::size_t{2} * unit)).code(),
            Code::kInvalidArgument);
  if (unit > 1) {
    EXPECT_EQ(flash.Program(1, Bytes(unit)).code(), Code::kInvalidArgument);
    EXPECT_EQ(flash.Program(3 * unit, Bytes(unit - 1)).code(), Code::kInvalidArgument);
  }
  Bytes two(2);
  EXPECT_FALSE(flash.Read(size - 1, two).ok());
  EXPECT_FALSE(flash.Erase(node::SectorIndex(geometry.sector_count), 1).ok());
  EXPECT_FALSE(flash.Erase(node::SectorIndex(0), geometry.sector_count + 1).ok());

  // Erasing one sector leaves its neighbour alone.
  const Bytes neighbour = Pattern(unit, 2);
  ASSERT_TRUE(flash.Program(sector, neighbour).ok());
  ASSERT_TRUE(flash.Erase(node::SectorIndex(0), 1).ok());
  EXPECT_TRUE(Blank(ReadBack(flash, 0, sector)));
  EXPECT_EQ(ReadBack(flash, sector, unit), neighbour);
  ASSERT_TRUE(flash.Program(unit, data).ok());
  EXPECT_EQ(ReadBack(flash, unit, data.size()), data);
}

void RunClockContract(node::Clock& clock, const std::function<void(Millis)>& pass) {
  const MonotonicTime start = clock.Monotonic();
  pass(Millis(20));
  const MonotonicTime later = clock.Monotonic();
  EXPECT_GT(later, start);

  const LogicalTime set{Millis(1'700'000'000'000)};
  clock.SetTime(set);
  EXPECT_TRUE(clock.synchronised());
  EXPECT_GE(clock.Now(), set);
  const LogicalTime before = clock.Now();
  pass(Millis(20));
  EXPECT_GT(clock.Now(), before);

  // Setting the time back moves the logical clock, never the monotonic one.
  const MonotonicTime monotonic = clock.Monotonic();
  clock.SetTime(LogicalTime(Millis(1'600'000'000'000)));
  EXPECT_LT(clock.Now(), set);
  EXPECT_GE(clock.Monotonic(), monotonic);
}

void RunLinkContract(node::Link& a, node::Link& b, const std::function<void()>& settle) {
  constexpr int kAttempts = 10'000;
  Bytes memory(std::max(a.max_message_bytes(), b.max_message_bytes()));
  const auto receive = [&](node::Link& end, std::span<std::byte> into) -> Result<std::size_t> {
    for (int i = 0; i < kAttempts; ++i) {
      auto got = end.Receive(into);
      if (got.ok() || got.status() != Code::kUnavailable) {
        return got;
      }
      settle();
    }
    return Code::kUnavailable;
  };
  const auto send = [&](node::Link& end, const Bytes& message) {
    for (int i = 0; i < kAttempts; ++i) {
      if (end.Send(message).ok()) {
        return true;
      }
      settle();
    }
    return false;
  };

  ASSERT_GE(a.max_message_bytes(), 51U);
  EXPECT_EQ(a.Receive(memory).status().code(), Code::kUnavailable);

  // Whole messages, both ways, up to the largest.
  for (const std::size_t size : {std::size_t{1}, a.max_message_bytes()}) {
    for (auto [from, to] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
      const Bytes message = Pattern(size, size);
      ASSERT_TRUE(send(*from, message));
      const auto got = receive(*to, memory);
      ASSERT_TRUE(got.ok());
      EXPECT_EQ(Bytes(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(*got)), message);
    }
  }
  EXPECT_EQ(a.Send(Bytes(a.max_message_bytes() + 1)).code(), Code::kInvalidArgument);

  // One too long for the memory is dropped whole; the next one arrives whole.
  ASSERT_TRUE(send(a, Pattern(40, 3)));
  ASSERT_TRUE(send(a, Pattern(8, 4)));
  EXPECT_EQ(receive(b, std::span(memory).first(16)).status().code(), Code::kResourceExhausted);
  const auto next = receive(b, std::span(memory).first(16));
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(*next, 8U);
}

}  // namespace trib::testing
