#include "trib/node/board/seeded_entropy.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "trib/testing/fake_flash.h"

namespace trib::node::board {
namespace {

constexpr std::uint32_t kSectorBytes = 128;  // units for eight boots

class Seeded : public ::testing::Test {
 protected:
  Seeded() {
    crypto::SecretSeed seed;
    seed.bytes.fill(std::byte{0x77});
    std::array<std::byte, kEntropyUnitsAt> head{};
    EncodeEntropySector(1, seed, head);
    EXPECT_TRUE(flash_.Program(0, std::span(head).first(48)).ok());
  }
  std::string Boot(std::size_t bytes = 8) {
    SeededEntropy entropy(flash_);
    std::vector<std::byte> out(bytes);
    EXPECT_TRUE(entropy.Fill(out).ok());
    return {reinterpret_cast<const char*>(out.data()), out.size()};
  }
  testing::FakeFlash flash_{
      {.sector_bytes = kSectorBytes, .sector_count = 2, .program_unit_bytes = 8}};
};

TEST_F(Seeded, GivesWhatThePageOfFormatsSays) {
  crypto::Sha512Stream hash;
  std::vector<std::byte> message(32, std::byte{0x77});
  for (const std::byte number :
       {std::byte{1}, std::byte{1}, std::byte{0}}) {  // generation, units used, counter
    message.push_back(number);
    message.insert(message.end(), 3, std::byte{0});
  }
  hash.Update(message);
  const crypto::Digest digest = hash.Finish();
  EXPECT_EQ(Boot(64), std::string(reinterpret_cast<const char*>(digest.bytes.data()), 64));
}

TEST_F(Seeded, IsNeverTheSameTwice) {
  std::set<std::string> seen;
  for (int boot = 0; boot < 30; ++boot) {  // four generations
    SeededEntropy entropy(flash_);
    for (int i = 0; i < 10; ++i) {
      std::array<char, 24> out{};
      ASSERT_TRUE(entropy.Fill(std::as_writable_bytes(std::span(out))).ok());
      EXPECT_TRUE(seen.insert(std::string(out.data(), out.size())).second);
    }
  }
}

// A unit half programmed, and a generation half begun: no boot draws what another one drew.
TEST_F(Seeded, IsNeverTheSameTwiceWhereverPowerIsCut) {
  const testing::FakeFlash fresh = flash_;
  // 16 boots: eight units, then erasure, seed and head of the next generation, and eight more.
  for (std::uint64_t cut = 1; cut <= 20; ++cut) {
    flash_ = fresh;
    flash_.CutPowerAt(cut);
    std::set<std::string> seen;
    int cuts = 0;
    for (int boot = 0; boot < 17; ++boot) {
      SeededEntropy entropy(flash_);
      std::array<char, 24> out{};
      if (entropy.Fill(std::as_writable_bytes(std::span(out))).ok()) {
        EXPECT_TRUE(seen.insert(std::string(out.data(), out.size())).second) << "cut at " << cut;
      } else {
        ++cuts;
        flash_.Reboot();
      }
    }
    EXPECT_EQ(cuts, 1) << "cut at " << cut;
    EXPECT_EQ(seen.size(), 16U) << "cut at " << cut;
    EXPECT_EQ(flash_.violations(), 0U) << "cut at " << cut;
  }
}

// As a kill of the emulator leaves it: some bytes of a unit, not all.
TEST_F(Seeded, AHalfProgrammedUnitIsUsed) {
  testing::FakeFlash twin = flash_;
  flash_.Corrupt(static_cast<std::uint32_t>(kEntropyUnitsAt), std::byte{0xFF});
  const std::string after_cut = Boot();
  std::array<char, 8> first{};
  ASSERT_TRUE(SeededEntropy(twin).Fill(std::as_writable_bytes(std::span(first))).ok());
  EXPECT_NE(after_cut, std::string(first.data(), first.size()));
  std::array<char, 8> second{};
  ASSERT_TRUE(SeededEntropy(twin).Fill(std::as_writable_bytes(std::span(second))).ok());
  EXPECT_EQ(after_cut, std::string(second.data(), second.size()));
}

TEST_F(Seeded, SlicesDoNotMatter) {
  testing::FakeFlash twin = flash_;
  const std::string whole = Boot(200);
  SeededEntropy entropy(twin);
  std::string parts(200, '\0');
  for (std::size_t at = 0; at < 200; at += 25) {
    ASSERT_TRUE(entropy.Fill(std::as_writable_bytes(std::span(parts).subspan(at, 25))).ok());
  }
  EXPECT_EQ(parts, whole);
}

TEST_F(Seeded, ABoardThatWasNeverSeededSaysSo) {
  testing::FakeFlash blank(
      {.sector_bytes = kSectorBytes, .sector_count = 2, .program_unit_bytes = 8});
  SeededEntropy entropy(blank);
  std::array<std::byte, 8> out{};
  EXPECT_EQ(entropy.Fill(out).code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace trib::node::board
