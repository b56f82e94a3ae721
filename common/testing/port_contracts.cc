#include "trib/testing/port_contracts.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "trib/common/base/random.h"

// NOLINTBEGIN(bugprone-macro-parentheses): a condition is printed as it was written.
#define TRIB_EXPECT(condition)                        \
  do {                                                \
    if (!(condition)) {                               \
      checker.Failed(__FILE__, __LINE__, #condition); \
    }                                                 \
  } while (false)
/// Goes no further: what follows would mean nothing.
#define TRIB_REQUIRE(condition)                       \
  do {                                                \
    if (!(condition)) {                               \
      checker.Failed(__FILE__, __LINE__, #condition); \
      return;                                         \
    }                                                 \
  } while (false)
// NOLINTEND(bugprone-macro-parentheses)

namespace trib::testing {
namespace {

constexpr std::size_t kLongestUnit = 64;
constexpr int kAttempts = 100'000;

using Bytes = std::span<const std::byte>;

void FillPattern(std::span<std::byte> out, std::uint64_t seed) {
  SplitMix64 random(seed);
  std::ranges::generate(out, [&] { return static_cast<std::byte>(random.Next()); });
}

std::byte EchoByte(std::size_t index) {
  return static_cast<std::byte>(SplitMix64::Mix(index));
}

/// Whether flash holds what `expected` says of each place from `offset` on.
template <typename Expected>
bool Holds(node::Flash& flash, std::uint32_t offset, std::uint32_t size, const Expected& expected) {
  std::array<std::byte, 64> piece{};
  for (std::uint32_t done = 0; done < size;) {
    const auto part = std::span(piece).first(std::min<std::size_t>(piece.size(), size - done));
    if (!flash.Read(offset + done, part).ok()) {
      return false;
    }
    for (std::size_t i = 0; i < part.size(); ++i) {
      if (part[i] != expected(done + i)) {
        return false;
      }
    }
    done += static_cast<std::uint32_t>(part.size());
  }
  return true;
}

bool Reads(node::Flash& flash, std::uint32_t offset, Bytes expected) {
  return Holds(flash, offset, static_cast<std::uint32_t>(expected.size()), [&](std::size_t i) {
    return expected[i];
  });
}

bool Blank(node::Flash& flash, std::uint32_t offset, std::uint32_t size) {
  return Holds(flash, offset, size, [](std::size_t) { return std::byte{0xFF}; });
}

}  // namespace

void RunFlashContract(node::Flash& flash, Checker& checker) {
  const auto geometry = flash.geometry();
  const std::uint32_t unit = geometry.program_unit_bytes;
  const std::uint32_t sector = geometry.sector_bytes;
  const std::uint32_t size = sector * geometry.sector_count;
  TRIB_REQUIRE(geometry.sector_count >= 2);
  TRIB_REQUIRE(unit > 0 && unit <= kLongestUnit);
  TRIB_REQUIRE(sector % unit == 0 && sector / unit >= 4);

  TRIB_REQUIRE(flash.Erase(node::SectorIndex(0), geometry.sector_count).ok());
  TRIB_EXPECT(Blank(flash, 0, size));

  // What is programmed reads back, and nothing around it changes.
  std::array<std::byte, 2 * kLongestUnit> pattern{};
  const auto data = std::span(pattern).first(std::size_t{2} * unit);
  FillPattern(data, 1);
  TRIB_REQUIRE(flash.Program(unit, data).ok());
  TRIB_EXPECT(Reads(flash, unit, data));
  TRIB_EXPECT(Blank(flash, 0, unit));
  TRIB_EXPECT(Blank(flash, 3 * unit, sector - 3 * unit));

  // A unit is programmed once per erasure.
  constexpr std::array<std::byte, 2 * kLongestUnit> kZeros{};
  const auto zeros = [&](std::size_t bytes) { return Bytes(kZeros).first(bytes); };
  TRIB_EXPECT(flash.Program(2 * unit, zeros(unit)) == Code::kFailedPrecondition);
  TRIB_EXPECT(Reads(flash, unit, data));

  // Unaligned and outside.
  TRIB_EXPECT(flash.Program(size, zeros(unit)) == Code::kInvalidArgument);
  TRIB_EXPECT(flash.Program(size - unit, zeros(std::size_t{2} * unit)) == Code::kInvalidArgument);
  if (unit > 1) {
    TRIB_EXPECT(flash.Program(1, zeros(unit)) == Code::kInvalidArgument);
    TRIB_EXPECT(flash.Program(3 * unit, zeros(unit - 1)) == Code::kInvalidArgument);
  }
  std::array<std::byte, 2> two{};
  TRIB_EXPECT(!flash.Read(size - 1, two).ok());
  TRIB_EXPECT(!flash.Erase(node::SectorIndex(geometry.sector_count), 1).ok());
  TRIB_EXPECT(!flash.Erase(node::SectorIndex(0), geometry.sector_count + 1).ok());

  // Erasing one sector leaves its neighbour alone.
  std::array<std::byte, kLongestUnit> other{};
  const auto neighbour = std::span(other).first(unit);
  FillPattern(neighbour, 2);
  TRIB_REQUIRE(flash.Program(sector, neighbour).ok());
  TRIB_REQUIRE(flash.Erase(node::SectorIndex(0), 1).ok());
  TRIB_EXPECT(Blank(flash, 0, sector));
  TRIB_EXPECT(Reads(flash, sector, neighbour));
  TRIB_REQUIRE(flash.Program(unit, data).ok());
  TRIB_EXPECT(Reads(flash, unit, data));
}

void RunClockContract(node::Clock& clock, FunctionRef<void(Millis)> pass, Checker& checker) {
  const MonotonicTime start = clock.Monotonic();
  pass(Millis(20));
  const MonotonicTime later = clock.Monotonic();
  TRIB_EXPECT(later > start);

  const LogicalTime set{Millis(1'700'000'000'000)};
  clock.SetTime(set);
  TRIB_EXPECT(clock.synchronised());
  TRIB_EXPECT(clock.Now() >= set);
  const LogicalTime before = clock.Now();
  pass(Millis(20));
  TRIB_EXPECT(clock.Now() > before);

  // Setting the time back moves the logical clock, never the monotonic one.
  const MonotonicTime monotonic = clock.Monotonic();
  clock.SetTime(LogicalTime(Millis(1'600'000'000'000)));
  TRIB_EXPECT(clock.Now() < set);
  TRIB_EXPECT(clock.Monotonic() >= monotonic);
}

void RunLinkContract(node::Link& a,
                     node::Link& b,
                     std::span<std::byte> memory,
                     FunctionRef<void()> settle,
                     Checker& checker) {
  const std::size_t longest = std::max(a.max_message_bytes(), b.max_message_bytes());
  TRIB_REQUIRE(a.max_message_bytes() >= 51);
  TRIB_REQUIRE(memory.size() > 2 * longest);
  const auto message_memory = memory.first(longest + 1);
  const auto received = memory.subspan(longest + 1);
  const auto message = [&](std::size_t size, std::uint64_t seed) {
    FillPattern(message_memory.first(size), seed);
    return Bytes(message_memory.first(size));
  };
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
  const auto send = [&](node::Link& end, Bytes bytes) {
    for (int i = 0; i < kAttempts; ++i) {
      if (end.Send(bytes).ok()) {
        return true;
      }
      settle();
    }
    return false;
  };

  TRIB_EXPECT(a.Receive(received).status() == Code::kUnavailable);

  // Whole messages, both ways, up to the largest.
  for (const std::size_t size : {std::size_t{1}, a.max_message_bytes()}) {
    for (auto [from, to] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
      const Bytes sent = message(size, size);
      TRIB_REQUIRE(send(*from, sent));
      const auto got = receive(*to, received);
      TRIB_REQUIRE(got.ok());
      TRIB_EXPECT(std::ranges::equal(received.first(*got), sent));
    }
  }
  TRIB_EXPECT(a.Send(message(a.max_message_bytes() + 1, 2)) == Code::kInvalidArgument);

  // One too long for the memory is dropped whole; the next one arrives whole.
  TRIB_REQUIRE(send(a, message(40, 3)));
  TRIB_REQUIRE(send(a, message(8, 4)));
  TRIB_EXPECT(receive(b, received.first(16)).status() == Code::kResourceExhausted);
  const auto next = receive(b, received.first(16));
  TRIB_REQUIRE(next.ok());
  TRIB_EXPECT(*next == 8);
}

void RunByteStreamContract(node::ByteStream& echoed, FunctionRef<void()> settle, Checker& checker) {
  std::array<std::byte, 48> piece{};
  TRIB_EXPECT(echoed.Read(piece) == 0);
  TRIB_EXPECT(echoed.Write({}) == 0);
  TRIB_REQUIRE(echoed.room() > 0);

  // Some times what fits: all arrives, in order, however it was cut.
  const std::size_t total = 5 * echoed.room() + 7;
  std::size_t sent = 0;
  std::size_t back = 0;
  for (int idle = 0; back < total && idle < kAttempts;) {
    const std::size_t length = std::min(piece.size(), total - sent);
    for (std::size_t i = 0; i < length; ++i) {
      piece[i] = EchoByte(sent + i);
    }
    const std::size_t room = echoed.room();
    const std::size_t taken = echoed.Write(std::span(piece).first(length));
    // Room may have grown in between, never shrunk.
    TRIB_REQUIRE(taken <= length && taken >= std::min(room, length));
    sent += taken;
    const std::size_t got = echoed.Read(piece);
    TRIB_REQUIRE(got <= piece.size() && back + got <= sent);
    for (std::size_t i = 0; i < got; ++i) {
      TRIB_REQUIRE(piece[i] == EchoByte(back + i));
    }
    back += got;
    if (taken == 0 && got == 0) {
      ++idle;
      settle();
    }
  }
  TRIB_EXPECT(back == total);
  TRIB_EXPECT(echoed.Read(piece) == 0);
}

void RunEntropyContract(node::Entropy& entropy, Checker& checker) {
  std::array<std::byte, 200> first{};
  std::array<std::byte, 200> second{};
  TRIB_REQUIRE(entropy.Fill(first).ok());
  TRIB_REQUIRE(entropy.Fill(second).ok());
  TRIB_EXPECT(first != second);
  // Of 1600 fair bits 600 to 1000 are set but for one time in 10^22.
  std::uint32_t ones = 0;
  for (const std::byte b : first) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      ones += std::to_integer<std::uint32_t>(b >> bit) & 1U;
    }
  }
  TRIB_EXPECT(ones >= 600 && ones <= 1000);
  TRIB_EXPECT(entropy.Fill({}).ok());
}

}  // namespace trib::testing
