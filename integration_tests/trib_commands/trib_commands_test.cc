// The operator's command line against a running fleet: what it asks for is what the daemons answer,
// under keys that scripts may rely on.
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <set>
#include <sstream>

#include "river.h"
#include "run.h"
#include "stand_in.h"

namespace trib::integration {
namespace {

using nlohmann::json;

class TribCommands : public River {
 protected:
  void SetUp() override {
    River::SetUp();
    std::ofstream(fleet().File("trib.toml"))
        << "server = \"" << fleet().cloud_admin()
        << "\"\nserver_key = \"cloud.key.pub\"\nkey = \"operator.key\"\ntimeout = \"60s\"\n";
  }
  Ran Trib(std::vector<std::string> words) {
    std::vector<std::string> argv = {
        fleet().Program("trib"), "--config", fleet().File("trib.toml").string()};
    argv.insert(argv.end(), words.begin(), words.end());
    return RunProgram(argv, fleet().folder());
  }
  /// What the command prints as JSON; it must succeed and say nothing else.
  json TribJson(std::vector<std::string> words) {
    words.emplace_back("--json");
    const Ran ran = Trib(words);
    EXPECT_EQ(ran.code, 0) << words.front() << ": " << ran.err;
    EXPECT_EQ(ran.err, "");
    return json::parse(ran.out, nullptr, false);
  }
  static void ExpectKeys(const json& object, std::initializer_list<const char*> keys) {
    ASSERT_TRUE(object.is_object()) << object;
    for (const char* key : keys) {
      EXPECT_TRUE(object.contains(key)) << key << " is not in " << object.dump();
    }
  }
};

constexpr std::initializer_list<const char*> kDeviceKeys = {
    "id", "kind", "state", "name", "public_key", "enrolled_ms", "changed_ms"};
constexpr std::initializer_list<const char*> kNodeKeys = {
    "gateway", "records", "events", "faults", "windows", "bytes", "energy_nj", "stored_ms"};

TEST_F(TribCommands, EnrolAcceptAndRevokeReachTheGateway) {
  StartGateway(1);
  TribJson({"key", "new", "-o", fleet().File("node-101.key").string(), "--role", "node"});
  const std::vector<std::string> enrol = {"enroll",
                                          "--id",
                                          "101",
                                          "--gateway",
                                          "1",
                                          "--name",
                                          "pump",
                                          "--device-key",
                                          fleet().File("node-101.key.pub").string()};
  const json enrolled = TribJson(enrol);
  ExpectKeys(enrolled, kDeviceKeys);
  EXPECT_EQ(enrolled["state"], "pending");
  EXPECT_EQ(enrolled["changed"], true);
  EXPECT_EQ(TribJson(enrol)["changed"], false) << "enrolling again changes nothing";
  EXPECT_EQ(TribJson({"accept", "101"})["state"], "accepted");
  StandInNode node(fleet(), 101, "node-101", 1, 77);
  EXPECT_TRUE(node.Greet(1));
  EXPECT_EQ(TribJson({"revoke", "101"})["state"], "revoked");
  EXPECT_TRUE(tools::launcher::WaitUntil(
      [&] {
        node.SendRecords({node.Sealed(1, 1)});
        return GatewayStats(1)["link"]["dropped"].value("not_in_roster", 0) > 0;
      },
      kLong));
  const Ran unknown = Trib({"accept", "4711"});
  EXPECT_EQ(unknown.code, 3);
  EXPECT_EQ(LineCount(unknown.err), 1U) << unknown.err;
}

TEST_F(TribCommands, WhatTheFleetDidHasStableKeys) {
  StartGateway(1);
  Admit(101, 1);
  Admit(102, 1);
  auto arguments = Generated(21, 60);
  arguments.insert(arguments.end(), {"--time-scale", "max", "--inject", "stuck@20..22"});
  StartNode(101, arguments);
  const auto report = AwaitNode(101);
  const auto made = report.value("records", std::uint64_t{0});
  ASSERT_GT(report.value("events", 0U), 0U) << report;
  AwaitStored(made);

  const json fleet_list = TribJson({"fleet", "list"});
  ASSERT_EQ(fleet_list["nodes"].size(), 2U) << fleet_list;
  for (const json& node : fleet_list["nodes"]) {
    ExpectKeys(node, kDeviceKeys);
    ExpectKeys(node, kNodeKeys);
  }
  EXPECT_EQ(fleet_list["nodes"][0]["id"], "101");
  EXPECT_EQ(fleet_list["nodes"][0]["records"], made);
  EXPECT_EQ(fleet_list["nodes"][0]["events"], report["events"]);
  EXPECT_EQ(fleet_list["nodes"][0]["faults"], report["faults"]);
  EXPECT_EQ(fleet_list["nodes"][1]["records"], 0);
  ExpectKeys(fleet_list, {"nodes", "now_ms"});
  EXPECT_EQ(fleet_list["nodes"][0]["last_fault"]["fault"], "sensor_recovered");
  ExpectKeys(fleet_list["nodes"][0]["last_event"],
             {"state", "label", "severity", "time_ms", "package_hash"});
  EXPECT_TRUE(fleet_list["nodes"][1]["last_event"].is_null());

  const json node = TribJson({"node", "show", "101"});
  ExpectKeys(node, kDeviceKeys);
  ExpectKeys(node, kNodeKeys);
  ExpectKeys(node, {"latest", "epochs", "status"});
  ExpectKeys(node["status"],
             {"uptime_ms",
              "windows",
              "windows_invalid",
              "windows_triggered",
              "events",
              "records",
              "records_dropped",
              "backlog_records",
              "backlog_bytes",
              "bytes_sent",
              "bytes_raw",
              "energy_nj",
              "package_digest",
              "commissioning_permille"});
  EXPECT_EQ(node["status"]["windows"], report["windows"]);
  EXPECT_EQ(node["status"]["windows_invalid"], report["windows_invalid"]);
  ASSERT_EQ(node["epochs"].size(), 1U);
  EXPECT_EQ(node["epochs"][0]["records"], made);

  const json gateways = TribJson({"gateway", "list"});
  ASSERT_EQ(gateways["gateways"].size(), 1U);
  ExpectKeys(gateways["gateways"][0],
             {"nodes",
              "records_stored",
              "records_duplicated",
              "records_rejected",
              "batches",
              "last_batch_ms",
              "drops"});
  EXPECT_EQ(gateways["gateways"][0]["records_stored"], made);
  EXPECT_EQ(gateways["gateways"][0]["nodes"], 2);

  const json stats = TribJson({"stats"});
  ExpectKeys(stats,
             {"records_stored",
              "records_duplicated",
              "records_rejected",
              "events",
              "faults",
              "windows",
              "bytes",
              "energy_nj",
              "rejected",
              "envelopes_refused",
              "gateway_drops",
              "commits",
              "gateways_connected",
              "gateway_handshakes_refused",
              "operator_handshakes_refused",
              "uptime_ms"});
  EXPECT_EQ(stats["records_stored"], made);
  EXPECT_EQ(stats["records_rejected"], 0);

  const Ran tail = Trib({"event", "tail", "--limit", "1000", "--json"});
  EXPECT_EQ(tail.code, 0) << tail.err;
  std::uint64_t events = 0;
  std::uint64_t faults = 0;
  std::set<std::string> names;
  std::istringstream lines(tail.out);
  for (std::string line; std::getline(lines, line);) {
    const json event = json::parse(line, nullptr, false);
    ExpectKeys(
        event,
        {"record", "kind", "node", "gateway", "epoch", "boot", "sequence", "time_ms", "stored_ms"});
    if (event.value("kind", "") == "event") {
      ++events;
      ExpectKeys(event, {"label", "state", "confidence", "severity", "actuator"});
    } else {
      ++faults;
      ExpectKeys(event, {"fault", "channel", "value", "actuator"});
      names.insert(event.value("fault", ""));
    }
  }
  EXPECT_EQ(events, report["events"].get<std::uint64_t>());
  EXPECT_EQ(faults, report["faults"].get<std::uint64_t>());
  EXPECT_EQ(names, (std::set<std::string>{"sensor_stuck", "sensor_recovered"}));
  EXPECT_EQ(LineCount(Trib({"event", "tail", "--node", "102", "--json"}).out), 0U);

  const json doctor = TribJson({"doctor"});
  ExpectKeys(doctor, {"ok", "checks"});
  EXPECT_EQ(doctor["ok"], true) << doctor;
  std::set<std::string> checks;
  for (const json& check : doctor["checks"]) {
    ExpectKeys(check, {"name", "status", "text", "fix"});
    EXPECT_EQ(check["status"], "ok") << check;
    checks.insert(check.value("name", ""));
  }
  for (const char* name : {"config",
                           "key",
                           "cloud",
                           "cloud.database",
                           "cloud.schema",
                           "cloud.disk",
                           "cloud.commits",
                           "cloud.gateway_batches",
                           "cloud.gateway_clock"}) {
    EXPECT_TRUE(checks.contains(name)) << name << " is not in " << doctor;
  }
  // Tables for people come from the same answers.
  for (const std::vector<std::string>& words : {std::vector<std::string>{"fleet", "list"},
                                                {"node", "show", "101"},
                                                {"gateway", "list"},
                                                {"event", "tail"},
                                                {"stats"},
                                                {"doctor"}}) {
    const Ran table = Trib(words);
    EXPECT_EQ(table.code, 0) << words.front() << ": " << table.err;
    EXPECT_GT(LineCount(table.out), 1U) << words.front() << ": " << table.out;
  }
  std::cout << made << " records: " << events << " events and " << faults << " faults told, "
            << checks.size() << " checks\n";
}

TEST_F(TribCommands, DoctorSaysWhatIsWrong) {
  const auto find = [](const json& doctor, const std::string& name) -> json {
    for (const json& check : doctor.value("checks", json::array())) {
      if (check.value("name", "") == name) {
        return check;
      }
    }
    return {};
  };
  // A gateway that never came is a warning, not a failure.
  ASSERT_TRUE(fleet().AdmitGateway(1)) << fleet().error();
  const json quiet = TribJson({"doctor"});
  EXPECT_EQ(quiet["ok"], true) << quiet;
  EXPECT_EQ(find(quiet, "cloud.gateway_batches").value("status", ""), "warn") << quiet;
  EXPECT_NE(find(quiet, "cloud.gateway_batches").value("fix", ""), "");

  ASSERT_TRUE(fleet().cloud()->Stop(kLong).clean());
  std::ofstream(fleet().File("trib.toml"))
      << "server = \"" << fleet().cloud_admin()
      << "\"\nserver_key = \"cloud.key.pub\"\nkey = \"operator.key\"\ntimeout = \"300ms\"\n";
  const Ran away = Trib({"doctor", "--json"});
  EXPECT_EQ(away.code, 1);
  const json checks = json::parse(away.out, nullptr, false);
  EXPECT_EQ(checks.value("ok", true), false) << away.out;
  EXPECT_EQ(find(checks, "cloud").value("status", ""), "fail") << away.out;
  const Ran list = Trib({"fleet", "list"});
  EXPECT_EQ(list.code, 1);
  EXPECT_EQ(LineCount(list.err), 1U) << list.err;
}

}  // namespace
}  // namespace trib::integration
