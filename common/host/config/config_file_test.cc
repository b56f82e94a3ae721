#include "trib/common/host/config/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>

namespace trib::host::config {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ConfigFile, ReadsEveryTypeItIsAskedFor) {
  ConfigFile file = ConfigFile::Parse(R"(
on = true
mode = "fast"
peers = ["a", "b"]
marks = [3, 5]
[south]
bind = "tcp://127.0.0.1:7000"
port = 7000
[spool]
max_bytes = "64MB"
ratio = 0.5
flush = "1.5s"
[[route]]
to = "x"
[[route]]
to = "y"
[conditions]
load = 2
name = "pump"
half = 0.5
)",
                                      "gateway.toml");
  static constexpr std::array<std::string_view, 2> kModes = {"slow", "fast"};
  EXPECT_TRUE(file.Bool("on", false));
  EXPECT_EQ(file.Enum("mode", kModes), "fast");
  EXPECT_THAT(file.Strings("peers"), ElementsAre("a", "b"));
  EXPECT_THAT(file.Ints("marks"), ElementsAre(3, 5));
  EXPECT_EQ(file.String("south.bind"), "tcp://127.0.0.1:7000");
  EXPECT_EQ(file.Int("south.port", {1, 65535}), 7000);
  EXPECT_EQ(file.Size("spool.max_bytes", 1), 64'000'000U);
  EXPECT_EQ(file.Double("spool.ratio", {0, 1}), 0.5);
  EXPECT_EQ(file.Duration("spool.flush"), Millis(1500));
  EXPECT_EQ(file.Duration("spool.absent", hours(2)), hours(2));
  auto routes = file.Tables("route");
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_EQ(routes[1].String("to"), "y");
  EXPECT_EQ(routes[0].String("to"), "x");
  const auto conditions = file.Values("conditions");
  ASSERT_EQ(conditions.size(), 3U);
  EXPECT_TRUE(file.Finish().ok()) << file.error_text();
}

TEST(ConfigFile, ReadsListsOfNumbers) {
  ConfigFile file = ConfigFile::Parse(
      "edges = [-1, 0.5, 2]\nfar = [1, 9.5]\nlost = [nan]\nmixed = [1, \"2\"]\n", "x.toml");
  EXPECT_THAT(file.Doubles("edges"), ElementsAre(-1.0, 0.5, 2.0));
  EXPECT_TRUE(file.Doubles("absent").empty());
  EXPECT_TRUE(file.errors().empty()) << file.error_text();
  EXPECT_TRUE(file.Doubles("far", {0, 9}).empty());
  EXPECT_EQ(file.errors().size(), 1U);
  file.Doubles("lost");
  EXPECT_EQ(file.errors().size(), 2U);
  file.Doubles("mixed");
  EXPECT_EQ(file.errors().size(), 3U);
}

TEST(ConfigFile, NamesTheNearestKeyOfAnUnknownOne) {
  ConfigFile file = ConfigFile::Parse("[spool]\n\nmax_byte = 3\n[nroth]\nx = 1\n", "gateway.toml");
  file.Size("spool.max_bytes", 1);
  file.Int("north.x", 1);
  EXPECT_EQ(file.Finish(), Status(Code::kInvalidArgument));
  EXPECT_THAT(
      file.errors(),
      ElementsAre(
          "gateway.toml:3: unknown key \"spool.max_byte\"; did you mean \"spool.max_bytes\"?",
          "gateway.toml:4: unknown key \"nroth\"; did you mean \"north\"?"));
}

TEST(ConfigFile, FindsAKeyThatStandsInTheWrongTable) {
  ConfigFile file = ConfigFile::Parse("endpoint = \"x\"\n", "g.toml");
  file.String("north.endpoint", "");
  EXPECT_FALSE(file.Finish().ok());
  EXPECT_THAT(file.errors(),
              ElementsAre("g.toml:1: unknown key \"endpoint\"; did you mean \"north.endpoint\"?"));
}

TEST(ConfigFile, SuggestsNothingWhenNothingIsNear) {
  ConfigFile file = ConfigFile::Parse("zebra = 1\n", "g.toml");
  file.String("mode", "");
  EXPECT_FALSE(file.Finish().ok());
  EXPECT_THAT(file.errors(), ElementsAre("g.toml:1: unknown key \"zebra\""));
}

TEST(ConfigFile, SaysWhatIsAllowedForAWrongTypeOrRange) {
  ConfigFile file = ConfigFile::Parse(
      "port = \"x\"\nsmall = 70000\nmode = \"c\"\nwait = \"5 parsecs\"\nsize = -1\nr = nan\n",
      "g.toml");
  static constexpr std::array<std::string_view, 2> kModes = {"a", "b"};
  EXPECT_EQ(file.Int("port", 9, {1, 65535}), 9);
  EXPECT_EQ(file.Int("small", 9, {1, 65535}), 9);
  EXPECT_EQ(file.Enum("mode", "a", kModes), "a");
  EXPECT_EQ(file.Duration("wait", seconds(3)), seconds(3));
  EXPECT_EQ(file.Size("size", 7), 7U);
  EXPECT_EQ(file.Double("r", 0.5, {0, 1}), 0.5);
  EXPECT_FALSE(file.Finish().ok());
  EXPECT_THAT(
      file.errors(),
      ElementsAre("g.toml:1: \"port\" is a string; it must be an integer, 1 to 65535",
                  "g.toml:2: \"small\" is 70000; it must be 1 to 65535",
                  "g.toml:3: \"mode\" is \"c\"; it must be one of \"a\", \"b\"",
                  HasSubstr("g.toml:4: \"wait\" is \"5 parsecs\"; it must be a duration such as"),
                  HasSubstr("g.toml:5: \"size\" is -1; it must be a size such as"),
                  "g.toml:6: \"r\" is nan; it must be a finite number"));
}

TEST(ConfigFile, DurationOutOfRangeNamesTheRange) {
  ConfigFile file = ConfigFile::Parse("wait = \"9s\"\n", "g.toml");
  file.Duration("wait", seconds(1), {seconds(1), seconds(5)});
  EXPECT_FALSE(file.Finish().ok());
  EXPECT_THAT(file.errors(), ElementsAre("g.toml:1: \"wait\" is 9s; it must be 1s to 5s"));
}

TEST(ConfigFile, NamesTableAndKeyOfAMissingOne) {
  ConfigFile file = ConfigFile::Parse("a = 1\n[south]\n", "g.toml");
  file.Int("a", 1);
  file.String("south.bind");
  file.String("north.endpoint");
  EXPECT_FALSE(file.Finish().ok());
  EXPECT_THAT(file.errors(),
              ElementsAre("g.toml: missing key \"endpoint\" in [north]: a string",
                          "g.toml:2: missing key \"bind\" in [south]: a string"));
}

TEST(ConfigFile, ReportsAValueWhereATableShouldBeOnce) {
  ConfigFile file = ConfigFile::Parse("south = 1\n", "g.toml");
  file.String("south.bind", "");
  file.Int("south.port", 1);
  EXPECT_FALSE(file.Finish().ok());
  EXPECT_THAT(file.errors(), ElementsAre("g.toml:1: \"south\" is an integer; it must be a table"));
}

TEST(ConfigFile, ASyntaxErrorIsTheOnlyError) {
  ConfigFile file = ConfigFile::Parse("a = 1\nb = = 2\n", "g.toml");
  file.String("south.bind");
  EXPECT_EQ(file.Finish(), Status(Code::kInvalidArgument));
  EXPECT_THAT(file.errors(), ElementsAre(HasSubstr("g.toml:2: not valid TOML")));
}

TEST(ConfigFile, AMissingFileIsSaidPlainly) {
  ConfigFile file = ConfigFile::Load("/nonexistent/gateway.toml");
  file.String("south.bind");
  EXPECT_EQ(file.Finish(), Status(Code::kNotFound));
  EXPECT_THAT(file.errors(), ElementsAre("/nonexistent/gateway.toml: no such file"));
}

TEST(ConfigFile, RelativePathsCountFromTheFile) {
  const std::filesystem::path path = ::testing::TempDir() + "/config_paths.toml";
  std::ofstream(path) << "state = \"state/x.db\"\nother = \"/abs\"\n";
  ConfigFile file = ConfigFile::Load(path);
  EXPECT_EQ(file.Path("state"), path.parent_path() / "state/x.db");
  EXPECT_EQ(file.Path("other"), "/abs");
  EXPECT_TRUE(file.Finish().ok()) << file.error_text();
}

TEST(ConfigFile, UnknownKeysInsideListedTablesAreFound) {
  ConfigFile file = ConfigFile::Parse("[[r]]\nfile = \"a\"\n[[r]]\nfle = \"b\"\n", "m.toml");
  for (auto& table : file.Tables("r")) {
    table.String("file", "");
  }
  EXPECT_FALSE(file.Finish().ok());
  EXPECT_THAT(file.errors(),
              ElementsAre("m.toml:4: unknown key \"r[1].fle\"; did you mean \"r[1].file\"?"));
}

TEST(ParseDuration, KnowsItsUnits) {
  EXPECT_EQ(ParseDuration("250ms"), Millis(250));
  EXPECT_EQ(ParseDuration("5s"), seconds(5));
  EXPECT_EQ(ParseDuration("2h"), hours(2));
  EXPECT_EQ(ParseDuration("0s"), Millis(0));
  for (const char* wrong : {"", "5", "s", "-1s", "5 weeks", "1.2.3s", "0.0001s", "9e99s"}) {
    EXPECT_EQ(ParseDuration(wrong), std::nullopt) << wrong;
  }
}

TEST(ParseSize, KnowsItsUnits) {
  EXPECT_EQ(ParseSize("4096"), 4096U);
  EXPECT_EQ(ParseSize("64 MiB"), 64U << 20U);
  EXPECT_EQ(ParseSize("1.5kB"), 1500U);
  for (const char* wrong : {"", "MB", "-1", "1.5", "99999999999999999999", "1XB"}) {
    EXPECT_EQ(ParseSize(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace trib::host::config
