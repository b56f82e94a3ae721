#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <vector>

#include "trib/testing/contracts.h"
#include "trib/testing/fake_clock.h"
#include "trib/testing/fake_flash.h"
#include "trib/testing/fake_ports.h"
#include "trib/testing/lossy_link.h"

namespace trib::testing {
namespace {

constexpr node::Flash::Geometry kGeometry{256, 4, 8};
using Bytes = std::vector<std::byte>;

TEST(FakeFlash, KeepsTheFlashContract) {
  for (const std::uint32_t unit : {1U, 4U, 32U}) {
    FakeFlash flash({256, 3, unit});
    RunFlashContract(flash);
  }
}

TEST(FakeClock, KeepsTheClockContract) {
  FakeClock clock;
  RunClockContract(clock, [&](Millis by) { clock.Advance(by); });
}

TEST(LossyLink, KeepsTheLinkContractWithoutFaults) {
  LossyLink link(64, {});
  RunLinkContract(link.a(), link.b(), [] {});
}

/// A wire whose other end is its own, which takes and gives a few bytes at a time.
class Loop final : public node::ByteStream {
 public:
  std::size_t Write(std::span<const std::byte> bytes) override {
    const std::size_t taken = std::min(bytes.size(), room());
    held_.insert(held_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
    return taken;
  }
  std::size_t Read(std::span<std::byte> memory) override {
    const std::size_t count = std::min({memory.size(), held_.size(), std::size_t{5}});
    std::copy_n(held_.begin(), count, memory.begin());
    held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(count));
    if (swaps_ && held_.size() > 2) {
      std::swap(held_[0], held_[1]);
    }
    return count;
  }
  [[nodiscard]] std::size_t room() const override { return 16 - held_.size(); }
  void SwapBytes() { swaps_ = true; }

 private:
  std::deque<std::byte> held_;
  bool swaps_ = false;
};

/// Counts what does not hold.
class CountingChecker final : public Checker {
 public:
  void Failed(const char* /*file*/, int /*line*/, const char* /*what*/) override { ++failures_; }
  [[nodiscard]] int failures() const { return failures_; }

 private:
  int failures_ = 0;
};

TEST(PortContracts, HoldForAWireThatEchoesAndNotForOneThatSwaps) {
  Loop loop;
  RunByteStreamContract(loop, [] {});
  Loop swapping;
  swapping.SwapBytes();
  CountingChecker checker;
  RunByteStreamContract(
      swapping, [] {}, checker);
  EXPECT_EQ(checker.failures(), 1);
}

TEST(PortContracts, SeeAClockThatStandsAndFlashThatForgets) {
  CountingChecker checker;
  FakeClock clock;
  RunClockContract(
      clock, [](Millis) {}, checker);
  EXPECT_EQ(checker.failures(), 2);
  FakeFlash flash({256, 3, 8});
  flash.FailAt(4, Code::kInternal, 1);
  RunFlashContract(flash, checker);
  EXPECT_EQ(checker.failures(), 3);
}

TEST(FakeEntropy, KeepsTheEntropyContract) {
  FakeEntropy entropy(7);
  RunEntropyContract(entropy);
  entropy.GiveZeros(1000);
  CountingChecker checker;
  RunEntropyContract(entropy, checker);
  EXPECT_EQ(checker.failures(), 2);
}

TEST(FakeFlash, CutProgramLeavesAPrefixOfUnitsAndEveryPrefixOccurs) {
  std::set<std::size_t> lengths;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    FakeFlash flash(kGeometry, seed);
    flash.CutPowerAt(1);
    EXPECT_EQ(flash.Program(0, Bytes(32)).code(), Code::kUnavailable);
    EXPECT_EQ(flash.Program(64, Bytes(8)).code(), Code::kUnavailable);
    flash.Reboot();
    Bytes got(32);
    ASSERT_TRUE(flash.Read(0, got).ok());
    std::size_t programmed = 0;
    while (programmed < got.size() && got[programmed] == std::byte{0}) {
      ++programmed;
    }
    for (std::size_t i = programmed; i < got.size(); ++i) {
      EXPECT_EQ(got[i], std::byte{0xFF});
    }
    EXPECT_EQ(programmed % 8, 0U);
    lengths.insert(programmed / 8);
  }
  EXPECT_EQ(lengths, (std::set<std::size_t>{0, 1, 2, 3, 4}));
}

TEST(FakeFlash, CutEraseMustBeRepeatedBeforeProgramming) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    FakeFlash flash(kGeometry, seed);
    flash.CutPowerAt(1);
    EXPECT_FALSE(flash.Erase(node::SectorIndex(1), 1).ok());
    flash.Reboot();
    EXPECT_EQ(flash.Program(256, Bytes(8)).code(), Code::kFailedPrecondition);
    EXPECT_EQ(flash.violations(), 1U);
    ASSERT_TRUE(flash.Erase(node::SectorIndex(1), 1).ok());
    EXPECT_TRUE(flash.Program(256, Bytes(8)).ok());
  }
}

TEST(FakeFlash, FailsTheOperationsItWasTold) {
  FakeFlash flash(kGeometry);
  flash.FailAt(2, Code::kInternal, 2);
  EXPECT_TRUE(flash.Program(0, Bytes(8)).ok());
  EXPECT_EQ(flash.Program(8, Bytes(8)).code(), Code::kInternal);
  EXPECT_EQ(flash.Erase(node::SectorIndex(1), 1).code(), Code::kInternal);
  EXPECT_TRUE(flash.Program(8, Bytes(8)).ok());
  flash.WearOut(node::SectorIndex(2));
  EXPECT_FALSE(flash.Erase(node::SectorIndex(2), 1).ok());
  EXPECT_EQ(flash.operations(), 5U);
}

TEST(LossyLink, LosesRepeatsAndReordersNearTheGivenRates) {
  LossyLink link(64, {.loss_permille = 300, .duplicate_permille = 100, .reorder_permille = 200});
  const std::array<std::byte, 4> message{};
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(link.a().Send(message).ok());
  }
  EXPECT_NEAR(static_cast<double>(link.lost()), 3000, 200);
  EXPECT_NEAR(static_cast<double>(link.duplicated()), 700, 120);
  EXPECT_GT(link.reordered(), 1000U);
  link.SetDown(true);
  EXPECT_EQ(link.a().Send(message).code(), Code::kUnavailable);
  link.SetDown(false);
  std::array<std::byte, 4> memory{};
  EXPECT_EQ(link.b().Receive(memory).status().code(), Code::kUnavailable);
}

TEST(FakeSensor, GivesBlocksInPartsAndSkipsLostFrames) {
  FakeSensor sensor(12'000, 2);
  sensor.Play({.samples = {1, 2, 3, 4, 5, 6}, .missing_frames = 1, .boundary = true});
  sensor.Play({.samples = {7, 8}, .skip_frames = 10});
  sensor.EndAfterLast();
  std::array<std::int16_t, 5> memory{};
  auto block = sensor.Read(memory);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->samples.size(), 4U);
  EXPECT_FALSE(block->boundary);
  block = sensor.Read(memory);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->first_frame, 2U);
  EXPECT_EQ(block->missing_frames, 1U);
  EXPECT_TRUE(block->boundary);
  block = sensor.Read(memory);
  ASSERT_TRUE(block.ok());
  EXPECT_EQ(block->first_frame, 13U);
  EXPECT_EQ(sensor.Read(memory).status().code(), Code::kOutOfRange);
}

}  // namespace
}  // namespace trib::testing
