#include "trib/gateway/app/gateway.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "trib/common/frame/channel.h"
#include "trib/common/host/control/control_client.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/host/serial/client.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/gateway/spool/spool.h"
#include "tributary/v1/site.pb.h"

namespace trib::gateway {
namespace {

namespace zmq = host::zmq;
namespace v1 = tributary::v1;
using nlohmann::json;

constexpr std::uint64_t kEpoch = 77;

zmq::CurveKeys CurveOf(const crypto::KeyPair& pair) {
  const auto curve = host::identity::ToCurve(pair);
  return {curve.public_key.bytes, curve.secret_key.bytes};
}

/// A node's end of a wire.
class WireEnd {
 public:
  WireEnd(const std::string& endpoint, std::uint64_t station)
      : channel_({.role = frame::Role::kInitiator, .station = station}, storage_.memory()) {
    std::string error;
    const auto at = host::serial::ParseEndpoint(endpoint, host::serial::Use::kConnect, error);
    EXPECT_TRUE(at.ok()) << error;
    client_ = *host::serial::Client::Open(*at, {}, error);
    channel_.Start(host::serial::DrawNonce(), Now());
  }
  /// Moves bytes; answers are dropped, as may be what came behind one: it is sent again.
  void Turn() {
    std::array<std::byte, frame::kMaxMessageBytes> bytes{};
    client_->Service(Now());
    (void)channel_.TakeBytes(std::span(bytes).first(client_->Read(bytes)), Now());
    while (channel_.Receive(bytes).ok()) {
    }
    (void)client_->Write(std::span(bytes).first(channel_.GiveBytes(bytes, Now())));
  }
  void Send(const std::string& body) { (void)channel_.Send(std::as_bytes(std::span(body)), Now()); }

 private:
  static MonotonicTime Now() {
    return MonotonicTime(
        std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch()));
  }
  frame::ChannelStorage<frame::kMaxMtu, frame::kBitmapBits, 2 * frame::kMaxMessageBytes> storage_;
  frame::Channel channel_;
  std::unique_ptr<host::serial::Client> client_;
};

/// A gateway between a cloud and nodes that the test plays.
class GatewayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "trib_gateway_XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    config.id = GatewayId(1001);
    config.key_file = folder / "gateway.key";
    ASSERT_TRUE(host::identity::SaveKeyPair(config.key_file, gateway_keys, "gateway").ok());
    config.south_bind = "tcp://127.0.0.1:*";
    config.admin_bind = "tcp://127.0.0.1:*";
    config.cloud_key = cloud_keys.public_key;
    config.operators = {operator_keys.public_key};
    config.spool.path = folder / "spool.db";
    config.commit_interval = Millis(1);
    auto started = zmq::ZapHandler::Start(context);
    ASSERT_TRUE(started.ok());
    zap = *std::move(started);
    zap->SetDomain("cloud", {{CurveOf(gateway_keys).public_key, "1001"}});
    auto socket = zmq::ServerSocket::Open(context,
                                          *zap,
                                          CurveOf(cloud_keys),
                                          {.endpoint = "tcp://127.0.0.1:*",
                                           .zap_domain = "cloud",
                                           .max_message_bytes = message::kMaxSiteEnvelopeBytes},
                                          error);
    ASSERT_TRUE(socket.ok()) << error;
    cloud = *std::move(socket);
    config.north_endpoint = cloud->endpoint();
    Admit({{17, node_keys.public_key}});
  }
  void TearDown() override {
    node.reset();
    gateway.reset();
    std::filesystem::remove_all(folder);
  }

  void Admit(const std::map<std::uint64_t, crypto::PublicKey>& nodes) {
    roster.Clear();
    roster.set_version(++roster_version);
    for (const auto& [id, key] : nodes) {
      auto& member = *roster.add_members();
      member.set_node(id);
      member.set_public_key(key.bytes.data(), key.bytes.size());
    }
  }
  void Start() {
    auto started = Gateway::Start(config, error);
    ASSERT_TRUE(started.ok()) << error;
    gateway = *std::move(started);
  }
  std::unique_ptr<zmq::ClientSocket> ConnectNode(const crypto::KeyPair& keys) {
    auto opened = zmq::ClientSocket::Open(context,
                                          CurveOf(keys),
                                          {.endpoint = gateway->endpoints().south,
                                           .server_public_key = CurveOf(gateway_keys).public_key,
                                           .reconnect = Millis(20),
                                           .reconnect_max = Millis(100)},
                                          error);
    EXPECT_TRUE(opened.ok()) << error;
    return *std::move(opened);
  }
  void SendToGateway(v1::SiteEnvelope& envelope) {
    envelope.set_protocol(message::kProtocolVersion);
    (void)cloud->Send(route, envelope.SerializeAsString());
  }
  /// The cloud's part: answers SiteHello with the roster and, when `cloud_acks`, batches.
  void PlayCloud() {
    while (true) {
      const auto got = cloud->Receive();
      if (!got.ok()) {
        return;
      }
      route = got->routing_id;
      v1::SiteEnvelope envelope;
      ASSERT_TRUE(envelope.ParseFromString(got->body));
      v1::SiteEnvelope answer;
      if (envelope.has_hello()) {
        reported_version = envelope.hello().roster_version();
        *answer.mutable_roster() = roster;
        SendToGateway(answer);
      } else if (envelope.has_batch() && cloud_acks) {
        auto& ack = *answer.mutable_batch_ack();
        ack.set_batch_id(envelope.batch().batch_id());
        ack.set_credit(4);
        for (const auto& record : envelope.batch().records()) {
          const bool fresh = cloud_records.insert(record.sealed_record()).second;
          fresh ? ack.set_stored(ack.stored() + 1) : ack.set_duplicates(ack.duplicates() + 1);
        }
        SendToGateway(answer);
      }
    }
  }
  void PlayNode() {
    while (node) {
      const auto got = node->Receive();
      if (!got.ok()) {
        return;
      }
      message::Downlink down;
      ASSERT_TRUE(host::message::DecodeDownlink(*got, down).ok());
      got_time = got_time || down.kind == message::Downlink::Kind::kTime;
      if (down.kind == message::Downlink::Kind::kAck) {
        for (const auto& range : down.ack.ranges) {
          for (auto sequence = range.first; sequence <= range.last; ++sequence) {
            acked.insert(sequence);
          }
        }
      }
    }
  }
  template <typename Done>
  bool Eventually(Done done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    zmq::Poller poller;
    poller.Add(*cloud);
    while (std::chrono::steady_clock::now() < deadline) {
      PlayCloud();
      PlayNode();
      if (done()) {
        return true;
      }
      poller.Wait(Millis(5));
    }
    return false;
  }
  static std::string Sealed(std::uint32_t sequence) {
    message::Record record;
    record.header.key = {NodeId(17), EnrolmentEpoch(kEpoch), 1, sequence};
    record.kind = message::RecordKind::kFault;
    record.fault = {};
    record.fault.code = message::FaultCode::kSensorStuck;
    return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
  }
  /// Sends what is unacknowledged until all is acknowledged, as a node does.
  bool DeliverAll(std::uint32_t first, std::uint32_t last) {
    auto next = std::chrono::steady_clock::time_point::min();
    return Eventually([&] {
      std::vector<std::string> missing;
      for (auto sequence = first; sequence <= last && missing.size() < 20; ++sequence) {
        if (!acked.contains(sequence)) {
          missing.push_back(Sealed(sequence));
        }
      }
      // Without a pause it would be one that exceeds its credit, which is closed.
      if (!missing.empty() && std::chrono::steady_clock::now() >= next) {
        (void)node->Send(host::message::EncodeRecords(NodeId(17), missing));
        next = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
      }
      return missing.empty();
    });
  }
  json Call(const char* name) {
    auto client =
        host::control::ControlClient::Open(context,
                                           CurveOf(operator_keys),
                                           {.endpoint = gateway->endpoints().admin,
                                            .server_public_key = CurveOf(gateway_keys).public_key,
                                            .deadline = Millis(20'000)},
                                           error);
    EXPECT_TRUE(client.ok()) << error;
    const auto outcome = (*client)->Call(name, json::object());
    if (const auto* failure = std::get_if<host::control::ControlError>(&outcome)) {
      ADD_FAILURE() << name << ": " << failure->message;
      return {};
    }
    return std::get<json>(outcome);
  }
  std::size_t OnDisk() {
    auto opened = spool::Spool::Open(config.spool, error);
    EXPECT_TRUE(opened.ok()) << error;
    const auto records = (*opened)->Peek(0, 100'000, std::size_t{1} << 30U);
    EXPECT_TRUE(records.ok());
    return records.ok() ? records->size() : 0;
  }

  std::filesystem::path folder;
  crypto::KeyPair gateway_keys = *host::identity::GenerateKeyPair();
  crypto::KeyPair cloud_keys = *host::identity::GenerateKeyPair();
  crypto::KeyPair operator_keys = *host::identity::GenerateKeyPair();
  crypto::KeyPair node_keys = *host::identity::GenerateKeyPair();
  zmq::Context context;
  std::unique_ptr<zmq::ZapHandler> zap;
  std::unique_ptr<zmq::ServerSocket> cloud;
  Config config;
  std::unique_ptr<Gateway> gateway;
  std::unique_ptr<zmq::ClientSocket> node;
  v1::Roster roster;
  std::uint64_t roster_version = 0;
  std::uint64_t reported_version = 0;
  std::string route;
  bool cloud_acks = true;
  std::set<std::string> cloud_records;
  std::set<std::uint32_t> acked;
  bool got_time = false;
  std::string error;
};

TEST_F(GatewayTest, AWireSpeaksForItsStationAloneAndNotBesideTheRoster) {
  config.serial = {.endpoints = {host::serial::Endpoint()}, .nodes = {17, 18}};
  Start();
  ASSERT_EQ(gateway->endpoints().serial.size(), 1U);
  WireEnd of_17(gateway->endpoints().serial[0], 17);
  WireEnd of_18(gateway->endpoints().serial[0], 18);
  const auto turn = [&] {
    of_17.Turn();
    of_18.Turn();
  };
  // Again and again, as the gateway learns its roster meanwhile.
  auto next = std::chrono::steady_clock::time_point::min();
  ASSERT_TRUE(Eventually([&] {
    if (std::chrono::steady_clock::now() >= next) {
      of_17.Send(host::message::EncodeRecords(NodeId(17), std::vector{Sealed(1)}));
      next = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
    }
    turn();
    return cloud_records.contains(Sealed(1));
  }));
  const auto dropped = [&](const char* why) {
    return Call("stats")["link"]["dropped"][why].get<std::uint64_t>();
  };
  EXPECT_EQ(dropped("identity_mismatch"), 0U);
  of_17.Send(host::message::EncodeRecords(NodeId(18), std::vector{Sealed(2)}));
  EXPECT_TRUE(Eventually([&] {
    turn();
    return dropped("identity_mismatch") == 1;
  }));
  const std::uint64_t before = dropped("not_in_roster");
  of_18.Send(host::message::EncodeRecords(NodeId(18), std::vector{Sealed(3)}));
  EXPECT_TRUE(Eventually([&] {
    turn();
    return dropped("not_in_roster") > before;
  }));
  EXPECT_EQ(cloud_records.size(), 1U);
  EXPECT_EQ(Call("stats")["serial"]["in_session"], 2);
  EXPECT_EQ(Call("nodes.list")["nodes"][0]["session"]["over"], "serial");
}

TEST_F(GatewayTest, CarriesRecordsFromANodeToTheCloud) {
  Start();
  node = ConnectNode(node_keys);
  ASSERT_TRUE(DeliverAll(1, 100));
  ASSERT_TRUE(Eventually([&] { return cloud_records.size() == 100; }));
  message::Hello hello;
  hello.epoch = EnrolmentEpoch(kEpoch);
  hello.boot = 1;
  hello.max_message_bytes = 4096;
  ASSERT_TRUE(
      Eventually([&] { return node->Send(host::message::EncodeHello(NodeId(17), hello)).ok(); }));
  ASSERT_TRUE(Eventually([&] { return got_time; }));
  ASSERT_TRUE(Eventually([&] { return Call("stats")["spool"]["records"] == 0; }));
  gateway.reset();
  EXPECT_EQ(OnDisk(), 0U) << "what the cloud has is deleted";
}

TEST_F(GatewayTest, WhatWasAcknowledgedIsOnDiskAndReachesTheCloudAfterARestart) {
  cloud_acks = false;
  Start();
  node = ConnectNode(node_keys);
  ASSERT_TRUE(DeliverAll(1, 60));
  node.reset();
  gateway.reset();
  EXPECT_GE(OnDisk(), 60U);
  cloud_acks = true;
  cloud_records.clear();
  Start();
  ASSERT_TRUE(Eventually([&] { return cloud_records.size() == 60; }));
  ASSERT_TRUE(Eventually([&] { return Call("stats")["spool"]["records"] == 0; }));
  EXPECT_GE(Call("stats")["run"], 3) << "two runs and the look in between";
}

TEST_F(GatewayTest, UnknownAndRevokedNodesAreKeptOut) {
  Start();
  node = ConnectNode(node_keys);
  ASSERT_TRUE(DeliverAll(1, 5));
  auto stranger = ConnectNode(*host::identity::GenerateKeyPair());
  ASSERT_TRUE(Eventually([&] { return stranger->link() == zmq::LinkState::kRefused; }));
  EXPECT_GE(Call("stats")["zap"]["south"]["refused"], 1);

  Admit({{18, (*host::identity::GenerateKeyPair()).public_key}});
  v1::SiteEnvelope envelope;
  *envelope.mutable_roster() = roster;
  SendToGateway(envelope);
  ASSERT_TRUE(Eventually([&] { return Call("site.show")["roster"]["version"] == 2; }));
  // The connection stands, but nothing that comes over it counts.
  ASSERT_TRUE(Eventually([&] {
    (void)node->Send(host::message::EncodeRecords(NodeId(17), std::vector{Sealed(6)}));
    return Call("stats")["link"]["dropped"]["not_in_roster"] >= 1;
  }));
  EXPECT_FALSE(acked.contains(6));
  gateway.reset();
  cloud.reset();  // the roster is durable: known without the cloud
  auto reopened = spool::Spool::Open(config.spool, error);
  ASSERT_TRUE(reopened.ok());
  EXPECT_EQ((*reopened)->LoadRoster()->version, 2U);
}

TEST_F(GatewayTest, AFullSpoolStopsAcknowledging) {
  cloud_acks = false;
  config.spool.max_records = 10;
  Start();
  node = ConnectNode(node_keys);
  ASSERT_TRUE(DeliverAll(1, 10));
  ASSERT_TRUE(Eventually([&] {
    (void)node->Send(host::message::EncodeRecords(NodeId(17), std::vector{Sealed(11)}));
    return Call("stats")["link"]["credit"]["waiting"] == 1;
  }));
  EXPECT_FALSE(acked.contains(11));
  EXPECT_EQ(Call("stats")["link"]["credit"]["room"], 0);
  cloud_acks = true;
  EXPECT_TRUE(DeliverAll(11, 30)) << "it goes on when there is room";
}

TEST_F(GatewayTest, WatchesTheSketchesOfItsNodesForDrift) {
  Start();
  node = ConnectNode(node_keys);
  ASSERT_TRUE(DeliverAll(1, 3));
  message::Record record;
  record.header.key = {NodeId(17), EnrolmentEpoch(kEpoch), 1, 4};
  record.header.package_hash = PackageHash(77);
  record.kind = message::RecordKind::kSketch;
  record.sketch = {};
  record.sketch.windows = 100;
  const std::string sealed = host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
  ASSERT_TRUE(node->Send(host::message::EncodeRecords(NodeId(17), std::array{sealed})).ok());
  ASSERT_TRUE(Eventually([&] { return Call("stats")["drift"]["sketches"] == 1; }));
  const json drift = Call("stats")["drift"];
  EXPECT_EQ(drift["nodes"], 1);
  EXPECT_EQ(drift["flags"], 0);
  EXPECT_EQ(drift["sketches_strange"], 0) << "faults are no sketches";
  Admit({});
  ASSERT_TRUE(Eventually([&] {
    v1::SiteEnvelope envelope;
    *envelope.mutable_roster() = roster;
    SendToGateway(envelope);
    return Call("stats")["drift"]["nodes"] == 0;
  })) << "forgotten with the roster";
}

TEST_F(GatewayTest, TheDoctorAndTheNodeListTell) {
  Start();
  // Before the roster every node is unknown, and the doctor would say so.
  ASSERT_TRUE(Eventually([&] { return Call("site.show")["roster"]["version"] == 1; }));
  node = ConnectNode(node_keys);
  ASSERT_TRUE(DeliverAll(1, 3));
  ASSERT_TRUE(Eventually([&] { return Call("nodes.list")["nodes"][0]["total"]["faults"] == 3; }));
  EXPECT_EQ(Call("nodes.list")["nodes"][0]["node"], "17");
  ASSERT_TRUE(Eventually([&] { return Call("doctor").value("ok", false); }));
  const json healthy = Call("doctor");
  ASSERT_EQ(healthy["checks"].size(), 9U) << healthy;
  for (const json& check : healthy["checks"]) {
    ASSERT_EQ(check.size(), 4U) << check;
    EXPECT_FALSE(check.value("name", "").empty()) << check;
    EXPECT_EQ(check.value("status", ""), "ok") << check;
    EXPECT_FALSE(check.value("text", "").empty()) << check;
    EXPECT_EQ(check.value("fix", "none"), "") << check;
  }
  // A stranger is a warning: there is something to do, but the gateway works.
  auto stranger = ConnectNode(*host::identity::GenerateKeyPair());
  ASSERT_TRUE(Eventually([&] { return stranger->link() == zmq::LinkState::kRefused; }));
  const json doctor = Call("doctor");
  ASSERT_EQ(doctor["checks"].size(), 9U) << doctor;
  EXPECT_EQ(doctor["ok"], true) << doctor;
  for (const json& check : doctor["checks"]) {
    const bool keys = check["name"] == "keys";
    EXPECT_EQ(check["status"], keys ? "warn" : "ok") << check;
    EXPECT_EQ(check["fix"] == "", !keys) << check;
  }
}

TEST_F(GatewayTest, ASecondOneOnTheSamePortSaysSo) {
  Start();
  Config second = config;
  second.south_bind = gateway->endpoints().south;
  second.spool.path = folder / "second.db";
  const auto started = Gateway::Start(second, error);
  EXPECT_EQ(started.status().code(), Code::kAlreadyExists);
  EXPECT_NE(error.find("in use"), std::string::npos) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos);
}

TEST_F(GatewayTest, WhatCannotBeOpenedIsNamed) {
  config.key_file = folder / "absent.key";
  EXPECT_FALSE(Gateway::Start(config, error).ok());
  EXPECT_NE(error.find("absent.key"), std::string::npos) << error;
  config.key_file = folder / "gateway.key";
  config.spool.path = folder / "no" / "such" / "folder.db";
  EXPECT_FALSE(Gateway::Start(config, error).ok());
  EXPECT_NE(error.find("folder.db"), std::string::npos) << error;
}

TEST_F(GatewayTest, TellsOfItsTailFromTheStart) {
  Start();
  EXPECT_TRUE(Call("stats")["tail"].is_null());
  gateway.reset();
  config.tails.directory = folder / "tails";
  std::filesystem::create_directory(config.tails.directory);
  config.tails.package_keys = {operator_keys.public_key};
  Start();
  EXPECT_TRUE(Call("stats")["tail"].is_object());
}

}  // namespace
}  // namespace trib::gateway
