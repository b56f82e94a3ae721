// What of the boards' code touches no register.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

#include "trib/node/cortex_m/byte_ring.h"
#include "trib/node/cortex_m/last_words.h"
#include "trib/node/cortex_m/nor_flash.h"
#include "trib/testing/contracts.h"

namespace trib::node::cortex_m {
namespace {

using Bytes = std::vector<std::byte>;

Bytes Counted(std::size_t size) {
  Bytes out(size);
  std::ranges::generate(out, [i = 0]() mutable { return static_cast<std::byte>(i++); });
  return out;
}

TEST(ByteRing, GivesBackInOrderAndTakesNoMoreThanItHolds) {
  std::array<std::byte, 8> memory{};
  ByteRing ring(memory);
  const Bytes in = Counted(11);
  Bytes out(16);
  for (int round = 0; round < 100; ++round) {
    EXPECT_EQ(ring.room(), 8U);
    EXPECT_EQ(ring.Push(in), 8U);
    EXPECT_EQ(ring.size(), 8U);
    EXPECT_EQ(ring.Push(in), 0U);
    EXPECT_EQ(ring.Pop(std::span(out).first(3)), 3U);
    EXPECT_EQ(ring.Push(std::span(in).subspan(8)), 3U);
    EXPECT_EQ(ring.Pop(std::span(out).subspan(3)), 8U);
    EXPECT_TRUE(std::equal(in.begin(), in.end(), out.begin()));
    EXPECT_EQ(ring.Pop(out), 0U);
    // The next round begins at another place of the memory.
    EXPECT_EQ(ring.Push(std::span(in).first(3)), 3U);
    EXPECT_EQ(ring.Pop(out), 3U);
  }
}

TEST(ByteRing, JoinsTwoThreads) {
  std::array<std::byte, 64> memory{};
  ByteRing ring(memory);
  constexpr std::size_t kTotal = 30'000;
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    std::array<std::byte, 13> bytes{};
    for (std::size_t sent = 0; sent < kTotal && !stop;) {
      const std::size_t length = std::min(bytes.size(), kTotal - sent);
      for (std::size_t i = 0; i < length; ++i) {
        bytes[i] = static_cast<std::byte>((sent + i) * 7);
      }
      const std::size_t taken = ring.Push(std::span(bytes).first(length));
      sent += taken;
      if (taken == 0) {
        std::this_thread::yield();
      }
    }
  });
  std::array<std::byte, 24> piece{};
  bool right = true;
  for (std::size_t got = 0; got < kTotal;) {
    // Mostly less is asked for than comes meanwhile.
    const std::size_t asked = 1 + got % 3;
    const std::size_t count = ring.Pop(std::span(piece).first(asked));
    if (count > asked) {
      ADD_FAILURE() << "gave " << count << " bytes for " << asked;
      break;
    }
    for (std::size_t i = 0; i < count; ++i) {
      right = right && piece[i] == static_cast<std::byte>((got + i) * 7);
    }
    got += count;
    if (count == 0) {
      std::this_thread::yield();
    }
  }
  stop = true;
  writer.join();
  EXPECT_TRUE(right);
  EXPECT_EQ(ring.size(), 0U);
}

TEST(LastWords, SayOnceWhatWasWritten) {
  LastWords words;
  const Crash crash{.kind = CrashKind::kBusFault, .program_counter = 0x1234, .address = 0xABCD};
  Write(words, {.cause = ResetCause::kFault, .crash = crash});
  const BootReport report = Take(words);
  EXPECT_EQ(report.cause, ResetCause::kFault);
  EXPECT_EQ(report.crash.kind, CrashKind::kBusFault);
  EXPECT_EQ(report.crash.program_counter, 0x1234U);
  EXPECT_EQ(report.crash.address, 0xABCDU);
  // A reset out of the blue after that.
  EXPECT_EQ(Take(words).cause, ResetCause::kUnspecified);
  EXPECT_EQ(Take(words).crash.kind, CrashKind::kNone);
}

TEST(LastWords, OfMemoryThatLostItsPowerAreNone) {
  LastWords words;
  std::memset(&words, 0, sizeof words);
  EXPECT_EQ(Take(words).cause, ResetCause::kPowerOn);
  Write(words, {.cause = ResetCause::kSoftware, .crash = {}});
  const LastWords whole = words;
  for (std::size_t bit = 0; bit < 8 * sizeof words; ++bit) {
    words = whole;
    reinterpret_cast<unsigned char*>(&words)[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
    EXPECT_EQ(Take(words).cause, ResetCause::kPowerOn) << bit;
  }
  words = whole;
  EXPECT_EQ(Take(words).cause, ResetCause::kSoftware);
}

/// Counts openings; closed again at every look.
class Door final : public WriteSwitch {
 public:
  void SetWritable(bool writable) override {
    EXPECT_NE(writable, open_);
    open_ = writable;
    openings_ += writable ? 1 : 0;
  }
  [[nodiscard]] bool open() const { return open_; }
  [[nodiscard]] int openings() const { return openings_; }

 private:
  bool open_ = false;
  int openings_ = 0;
};

TEST(NorFlash, KeepsTheFlashContract) {
  for (const std::uint32_t unit : {1U, 8U, 32U}) {
    Bytes memory(std::size_t{3} * 256);
    Door door;
    NorFlash flash(memory, {256, 3, unit}, door);
    testing::RunFlashContract(flash);
    EXPECT_FALSE(door.open());
    EXPECT_GT(door.openings(), 0);
  }
}

TEST(NorFlash, DoesNotOpenItsMemoryForWhatItRefuses) {
  Bytes memory(std::size_t{2} * 64, std::byte{0});
  Door door;
  NorFlash flash(memory, {64, 2, 8}, door);
  EXPECT_EQ(flash.Program(0, Bytes(8)).code(), Code::kFailedPrecondition);
  EXPECT_EQ(flash.Program(4, Bytes(8)).code(), Code::kInvalidArgument);
  EXPECT_EQ(flash.Erase(SectorIndex(1), 2).code(), Code::kInvalidArgument);
  EXPECT_EQ(flash.Erase(SectorIndex(3), 0).code(), Code::kInvalidArgument);
  Bytes out(8);
  EXPECT_EQ(flash.Read(121, out).code(), Code::kInvalidArgument);
  EXPECT_EQ(flash.Read(0xFFFFFFFF, out).code(), Code::kInvalidArgument);
  EXPECT_EQ(door.openings(), 0);
  EXPECT_TRUE(std::ranges::all_of(memory, [](std::byte b) { return b == std::byte{0}; }));
}

}  // namespace
}  // namespace trib::node::cortex_m
