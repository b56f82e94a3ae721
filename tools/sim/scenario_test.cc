#include "scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "plan.h"

namespace trib::tools::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kSmall = R"(
name = "t"
duration = "1h"
package = "p.toml"
[[site]]
count = 2
nodes = 10
[site.link]
loss = 0.25
[[fault]]
fraction = 0.2
kind = "ball"
from = "10m"
to = "20m"
[[kill]]
gateway = 2
at = "30m"
down = "1m"
[clock]
skew = "2s"
)";

Scenario Small() {
  std::vector<std::string> errors;
  auto scenario = ParseScenario(kSmall, "t.toml", errors);
  EXPECT_TRUE(scenario.has_value()) << (errors.empty() ? "" : errors[0]);
  return scenario.value_or(Scenario());
}

std::vector<std::string> ErrorsOf(const std::string& more) {
  std::vector<std::string> errors;
  EXPECT_FALSE(ParseScenario(kSmall + more, "t.toml", errors).has_value()) << more;
  return errors;
}

TEST(Scenario, ReadsWhatIsWritten) {
  const Scenario scenario = Small();
  EXPECT_EQ(scenario.site_count(), 2U);
  EXPECT_EQ(scenario.node_count(), 20U);
  EXPECT_EQ(scenario.sites[0].link.loss, 0.25);
  EXPECT_EQ(scenario.faults[0].kind, MachineFault::kBall);
  EXPECT_EQ(scenario.kills[0].gateway, 2U);
  EXPECT_EQ(scenario.start, ParseUtc("2026-03-02T00:00:00Z"));
  EXPECT_EQ(scenario.package, "p.toml");
}

TEST(Scenario, MistakesNameFileLineAndKey) {
  EXPECT_THAT(ErrorsOf("ppmm = 3\n"),
              ElementsAre("t.toml:21: unknown key \"clock.ppmm\"; did you mean \"clock.ppm\"?"));
  EXPECT_THAT(ErrorsOf("[[kill]]\nat = \"1m\"\n"),
              ElementsAre(HasSubstr("t.toml:21: \"kill[1].gateway\" (of which site")));
  EXPECT_THAT(ErrorsOf("[[fault]]\nfraction = 2\nkind = \"bal\"\nfrom = \"1m\"\n"),
              ElementsAre(HasSubstr("t.toml:22: "), HasSubstr("t.toml:23: ")));
  EXPECT_THAT(ErrorsOf("[[drift]]\nnodes = [21]\nfrom = \"0s\"\n"),
              ElementsAre(HasSubstr("t.toml:22: ")));
  EXPECT_THAT(ErrorsOf("[[outage]]\nbetween_site_and = \"nodes\"\nsites = [1]\nfrom = \"2m\"\n"
                       "to = \"1m\"\n"),
              ElementsAre(HasSubstr("t.toml:25: \"outage[0].to\" must lie after \"from\"")));
  EXPECT_THAT(ErrorsOf("[[site]]\nnodes = 3\nmachines = [\"none\"]\n"),
              ElementsAre(HasSubstr("names a machine that is not there: \"none\"")));
  EXPECT_THAT(ErrorsOf("[[site]]\nnodes = 20000\ncount = 2\n"),
              ElementsAre(HasSubstr("have 40020 nodes at 4 sites")));
}

TEST(Scenario, AFileThatIsNotThereIsOneError) {
  std::vector<std::string> errors;
  EXPECT_FALSE(LoadScenario("/nowhere/none.toml", errors).has_value());
  EXPECT_THAT(errors, ElementsAre(HasSubstr("/nowhere/none.toml")));
}

TEST(Scenario, TheShippedOnesAreValid) {
  const char* source = std::getenv("TRIB_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run by ctest, which says where the sources are";
  for (const char* name : {"short", "day", "soak"}) {
    std::vector<std::string> errors;
    const auto scenario = LoadScenario(
        std::string(source) + "/workloads/bearing/scenarios/" + name + ".toml", errors);
    ASSERT_TRUE(scenario.has_value()) << (errors.empty() ? "" : errors[0]);
    EXPECT_EQ(scenario->name, name);
  }
}

TEST(Scenario, ShorterLeavesOutWhatWouldNotEnd) {
  Scenario scenario = Small();
  EXPECT_FALSE(Shorten(scenario, "soon"));
  ASSERT_TRUE(Shorten(scenario, "30m"));
  EXPECT_EQ(scenario.duration, Millis(1'800'000));
  EXPECT_TRUE(scenario.kills.empty());
}

TEST(ParseUtc, TakesOneFormOnly) {
  EXPECT_EQ(ParseUtc("1970-01-02T00:00:01Z"), LogicalTime(Millis(86'401'000)));
  for (const char* wrong :
       {"", "2026-03-02", "2026-02-30T00:00:00Z", "2026-03-02T24:00:00Z", "2026-03-02T00:00:00+"}) {
    EXPECT_EQ(ParseUtc(wrong), std::nullopt) << wrong;
  }
}

TEST(Plan, TheSeedDecidesEverything) {
  const auto a = MakePlan(Small());
  const auto b = MakePlan(Small());
  Scenario other = Small();
  other.seed = 2;
  const auto c = MakePlan(other);
  ASSERT_EQ(a.size(), 20U);
  std::set<std::uint64_t> seeds;
  std::size_t differs = 0;
  std::size_t faulty = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].seed, b[i].seed);
    EXPECT_EQ(a[i].boot, b[i].boot);
    EXPECT_EQ(a[i].skew, b[i].skew);
    EXPECT_EQ(a[i].speed_hz, b[i].speed_hz);
    differs += a[i].boot != c[i].boot ? 1U : 0U;
    faulty += a[i].faults.size();
    seeds.insert(a[i].seed);
    EXPECT_EQ(a[i].site, i / 10);
    EXPECT_EQ(a[i].dead.size(), i / 10)
        << "the killed gateway's nodes hear nothing while it is down";
    for (const MachineFaultPlan& fault : a[i].faults) {
      EXPECT_GE(fault.begin, Millis(600'000));
      EXPECT_LE(fault.begin, Millis(1'200'000));
    }
  }
  EXPECT_EQ(seeds.size(), 20U);
  EXPECT_GT(differs, 15U);
  EXPECT_EQ(faulty, 4U) << "exactly the fraction";
}

}  // namespace
}  // namespace trib::tools::sim
