// Drift through the running cloud: sketches in over the wire, looks, alarms, operators.
#include <unistd.h>

#include <array>

#include "cloud_fixture.h"
#include "trib/common/classify/classify.h"
#include "trib/common/host/package/package.h"
#include "trib/common/host/tail/tail.h"
#include "trib/common/nn/activation.h"
#include "trib/testing/split_packages.h"

namespace trib::cloud {
namespace {

class DriftCloudTest : public CloudTest {
 protected:
  static constexpr std::uint64_t kHour = 3'600'000;
  static constexpr PackageHash kPackage{0x1122'3344'5566'7788};

  void SetUp() override {
    config_.drift.options.block = Millis(kHour);
    config_.drift.options.week = Millis(kHour);
    config_.drift.options.reference_blocks = 4;
    config_.drift.look = Millis(100);
    CloudTest::SetUp();
    const auto now =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                       std::chrono::system_clock::now().time_since_epoch())
                                       .count());
    begin_ = now / kHour * kHour - 40 * kHour;
    Admit(9, gateway_key_, 0);
    Admit(1, node_key_, 9);
    Admit(2, other_key_, 9);
    Admit(3, third_key_, 9);
  }

  /// A sketch of `node` that fills block `block`; `shift` moves the bins of its feature.
  std::string Sketch(std::uint64_t node, std::uint64_t block, std::size_t shift = 0) {
    message::Record record;
    record.header.key = {NodeId(node), EnrolmentEpoch(77), 1, ++sequence_};
    record.header.block = {begin_ + block * kHour, static_cast<std::uint32_t>(kHour)};
    record.header.time =
        LogicalTime(Millis(static_cast<std::int64_t>(record.header.block.begin_ms + kHour)));
    record.header.package_hash = package_;
    record.header.recipe_id = RecipeId(6);
    record.kind = message::RecordKind::kSketch;
    record.sketch = {};
    record.sketch.windows = 1000;
    record.sketch.exits[2] = 1000;
    record.sketch.labels.resize(2);
    record.sketch.labels[0] = 1000 - of_label_1;
    record.sketch.labels[1] = of_label_1;
    message::Histogram histogram;
    histogram.feature = 3;
    // No two blocks are quite alike, nor are two nodes.
    const auto off = static_cast<std::uint32_t>(7 * block + 13 * node) % 11;
    histogram.counts[5 + shift] = 250 + off;
    histogram.counts[6 + shift] = 500;
    histogram.counts[7 + shift] = 250 - off;
    (void)record.sketch.histograms.push_back(histogram);
    return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
  }
  void Send(FakeGateway& gateway, const std::vector<std::string>& sealed) {
    gateway.SendBatch(++batch_, sealed);
    EXPECT_EQ(gateway.AwaitAck().stored(), sealed.size());
  }
  /// Blocks `first` to `last` of all nodes, and the begin of the next one.
  void SendBlocks(FakeGateway& gateway,
                  std::uint64_t first,
                  std::uint64_t last,
                  std::size_t shift_of_node_1 = 0) {
    std::vector<std::string> sealed;
    for (std::uint64_t block = first; block <= last; ++block) {
      for (const std::uint64_t node : {1U, 2U, 3U}) {
        sealed.push_back(Sketch(node, block, node == 1 ? shift_of_node_1 : 0));
      }
    }
    Send(gateway, sealed);
  }
  json DriftStatus() { return Ask("drift.status"); }
  bool AwaitWatched(FakeGateway& gateway, std::uint64_t nodes) {
    return gateway.Until([&] { return DriftStatus()["nodes"]["watched"] == nodes; });
  }
  /// Learns four blocks of each node, then the first one's values move.
  void RaiseAlarm(FakeGateway& gateway) {
    SendBlocks(gateway, 0, 4);
    ASSERT_TRUE(AwaitWatched(gateway, 3)) << DriftStatus().dump(2);
    SendBlocks(gateway, 5, 6, 4);
    ASSERT_TRUE(gateway.Until([&] { return !DriftStatus()["alarms"].empty(); }))
        << DriftStatus().dump(2);
  }
  std::int64_t Query(std::string_view sql) {
    auto database = host::sqlite::Database::Open(config_.store_path.string(),
                                                 {.mode = host::sqlite::Mode::kReadOnly});
    EXPECT_TRUE(database.ok());
    return database->QueryInt(sql).value_or(-1);
  }

  PackageHash package_ = kPackage;
  std::uint64_t begin_ = 0;
  std::uint64_t batch_ = 0;
  std::uint32_t of_label_1 = 100;
  std::uint32_t sequence_ = 0;
  const crypto::KeyPair other_key_ = DrawKey();
  const crypto::KeyPair third_key_ = DrawKey();
};

TEST_F(DriftCloudTest, AMovedNodeIsAnAlarmWithItsNumbers) {
  FakeGateway gateway = Connect(9, gateway_key_);
  RaiseAlarm(gateway);
  const json status = DriftStatus();
  ASSERT_EQ(status["alarms"].size(), 1U) << status.dump(2);
  const json& alarm = status["alarms"][0];
  EXPECT_EQ(alarm["state"], "open");
  EXPECT_EQ(alarm["subject"], (json{{"kind", "node"}, {"id", "1"}}));
  EXPECT_EQ(alarm["nodes"], json::array({"1"}));
  EXPECT_EQ(alarm["package_hash"], "1122334455667788");
  EXPECT_EQ(alarm["begin_ms"], begin_ + 5 * kHour);
  EXPECT_GT(alarm["tests"], 0);
  EXPECT_EQ(alarm["evidence"][0]["channel"], "feature");
  EXPECT_EQ(alarm["evidence"][0]["index"], 3);
  EXPECT_GT(alarm["evidence"][0]["psi"], 0.1);
  EXPECT_EQ(status["nodes"]["watched"], 3);
  EXPECT_EQ(status["options"]["reference_blocks"], 4);
  EXPECT_EQ(status["families"].size(), 4U);
  EXPECT_EQ(status["families"][0]["family"], "node");
  EXPECT_GT(status["families"][0]["tests_this_week"], 0);
  EXPECT_GT(status["families"][0]["resolution"], 0);

  const json explained = Ask("drift.explain", {{"alarm", alarm["alarm"]}});
  EXPECT_EQ(explained["alarm"], alarm["alarm"]);
  ASSERT_EQ(explained["histograms"].size(), 1U) << explained.dump(2);
  const json& histogram = explained["histograms"][0];
  EXPECT_EQ(histogram["channel"], "feature");
  EXPECT_EQ(histogram["index"], 3);
  EXPECT_EQ(histogram["then"][6], 2000) << "four blocks";
  EXPECT_EQ(histogram["now"][10], 500);
  const json node = Ask("drift.explain", {{"node", "2"}});
  EXPECT_EQ(node["node"], "2");
  EXPECT_EQ(node["watched"], true);
  EXPECT_EQ(node["reference_blocks"], 4);
  const json history = Ask("drift.history", {{"limit", 5}});
  EXPECT_EQ(history["alarms"].size(), 1U);
  EXPECT_GE(history["looks"].size(), 2U);
  EXPECT_GT(history["looks"].back()["learning"].get<int>(), 0);
  // Counted when the store has it.
  ASSERT_TRUE(gateway.Until([&] { return Ask("stats")["drift"]["alarms"] == 1; }));
  const json stats = Ask("stats")["drift"];
  EXPECT_EQ(stats["sketches"]["sketches"], 21);
  EXPECT_EQ(stats["blocks_open"], 3);
  EXPECT_TRUE(Ask("doctor")["ok"]) << Ask("doctor").dump(2);
}

TEST_F(DriftCloudTest, ARestartKnowsWhatWasLookedAt) {
  FakeGateway gateway = Connect(9, gateway_key_);
  RaiseAlarm(gateway);
  const json before = Ask("drift.explain", {{"node", 1}});
  const json standing2 = Ask("drift.explain", {{"node", 2}});
  const std::int64_t looks = Query("SELECT count(*) FROM drift_look");
  StartCloud();
  FakeGateway again = Connect(9, gateway_key_);
  ASSERT_TRUE(AwaitWatched(again, 3));
  for (const auto& [node, former] : {std::pair(1, before), std::pair(2, standing2)}) {
    json now = Ask("drift.explain", {{"node", node}});
    now.erase("now_ms");
    json then = former;
    then.erase("now_ms");
    EXPECT_EQ(now, then) << "bit for bit";
  }
  EXPECT_EQ(DriftStatus()["alarms"].size(), 1U) << "none is raised again";
  EXPECT_EQ(Query("SELECT count(*) FROM drift_look"), looks);
  // An open alarm's subject is not tested: node 1 stays moved, and nothing new is said.
  SendBlocks(again, 7, 8, 4);
  ASSERT_TRUE(again.Until([&] { return Query("SELECT count(*) FROM drift_look") > looks; }));
  EXPECT_EQ(DriftStatus()["alarms"].size(), 1U);
}

TEST_F(DriftCloudTest, OperatorsSeeToAnAlarmAndTheNodeIsLearnedAnew) {
  FakeGateway gateway = Connect(9, gateway_key_);
  RaiseAlarm(gateway);
  json answer = Ask("drift.acknowledge", {{"alarm", 1}, {"note", "sensor ordered"}});
  EXPECT_EQ(answer["state"], "acknowledged");
  EXPECT_EQ(answer["changed"], true);
  EXPECT_EQ(Ask("drift.acknowledge", {{"alarm", 1}})["changed"], false);
  answer = Ask("drift.silence", {{"alarm", 1}, {"for_ms", 86'400'000}});
  EXPECT_EQ(answer["state"], "silenced");
  EXPECT_EQ(answer["note"], "sensor ordered");
  answer = Ask("drift.resolve", {{"alarm", 1}, {"note", "replaced"}});
  EXPECT_EQ(answer["state"], "resolved");
  EXPECT_EQ(Query("SELECT count(*) FROM audit_log WHERE action LIKE 'drift.%' AND device = 1"), 3);
  ASSERT_TRUE(AwaitWatched(gateway, 2)) << "node 1 learns";
  EXPECT_TRUE(DriftStatus()["alarms"].empty());
  // Also when the cloud restarts before the next look is kept.
  StartCloud();
  FakeGateway again = Connect(9, gateway_key_);
  ASSERT_TRUE(AwaitWatched(again, 2));
  SendBlocks(again, 7, 11, 4);
  ASSERT_TRUE(AwaitWatched(again, 3)) << "against the new normal";
  StartCloud();
  FakeGateway last = Connect(9, gateway_key_);
  ASSERT_TRUE(AwaitWatched(last, 3));
  EXPECT_TRUE(DriftStatus()["alarms"].empty()) << DriftStatus().dump(2);
  EXPECT_EQ(Query("SELECT relearn_look IS NOT NULL FROM drift_alarm"), 1);
  EXPECT_EQ(Ask("drift.history")["alarms"][0]["note"], "replaced");
}

TEST_F(DriftCloudTest, ASilenceThatIsOverLetsTheSubjectBeTestedAgain) {
  FakeGateway gateway = Connect(9, gateway_key_);
  RaiseAlarm(gateway);
  Ask("drift.silence", {{"alarm", 1}, {"for_ms", 1}});
  SendBlocks(gateway, 7, 8, 4);
  ASSERT_TRUE(gateway.Until([&] { return Ask("drift.history")["alarms"].size() == 2; }));
  const json alarms = Ask("drift.history")["alarms"];
  EXPECT_EQ(alarms[0]["state"], "open") << "it still drifts";
  EXPECT_EQ(alarms[1]["state"], "resolved");
}

TEST_F(DriftCloudTest, ARecalibrationGetsItsNumbersFromAuditedFrames) {
  FakeGateway gateway = Connect(9, gateway_key_);
  const auto frame = [&](std::uint64_t block, float value, bool audit = true) {
    message::Record record;
    record.header.key = {NodeId(1), EnrolmentEpoch(77), 1, ++sequence_};
    record.header.time =
        LogicalTime(Millis(static_cast<std::int64_t>(begin_ + block * kHour + sequence_)));
    record.header.package_hash = kPackage;
    record.header.audit = audit;
    record.kind = message::RecordKind::kFeatureFrame;
    record.feature_frame = {};
    (void)record.feature_frame.values.push_back(value);
    (void)record.feature_frame.values.push_back(7);
    return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
  };
  Send(gateway,
       {frame(0, 1), frame(1, 3), frame(2, 99, false), frame(5, 10), frame(5, 14), frame(6, 12)});
  RaiseAlarm(gateway);
  const json shift = Ask("drift.shift", {{"alarm", 1}});
  EXPECT_EQ(shift["package_hash"], "1122334455667788");
  ASSERT_EQ(shift["features"].size(), 2U);
  const json& feature = shift["features"][0];
  EXPECT_EQ(feature["index"], 0);
  EXPECT_EQ(feature["frames_then"], 2);
  EXPECT_EQ(feature["mean_then"], 2.0);
  EXPECT_EQ(feature["deviation_then"], 1.0);
  EXPECT_EQ(feature["frames_now"], 3);
  EXPECT_EQ(feature["mean_now"], 12.0);
  EXPECT_NEAR(feature["deviation_now"].get<double>(), std::sqrt(8.0 / 3), 1e-12);
  EXPECT_EQ(shift["features"][1]["deviation_now"], 0.0);
  EXPECT_EQ(Ask("drift.shift", {{"node", "1"}})["features"], shift["features"]);
  const json other = Ask("drift.shift", {{"node", "2"}});
  EXPECT_TRUE(other["features"].empty()) << "it sent no frames";
}

TEST_F(DriftCloudTest, ALookThatCannotBeStoredIsStoredLaterOnce) {
  config_.drift.look = Millis(static_cast<std::int64_t>(kHour));
  StartCloud();
  FakeGateway gateway = Connect(9, gateway_key_);
  ASSERT_TRUE(gateway.Until([&] { return Ask("stats")["drift"]["looks"] == 1; }));
  SendBlocks(gateway, 0, 6);
  EXPECT_EQ(Query("SELECT count(*) FROM drift_look"), 0) << "the next is an hour away";
  cloud_->Stop();
  auto other = host::sqlite::Database::Open(config_.store_path.string());
  ASSERT_TRUE(other.ok() && other->Execute("BEGIN IMMEDIATE").ok());
  StartCloud();
  FakeGateway again = Connect(9, gateway_key_);
  ASSERT_TRUE(again.Until([&] { return Ask("stats")["drift"]["put_failures"] > 0; }));
  EXPECT_EQ(Query("SELECT count(*) FROM drift_look"), 0);
  ASSERT_TRUE(other->Execute("COMMIT").ok());
  ASSERT_TRUE(again.Until([&] { return Query("SELECT count(*) FROM drift_look") == 1; }));
  EXPECT_EQ(Query("SELECT count(*) FROM drift_block WHERE look = 1"), 18);
  EXPECT_EQ(Query("SELECT blocks FROM drift_look"), 18);
}

TEST_F(DriftCloudTest, FlagsAreShownBesideTheAlarm) {
  FakeGateway gateway = Connect(9, gateway_key_);
  RaiseAlarm(gateway);
  pb::SiteEnvelope envelope;
  pb::SiteReport& report = *envelope.mutable_report();
  report.set_gateway(9);
  report.set_minute_ms(begin_ + 40 * kHour);
  pb::NodeFlag& flag = *report.add_flags();
  flag.set_node(1);
  flag.set_channel(pb::DRIFT_CHANNEL_LABEL);
  flag.set_index(1);
  flag.set_before(0.1F);
  flag.set_after(0.75F);
  flag.set_package_hash(kPackage.value());
  *report.add_flags() = flag;
  report.mutable_flags(1)->set_node(77);  // nobody's
  gateway.Send(envelope);
  ASSERT_TRUE(gateway.Until([&] { return DriftStatus()["nodes"]["flagged"] == 1; }));
  const json flags = Ask("drift.explain", {{"node", 1}})["flags"];
  ASSERT_EQ(flags.size(), 1U);
  EXPECT_EQ(flags[0]["source"], "gateway");
  EXPECT_EQ(flags[0]["channel"], "label_rate");
  EXPECT_EQ(flags[0]["after"], 0.75);
  EXPECT_EQ(DriftStatus()["flags"], flags);
  EXPECT_EQ(Ask("stats")["rejected"]["flag_refused"], 1);
}

TEST_F(DriftCloudTest, TheModelsStandingAlarmTellsANodesAnswers) {
  FakeGateway gateway = Connect(9, gateway_key_);
  SendBlocks(gateway, 0, 4);
  ASSERT_TRUE(AwaitWatched(gateway, 3)) << DriftStatus().dump(2);
  ASSERT_TRUE(host::sqlite::Database::Open(config_.store_path.string())
                  ->Execute("INSERT INTO drift_alarm SELECT 5, 1, 1, 5, 0, 4, 5, 0, 0, 1, 0, 0, 0,"
                            " 1, '', '[\"3\"]', '[]', '', 0, 0, 0, 0, NULL")
                  .ok());
  of_label_1 = 600;
  std::vector<std::string> sealed = {Sketch(1, 5), Sketch(1, 6)};
  of_label_1 = 100;
  for (const std::uint64_t node : {2U, 3U}) {
    sealed.push_back(Sketch(node, 5));
    sealed.push_back(Sketch(node, 6));
  }
  Send(gateway, sealed);
  ASSERT_TRUE(gateway.Until([&] {
    const json alarms = DriftStatus()["alarms"];
    return alarms.size() != 1 || alarms[0]["nodes"].size() > 1;
  })) << DriftStatus().dump(2);
  const json status = DriftStatus();
  ASSERT_EQ(status["alarms"].size(), 1U) << status.dump(2);
  EXPECT_EQ(status["alarms"][0]["alarm"], 5);
  EXPECT_EQ(status["alarms"][0]["nodes"], json::array({"1", "3"}));
}

TEST_F(DriftCloudTest, ErrorsOfAuditedWindowsAreShownWithTheirDetectors) {
  FakeGateway gateway = Connect(9, gateway_key_);
  SendBlocks(gateway, 0, 2);
  // The audit's verdicts come through the tail; here the store is told what they add up to.
  ASSERT_TRUE(host::sqlite::Database::Open(config_.store_path.string())
                  ->Execute("UPDATE drift_block SET judged = 100, errors = 7, revision = revision +"
                            " 1 WHERE look IS NULL")
                  .ok());
  SendBlocks(gateway, 3, 4);
  ASSERT_TRUE(gateway.Until([&] { return DriftStatus()["errors"].size() == 1; }));
  const json errors = DriftStatus()["errors"][0];
  EXPECT_EQ(errors["package_hash"], "1122334455667788");
  EXPECT_GE(errors["judged"], 100);
  EXPECT_EQ(errors["errors"].get<int>() * 100, errors["judged"].get<int>() * 7);
  ASSERT_EQ(errors["detectors"].size(), 3U);
  EXPECT_EQ(errors["detectors"][0]["detector"], "adwin");
  EXPECT_EQ(errors["detectors"][0]["flags"], 0);
  EXPECT_TRUE(errors["detectors"][0]["before"].is_null());
  EXPECT_EQ(Ask("drift.explain", {{"node", 1}})["errors"].size(), 1U);
}

/// With a network, whose audited windows the nodes send as activations beside their sketches.
class DriftEmbeddingTest : public DriftCloudTest {
 protected:
  static constexpr std::uint64_t kWeek = 5;  ///< blocks
  static constexpr std::uint64_t kReference = 8;

  void SetUp() override {
    packages_folder_ = ::testing::TempDir() + "trib_drift_embedding_" + std::to_string(::getpid());
    std::filesystem::create_directories(packages_folder_);
    const auto made = testing::MakeSplitPackages({});
    std::string error;
    auto head = host::package::SignPackage(made.head, package_key_.seed, &error);
    ASSERT_TRUE(head.ok()) << error;
    ASSERT_TRUE(host::package::WritePackageFile(packages_folder_ + "/head.trib", *head).ok());
    ASSERT_TRUE(host::package::WritePackageFile(packages_folder_ + "/tail.trib", made.tail).ok());
    auto network = host::tail::Network::Join(*std::move(head), made.tail, error);
    ASSERT_TRUE(network.ok()) << error;
    network_ = *std::move(network);
    config_.tails.directory = packages_folder_;
    config_.tails.package_keys = {package_key_.public_key};
    config_.drift.options.embedding_part = 1;
    DriftCloudTest::SetUp();
    config_.drift.options.reference_blocks = kReference;
    config_.drift.options.week = Millis(kWeek * kHour);
    config_.drift.options.budget_per_week = 2;
    StartCloud();
    package_ = network_->hash();
    // Always the same: blocks draw the permutations, and what is quiet is rejected in one week of
    // five.
    begin_ = 98'000 * kWeek * kHour;
  }
  void TearDown() override {
    DriftCloudTest::TearDown();
    std::filesystem::remove_all(packages_folder_);
  }

  /// An audited window of `node` in a block: of another tone for each `kind`.
  std::string Audited(std::uint64_t node, std::uint64_t block, unsigned kind) {
    message::Record record;
    record.header.key = {NodeId(node), EnrolmentEpoch(77), 1, ++sequence_};
    record.header.time =
        LogicalTime(Millis(static_cast<std::int64_t>(begin_ + block * kHour + sequence_)));
    record.header.package_hash = package_;
    record.header.tier = message::Tier::kClassifier;
    record.header.cut_id = network_->split().cut;
    record.header.audit = true;
    record.kind = message::RecordKind::kActivation;
    const auto payload = Defer(testing::ToneWindow({}, kind, sequence_));
    record.activation = {payload};
    return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
  }
  std::vector<std::byte> Defer(const std::vector<std::int16_t>& samples) {
    const nn::Plan& plan = network_->head_plan();
    std::vector<std::uint32_t> arena(plan.arena_bytes() / 4 + 1);
    auto runner = nn::Runner::Open(plan, std::as_writable_bytes(std::span(arena)), {});
    EXPECT_TRUE(runner.ok());
    const nn::Port port = plan.input(0);
    classify::QuantiseWindow(network_->classifier(),
                             {samples, 1, 0.001F},
                             port,
                             plan.tensor(port.tensor).zero_point,
                             runner->input(0));
    runner->Run();
    std::vector<std::byte> bytes(network_->split().max_activation_bytes);
    const auto size =
        nn::EncodeActivation(*runner, plan, {network_->hash(), network_->split().cut}, bytes);
    EXPECT_TRUE(size.ok());
    bytes.resize(size.value_or(0));
    return bytes;
  }
  void SendDays(FakeGateway& gateway, std::uint64_t first, std::uint64_t last, unsigned kind) {
    std::vector<std::string> sealed;
    for (std::uint64_t block = first; block <= last; ++block) {
      for (const std::uint64_t node : {1U, 2U, 3U}) {
        for (int i = 0; i < 4; ++i) {
          sealed.push_back(Audited(node, block, kind));
        }
        sealed.push_back(Sketch(node, block));
      }
    }
    Send(gateway, sealed);
  }
  json FamilyOf(const std::string& name) {
    const json status = DriftStatus();
    for (const json& family : status["families"]) {
      if (family["family"] == name) {
        return family;
      }
    }
    return json::object();
  }
  bool AwaitTests(FakeGateway& gateway, std::uint64_t tests) {
    return gateway.Until([&] { return FamilyOf("embedding")["tests_this_week"] == tests; });
  }

  std::string packages_folder_;
  crypto::KeyPair package_key_ = DrawKey();
  std::shared_ptr<const host::tail::Network> network_;
};

TEST_F(DriftEmbeddingTest, AuditedWindowsUnlikeTheReferencesAreAnAlarmOfTheModel) {
  FakeGateway gateway = Connect(9, gateway_key_);
  SendDays(gateway, 0, 9, 1);
  ASSERT_TRUE(AwaitWatched(gateway, 3)) << DriftStatus().dump(2);
  SendDays(gateway, 10, 16, 1);
  ASSERT_TRUE(AwaitTests(gateway, 1)) << DriftStatus().dump(2);  // blocks 10 to 14
  const json quiet = FamilyOf("embedding");
  EXPECT_EQ(quiet["rejected_this_week"], 0) << quiet;
  EXPECT_DOUBLE_EQ(quiet["spent_this_week"].get<double>(), 0.2);
  EXPECT_TRUE(DriftStatus()["alarms"].empty());
  SendDays(gateway, 17, 21, 4);
  ASSERT_TRUE(gateway.Until([&] { return !DriftStatus()["alarms"].empty(); }))
      << DriftStatus().dump(2);
  const json alarm = DriftStatus()["alarms"][0];
  EXPECT_EQ(alarm["family"], "embedding");
  EXPECT_EQ(alarm["subject"]["kind"], "model");
  EXPECT_EQ(alarm["nodes"], json::array({"1", "2", "3"}));
  EXPECT_EQ(alarm["begin_ms"], begin_ + 15 * kHour);
  EXPECT_LE(alarm["p"], alarm["threshold"]);
  EXPECT_EQ(Query("SELECT family FROM drift_alarm"), 5);
}

TEST_F(DriftCloudTest, CallsSayWhatIsWrong) {
  const auto expect = [&](const char* call, const json& args, Code code) {
    EXPECT_EQ(AskWrongly(call, args).code, code) << call << args.dump();
  };
  for (const char* call : {"drift.explain", "drift.shift"}) {
    expect(call, json::object(), Code::kInvalidArgument);
    expect(call, {{"alarm", 1}, {"node", 1}}, Code::kInvalidArgument);
    expect(call, {{"alarm", 0}}, Code::kInvalidArgument);
    expect(call, {{"alarm", 7}}, Code::kNotFound);
    expect(call, {{"node", 7}}, Code::kNotFound);
  }
  expect("drift.acknowledge", json::object(), Code::kInvalidArgument);
  expect("drift.acknowledge", {{"alarm", 7}}, Code::kNotFound);
  expect("drift.acknowledge", {{"alarm", 7}, {"note", 5}}, Code::kInvalidArgument);
  expect("drift.silence", {{"alarm", 7}}, Code::kInvalidArgument);
  expect("drift.silence", {{"alarm", 7}, {"for_ms", 0}}, Code::kInvalidArgument);
  expect("drift.history", {{"limit", 0}}, Code::kInvalidArgument);
  EXPECT_TRUE(DriftStatus()["last_look"].is_null());
  EXPECT_EQ(DriftStatus()["nodes"]["learning"], 0);
}

TEST_F(DriftCloudTest, WithoutLooksTheStoreStillAnswers) {
  config_.drift.enabled = false;
  StartCloud();
  FakeGateway gateway = Connect(9, gateway_key_);
  SendBlocks(gateway, 0, 2);
  EXPECT_EQ(DriftStatus()["enabled"], false);
  EXPECT_EQ(Query("SELECT count(*) FROM drift_block"), 0);
  EXPECT_EQ(AskWrongly("drift.explain", {{"node", 1}}).code, Code::kNotFound);
  EXPECT_TRUE(Ask("doctor")["ok"]);
}

TEST_F(DriftCloudTest, DoctorWarnsOfAResolutionThatCanNeverBeReached) {
  config_.drift.options.week = Millis(7 * 24 * kHour);
  StartCloud();
  const json doctor = Ask("doctor");
  for (const json& check : doctor["checks"]) {
    if (check["name"] == "drift_resolution") {
      EXPECT_EQ(check["status"], "warn");
      EXPECT_NE(check["text"].get<std::string>().find("336 needed"), std::string::npos) << check;
      return;
    }
  }
  ADD_FAILURE() << "no such check";
}

}  // namespace
}  // namespace trib::cloud
