#include "trib/common/host/logging/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace trib::host::logging {
namespace {

using ::testing::MatchesRegex;

class Logging : public ::testing::Test {
 protected:
  ~Logging() override { Configure({}); }

  template <typename... Parts>
  std::string Line(Level level, const Parts&... parts) {
    ::testing::internal::CaptureStderr();
    Log(level, "spool", parts...);
    return ::testing::internal::GetCapturedStderr();
  }
};

TEST_F(Logging, ALineHasTimeLevelStageAndText) {
  EXPECT_THAT(Line(Level::kInfo,
                   "kept ",
                   3,
                   " of ",
                   std::uint64_t{18446744073709551615U},
                   ", ",
                   0.5,
                   ' ' == ' ',
                   " ",
                   Status(Code::kUnavailable)),
              MatchesRegex("[0-9-]+T[0-9:.]+Z info  \\[spool\\] kept 3 of 18446744073709551615, "
                           "0.5true UNAVAILABLE\n"));
}

TEST_F(Logging, AMessageStaysOneLine) {
  EXPECT_THAT(Line(Level::kError, "a\nb\x1b[31m"),
              MatchesRegex("[^\n]+ error \\[spool\\] a b \\[31m\n"));
}

TEST_F(Logging, BelowTheLevelNothingIsWritten) {
  Configure({.level = Level::kWarn});
  EXPECT_EQ(Line(Level::kInfo, "quiet"), "");
  EXPECT_NE(Line(Level::kWarn, "loud"), "");
  Configure({.level = Level::kOff});
  EXPECT_EQ(Line(Level::kError, "quiet"), "");
}

TEST_F(Logging, JsonLinesEscapeWhatTheyQuote) {
  Configure({.json = true});
  EXPECT_THAT(Line(Level::kInfo, "say \"hi\" \\ {}"),
              MatchesRegex("\\{\"time\":\"[0-9T:.Z-]+\",\"level\":\"info\",\"stage\":\"spool\","
                           "\"text\":\"say \\\\\"hi\\\\\" \\\\\\\\ \\{\\}\"\\}\n"));
}

TEST(ParseLevel, KnowsItsNames) {
  EXPECT_EQ(ParseLevel("warn"), Level::kWarn);
  EXPECT_EQ(ParseLevel("off"), Level::kOff);
  EXPECT_EQ(ParseLevel("loud"), std::nullopt);
}

TEST(RateLimit, LetsOneThroughPerIntervalAndCountsTheRest) {
  const auto at = [](int ms) { return MonotonicTime(Millis(ms)); };
  RateLimit limit(Millis(100));
  EXPECT_EQ(limit.Admit(at(0)), 0U);
  EXPECT_EQ(limit.Admit(at(1)), std::nullopt);
  EXPECT_EQ(limit.Admit(at(99)), std::nullopt);
  EXPECT_EQ(limit.Admit(at(100)), 2U);
  EXPECT_EQ(limit.Admit(at(250)), 0U);
}

}  // namespace
}  // namespace trib::host::logging
