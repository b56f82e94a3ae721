// The commands that ask a server, against a server of the test's own: what is asked, what is shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "trib_server_fixture.h"

namespace trib::tools::trib_cli {
namespace {

using host::control::ControlError;
using host::control::Outcome;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TribWithServer : public TribAndServer {
 protected:
  void AddAnswers() override {
    Answer("node.show", [](const json& args) -> Outcome {
      return ControlError{Code::kNotFound,
                          "no node " + args.at("node").get<std::string>() + " is enrolled"};
    });
    Answer("fleet.list", [](const json&) -> Outcome {
      return json{
          {"nodes",
           {{{"id", "17"},
             {"name", "pump \x1b[31m"},
             {"state", "accepted"},
             {"bytes", 1500},
             {"stored_ms", 1'700'000'000'000},
             {"last_event",
              {{"state", "onset"}, {"label", 1}, {"severity", 2.5}, {"package_hash", "00"}}},
             {"last_fault", {{"fault", "sensor_stuck"}}},
             {"status", {{"zone", "B"}}}},
            {{"id", "18"},
             {"name", "fan"},
             {"state", "accepted"},
             {"stored_ms", 0},
             {"last_event", {{"state", "cleared"}, {"label", 1}}},
             {"last_fault", {{"fault", "sensor_recovered"}}}}}},
          {"now_ms", 1'700'000'180'000}};
    });
    Answer("enroll", [](const json& args) -> Outcome { return args; });
    Answer("enroll.many", [](const json& args) -> Outcome {
      return json{{"devices", args.at("devices").size()}, {"changed", 1}};
    });
    Answer("revoke", [](const json& args) -> Outcome { return args; });
    Answer("event.tail", [this](const json&) -> Outcome {
      return json{{"cursor", 9},
                  {"events",
                   {{{"record", 8}, {"node", 17}, {"kind", "fault"}, {"fault", "sensor_stuck"}},
                    {{"record", 9},
                     {"node", 17},
                     {"kind", "event"},
                     {"label", 1},
                     {"package_hash", hash_},
                     {"state", "onset"}}}}};
    });
    Answer("doctor", [](const json&) -> Outcome {
      return json{
          {"ok", false},
          {"checks",
           {{{"name", "database"}, {"status", "ok"}, {"text", "sound"}, {"fix", ""}},
            {{"name", "disk"}, {"status", "fail"}, {"text", "3 MiB free"}, {"fix", "make room"}}}}};
    });
  }
  void SetPackageHash(const std::string& hash) {
    const std::lock_guard lock(mutex_);
    hash_ = hash;
  }

  std::string hash_ = "00";
};

TEST_F(TribWithServer, ListsAreTablesForPeopleAndTheAnswerItselfAsJson) {
  const Ended table = Run({"fleet", "list"});
  EXPECT_EQ(table.code, 0) << table.error;
  EXPECT_THAT(table.out, StartsWith("NODE"));
  EXPECT_THAT(table.out, HasSubstr("pump  [31m"));
  EXPECT_THAT(table.out, HasSubstr("1.5 kB"));
  const std::string first = table.out.substr(table.out.find('\n') + 1);
  EXPECT_THAT(first.substr(0, first.find('\n')),
              ::testing::ContainsRegex("label 1 onset +2.5 +B +sensor_stuck +3 min ago"));
  EXPECT_THAT(first.substr(first.find('\n')),
              ::testing::ContainsRegex("cleared +- +- +recovered +never"));
  EXPECT_EQ(RunJson({"fleet", "list"})["nodes"][0]["id"], "17");
}

TEST_F(TribWithServer, ARefusalIsExitThree) {
  const Ended ended = Run({"node", "show", "99", "--json"});
  EXPECT_EQ(ended.code, 3);
  EXPECT_EQ(ended.error, "trib: no node 99 is enrolled\n");
  EXPECT_EQ(json::parse(ended.out, nullptr, false)["error"]["code"], "NOT_FOUND");
  const Ended unknown = Run({"stats"});
  EXPECT_EQ(unknown.code, 3);
}

TEST_F(TribWithServer, AnUnknownOperatorIsRefused) {
  Configure("stranger.key");
  const Ended ended = Run({"fleet", "list", "--json"});
  EXPECT_EQ(ended.code, 3) << ended.error;
  EXPECT_EQ(json::parse(ended.out, nullptr, false)["error"]["code"], "UNAUTHENTICATED");
}

TEST_F(TribWithServer, EnrolmentSendsThePublicKey) {
  RunJson({"key", "new", "-o", Path("node.key"), "--role", "node"});
  const json key = RunJson({"key", "show", Path("node.key.pub")});
  RunJson({"enroll", "--id", "17", "--key", Path("node.key.pub"), "--gateway", "1"});
  EXPECT_EQ(asked(),
            (json{{"id", "17"},
                  {"kind", "node"},
                  {"public_key", key["public_key"]},
                  {"name", ""},
                  {"replace", false},
                  {"gateway", "1"}}));
  RunJson({"revoke", "18446744073709551615"});
  EXPECT_EQ(asked(), (json{{"id", std::to_string(UINT64_MAX)}}));
}

TEST_F(TribWithServer, AFileEnrolsManyInFewCalls) {
  RunJson({"key", "new", "-o", Path("node.key"), "--role", "node"});
  const std::string hex = RunJson({"key", "show", Path("node.key.pub")})["public_key"];
  std::string lines = json{{"id", 1}, {"public_key", Path("node.key.pub")}}.dump() + "\n\n";
  for (int id = 2; id <= 300; ++id) {
    lines += json{{"id", id}, {"public_key", hex}, {"gateway", 1}}.dump() + "\n";
  }
  const json total =
      RunJson({"enroll", "--from", Write("fleet.jsonl", lines), "--accept", "--replace"});
  EXPECT_EQ(total, (json{{"devices", 300}, {"changed", 2}}));
  EXPECT_EQ(asked()["devices"].size(), 44U);
  EXPECT_EQ(asked()["accept"], true);
  EXPECT_EQ(asked()["devices"][43],
            (json{{"id", 300}, {"public_key", hex}, {"gateway", 1}, {"replace", true}}));

  const std::string wrong = Write("wrong.jsonl", "{\"id\":1,\"public_key\":\"zz\"}\n");
  const Ended ended = Run({"enroll", "--from", wrong});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.error, HasSubstr(wrong + ":1: \"public_key\": "));
}

TEST_F(TribWithServer, EventsAreOneLineEach) {
  const Ended lines = Run({"event", "tail", "--limit", "2", "--node", "17", "--json"});
  EXPECT_EQ(lines.code, 0) << lines.error;
  EXPECT_EQ(asked(), (json{{"limit", 2}, {"wait_ms", 0}, {"node", "17"}}));
  EXPECT_EQ(json::parse(lines.out.substr(0, lines.out.find('\n')), nullptr, false)["record"], 8);
  EXPECT_EQ(std::count(lines.out.begin(), lines.out.end(), '\n'), 2);
  const Ended table = Run({"event", "tail"});
  EXPECT_THAT(table.out, HasSubstr("sensor_stuck"));
  EXPECT_THAT(table.out, HasSubstr("label 1 onset"));
}

TEST_F(TribWithServer, LabelsAreNamedFromThePackageThatDecided) {
  const char* source = std::getenv("TRIB_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "set by ctest";
  RunJson({"package",
           "build",
           std::string(source) + "/workloads/bearing/package.toml",
           "-o",
           Path("b.trib")});
  const json inside = RunJson({"package", "inspect", Path("b.trib")});
  const std::string hash = inside.value("hash", "");
  ASSERT_EQ(hash.size(), 16U) << inside.dump();
  SetPackageHash(hash);
  std::string name;
  for (const json& section : inside["sections"]) {
    if (section.value("name", "") == "labels") {
      name = section["content"][1].value("name", "");
    }
  }
  ASSERT_NE(name, "") << inside.dump();
  EXPECT_THAT(Run({"event", "tail"}).out, HasSubstr("label 1 onset"));
  EXPECT_THAT(Run({"event", "tail", "--labels", Path("b.trib")}).out, HasSubstr(name + " onset"));
  const Ended lines = Run({"event", "tail", "--labels", Path("b.trib"), "--json"});
  EXPECT_THAT(lines.out, HasSubstr("\"label_name\":\"" + name + "\""));
  SetPackageHash("0123456789abcdef");
  EXPECT_THAT(Run({"event", "tail", "--labels", Path("b.trib")}).out, HasSubstr("label 1 onset"))
      << "another package's label 1 may mean anything";
  const Ended wrong = Run({"event", "tail", "--labels", Path("op.key")});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.error, StartsWith("trib: labels: "));
}

TEST_F(TribWithServer, DoctorJoinsTheCloudsOwnChecks) {
  const Ended ended = Run({"doctor", "--json"});
  EXPECT_EQ(ended.code, 1);
  const json checks = json::parse(ended.out, nullptr, false)["checks"];
  ASSERT_EQ(checks.size(), 5U) << ended.out;
  EXPECT_EQ(checks[2]["status"], "ok");
  EXPECT_EQ(checks[3]["name"], "cloud.database");
  EXPECT_EQ(checks[3]["status"], "ok");
  EXPECT_EQ(checks[4]["status"], "fail");
  EXPECT_EQ(checks[4]["fix"], "make room");
}

}  // namespace
}  // namespace trib::tools::trib_cli
