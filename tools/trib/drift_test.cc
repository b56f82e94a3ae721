// The commands of the noun drift, against a server of the test's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drift_answers.h"
#include "trib/testing/level_package.h"
#include "trib_server_fixture.h"

namespace trib::tools::trib_cli {
namespace {

using host::control::ControlError;
using host::control::Outcome;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TribDrift : public TribAndServer {
 protected:
  void AddAnswers() override {
    Answer("drift.status", [](const json&) -> Outcome { return DriftStatus(); });
    Answer("drift.explain", [this](const json& args) -> Outcome {
      if (args.value("alarm", 0) == 99) {
        return ControlError{Code::kNotFound, "no alarm 99"};
      }
      json out = DriftExplained();
      out["cause"] = cause_;
      return out;
    });
    Answer("drift.history", [](const json&) -> Outcome {
      return json{{"alarms", json::array({DriftAlarm()})}, {"looks", json::array()}};
    });
    for (const char* call : {"drift.acknowledge", "drift.silence", "drift.resolve"}) {
      Answer(call, [](const json& args) -> Outcome {
        json alarm = DriftAlarm();
        alarm["changed"] = true;
        alarm["state"] = args.contains("for_ms")    ? "silenced"
                         : args.contains("relearn") ? "resolved"
                                                    : "acknowledged";
        alarm["silenced_until_ms"] = args.contains("for_ms") ? 1'700'172'800'000 : 0;
        return alarm;
      });
    }
    Answer("drift.shift", [this](const json&) -> Outcome { return shift_; });
  }

  /// Builds the package that drifted, and answers with its shift.
  std::string Base() {
    trib::testing::WriteLevelSpecification(folder_, {.border = -1.5F, .deviation = 0.25F});
    RunJson({"package", "build", Path("package.toml"), "-o", Path("base.trib")});
    shift_ = DriftShift(RunJson({"package", "inspect", Path("base.trib")})["hash"]);
    return Path("base.trib");
  }
  void Refuses(std::vector<std::string> more, int code, const std::string& says) {
    std::vector<std::string> words = {"drift", "recalibrate", "--out", Path("new.trib")};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = Run(words);
    EXPECT_EQ(ended.code, code) << ended.error;
    EXPECT_THAT(ended.error, StartsWith("trib: "));
    EXPECT_THAT(ended.error, HasSubstr(says));
    EXPECT_EQ(ended.error.find('\n'), ended.error.size() - 1);
    EXPECT_FALSE(std::filesystem::exists(Path("new.trib")));
  }

  std::string cause_ = "sensor";
  json shift_;
};

TEST_F(TribDrift, StatusIsATableAndTheAnswerItselfAsJson) {
  EXPECT_THAT(Run({"drift", "status"}).out, HasSubstr("node 17"));
  EXPECT_EQ(RunJson({"drift", "status"}), DriftStatus());
}

TEST_F(TribDrift, ExplainDrawsHistogramsInTheTerminalAndIntoAFile) {
  const Ended ended = Run({"drift", "explain", "7", "--svg", Path("a.svg")});
  EXPECT_EQ(ended.code, 0) << ended.error;
  EXPECT_EQ(asked(), (json{{"alarm", 7}}));
  EXPECT_THAT(ended.out, HasSubstr("of 1130 tests"));
  EXPECT_THAT(ended.out, HasSubstr("########"));
  EXPECT_THAT(Read("a.svg"), StartsWith("<?xml"));
  EXPECT_THAT(Read("a.svg"), HasSubstr("Drift alarm 7: node 17"));
  EXPECT_EQ(RunJson({"drift", "explain", "--node", "18446744073709551615"})["alarm"], 7);
  EXPECT_EQ(asked(), (json{{"node", "18446744073709551615"}}));
}

TEST_F(TribDrift, ExplainNeedsOneOfBoth) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"drift", "explain"},
        std::vector<std::string>{"drift", "explain", "7", "--node", "1"}}) {
    const Ended ended = Run(words);
    EXPECT_EQ(ended.code, 2);
    EXPECT_THAT(ended.error, HasSubstr("either an alarm's number or --node N"));
  }
  const Ended unknown = Run({"drift", "explain", "99", "--json"});
  EXPECT_EQ(unknown.code, 3);
  EXPECT_EQ(unknown.error, "trib: no alarm 99\n");
}

TEST_F(TribDrift, ChangesSayWhatTheAlarmIsNow) {
  EXPECT_EQ(Run({"drift", "acknowledge", "7", "--note", "ordered"}).out,
            "alarm 7 (node 17): acknowledged\n");
  EXPECT_EQ(asked(), (json{{"alarm", 7}, {"note", "ordered"}}));
  EXPECT_EQ(Run({"drift", "silence", "7", "--for", "48h"}).out,
            "alarm 7 (node 17): silenced until 2023-11-16 22:13:20.000Z\n");
  EXPECT_EQ(asked(), (json{{"alarm", 7}, {"for_ms", 172'800'000}}));
  EXPECT_EQ(Run({"drift", "resolve", "7"}).out, "alarm 7 (node 17): resolved\n");
  EXPECT_EQ(asked(), (json{{"alarm", 7}, {"relearn", true}}));
  RunJson({"drift", "resolve", "7", "--keep-reference"});
  EXPECT_EQ(asked(), (json{{"alarm", 7}, {"relearn", false}}));
  const Ended wrong = Run({"drift", "silence", "7", "--for", "soon"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_EQ(wrong.error, "trib: --for: 'soon' is no duration; e.g. 12h or 7d\n");
}

TEST_F(TribDrift, HistoryAsksForWhatWasBefore) {
  EXPECT_THAT(Run({"drift", "history", "--limit", "5", "--before", "9"}).out,
              HasSubstr("no look was taken yet"));
  EXPECT_EQ(asked(), (json{{"limit", 5}, {"before", 9}}));
}

TEST_F(TribDrift, RecalibrateMakesAPackageThatInspectShows) {
  const std::string base = Base();
  const json made =
      RunJson({"drift", "recalibrate", "7", "--package", base, "--out", Path("new.trib")});
  EXPECT_EQ(made["version"], "1.0.1");
  EXPECT_EQ(made["parent"], RunJson({"package", "inspect", base})["digest"]);
  EXPECT_EQ(made["features"][0]["name"], "ch0.log_rms");
  EXPECT_FLOAT_EQ(made["features"][0].value("mean", 0.0F), -1.1F);
  EXPECT_EQ(made["features"][1]["rescaled"], true);
  const json inside = RunJson({"package", "inspect", Path("new.trib")});
  EXPECT_EQ(inside["digest"], made["digest"]);
  EXPECT_EQ(inside["signatures"], json::array());
  const Ended table =
      Run({"drift", "recalibrate", "--node", "17", "--package", base, "-o", Path("new.trib")});
  EXPECT_EQ(table.code, 0) << table.error;
  EXPECT_THAT(table.out,
              ::testing::ContainsRegex("ch0.log_rms +-1.5 +-1.1 +0.25 +0.25 +2000 +500"));
  EXPECT_THAT(table.out, HasSubstr("sign it with trib package sign"));
}

TEST_F(TribDrift, RecalibrateRefusesInOneLine) {
  const std::string base = Base();
  Refuses({"--package", base}, 2, "either an alarm's number or --node N");
  Refuses({"7", "--package", Path("none.trib")}, 1, "none.trib");
  cause_ = "machine";
  Refuses({"7", "--package", base}, 3, "alarm 7 blames the machine");
  cause_ = "sensor";
  shift_["features"][2]["frames_now"] = 12;
  Refuses({"7", "--package", base}, 3, "2000 then and 12 now, 100 of each are needed");
  shift_["features"][2]["mean_now"] = nullptr;
  shift_["features"][2]["frames_now"] = 500;
  Refuses({"7", "--package", base}, 3, "is no number");
  shift_ = DriftShift("0123456789abcdef");
  Refuses({"7", "--package", base}, 3, "what drifted runs 0123456789abcdef");
  shift_["features"] = 3;
  Refuses({"7", "--package", base}, 1, "drift.shift is not understood");
}

TEST_F(TribDrift, ForceOverridesOnlyTheCause) {
  const std::string base = Base();
  cause_ = "machine";
  RunJson({"drift", "recalibrate", "7", "--force", "--package", base, "-o", Path("new.trib")});
  EXPECT_TRUE(std::filesystem::exists(Path("new.trib")));
}

}  // namespace
}  // namespace trib::tools::trib_cli
