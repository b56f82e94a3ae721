// Every way in which a board can crash: the next boot knows which it was, and where.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "emulated_board.h"
#include "trib/node/ports/power.h"

namespace trib::node::cortex_m {
namespace {

/// As kCases in test_images/main_crash.cc.
enum class Case : std::uint32_t {
  kHardFault,
  kWriteCode,
  kWriteNull,
  kReadNull,
  kWriteFlash,
  kRunData,
  kOverflow,
  kOverflowAtOnce,
  kReadNowhere,
  kUndefined,
  kDivide,
  kPanic,
  kHang,
  kHangMasked,
  kFaultInInterrupt,
  kResetOnPurpose,
  kResetUnsaid,
  kFeedTheWatchdog,
};
constexpr std::uint32_t kCaseAt = 0x0F0000;

struct Known {
  std::uint32_t cause = 0;
  std::uint32_t kind = 0;
  std::uint32_t program_counter = 0;
  std::uint32_t address = 0;
};

class CrashTest : public EmulatedBoardTest {
 protected:
  /// A busy machine may not make the watchdog late or early.
  CrashTest() { counted_time_ = true; }
  /// Lets it happen. @returns what the next boot knew.
  Known Crash(Case which) {
    std::array<std::byte, sizeof which> word{};
    std::memcpy(word.data(), &which, sizeof which);
    std::string error;
    EXPECT_TRUE(launcher::WriteMemory(GetParam(), memory(), kCaseAt, word, error)) << error;
    PowerOn("crash");
    const auto lines = LinesUntilDone();
    PowerOff();
    Known first;
    Known next;
    int boots = 0;
    unsigned number = ~0U;
    from_ = ~0U;  // nothing lies in there
    to_ = 0;
    for (const std::string& line : lines) {
      Known read;
      if (std::sscanf(line.c_str(),
                      "boot cause=%u crash=%u pc=%x address=%x",
                      &read.cause,
                      &read.kind,
                      &read.program_counter,
                      &read.address) == 4) {
        (boots == 0 ? first : next) = read;
        ++boots;
      }
      if (std::sscanf(line.c_str(), "case %u expects %x %x", &number, &from_, &to_) == 3) {
        EXPECT_EQ(number, static_cast<std::uint32_t>(which));
      }
      EXPECT_NE(line, "did not crash");
    }
    EXPECT_EQ(number, static_cast<std::uint32_t>(which)) << Text();
    EXPECT_EQ(boots, 2) << Text();
    EXPECT_EQ(first.cause, static_cast<std::uint32_t>(ResetCause::kPowerOn));
    EXPECT_EQ(first.kind, 0U);
    return next;
  }
  void ExpectCrash(Case which, CrashKind kind, ResetCause cause = ResetCause::kFault) {
    known_ = Crash(which);
    EXPECT_EQ(known_.cause, static_cast<std::uint32_t>(cause)) << Text();
    EXPECT_EQ(known_.kind, static_cast<std::uint32_t>(kind)) << Text();
    EXPECT_GE(known_.program_counter, from_) << Text();
    EXPECT_LE(known_.program_counter, to_) << Text();
  }

  unsigned from_ = 0;
  unsigned to_ = 0;
  Known known_;
};

TEST_P(CrashTest, HardFault) {
  TRIB_IMAGE_OR_SKIP("crash");
  ExpectCrash(Case::kHardFault, CrashKind::kHardFault);
}

TEST_P(CrashTest, MemoryIsProtected) {
  TRIB_IMAGE_OR_SKIP("crash");
  ExpectCrash(Case::kWriteCode, CrashKind::kMemoryFault);
  ExpectCrash(Case::kWriteNull, CrashKind::kMemoryFault);
  EXPECT_EQ(known_.address, 0x10U);
  ExpectCrash(Case::kReadNull, CrashKind::kMemoryFault);
  EXPECT_EQ(known_.address, 0U);
  ExpectCrash(Case::kWriteFlash, CrashKind::kMemoryFault);
  EXPECT_EQ(known_.address & 0x00FFFFFFU, 0x00400000U);
  ExpectCrash(Case::kRunData, CrashKind::kMemoryFault);
  ExpectCrash(Case::kFaultInInterrupt, CrashKind::kMemoryFault);
  EXPECT_EQ(known_.address, 4U);
}

TEST_P(CrashTest, StackOverflow) {
  TRIB_IMAGE_OR_SKIP("crash");
  ExpectCrash(Case::kOverflow, CrashKind::kStackOverflow);
  EXPECT_NE(known_.program_counter, 0U);
  ExpectCrash(Case::kOverflowAtOnce, CrashKind::kStackOverflow);
}

TEST_P(CrashTest, BusFault) {
  TRIB_IMAGE_OR_SKIP("crash");
  ExpectCrash(Case::kReadNowhere, CrashKind::kBusFault);
  EXPECT_EQ(known_.address, 0x5F000000U);
}

TEST_P(CrashTest, UsageFault) {
  TRIB_IMAGE_OR_SKIP("crash");
  ExpectCrash(Case::kUndefined, CrashKind::kUsageFault);
  ExpectCrash(Case::kDivide, CrashKind::kUsageFault);
}

TEST_P(CrashTest, Panic) {
  TRIB_IMAGE_OR_SKIP("crash");
  ExpectCrash(Case::kPanic, CrashKind::kPanic);
  EXPECT_NE(Text().find("panic node/platform/cortex_m/test_images/main_crash.cc:"),
            std::string::npos)
      << Text();
}

TEST_P(CrashTest, HangEndsByTheWatchdog) {
  TRIB_IMAGE_OR_SKIP("crash");
  ExpectCrash(Case::kHang, CrashKind::kHang, ResetCause::kWatchdog);
  ExpectCrash(Case::kHangMasked, CrashKind::kHang, ResetCause::kWatchdog);
}

TEST_P(CrashTest, ResetsThatAreNone) {
  TRIB_IMAGE_OR_SKIP("crash");
  ExpectCrash(Case::kResetOnPurpose, CrashKind::kNone, ResetCause::kSoftware);
  ExpectCrash(Case::kResetUnsaid, CrashKind::kNone, ResetCause::kUnspecified);
  ExpectCrash(Case::kFeedTheWatchdog, CrashKind::kNone, ResetCause::kSoftware);
}

INSTANTIATE_TEST_SUITE_P(Emulated,
                         CrashTest,
                         ::testing::ValuesIn(launcher::EmulatedBoards().begin(),
                                             launcher::EmulatedBoards().end()),
                         BoardName);

}  // namespace
}  // namespace trib::node::cortex_m
