// Sensors of some nodes drift: the alarm names them and no others, and the recalibrated package
// brings their accuracy back. README.md says why no other alarm can come.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "river.h"
#include "run.h"
#include "trib/common/host/drift/statistics.h"
#include "trib/testing/level_package.h"

namespace trib::integration {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using tools::launcher::WaitUntil;

constexpr std::uint64_t kFirstNode = 101;
constexpr std::uint64_t kNodes = 16;
constexpr std::uint64_t kGateways = 2;
// One round of phases is one block.
constexpr const char* kRound = "normal:18,fault:6";
constexpr std::uint64_t kBlockSeconds = 24;
constexpr std::uint64_t kWindowsPerSecond = 4;
constexpr std::uint64_t kReferenceBlocks = 28;
constexpr double kMinPsi = 2;
constexpr double kPace = 30;
/// Generous for what takes 45 s of signal at that pace, on a machine that cannot keep it.
constexpr auto kPlay = 4 * kLong;
constexpr const char* kGain = "1.8";
/// Audited windows since the drift that a recalibration is to have.
constexpr std::uint64_t kFrames = 300;

/// A node whose sensor drifts, and the second of its signal at which that begins. One after the
/// other: so that neither is half of anything.
struct Drifter {
  std::uint64_t node;
  std::uint64_t second;
};
constexpr std::array<Drifter, 2> kDrifters = {
    {{103, (kReferenceBlocks + 5) * kBlockSeconds}, {110, (kReferenceBlocks + 9) * kBlockSeconds}}};

struct Accuracy {
  std::uint64_t right = 0;
  std::uint64_t all = 0;

  [[nodiscard]] double share() const {
    return all == 0 ? 0 : static_cast<double>(right) / static_cast<double>(all);
  }
  Accuracy operator-(const Accuracy& before) const {
    return {right - before.right, all - before.all};
  }
};

/// Of all windows so far whose truth is known.
Accuracy AccuracyOf(const json& report) {
  Accuracy out;
  for (const auto& [truth, labels] : report.at("confusion").items()) {
    for (const auto& [label, tiers] : labels.items()) {
      for (const auto& [tier, windows] : tiers.items()) {
        out.all += windows.get<std::uint64_t>();
        out.right += label == truth ? windows.get<std::uint64_t>() : 0;
      }
    }
  }
  return out;
}

class DriftScenario : public River {
 protected:
  void SetUp() override {
    options_.cloud_drift =
        "block = \"" + std::to_string(kBlockSeconds) +
        "s\"\nlook = \"200ms\"\ngrace = \"1d\"\nweek = \"" + std::to_string(14 * kBlockSeconds) +
        "s\"\nreference_blocks = " + std::to_string(kReferenceBlocks) +
        "\nmin_windows = 90\nmin_psi = " + std::to_string(kMinPsi) + "\npackages = \"packages\"\n";
    River::SetUp();
    ASSERT_FALSE(HasFatalFailure());
    std::ofstream(fleet().File("trib.toml"))
        << "server = \"" << fleet().cloud_admin()
        << "\"\nserver_key = \"cloud.key.pub\"\nkey = \"operator.key\"\ntimeout = \"60s\"\n";
    // Of the default motor, less loud when its bearing is faulty: 0.8 in log rms above normal.
    std::ofstream(fleet().File("machine.toml"))
        << "spread = 0.05\n[sampling]\nburst_frames = 256\nperiod = \"250ms\"\n[[fault]]\nkind = "
           "\"outer_race\"\nsize_inch = \"0.007\"\nfinal = 0.2\n";
    fs::create_directory(fleet().File("packages"));
    fs::create_directory(fleet().File("level"));
    const auto spec = trib::testing::WriteLevelSpecification(fleet().File("level"),
                                                             {.border = -2.36F,
                                                              .deviation = 0.3F,
                                                              .block = "6s",
                                                              .status = "10m",
                                                              .audit_permille = 250});
    const auto file = fleet().SignedPackage(spec);
    ASSERT_TRUE(file) << fleet().error();
    base_ = file->string();
    fs::copy_file(base_, fleet().File("packages/level.trib"));
    for (std::uint64_t gateway = 1; gateway <= kGateways; ++gateway) {
      StartGateway(gateway);
    }
  }

  json Trib(std::vector<std::string> words) {
    std::vector<std::string> argv = {
        fleet().Program("trib"), "--config", fleet().File("trib.toml").string(), "--json"};
    argv.insert(argv.end(), words.begin(), words.end());
    const Ran ran = RunProgram(argv, fleet().folder());
    EXPECT_EQ(ran.code, 0) << words[1] << ": " << ran.err;
    return json::parse(ran.out, nullptr, false);
  }

  std::vector<std::string> Machine(std::uint64_t node) {
    return {"--generate",
            std::to_string(node),
            "--machine",
            fleet().File("machine.toml").string(),
            "--time-scale",
            std::to_string(kPace),
            "--seed",
            std::to_string(node),
            "--no-sync"};
  }
  static const Drifter* DrifterOf(std::uint64_t node) {
    const auto found = std::ranges::find(kDrifters, node, &Drifter::node);
    return found != kDrifters.end() ? &*found : nullptr;
  }
  void StartFleet() {
    for (std::uint64_t node = kFirstNode; node < kFirstNode + kNodes; ++node) {
      ASSERT_NO_FATAL_FAILURE(Admit(node, 1 + node % kGateways));
      auto arguments = Machine(node);
      arguments.insert(arguments.end(), {"--phases", kRound, "--loop"});
      if (const Drifter* drifter = DrifterOf(node)) {
        arguments.insert(
            arguments.end(),
            {"--report",
             "0.1",
             "--inject",
             std::string("gain:") + kGain + "@" + std::to_string(drifter->second) + "..1000000"});
      }
      StartNode(node, arguments, base_);
    }
  }
  /// Keeps what the drifting nodes have reported since.
  void Collect() {
    for (const Drifter& drifter : kDrifters) {
      for (const auto& line : fleet().node(drifter.node)->ReadLines()) {
        told_[drifter.node].push_back(json::parse(line, nullptr, false));
      }
    }
  }
  json Status() { return fleet().CallCloud("drift.status", json::object()); }

  /// The nodes that the alarms of an answer are about, and nobody twice.
  static std::set<std::string> NodesOf(const json& alarms) {
    std::set<std::string> out;
    for (const json& alarm : alarms) {
      EXPECT_EQ(alarm["subject"]["kind"], "node") << alarm;
      EXPECT_EQ(alarm["cause"], "sensor") << alarm;
      for (const json& node : alarm["nodes"]) {
        EXPECT_TRUE(out.insert(node.get<std::string>()).second) << alarms;
      }
    }
    return out;
  }
  static std::set<std::string> Expected() {
    std::set<std::string> out;
    for (const Drifter& drifter : kDrifters) {
      out.insert(std::to_string(drifter.node));
    }
    return out;
  }
  /// The largest index of any sketched channel of a node's newest block against its reference.
  double LargestPsi(std::uint64_t node) {
    const json explained = fleet().CallCloud("drift.explain", {{"node", std::to_string(node)}});
    EXPECT_EQ(explained.at("histograms").size(), trib::testing::kLevelFeatures + 1);
    double largest = 0;
    for (const json& histogram : explained["histograms"]) {
      const auto then = histogram["then"].get<std::vector<std::uint64_t>>();
      const auto now = histogram["now"].get<std::vector<std::uint64_t>>();
      largest = std::max(largest, host::drift::PsiJeffreys(then, now));
    }
    return largest;
  }
  /// Where nothing drifts, noise is far from an alarm; where something does, it is not.
  void ExpectIndexes() {
    double of_others = 0;
    double of_drifters = 1e9;
    for (std::uint64_t node = kFirstNode; node < kFirstNode + kNodes; ++node) {
      const double psi = LargestPsi(node);
      if (DrifterOf(node) == nullptr) {
        of_others = std::max(of_others, psi);
      } else {
        of_drifters = std::min(of_drifters, psi);
      }
    }
    std::cout << "stability index of the newest blocks: up to " << of_others
              << " where nothing drifts, from " << of_drifters
              << " where something does; an alarm needs " << kMinPsi << "\n";
    EXPECT_LT(of_others, kMinPsi / 2);
    EXPECT_GT(of_drifters, kMinPsi);
  }
  std::uint64_t FramesNow(std::uint64_t node) {
    const json shift = fleet().CallCloud("drift.shift", {{"node", std::to_string(node)}});
    return shift.at("features").empty()
               ? 0
               : shift["features"][0].value("frames_now", std::uint64_t{0});
  }

  /// The nodes whose gateway flagged that they named the normal state less often than before.
  std::set<std::string> FlaggedByGateways() {
    std::set<std::string> out;
    const json status = Trib({"drift", "status"});
    for (const json& flag : status["flags"]) {
      if (flag["source"] == "gateway" && flag["channel"] == "label_rate" && flag["index"] == 0 &&
          flag["after"] < flag["before"]) {
        out.insert(flag["node"].get<std::string>());
      }
    }
    return out;
  }
  /// A gateway tells its flags with the report of a minute of the wall clock.
  void ExpectFlagsOfGateways() {
    const std::set<std::string> expected = Expected();
    EXPECT_TRUE(
        WaitUntil([&] { return std::ranges::includes(FlaggedByGateways(), expected); }, kPlay))
        << Trib({"drift", "status"})["flags"];
  }

  /// Accuracy before the drift began, and since.
  std::pair<Accuracy, Accuracy> BeforeAndSince(const Drifter& drifter) {
    const std::uint64_t border = drifter.second * kWindowsPerSecond;
    // Windows that the report and the drift may be apart.
    constexpr std::uint64_t kSlack = 2 * kWindowsPerSecond;
    Accuracy before;
    std::optional<Accuracy> at;
    for (const json& report : told_[drifter.node]) {
      const auto windows = report.value("windows", std::uint64_t{0});
      if (windows + kSlack <= border) {
        before = AccuracyOf(report);
      } else if (windows >= border + kSlack && !at) {
        at = AccuracyOf(report);
      }
    }
    EXPECT_TRUE(at) << "no report since the drift";
    const Accuracy last = AccuracyOf(told_[drifter.node].back());
    return {before, last - at.value_or(last)};
  }

  std::string base_;
  std::map<std::uint64_t, std::vector<json>> told_;
};

TEST_F(DriftScenario, NamesTheSensorsAndNoOthersAndRecalibrationBringsAccuracyBack) {
  StartFleet();
  ASSERT_FALSE(HasFatalFailure());
  ASSERT_TRUE(WaitUntil(
      [&] {
        Collect();
        return Status()["alarms"].size() >= kDrifters.size();
      },
      kPlay))
      << Status();
  ASSERT_TRUE(WaitUntil(
      [&] {
        Collect();
        return std::ranges::all_of(
            kDrifters, [&](const Drifter& drifter) { return FramesNow(drifter.node) >= kFrames; });
      },
      kPlay))
      << FramesNow(kDrifters[0].node) << " and " << FramesNow(kDrifters[1].node) << " frames";

  const json status = Trib({"drift", "status"});
  EXPECT_EQ(NodesOf(status["alarms"]), Expected()) << status;
  EXPECT_EQ(status["nodes"]["watched"], kNodes) << status;
  EXPECT_EQ(Query("SELECT count(*) FROM drift_alarm"), static_cast<std::int64_t>(kDrifters.size()));
  ExpectIndexes();
  for (const Drifter& drifter : kDrifters) {
    const std::string node = std::to_string(drifter.node);
    EXPECT_EQ(
        Query("SELECT count(*) FROM drift_alarm WHERE resolved_ms = 0 AND subject_kind = 1 AND "
              "subject = " +
              node + " AND nodes = '[\"" + node + "\"]'"),
        1);
  }

  for (const json& alarm : status["alarms"]) {
    const std::string number = std::to_string(alarm["alarm"].get<std::uint64_t>());
    const std::uint64_t node = std::stoull(alarm["nodes"][0].get<std::string>());
    const std::string drawing = fleet().File("alarm-" + number + ".svg");
    const json explained = Trib({"drift", "explain", number, "--svg", drawing});
    EXPECT_LE(explained["p"], explained["threshold"]);
    EXPECT_EQ(explained["histograms"].size(), trib::testing::kLevelFeatures + 1) << "confidence";
    EXPECT_GT(fs::file_size(drawing), 1000U);

    EXPECT_TRUE(fleet().node(node)->Stop(std::chrono::seconds(60)).clean());
    Collect();
    const auto [before, since] = BeforeAndSince(*DrifterOf(node));
    const std::string fresh = fleet().File("node-" + std::to_string(node) + ".trib");
    const json made = Trib({"drift", "recalibrate", number, "--package", base_, "--out", fresh});
    EXPECT_EQ(made["version"], "1.0.1");
    EXPECT_EQ(made["features"][1]["rescaled"], true) << "rms is stretched by the gain: " << made;
    Trib({"package", "sign", fresh, "--key", fleet().File("package.key").string()});

    // The same machine and the same worn sensor, with the new package.
    auto arguments = Machine(node);
    std::string phases = kRound;
    for (int round = 1; round < 20; ++round) {
      phases += std::string(",") + kRound;
    }
    arguments.insert(arguments.end(),
                     {"--phases",
                      phases,
                      "--exit-when-done",
                      "--drain-timeout",
                      "600",
                      "--inject",
                      std::string("gain:") + kGain + "@0..1000000"});
    StartNode(node, arguments, fresh);
    const json after_report = AwaitNode(node);
    EXPECT_TRUE(after_report["package_refused"].is_null()) << after_report;
    const Accuracy after = AccuracyOf(after_report);
    std::cout << "node " << node << ": right " << 100 * before.share() << " % of " << before.all
              << " windows before, " << 100 * since.share() << " % of " << since.all
              << " with the drift, " << 100 * after.share() << " % of " << after.all
              << " recalibrated; log rms moved from " << made["features"][0]["mean_before"]
              << " to " << made["features"][0]["mean"] << "; " << alarm["reasoning"] << ", p "
              << alarm["p"] << " of " << alarm["tests"] << " tests\n";
    EXPECT_GT(before.share(), 0.98);
    EXPECT_LT(since.share(), 0.6) << "the drift cost nothing";
    EXPECT_GT(after.share(), 0.97);
    EXPECT_EQ(Trib({"drift", "resolve", number, "--note", "recalibrated"})["state"], "resolved");
  }
  ExpectFlagsOfGateways();
  const json end = Status();
  EXPECT_TRUE(end["alarms"].empty()) << end;
  EXPECT_EQ(Query("SELECT count(*) FROM drift_alarm"), static_cast<std::int64_t>(kDrifters.size()));
}

}  // namespace
}  // namespace trib::integration
