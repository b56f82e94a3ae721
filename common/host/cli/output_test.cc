#include "trib/common/host/cli/output.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace trib::host::cli {
namespace {

TEST(Table, AlignsColumnsByCharacters) {
  Table table({{"NODE"}, {"COUNT", Align::kRight}, {"NAME"}});
  table.Add({"1", "12345678", "pump"});
  table.Add({"1142", "9", "Kühlung\n"});
  EXPECT_EQ(table.ToText(false),
            "NODE     COUNT  NAME\n"
            "1     12345678  pump\n"
            "1142         9  Kühlung \n");
}

TEST(Table, ColourDoesNotMoveColumns) {
  Table table({{"A"}, {"B"}});
  table.Add({{"ok", Color::kGreen}, "x"});
  EXPECT_EQ(table.ToText(true), "\x1b[1mA\x1b[0m   \x1b[1mB\x1b[0m\n\x1b[32mok\x1b[0m  x\n");
}

TEST(PrintJson, ReplacesWhatIsNotUtf8) {
  ::testing::internal::CaptureStdout();
  PrintJson({{"a", "\xff"}});
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "{\n  \"a\": \"\xEF\xBF\xBD\"\n}\n");
}

TEST(HumanBytes, KeepsTwoDigits) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(1500), "1.5 kB");
  EXPECT_EQ(HumanBytes(999'999), "1.0 MB");
  EXPECT_EQ(HumanBytes(64'000'000), "64 MB");
}

}  // namespace
}  // namespace trib::host::cli
