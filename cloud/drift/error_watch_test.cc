#include "error_watch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "simulated_fleet.h"
#include "trib/common/base/random.h"

namespace trib::cloud::drift {
namespace {

constexpr PackageHash kPackage{7};

class ErrorWatchTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kNodes = 200;

  /// A day of all nodes, ten answers each; every tenth node is wrong five times as often.
  std::vector<Block> Day(double rate) {
    ++day;
    std::vector<Block> out;
    for (std::uint32_t n = 0; n < kNodes; ++n) {
      Block block;
      block.node = NodeId(n + 1);
      block.package = kPackage;
      block.begin_ms = day * kDayMs;
      const double own = n % 10 == 0 ? 5 * rate : rate;
      for (int i = 0; i < 10; ++i) {
        const bool wrong = random.Uniform() < own;
        ++block.judged;
        block.errors += wrong ? 1U : 0U;
      }
      out.push_back(block);
    }
    return out;
  }
  [[nodiscard]] const DetectorFlags& Of(Detector detector) const {
    static std::vector<ErrorStanding> standings;
    standings = watch.Standings();
    EXPECT_EQ(standings.size(), 1U);
    return *std::ranges::find(standings[0].detectors, detector, &DetectorFlags::detector);
  }

  ErrorWatch watch;
  SplitMix64 random{11};
  std::uint64_t day = 0;
};

TEST_F(ErrorWatchTest, CountsAndStaysQuietWhileTheRateStays) {
  for (int i = 0; i < 50; ++i) {
    watch.Take(Day(0.05));
  }
  const auto standings = watch.Standings();
  ASSERT_EQ(standings.size(), 1U);
  EXPECT_EQ(standings[0].package, kPackage);
  EXPECT_EQ(standings[0].judged, 50U * kNodes * 10);
  EXPECT_EQ(standings[0].judged_now, kNodes * 10U);
  EXPECT_EQ(standings[0].begin_ms, 50 * kDayMs);
  // Of 100,000 answers.
  EXPECT_EQ(Of(Detector::kAdwin).flags, 0U);
  EXPECT_LE(Of(Detector::kPageHinkley).flags, 4U);
  EXPECT_LE(Of(Detector::kDdm).flags, 15U);
}

TEST_F(ErrorWatchTest, AllDetectorsFlagARateThatDoubles) {
  for (int i = 0; i < 20; ++i) {
    watch.Take(Day(0.05));
  }
  const std::uint64_t before[] = {
      Of(Detector::kAdwin).flags, Of(Detector::kPageHinkley).flags, Of(Detector::kDdm).flags};
  for (int i = 0; i < 3; ++i) {
    watch.Take(Day(0.1));
  }
  EXPECT_GT(Of(Detector::kAdwin).flags, before[0]);
  EXPECT_GT(Of(Detector::kPageHinkley).flags, before[1]);
  EXPECT_GT(Of(Detector::kDdm).flags, before[2]);
  const DetectorFlags& flags = Of(Detector::kAdwin);
  EXPECT_GE(flags.begin_ms, 21 * kDayMs);
  EXPECT_NEAR(flags.before, 0.07, 0.02);
  EXPECT_NEAR(flags.after, 0.14, 0.03);
}

TEST_F(ErrorWatchTest, APageHinkleyFlagComesOfARateThatFallsToo) {
  for (int i = 0; i < 20; ++i) {
    watch.Take(Day(0.1));
  }
  const auto before = Of(Detector::kPageHinkley).flags;
  for (int i = 0; i < 3; ++i) {
    watch.Take(Day(0));
  }
  EXPECT_GT(Of(Detector::kPageHinkley).flags, before);
}

TEST_F(ErrorWatchTest, TheSameBlocksInTheSameLooksGiveTheSameFlags) {
  std::vector<std::vector<Block>> looks;
  for (int i = 0; i < 10; ++i) {
    looks.push_back(Day(0.05));
  }
  for (int i = 0; i < 4; ++i) {
    looks.push_back(Day(0.2));
  }
  ErrorWatch other;
  for (const auto& look : looks) {
    watch.Take(look);
  }
  for (const auto& look : looks) {
    other.Take(look);
  }
  const auto a = watch.Standings();
  const auto b = other.Standings();
  ASSERT_GT(a[0].detectors[0].flags, 0U);
  for (std::size_t i = 0; i < kDetectors; ++i) {
    EXPECT_EQ(a[0].detectors[i].flags, b[0].detectors[i].flags);
    EXPECT_EQ(a[0].detectors[i].begin_ms, b[0].detectors[i].begin_ms);
  }
}

TEST_F(ErrorWatchTest, BlocksWithoutAJudgedWindowAndBrokenCountsDoNoHarm) {
  Block block;
  block.package = kPackage;
  block.begin_ms = kDayMs;
  watch.Take(std::span(&block, 1));
  EXPECT_TRUE(watch.Standings().empty());
  block.judged = std::uint64_t{1} << 40U;
  block.errors = block.judged + 5;
  watch.Take(std::span(&block, 1));
  EXPECT_EQ(watch.Standings()[0].errors, block.judged);
}

TEST_F(ErrorWatchTest, ForgetsThePackageThatIsLongestWithoutABlock) {
  for (std::uint64_t i = 0; i <= ErrorWatch::kMaxPackages; ++i) {
    Block block;
    block.package = PackageHash(1000 - i);
    block.begin_ms = (i + 1) * kDayMs;
    block.judged = 1;
    watch.Take(std::span(&block, 1));
  }
  const auto standings = watch.Standings();
  EXPECT_EQ(standings.size(), ErrorWatch::kMaxPackages);
  EXPECT_TRUE(std::ranges::none_of(
      standings, [](const ErrorStanding& one) { return one.package == PackageHash(1000); }));
}

}  // namespace
}  // namespace trib::cloud::drift
