#include "trib/tools/adapters/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace trib::tools::adapters {
namespace {

using ::testing::ElementsAre;

TEST(Csv, ReadsQuotesBlankLinesAndEitherLineEnd) {
  std::vector<std::string> errors;
  const auto csv =
      Csv::Parse("a,b\r\n1,\"x,y \"\"z\"\"\"\r\n\r\n2,\"two\nlines\"\n3,\n", "m.csv", errors);
  ASSERT_TRUE(csv.ok()) << ::testing::PrintToString(errors);
  ASSERT_EQ(csv->rows(), 3U);
  EXPECT_EQ(csv->Text(0, "b"), "x,y \"z\"");
  EXPECT_EQ(csv->Text(1, "b"), "two\nlines");
  EXPECT_EQ(csv->Text(2, "a"), "3");
  EXPECT_EQ(csv->Text(2, "b"), "");
  EXPECT_EQ(csv->Where(2), "m.csv:6: ");
  EXPECT_FALSE(csv->Has("c"));
}

TEST(Csv, RefusesWhatIsNoTable) {
  const auto error_of = [](std::string_view text) {
    std::vector<std::string> errors;
    EXPECT_FALSE(Csv::Parse(text, "m.csv", errors).ok());
    return errors;
  };
  EXPECT_THAT(error_of(""), ElementsAre("m.csv:1: the header must name every column, each once"));
  EXPECT_THAT(error_of("a,a\n"),
              ElementsAre("m.csv:1: the header must name every column, each once"));
  EXPECT_THAT(error_of("a,b\n1\n"), ElementsAre("m.csv:2: has 1 fields; the header has 2"));
  EXPECT_THAT(error_of("a,b\n1,\"x\n"), ElementsAre("m.csv:2: a quote is not closed"));
}

}  // namespace
}  // namespace trib::tools::adapters
