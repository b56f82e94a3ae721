#include "cloud_fixture.h"

namespace trib::cloud {
namespace {

TEST_F(CloudTest, StoresABatchOnceAndAcknowledgesEachTime) {
  Admit(9, gateway_key_, 0);
  Admit(1, node_key_, 9);
  FakeGateway gateway = Connect(9, gateway_key_);
  gateway.SendBatch(5, {SealedEvent(1, 1), SealedEvent(1, 2), "garbage", SealedEvent(2, 1)});
  pb::BatchAck ack = gateway.AwaitAck();
  EXPECT_EQ(ack.batch_id(), 5U);
  EXPECT_EQ(ack.stored(), 2U);
  EXPECT_EQ(ack.credit(), config_.credit);
  ASSERT_EQ(ack.rejected_size(), 2);
  EXPECT_EQ(ack.rejected(0).reason(), "malformed");
  EXPECT_EQ(ack.rejected(1).reason(), "unknown_node");
  gateway.SendBatch(6, {SealedEvent(1, 2), SealedEvent(1, 3)});
  ack = gateway.AwaitAck();
  EXPECT_EQ(ack.stored() * 10 + ack.duplicates(), 11U);

  const json stats = Ask("stats");
  EXPECT_EQ(stats["records_stored"], 3);
  EXPECT_EQ(stats["records_duplicated"], 1);
  EXPECT_EQ(stats["rejected"]["malformed"], 1);
  EXPECT_EQ(stats["gateways_connected"], 1);
  const json tail = Ask("event.tail", {{"since", 0}});
  ASSERT_EQ(tail["events"].size(), 3U);
  EXPECT_EQ(tail["events"][0]["label"], 2);
  EXPECT_TRUE(Ask("event.tail", {{"since", tail["cursor"]}, {"wait_ms", 1}})["events"].empty());
  EXPECT_EQ(Ask("fleet.list")["nodes"][0]["records"], 3);
  EXPECT_EQ(Ask("node.show", {{"node", 1}})["latest"][0]["sequence"], 3);
  EXPECT_EQ(Ask("gateway.list")["gateways"][0]["records_stored"], 3);
  EXPECT_TRUE(Ask("doctor")["ok"]) << Ask("doctor").dump(2);
}

TEST_F(CloudTest, SendsRostersOnHelloAndOnEveryChange) {
  Admit(9, gateway_key_, 0);
  Admit(1, node_key_, 9);
  FakeGateway gateway = Connect(9, gateway_key_);
  gateway.Hello();
  pb::Roster roster = gateway.Await(pb::SiteEnvelope::kRoster).roster();
  ASSERT_EQ(roster.members_size(), 1);
  EXPECT_EQ(roster.members(0).node(), 1U);
  EXPECT_EQ(host::identity::ToHex(std::as_bytes(std::span(roster.members(0).public_key()))),
            Hex(node_key_));
  const std::uint64_t version = roster.version();
  Ask("revoke", {{"id", 1}});
  roster = gateway.Await(pb::SiteEnvelope::kRoster).roster();
  EXPECT_EQ(roster.members_size(), 0);
  EXPECT_GT(roster.version(), version);

  // What the node had delivered to the gateway before still gets in.
  gateway.SendBatch(1, {SealedEvent(1, 9)});
  EXPECT_EQ(gateway.AwaitAck().stored(), 1U);
  EXPECT_EQ(Ask("stats")["records_former"], 1);

  // A gateway with a roster from the future gets a newer one.
  gateway.Hello(1000);
  do {
    roster = gateway.Await(pb::SiteEnvelope::kRoster).roster();
  } while (roster.version() != 0 && roster.version() <= 1000);
  EXPECT_EQ(roster.version(), 1001U);

  // One that no restored database explains is counted, not followed.
  gateway.Hello(UINT64_MAX);
  EXPECT_TRUE(gateway.Until(
      [&] { return Ask("stats")["envelopes_refused"].value("envelope_roster_claim", 0) == 1; }));
  EXPECT_EQ(Ask("gateway.list")["gateways"][0]["roster_version"], 1001);
}

TEST_F(CloudTest, RefusesUnknownPendingRevokedAndReplacedGateways) {
  Ask("enroll", {{"id", 9}, {"kind", "gateway"}, {"public_key", Hex(gateway_key_)}});
  FakeGateway pending = Connect(9, gateway_key_);
  EXPECT_TRUE(pending.Until([&] { return pending.link() == host::zmq::LinkState::kRefused; }));
  Ask("accept", {{"id", 9}});
  Admit(1, node_key_, 9);
  FakeGateway gateway = Connect(9, gateway_key_);
  gateway.SendBatch(1, {SealedEvent(1, 1)});
  EXPECT_EQ(gateway.AwaitAck().stored(), 1U);

  // The session that stands speaks with a key that is no longer the gateway's.
  const crypto::KeyPair fresh = DrawKey();
  EXPECT_EQ(AskWrongly("enroll", {{"id", 9}, {"kind", "gateway"}, {"public_key", Hex(fresh)}}).code,
            Code::kAlreadyExists);
  Ask("enroll", {{"id", 9}, {"kind", "gateway"}, {"public_key", Hex(fresh)}, {"replace", true}});
  Ask("accept", {{"id", 9}});
  gateway.SendBatch(2, {SealedEvent(1, 2)});
  FakeGateway renewed = Connect(9, fresh);
  renewed.SendBatch(3, {SealedEvent(1, 3)});
  EXPECT_EQ(renewed.AwaitAck().stored(), 1U);
  EXPECT_TRUE(renewed.Until(
      [&] { return Ask("stats")["envelopes_refused"].value("envelope_revoked", 0) == 1; }));
  EXPECT_EQ(Ask("stats")["records_stored"], 2);

  Ask("revoke", {{"id", 9}});
  FakeGateway late = Connect(9, fresh);
  EXPECT_TRUE(late.Until([&] { return late.link() == host::zmq::LinkState::kRefused; }));
}

TEST_F(CloudTest, AFullStoreAcknowledgesNothingUntilThereIsRoom) {
  Admit(9, gateway_key_, 0);
  Admit(1, node_key_, 9);
  FakeGateway gateway = Connect(9, gateway_key_);
  std::vector<std::string> sealed;
  for (std::uint32_t i = 1; i <= message::kMaxBatchRecords; ++i) {
    sealed.push_back(SealedEvent(1, i));
  }
  ASSERT_TRUE(cloud_->SetMaxBytes(1).ok());
  gateway.SendBatch(1, sealed);
  EXPECT_TRUE(gateway.Until([&] { return Ask("stats")["commit_failures"] > 1; }));
  EXPECT_EQ(Ask("stats")["records_stored"], 0);
  EXPECT_FALSE(Ask("doctor")["ok"]);
  EXPECT_EQ(Ask("stats")["blocked"], true);
  pb::SiteEnvelope pause;
  do {
    pause = gateway.Await(pb::SiteEnvelope::kBatchAck);
    ASSERT_EQ(pause.batch_ack().batch_id(), 0U) << "nothing is acknowledged";
  } while (pause.batch_ack().credit() != 0);
  // What goes on meanwhile is bounded: a batch again is known, those beyond the credit are dropped.
  gateway.SendBatch(1, sealed);
  for (std::uint64_t batch = 2; batch <= 20; ++batch) {
    gateway.SendBatch(batch, sealed);
  }
  EXPECT_TRUE(gateway.Until([&] {
    const json flow = Ask("stats")["flow"];
    return flow["batches_again"] == 1 && flow["batches_over_credit"] == 12;
  })) << Ask("stats")["flow"];
  ASSERT_TRUE(cloud_->SetMaxBytes(1U << 30U).ok());
  const pb::BatchAck ack = gateway.AwaitAck();
  EXPECT_EQ(ack.batch_id(), 1U) << "stored as soon as there is room, unasked";
  EXPECT_EQ(ack.stored(), message::kMaxBatchRecords);
  EXPECT_TRUE(gateway.Until([&] { return Ask("stats")["flow"]["paused"] == 0; }));
  EXPECT_TRUE(gateway.Until([&] { return Ask("stats")["blocked"] == false; }));
  EXPECT_TRUE(Ask("doctor")["ok"]);
}

TEST_F(CloudTest, ALockedDatabaseIsWaitedForAndPausedGatewaysAreGrantedAnew) {
  Admit(9, gateway_key_, 0);
  Admit(1, node_key_, 9);
  FakeGateway gateway = Connect(9, gateway_key_);
  auto other = host::sqlite::Database::Open(config_.store_path.string());
  ASSERT_TRUE(other.ok());
  {
    auto lock = host::sqlite::Transaction::Begin(*other);
    ASSERT_TRUE(lock.ok());
    gateway.SendBatch(1, {SealedEvent(1, 1)});
    pb::SiteEnvelope pause;
    do {
      pause = gateway.Await(pb::SiteEnvelope::kBatchAck);
      ASSERT_TRUE(pause.has_batch_ack());
      ASSERT_EQ(pause.batch_ack().batch_id(), 0U);
    } while (pause.batch_ack().credit() != 0);
    gateway.Hello();
    EXPECT_EQ(gateway.Await(pb::SiteEnvelope::kBatchAck).batch_ack().credit(), 0U);
  }
  EXPECT_EQ(gateway.AwaitAck().batch_id(), 1U);
  EXPECT_TRUE(gateway.Until([&] { return Ask("stats")["flow"]["paused"] == 0; }));
}

TEST_F(CloudTest, ABatchThatCannotBeStoredDoesNotHoldUpTheOthersOfItsGroup) {
  // Commits when three records wait, so that both batches are in one group.
  config_.commit_rows = 3;
  config_.commit_interval = Millis(60'000);
  StartCloud();
  Admit(9, gateway_key_, 0);
  Admit(1, node_key_, 9);
  {
    auto other = host::sqlite::Database::Open(config_.store_path.string());
    ASSERT_TRUE(other.ok());
    ASSERT_TRUE(other
                    ->Execute("CREATE TRIGGER poison BEFORE INSERT ON record WHEN"
                              " NEW.sequence = 666 BEGIN SELECT RAISE(ABORT, 'poison'); END")
                    .ok());
  }
  FakeGateway gateway = Connect(9, gateway_key_);
  gateway.SendBatch(1, {SealedEvent(1, 666)});
  gateway.SendBatch(2, {SealedEvent(1, 1), SealedEvent(1, 2)});
  const pb::BatchAck ack = gateway.AwaitAck();
  EXPECT_EQ(ack.batch_id(), 2U) << "batch 1 was not stored";
  EXPECT_EQ(ack.stored(), 2U);
  EXPECT_EQ(Ask("stats")["records_stored"], 2);
  EXPECT_EQ(Ask("stats")["commit_failures"], 1);
  // Its gateway sends it again over the same connection, and what was at fault has been mended.
  {
    auto other = host::sqlite::Database::Open(config_.store_path.string());
    ASSERT_TRUE(other.ok());
    ASSERT_TRUE(other->Execute("DROP TRIGGER poison").ok());
  }
  gateway.SendBatch(1, {SealedEvent(1, 666)});
  gateway.SendBatch(3, {SealedEvent(1, 3), SealedEvent(1, 4)});
  EXPECT_EQ(gateway.AwaitAck().batch_id(), 1U);
  EXPECT_EQ(gateway.AwaitAck().batch_id(), 3U);
  EXPECT_EQ(Ask("stats")["records_stored"], 5);
}

TEST_F(CloudTest, StoppingCommitsAndAcknowledgesWhatWasRead) {
  Admit(9, gateway_key_, 0);
  Admit(1, node_key_, 9);
  FakeGateway gateway = Connect(9, gateway_key_);
  std::uint32_t sequence = 0;
  for (std::uint64_t batch = 1; batch <= 30; ++batch) {
    std::vector<std::string> sealed;
    for (int i = 0; i < 50; ++i) {
      sealed.push_back(SealedEvent(1, ++sequence));
    }
    gateway.SendBatch(batch, sealed);
  }
  const pb::BatchAck first = gateway.AwaitAck();
  EXPECT_EQ(first.stored(), 50U);
  cloud_->Stop();
  std::uint64_t acknowledged = first.stored();
  while (true) {
    const pb::SiteEnvelope envelope = gateway.Await(pb::SiteEnvelope::kBatchAck, 300);
    if (envelope.body_case() != pb::SiteEnvelope::kBatchAck) {
      break;
    }
    acknowledged += envelope.batch_ack().stored();
  }
  std::string error;
  auto reader = store::Reader::Open(config_.store_path.string(), &error);
  ASSERT_TRUE(reader.ok()) << error;
  // An acknowledgement may be lost with the connection; a stored record may not.
  EXPECT_GE((*reader)->ReadStats()->totals.stored, acknowledged);

  StartCloud();
  FakeGateway again = Connect(9, gateway_key_);
  std::vector<std::string> all;
  std::uint64_t stored = 0;
  std::uint64_t batch = 100;
  for (std::uint32_t i = 1; i <= sequence; ++i) {
    all.push_back(SealedEvent(1, i));
    if (all.size() == 500) {
      again.SendBatch(++batch, all);
      const pb::BatchAck ack = again.AwaitAck();
      stored += ack.stored() + ack.duplicates();
      all.clear();
    }
  }
  EXPECT_EQ(stored, sequence);
  EXPECT_EQ(Ask("stats")["records_stored"], sequence);
}

TEST_F(CloudTest, SurvivesGarbageAndCountsItByReason) {
  Admit(9, gateway_key_, 0);
  Admit(1, node_key_, 9);
  FakeGateway gateway = Connect(9, gateway_key_);
  gateway.SendBytes("\xFF\xFF\xFF");
  gateway.SendBytes(std::string(100000, 'x'));
  pb::SiteEnvelope envelope;
  envelope.mutable_hello()->set_gateway(8);
  gateway.Send(envelope);
  // Who says that it is another gateway is not believed until it says otherwise.
  gateway.SendBatch(7, {SealedEvent(1, 1)});
  gateway.Hello();
  gateway.SendBatch(1, {SealedEvent(1, 1)});
  EXPECT_EQ(gateway.AwaitAck().batch_id(), 1U);
  json refused;
  EXPECT_TRUE(gateway.Until([&] {
    refused = Ask("stats")["envelopes_refused"];
    return refused ==
           json{{"envelope_gateway", 2}, {"envelope_malformed", 1}, {"envelope_protocol", 1}};
  })) << refused.dump();
  // The operator is told whose they are and why: such a gateway's records wait for ever.
  const json doctor = Ask("doctor");
  EXPECT_TRUE(doctor["ok"]) << doctor;
  std::set<std::string> told;
  for (const json& check : doctor["checks"]) {
    if (check["name"] == "gateway_envelopes") {
      EXPECT_EQ(check["status"], "warn");
      EXPECT_NE(check["fix"], "");
      told.insert(check.value("text", ""));
    }
  }
  EXPECT_EQ(told,
            (std::set<std::string>{"gateway 9: 2 refused since start, reason envelope_gateway",
                                   "gateway 9: 1 refused since start, reason envelope_malformed",
                                   "gateway 9: 1 refused since start, reason envelope_protocol"}));
}

TEST_F(CloudTest, ControlCallsSayWhatIsWrong) {
  const auto expect = [&](const std::string& call, const json& args, Code code) {
    const ControlError error = AskWrongly(call, args);
    EXPECT_EQ(error.code, code) << call << " " << args.dump() << ": " << error.message;
    EXPECT_FALSE(error.message.empty());
  };
  expect("enroll", json::object(), Code::kInvalidArgument);
  expect("enroll", {{"id", -1}}, Code::kInvalidArgument);
  expect("enroll", {{"id", 1}, {"public_key", "zz"}}, Code::kInvalidArgument);
  expect("enroll",
         {{"id", 1}, {"public_key", Hex(node_key_)}, {"kind", "cat"}},
         Code::kInvalidArgument);
  expect("enroll",
         {{"id", 1}, {"public_key", Hex(node_key_)}, {"gateway", 9}},
         Code::kFailedPrecondition);
  expect("enroll", {{"id", 1}, {"public_key", 7}}, Code::kInvalidArgument);
  expect("enroll.many", {{"devices", 7}}, Code::kInvalidArgument);
  expect("enroll.many", {{"devices", {7}}}, Code::kInvalidArgument);
  expect("enroll.many",
         {{"devices", {{{"id", 1}, {"public_key", Hex(node_key_)}, {"gateway", 9}}}}},
         Code::kFailedPrecondition);
  expect("accept", {{"id", 77}}, Code::kNotFound);
  expect("revoke", {{"id", "one"}}, Code::kInvalidArgument);
  expect("node.show", {{"node", 77}}, Code::kNotFound);
  expect("event.tail", {{"limit", 0}}, Code::kInvalidArgument);
  expect("event.tail", {{"kind", "sketch"}}, Code::kInvalidArgument);
}

TEST_F(CloudTest, ManyDevicesJoinWithOneCall) {
  json devices =
      json::array({{{"id", 9}, {"kind", "gateway"}, {"public_key", Hex(gateway_key_)}},
                   {{"id", 1}, {"kind", "node"}, {"public_key", Hex(node_key_)}, {"gateway", 9}}});
  const json answer = Ask("enroll.many", {{"devices", devices}, {"accept", true}});
  EXPECT_EQ(answer, (json{{"devices", 2}, {"changed", 2}}));
  const json fleet = Ask("fleet.list", json::object());
  ASSERT_EQ(fleet["nodes"].size(), 1U);
  EXPECT_EQ(fleet["nodes"][0]["state"], "accepted");
}

TEST_F(CloudTest, StartFailsWithOneClearLine) {
  const auto fails = [&](const Config& config, const std::string& text) {
    std::string error;
    EXPECT_FALSE(Cloud::Start(config, error).ok());
    EXPECT_NE(error.find(text), std::string::npos) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  };
  Config config = config_;
  fails(config, config_.store_path.string() + ": in use by another process");
  config.store_path = folder_ / "other.db";
  config.south_bind = cloud_->endpoints().south;
  fails(config, "in use");
  config = config_;
  config.store_path = folder_ / "other.db";
  config.admin_bind = cloud_->endpoints().admin;
  fails(config, "in use");
  config = config_;
  config.store_path = folder_ / "no" / "such" / "cloud.db";
  fails(config, "No such file or directory");
  config = config_;
  config.key_file = folder_ / "absent.key";
  fails(config, "absent.key");
}

}  // namespace
}  // namespace trib::cloud
