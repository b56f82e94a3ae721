#include "trib/cloud/registry/registry.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

#include "trib/cloud/store/writer.h"

namespace trib::cloud::registry {
namespace {

constexpr GatewayId kGateway{9};
constexpr GatewayId kOther{8};

PublicKey Key(int n) {
  return {static_cast<std::byte>(n), std::byte{1}};
}

/// The rules over the real store, so that what they leave behind is read back from disk.
class RegistryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "trib_reg_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    Restart();
  }
  void TearDown() override {
    registry_.reset();
    writer_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Restart() {
    registry_.reset();
    writer_.reset();
    std::string error;
    auto opened = store::Writer::Open((folder_ / "cloud.db").string(), {}, &error);
    ASSERT_TRUE(opened.ok()) << error;
    writer_ = *std::move(opened);
    registry_ = std::make_unique<Registry>(*writer_);
    ASSERT_TRUE(registry_->Load().ok());
  }
  Outcome EnrollGateway(GatewayId id, int key) {
    return registry_->Enroll(
        {.id = id.value(), .kind = DeviceKind::kGateway, .public_key = Key(key), .name = {}},
        ++now_,
        "ann");
  }
  Outcome EnrollNode(std::uint64_t id,
                     int key,
                     GatewayId gateway = kGateway,
                     bool replace = false) {
    return registry_->Enroll({.id = id,
                              .kind = DeviceKind::kNode,
                              .public_key = Key(key),
                              .gateway = gateway,
                              .name = {},
                              .hardware_class = 4,
                              .replace = replace},
                             ++now_,
                             "ann");
  }
  Outcome Accept(std::uint64_t id) { return registry_->Accept(id, ++now_, "ann"); }
  Outcome Revoke(std::uint64_t id) { return registry_->Revoke(id, ++now_, "ann"); }
  void HaveGateways() {
    ASSERT_TRUE(EnrollGateway(kGateway, 90).status.ok());
    ASSERT_TRUE(EnrollGateway(kOther, 80).status.ok());
    ASSERT_TRUE(Accept(9).status.ok());
    ASSERT_TRUE(Accept(8).status.ok());
  }
  Roster RosterOf(GatewayId gateway) { return registry_->snapshot()->RosterOf(gateway); }
  Binding Of(std::uint64_t node, GatewayId gateway) {
    return registry_->snapshot()->Of(NodeId(node), gateway);
  }

  std::filesystem::path folder_;
  std::unique_ptr<store::Writer> writer_;
  std::unique_ptr<Registry> registry_;
  std::uint64_t now_ = 1000;
};

TEST_F(RegistryTest, EnrolThenAcceptPutsANodeOnItsGatewaysRoster) {
  HaveGateways();
  const Outcome enrolled = EnrollNode(1, 10);
  ASSERT_TRUE(enrolled.status.ok()) << enrolled.error;
  EXPECT_EQ(enrolled.device.state, DeviceState::kPending);
  EXPECT_EQ(enrolled.device.name, "node-1");
  EXPECT_TRUE(RosterOf(kGateway).members.empty());
  EXPECT_EQ(Of(1, kGateway), Binding::kNeverAccepted);

  const std::uint64_t version = RosterOf(kGateway).version;
  ASSERT_TRUE(Accept(1).changed);
  EXPECT_GT(RosterOf(kGateway).version, version);
  ASSERT_EQ(RosterOf(kGateway).members.size(), 1U);
  EXPECT_EQ(RosterOf(kGateway).members[0].public_key, Key(10));
  EXPECT_EQ(RosterOf(kOther).version, 0U);
  EXPECT_EQ(Of(1, kGateway), Binding::kBound);
  EXPECT_EQ(Of(1, kOther), Binding::kOtherGateway);
  EXPECT_EQ(Of(2, kGateway), Binding::kUnknownNode);
  EXPECT_EQ(Of(9, kGateway), Binding::kUnknownNode);
}

TEST_F(RegistryTest, OnlyAcceptedGatewaysMayConnect) {
  ASSERT_TRUE(EnrollGateway(kGateway, 90).status.ok());
  EXPECT_TRUE(registry_->snapshot()->GatewayKeys().empty());
  ASSERT_TRUE(Accept(9).status.ok());
  ASSERT_EQ(registry_->snapshot()->GatewayKeys().size(), 1U);
  EXPECT_EQ(registry_->snapshot()->GatewayKeys()[0].second, Key(90));
  ASSERT_TRUE(Revoke(9).status.ok());
  EXPECT_TRUE(registry_->snapshot()->GatewayKeys().empty());
}

TEST_F(RegistryTest, RefusesWithAReasonAnOperatorCanAct) {
  HaveGateways();
  ASSERT_TRUE(EnrollNode(1, 10).status.ok());
  const auto expect = [](const Outcome& outcome, Code code, const std::string& text) {
    EXPECT_EQ(outcome.status.code(), code);
    EXPECT_NE(outcome.error.find(text), std::string::npos) << outcome.error;
    EXPECT_FALSE(outcome.changed);
  };
  expect(EnrollNode(0, 11), Code::kInvalidArgument, "no id");
  expect(EnrollNode(2, 10), Code::kAlreadyExists, "enrolled as node 1");
  expect(EnrollNode(2, 90), Code::kAlreadyExists, "enrolled as gateway 9");
  expect(EnrollNode(1, 11), Code::kAlreadyExists, "revoke it first");
  expect(EnrollNode(9, 11), Code::kFailedPrecondition, "is a gateway");
  expect(EnrollNode(2, 11, GatewayId(77)), Code::kFailedPrecondition, "no gateway 77");
  expect(EnrollNode(2, 11, GatewayId(1)), Code::kFailedPrecondition, "no gateway 1");
  expect(Accept(5), Code::kNotFound, "no device 5");
  expect(Revoke(5), Code::kNotFound, "no device 5");
  expect(registry_->Enroll({.id = 3,
                            .kind = DeviceKind::kGateway,
                            .public_key = Key(30),
                            .gateway = kGateway,
                            .name = {}},
                           1,
                           "ann"),
         Code::kInvalidArgument,
         "not bound");
  expect(registry_->Enroll({.id = 3, .kind = DeviceKind::kGateway, .name = {}}, 1, "ann"),
         Code::kInvalidArgument,
         "zeros");
  expect(registry_->Enroll(
             {.id = 3, .kind = DeviceKind::kGateway, .public_key = Key(30), .name = "two\nlines"},
             1,
             "ann"),
         Code::kInvalidArgument,
         "printable");
}

TEST_F(RegistryTest, NodesWaitForTheirGatewaysAcceptance) {
  ASSERT_TRUE(EnrollGateway(kGateway, 90).status.ok());
  ASSERT_TRUE(EnrollNode(1, 10).status.ok());
  EXPECT_EQ(Accept(1).status.code(), Code::kFailedPrecondition);
  ASSERT_TRUE(Accept(9).status.ok());
  EXPECT_TRUE(Accept(1).status.ok());
}

TEST_F(RegistryTest, RepeatingAnActionChangesNothing) {
  HaveGateways();
  ASSERT_TRUE(EnrollNode(1, 10).changed);
  EXPECT_FALSE(EnrollNode(1, 10).changed);
  ASSERT_TRUE(Accept(1).changed);
  const std::uint64_t version = RosterOf(kGateway).version;
  const Outcome again = EnrollNode(1, 10);
  EXPECT_TRUE(again.status.ok());
  EXPECT_EQ(again.device.state, DeviceState::kAccepted);
  EXPECT_FALSE(Accept(1).changed);
  EXPECT_EQ(RosterOf(kGateway).version, version);
  ASSERT_TRUE(Revoke(1).changed);
  EXPECT_FALSE(Revoke(1).changed);
  EXPECT_EQ(Accept(1).status.code(), Code::kFailedPrecondition);
}

TEST_F(RegistryTest, RevokingTakesTheNodeOffTheRosterButKeepsItsPast) {
  HaveGateways();
  ASSERT_TRUE(EnrollNode(1, 10).status.ok());
  ASSERT_TRUE(Accept(1).status.ok());
  const std::uint64_t version = RosterOf(kGateway).version;
  ASSERT_TRUE(Revoke(1).status.ok());
  EXPECT_GT(RosterOf(kGateway).version, version);
  EXPECT_TRUE(RosterOf(kGateway).members.empty());
  EXPECT_EQ(Of(1, kGateway), Binding::kFormer);
  EXPECT_EQ(Of(1, kOther), Binding::kOtherGateway);
}

TEST_F(RegistryTest, ANewKeyReplacesTheOldOneAndNeedsAcceptance) {
  HaveGateways();
  ASSERT_TRUE(EnrollNode(1, 10).status.ok());
  ASSERT_TRUE(Accept(1).status.ok());
  const std::uint64_t version = RosterOf(kGateway).version;
  ASSERT_TRUE(EnrollNode(1, 11, kGateway, true).changed);
  EXPECT_TRUE(RosterOf(kGateway).members.empty());
  EXPECT_GT(RosterOf(kGateway).version, version);
  EXPECT_EQ(Of(1, kGateway), Binding::kFormer);
  ASSERT_TRUE(Accept(1).changed);
  ASSERT_EQ(RosterOf(kGateway).members.size(), 1U);
  EXPECT_EQ(RosterOf(kGateway).members[0].public_key, Key(11));
  EXPECT_EQ(Of(1, kGateway), Binding::kBound);

  ASSERT_TRUE(Revoke(1).status.ok());
  EXPECT_TRUE(EnrollNode(1, 12).changed) << "a revoked device needs no replace";
}

TEST_F(RegistryTest, MovingANodeChangesBothRostersAndRemembersTheOldGateway) {
  HaveGateways();
  ASSERT_TRUE(EnrollNode(1, 10).status.ok());
  ASSERT_TRUE(Accept(1).status.ok());
  ASSERT_TRUE(EnrollNode(1, 10, kOther, true).changed);
  ASSERT_TRUE(Accept(1).status.ok());
  EXPECT_TRUE(RosterOf(kGateway).members.empty());
  EXPECT_EQ(RosterOf(kOther).members.size(), 1U);
  EXPECT_EQ(Of(1, kGateway), Binding::kFormer);
  EXPECT_EQ(Of(1, kOther), Binding::kBound);
}

TEST_F(RegistryTest, EverythingSurvivesARestart) {
  HaveGateways();
  ASSERT_TRUE(EnrollNode(1, 10).status.ok());
  ASSERT_TRUE(Accept(1).status.ok());
  ASSERT_TRUE(EnrollNode(2, 20).status.ok());
  ASSERT_TRUE(Accept(2).status.ok());
  ASSERT_TRUE(Revoke(2).status.ok());
  const Roster before = RosterOf(kGateway);
  Restart();
  const Roster after = RosterOf(kGateway);
  EXPECT_EQ(after.version, before.version);
  ASSERT_EQ(after.members.size(), 1U);
  EXPECT_EQ(after.members[0].node, NodeId(1));
  EXPECT_EQ(Of(1, kGateway), Binding::kBound);
  EXPECT_EQ(Of(2, kGateway), Binding::kFormer);
  EXPECT_EQ(registry_->snapshot()->Find(1)->hardware_class, 4U);
  EXPECT_EQ(registry_->snapshot()->GatewayKeys().size(), 2U);
}

TEST_F(RegistryTest, AGatewayWithAHigherVersionGetsAHigherOne) {
  HaveGateways();
  ASSERT_TRUE(registry_->RaiseRosterVersion(kGateway, 50, 1).ok());
  EXPECT_EQ(RosterOf(kGateway).version, 51U);
  ASSERT_TRUE(registry_->RaiseRosterVersion(kGateway, 50, 1).ok());
  EXPECT_EQ(RosterOf(kGateway).version, 51U);
  Restart();
  EXPECT_EQ(RosterOf(kGateway).version, 51U);
}

TEST_F(RegistryTest, AClaimThatNoBackupExplainsIsNotFollowed) {
  HaveGateways();
  ASSERT_TRUE(EnrollNode(1, 10).status.ok());
  ASSERT_TRUE(Accept(1).status.ok());
  const std::uint64_t before = RosterOf(kGateway).version;
  const std::uint64_t most = before + Registry::kMaxRosterLead;
  for (const std::uint64_t claim : {most + 1, UINT64_MAX - 1, UINT64_MAX}) {
    EXPECT_EQ(registry_->RaiseRosterVersion(kGateway, claim, 1).code(), Code::kOutOfRange) << claim;
    EXPECT_EQ(RosterOf(kGateway).version, before);
  }
  ASSERT_TRUE(registry_->RaiseRosterVersion(kGateway, most, 1).ok());
  EXPECT_EQ(RosterOf(kGateway).version, most + 1);
  ASSERT_TRUE(Revoke(1).changed);
  EXPECT_EQ(RosterOf(kGateway).version, most + 2) << "there is always a higher number";
}

TEST_F(RegistryTest, ManyAreEnrolledAndAcceptedAtOnce) {
  std::vector<EnrollRequest> requests = {
      {.id = 9, .kind = DeviceKind::kGateway, .public_key = Key(90)}};
  for (std::uint64_t id = 1; id <= 5; ++id) {
    requests.push_back({.id = id, .public_key = Key(static_cast<int>(id)), .gateway = kGateway});
  }
  const ManyOutcome many = registry_->EnrollMany(requests, true, ++now_, "ann");
  ASSERT_TRUE(many.status.ok()) << many.error;
  EXPECT_EQ(many.changed, 6U);
  EXPECT_EQ(registry_->EnrollMany(requests, true, ++now_, "ann").changed, 0U);
  Restart();
  EXPECT_EQ(RosterOf(kGateway).members.size(), 5U);
  EXPECT_EQ(Of(3, kGateway), Binding::kBound);
}

TEST_F(RegistryTest, OneThatIsRefusedKeepsAllOthersOut) {
  HaveGateways();
  const std::uint64_t version = RosterOf(kGateway).version;
  const std::vector<EnrollRequest> requests = {
      {.id = 1, .public_key = Key(1), .gateway = kGateway},
      {.id = 2, .public_key = Key(1), .gateway = kGateway}};
  const ManyOutcome many = registry_->EnrollMany(requests, true, ++now_, "ann");
  EXPECT_EQ(many.status.code(), Code::kAlreadyExists);
  EXPECT_EQ(many.error, "node 2: this key is already enrolled as node 1");
  EXPECT_EQ(registry_->snapshot()->Find(1), nullptr);
  Restart();
  EXPECT_EQ(registry_->snapshot()->Find(1), nullptr);
  EXPECT_EQ(RosterOf(kGateway).version, version);
  EXPECT_TRUE(EnrollNode(1, 1).changed) << "and one at a time still works";
}

TEST_F(RegistryTest, AKeyThatWasReplacedIsFree) {
  HaveGateways();
  ASSERT_TRUE(EnrollNode(1, 10).changed);
  ASSERT_TRUE(EnrollNode(1, 11, kGateway, true).changed);
  EXPECT_TRUE(EnrollNode(2, 10).changed);
  EXPECT_EQ(EnrollNode(3, 11).status.code(), Code::kAlreadyExists);
}

TEST_F(RegistryTest, AFullStoreChangesNothing) {
  HaveGateways();
  ASSERT_TRUE(writer_->SetMaxBytes(1).ok());
  Outcome outcome;
  std::uint64_t id = 100;
  do {
    ++id;
    outcome = EnrollNode(id, static_cast<int>(id));
  } while (outcome.status.ok() && id < 250);
  EXPECT_EQ(outcome.status.code(), Code::kResourceExhausted);
  EXPECT_EQ(registry_->snapshot()->Find(id), nullptr);
  ASSERT_TRUE(writer_->SetMaxBytes(1U << 30U).ok());
  EXPECT_TRUE(EnrollNode(id, static_cast<int>(id)).changed);
}

}  // namespace
}  // namespace trib::cloud::registry
