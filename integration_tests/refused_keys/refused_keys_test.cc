// Who may talk: keys that nobody enrolled, nobody accepted, somebody revoked, replaced or swapped,
// on every link, and peers without any key. Each is refused, counted, and costs nobody else
// anything.
#include <tributary/v1/site.pb.h>

#include <filesystem>

#include "river.h"
#include "run.h"
#include "stand_in.h"
#include "tcp_peer.h"

namespace trib::integration {
namespace {

using host::zmq::LinkState;
using nlohmann::json;
using tools::launcher::WaitUntil;

constexpr std::uint64_t kEpoch = 0x0F1E'2D3C'4B5A'6978;

class RefusedKeys : public River {
 protected:
  std::uint64_t Handshakes(const char* domain, const char* outcome) {
    return GatewayStats(1)["zap"][domain].value(outcome, std::uint64_t{0});
  }
  std::uint64_t Dropped(const char* reason) {
    return GatewayStats(1)["link"]["dropped"].value(reason, std::uint64_t{0});
  }
  json SessionOf(std::uint64_t node) {
    const auto answer = fleet().CallGateway(1, "nodes.list", json::object());
    EXPECT_TRUE(answer.is_object()) << fleet().error();
    for (const auto& row : answer.value("nodes", json::array())) {
      if (row.value("node", "") == std::to_string(node)) {
        return row.value("session", json());
      }
    }
    return {};
  }
  bool AwaitSession(std::uint64_t node, bool there) {
    return WaitUntil([&] { return SessionOf(node).is_null() != there; }, kLong);
  }
  static bool AwaitDurable(StandInNode& node, std::size_t records) {
    return WaitUntil(
        [&] {
          node.Listen();
          return node.durable().size() >= records;
        },
        kLong);
  }
  void Call(const char* call, const json& arguments) {
    ASSERT_TRUE(fleet().CallCloud(call, arguments).is_object()) << fleet().error();
  }
  std::int64_t StoredOf(std::uint64_t node) {
    return Query("SELECT count(*) FROM record WHERE node = " + std::to_string(node));
  }
};

TEST_F(RefusedKeys, AKeyIsLetInOnceItIsAccepted) {
  StartGateway(1);
  MakeKeyFile(fleet(), "stranger");
  StandInNode stranger(fleet(), 900, "stranger", 1, kEpoch);
  ASSERT_TRUE(stranger.peer().AwaitLink(LinkState::kRefused));
  ASSERT_TRUE(WaitUntil([&] { return Handshakes("south", "refused") >= 1; }, kLong));
  const auto strangers = Handshakes("south", "refused");

  MakeKeyFile(fleet(), "node-101");
  Call("enroll",
       {{"id", 101},
        {"kind", "node"},
        {"gateway", 1},
        {"public_key", PublicHex(fleet(), "node-101")}});
  StandInNode pending(fleet(), 101, "node-101", 1, kEpoch);
  ASSERT_TRUE(pending.peer().AwaitLink(LinkState::kRefused));
  ASSERT_TRUE(WaitUntil([&] { return Handshakes("south", "refused") > strangers; }, kLong));
  EXPECT_EQ(Handshakes("south", "accepted"), 0U);

  // The same connection, still trying, gets in without anybody restarting anything.
  Call("accept", {{"id", 101}});
  ASSERT_TRUE(pending.Greet(1));
  pending.SendRecords({pending.Sealed(1, 1), pending.Sealed(1, 2)});
  ASSERT_TRUE(AwaitDurable(pending, 2));
  AwaitStored(2);
  EXPECT_EQ(stranger.peer().link(), LinkState::kRefused);
  EXPECT_TRUE(WaitUntil([&] { return Handshakes("south", "accepted") >= 1; }, kLong));
  std::cout << Handshakes("south", "refused") << " handshakes refused, "
            << Handshakes("south", "accepted") << " accepted, 2 records stored\n";
}

TEST_F(RefusedKeys, RevokingCutsOffAConnectionThatStands) {
  StartGateway(1);
  Admit(101, 1);
  Admit(102, 1);
  StandInNode node(fleet(), 101, "node-101", 1, kEpoch);
  StandInNode other(fleet(), 102, "node-102", 1, kEpoch);
  ASSERT_TRUE(node.Greet(1));
  ASSERT_TRUE(other.Greet(1));
  for (std::uint32_t sequence = 1; sequence <= 5; ++sequence) {
    node.SendRecords({node.Sealed(1, sequence)});
  }
  ASSERT_TRUE(AwaitDurable(node, 5));
  ASSERT_TRUE(AwaitSession(101, true));
  Call("revoke", {{"id", 101}});
  ASSERT_TRUE(AwaitSession(101, false));
  for (std::uint32_t sequence = 6; sequence <= 10; ++sequence) {
    node.SendRecords({node.Sealed(1, sequence)});
  }
  EXPECT_TRUE(WaitUntil([&] { return Dropped("not_in_roster") == 5; }, kLong));
  other.SendRecords({other.Sealed(1, 1)});
  ASSERT_TRUE(AwaitDurable(other, 1));
  node.Listen();
  EXPECT_EQ(node.durable().size(), 5U);
  AwaitStored(6);
  EXPECT_EQ(StoredOf(101), 5);
  // A new connection of the same key does not even shake hands.
  StandInNode again(fleet(), 101, "node-101", 1, kEpoch);
  EXPECT_TRUE(again.peer().AwaitLink(LinkState::kRefused));
  EXPECT_TRUE(WaitUntil([&] { return Handshakes("south", "refused") >= 1; }, kLong));
  std::cout << "5 records before the revocation stored, " << Dropped("not_in_roster")
            << " messages after it dropped\n";
}

TEST_F(RefusedKeys, AReplacedKeyLosesItsConnectionToo) {
  StartGateway(1);
  Admit(101, 1);
  StandInNode old_key(fleet(), 101, "node-101", 1, kEpoch);
  ASSERT_TRUE(old_key.Greet(1));
  old_key.SendRecords({old_key.Sealed(1, 1)});
  ASSERT_TRUE(AwaitDurable(old_key, 1));

  MakeKeyFile(fleet(), "node-101-new");
  Call("enroll",
       {{"id", 101},
        {"kind", "node"},
        {"gateway", 1},
        {"replace", true},
        {"public_key", PublicHex(fleet(), "node-101-new")}});
  Call("accept", {{"id", 101}});
  StandInNode new_key(fleet(), 101, "node-101-new", 1, kEpoch + 1);
  ASSERT_TRUE(new_key.Greet(1));
  // The roster that let the new key in knows the old one no more.
  old_key.SendRecords({old_key.Sealed(1, 2)});
  EXPECT_TRUE(WaitUntil([&] { return Dropped("not_in_roster") == 1; }, kLong));
  new_key.SendRecords({new_key.Sealed(1, 1)});
  ASSERT_TRUE(AwaitDurable(new_key, 1));
  AwaitStored(2);
  old_key.Listen();
  EXPECT_EQ(old_key.durable().size(), 1U);
  EXPECT_EQ(StoredOf(101), 2);
  std::cout << "1 record of each key stored, " << Dropped("not_in_roster")
            << " message of the replaced key dropped\n";
}

TEST_F(RefusedKeys, NodesWithSwappedKeysSpeakForNobody) {
  StartGateway(1);
  Admit(101, 1);
  Admit(102, 1);
  for (const char* suffix : {".key", ".key.pub"}) {
    const auto a = fleet().File(std::string("node-101") + suffix);
    const auto b = fleet().File(std::string("node-102") + suffix);
    const auto aside = fleet().File(std::string("aside") + suffix);
    std::filesystem::rename(a, aside);
    std::filesystem::rename(b, a);
    std::filesystem::rename(aside, b);
  }
  auto arguments = Generated(5, 20);
  arguments.insert(arguments.end(), {"--time-scale", "20"});
  StartNode(101, arguments);
  StartNode(102, arguments);
  EXPECT_TRUE(WaitUntil(
      [&] {
        Report(101);
        Report(102);
        return Dropped("identity_mismatch") >= 4;
      },
      kLong));
  AwaitRecords(101, 2);
  const auto report = Report(101);
  EXPECT_EQ(report.value("acked", 1U), 0U);
  EXPECT_EQ(report.value("records_dropped", 1U), 0U);
  for (const std::uint64_t node : {101U, 102U}) {
    fleet().node(node)->Stop(kLong);
  }
  EXPECT_EQ(StoredRecords(), 0U);
  EXPECT_EQ(GatewayStats(1)["link"].value("accepted", 1U), 0U);
  std::cout << Dropped("identity_mismatch") << " envelopes of swapped keys dropped, 0 stored\n";
}

TEST_F(RefusedKeys, AWrongServerKeyNeverConnects) {
  StartGateway(1);
  Admit(101, 1);
  MakeKeyFile(fleet(), "impostor");
  RawPeer deceived(
      fleet().gateway_south(1), fleet().File("node-101.key"), fleet().File("impostor.key.pub"));
  EXPECT_TRUE(deceived.AwaitLink(LinkState::kHandshakeFailed));
  StandInNode node(fleet(), 101, "node-101", 1, kEpoch);
  ASSERT_TRUE(node.Greet(1));
  EXPECT_NE(deceived.link(), LinkState::kUp);
  EXPECT_EQ(deceived.connections(), 0U);
  std::cout << "0 connections with a wrong server key\n";
}

TEST_F(RefusedKeys, AGatewayThatNobodyEnrolledKeepsEverything) {
  MakeKeyFile(fleet(), "gateway-7");
  ASSERT_TRUE(fleet().StartGateway(7)) << fleet().error();
  EXPECT_TRUE(
      WaitUntil([&] { return GatewayStats(7)["forward"].value("link", "") == "refused"; }, kLong));
  EXPECT_TRUE(
      WaitUntil([&] { return CloudStats().value("gateway_handshakes_refused", 0U) >= 1; }, kLong));
  EXPECT_EQ(CloudStats().value("gateways_connected", 1U), 0U);
  const auto doctor = fleet().CallGateway(7, "doctor", json::object());
  EXPECT_FALSE(doctor.value("ok", true)) << doctor;
  // Enrolled while it tries: it gets in by itself.
  ASSERT_TRUE(fleet().AdmitGateway(7)) << fleet().error();
  EXPECT_TRUE(
      WaitUntil([&] { return GatewayStats(7)["forward"].value("link", "") == "up"; }, kLong));
  std::cout << CloudStats()["gateway_handshakes_refused"] << " handshakes of the gateway refused\n";
}

TEST_F(RefusedKeys, RecordsOfAnotherGatewaysNodeAreCountedAndNotStored) {
  // Enrolled only: no gateway runs, the test stands in for one.
  ASSERT_TRUE(fleet().AdmitGateway(1) && fleet().AdmitGateway(2) && fleet().AdmitNode(101, 1) &&
              fleet().AdmitNode(201, 2))
      << fleet().error();
  RawPeer gateway(fleet().cloud_south(),
                  fleet().File("gateway-2.key"),
                  fleet().File("cloud.key.pub"),
                  message::kMaxSiteEnvelopeBytes);
  tributary::v1::SiteEnvelope envelope;
  envelope.set_protocol(message::kProtocolVersion);
  auto& batch = *envelope.mutable_batch();
  batch.set_batch_id(1);
  // Its own node's, another gateway's node's, nobody's, and no record at all.
  for (const std::string& sealed : {SealedEvent(201, kEpoch, 1, 1),
                                    SealedEvent(101, kEpoch, 1, 1),
                                    SealedEvent(999, kEpoch, 1, 1),
                                    std::string("no record")}) {
    auto& record = *batch.add_records();
    record.set_sealed_record(sealed);
    record.set_received_ms(1'750'000'000'000);
  }
  constexpr int kTimes = 3;
  for (int i = 0; i < kTimes; ++i) {
    gateway.Send(envelope.SerializeAsString());
    tributary::v1::SiteEnvelope answer;
    do {
      ASSERT_TRUE(answer.ParseFromString(gateway.Receive(kLong)));
      ASSERT_TRUE(answer.ByteSizeLong() > 0) << "no answer";
    } while (!answer.has_batch_ack());
    EXPECT_EQ(answer.batch_ack().stored(), i == 0 ? 1U : 0U);
    EXPECT_EQ(answer.batch_ack().duplicates(), i == 0 ? 0U : 1U);
    ASSERT_EQ(answer.batch_ack().rejected_size(), 3);
    EXPECT_EQ(answer.batch_ack().rejected(0).reason(), "other_gateway");
    EXPECT_EQ(answer.batch_ack().rejected(1).reason(), "unknown_node");
    EXPECT_EQ(answer.batch_ack().rejected(2).reason(), "malformed");
  }
  gateway.Send("no envelope");
  EXPECT_TRUE(WaitUntil(
      [&] { return CloudStats()["envelopes_refused"].value("envelope_malformed", 0) == 1; },
      kLong));
  EXPECT_EQ(StoredRecords(), 1U);
  EXPECT_EQ(StoredOf(201), 1);
  const auto stats = CloudStats();
  EXPECT_EQ(stats["rejected"].value("other_gateway", 0), kTimes) << stats;
  EXPECT_EQ(stats["rejected"].value("unknown_node", 0), kTimes) << stats;
  EXPECT_EQ(stats["rejected"].value("malformed", 0), kTimes) << stats;

  // Revoked: what still comes over its connection is not even read.
  Call("revoke", {{"id", 2}});
  EXPECT_TRUE(WaitUntil(
      [&] {
        gateway.Send(envelope.SerializeAsString());
        return CloudStats()["envelopes_refused"].value("envelope_revoked", 0) >= 1;
      },
      kLong));
  EXPECT_EQ(StoredRecords(), 1U);
  std::cout << "1 of 4 records stored, 3 rejected by reason, " << kTimes << " times\n";
}

TEST_F(RefusedKeys, AnOperatorOutsideTheListIsToldSo) {
  StartGateway(1);
  MakeKeyFile(fleet(), "intruder");
  const auto ask = [&](const char* key) {
    return RunProgram({fleet().Program("trib"),
                       "--server",
                       fleet().cloud_admin(),
                       "--server-key",
                       fleet().File("cloud.key.pub").string(),
                       "--operator-key",
                       fleet().File(std::string(key) + ".key").string(),
                       "stats",
                       "--json"},
                      fleet().folder());
  };
  const Ran refused = ask("intruder");
  EXPECT_EQ(refused.code, 3) << refused.err;
  EXPECT_EQ(LineCount(refused.err), 1U) << refused.err;
  EXPECT_NE(refused.err.find("refused this operator's key"), std::string::npos) << refused.err;
  const auto answer = json::parse(refused.out, nullptr, false);
  EXPECT_EQ(answer["error"].value("code", ""), "UNAUTHENTICATED") << refused.out;
  // A node's key is a key of ours, but no operator's.
  Admit(101, 1);
  EXPECT_EQ(ask("node-101").code, 3);
  const Ran allowed = ask("operator");
  EXPECT_EQ(allowed.code, 0) << allowed.err;
  EXPECT_GE(CloudStats().value("operator_handshakes_refused", 0U), 2U);
  std::cout << "2 keys refused by the admin socket\n";
}

TEST_F(RefusedKeys, NoPortServesAPeerWithoutCurve) {
  StartGateway(1);
  Admit(101, 1);
  auto arguments = Generated(5, 600);
  arguments.insert(arguments.end(), {"--time-scale", "1"});
  StartNode(101, arguments);
  ASSERT_TRUE(AwaitSession(101, true));
  const std::set<std::uint16_t> cloud = ListeningPorts(fleet().cloud()->pid());
  const std::set<std::uint16_t> gateway = ListeningPorts(fleet().gateway(1)->pid());
  EXPECT_EQ(cloud.size(), 2U);
  EXPECT_EQ(gateway.size(), 2U);
  EXPECT_TRUE(gateway.contains(PortOf(fleet().gateway_south(1))));
  EXPECT_TRUE(cloud.contains(PortOf(fleet().cloud_admin())));
  EXPECT_TRUE(ListeningPorts(fleet().node(101)->pid()).empty());
  std::set<std::uint16_t> all = cloud;
  all.insert(gateway.begin(), gateway.end());
  for (const std::uint16_t port : all) {
    const NullGreeting got = GreetWithoutSecurity(port);
    EXPECT_TRUE(got.connected) << port;
    EXPECT_EQ(got.mechanism, "CURVE") << port;
    EXPECT_EQ(got.bytes_after, 0U) << "port " << port << " answered without CURVE";
    EXPECT_TRUE(got.closed) << "port " << port << " keeps a peer without CURVE";
  }
  EXPECT_TRUE(fleet().node(101)->Stop(kLong).clean());
  EXPECT_EQ(GatewayStats(1)["link"]["dropped"].value("malformed", 1U), 0U);
  // Neither ZAP nor a session ever hears of such peers, so the sockets count them.
  EXPECT_TRUE(WaitUntil(
      [&] {
        return GatewayStats(1)["connections"].value("wrong_protocol", 0U) == 1U &&
               CloudStats()["connections"].value("wrong_protocol", 0U) == 1U;
      },
      kLong))
      << GatewayStats(1)["connections"] << CloudStats()["connections"];
  // A peer that expects another gateway: it cannot be told, so it is counted here.
  RawPeer misled(
      fleet().gateway_south(1), fleet().File("node-101.key"), fleet().File("cloud.key.pub"));
  EXPECT_TRUE(WaitUntil(
      [&] {
        (void)misled.link();
        return GatewayStats(1)["connections"].value("wrong_server_key", 0U) >= 1U;
      },
      kLong))
      << GatewayStats(1)["connections"];
  std::cout << all.size() << " listening ports, all refuse the NULL mechanism\n";
}

}  // namespace
}  // namespace trib::integration
