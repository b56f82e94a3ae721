#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <tributary/v1/site.pb.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "trib/cloud/app/cloud.h"
#include "trib/cloud/store/reader.h"
#include "trib/common/host/control/control_client.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/host/sqlite/database.h"
#include "trib/common/host/zmq/client_socket.h"
#include "trib/common/host/zmq/poller.h"

namespace trib::cloud {

namespace pb = tributary::v1;
using host::control::ControlError;
using nlohmann::json;

inline crypto::KeyPair DrawKey() {
  Result<crypto::KeyPair> pair = host::identity::GenerateKeyPair();
  EXPECT_TRUE(pair.ok());
  return *pair;
}
inline host::zmq::CurveKeys CurveOf(const crypto::KeyPair& pair) {
  const auto keys = host::identity::ToCurve(pair);
  return {keys.public_key.bytes, keys.secret_key.bytes};
}
inline std::string Hex(const crypto::KeyPair& pair) {
  return host::identity::ToHex(pair.public_key.span());
}

inline std::string SealedEvent(std::uint64_t node, std::uint32_t sequence) {
  message::Record record;
  record.header.key = {NodeId(node), EnrolmentEpoch(77), 1, sequence};
  record.header.time = LogicalTime(Millis(1'700'000'000'000 + sequence));
  record.header.tier = message::Tier::kTrigger;
  record.kind = message::RecordKind::kEvent;
  record.event.state = message::EventState::kOnset;
  record.event.label = 2;
  record.event.confidence = 0.5F;
  return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
}

/// A gateway that speaks the site protocol and nothing else.
class FakeGateway {
 public:
  FakeGateway(host::zmq::Context& context,
              std::uint64_t id,
              const crypto::KeyPair& pair,
              const crypto::KeyPair& cloud,
              const std::string& endpoint)
      : id_(id) {
    std::string error;
    auto socket = host::zmq::ClientSocket::Open(context,
                                                CurveOf(pair),
                                                {.endpoint = endpoint,
                                                 .server_public_key = CurveOf(cloud).public_key,
                                                 .max_message_bytes = 1U << 20U,
                                                 .reconnect = Millis(20),
                                                 .reconnect_max = Millis(100)},
                                                error);
    EXPECT_TRUE(socket.ok()) << error;
    socket_ = *std::move(socket);
  }
  void Send(pb::SiteEnvelope envelope) {
    envelope.set_protocol(message::kProtocolVersion);
    SendBytes(envelope.SerializeAsString());
  }
  void SendBytes(const std::string& bytes) {
    ASSERT_TRUE(Until([&] { return socket_->Send(bytes).ok(); })) << "cannot send";
  }
  void Hello(std::uint64_t roster_version = 0) {
    pb::SiteEnvelope envelope;
    envelope.mutable_hello()->set_gateway(id_);
    envelope.mutable_hello()->set_roster_version(roster_version);
    Send(envelope);
  }
  void SendBatch(std::uint64_t batch_id, const std::vector<std::string>& sealed) {
    pb::SiteEnvelope envelope;
    envelope.mutable_batch()->set_batch_id(batch_id);
    for (const std::string& bytes : sealed) {
      pb::Forwarded& forwarded = *envelope.mutable_batch()->add_records();
      forwarded.set_sealed_record(bytes);
      forwarded.set_received_ms(1'700'000'000'000);
    }
    Send(envelope);
  }
  /// The next message of the wanted kind; others are skipped. Empty envelope after the deadline.
  pb::SiteEnvelope Await(pb::SiteEnvelope::BodyCase wanted, int deadline_ms = 20000) {
    pb::SiteEnvelope envelope;
    Until(
        [&] {
          const Result<std::string> message = socket_->Receive();
          return message.ok() && envelope.ParseFromString(*message) &&
                 envelope.body_case() == wanted;
        },
        deadline_ms);
    return envelope.body_case() == wanted ? envelope : pb::SiteEnvelope();
  }
  /// Skips what only grants credit.
  pb::BatchAck AwaitAck(int deadline_ms = 20000) {
    while (true) {
      const pb::SiteEnvelope envelope = Await(pb::SiteEnvelope::kBatchAck, deadline_ms);
      if (!envelope.has_batch_ack() || envelope.batch_ack().batch_id() != 0) {
        return envelope.batch_ack();
      }
    }
  }
  host::zmq::LinkState link() { return socket_->link(); }

  /// Waits on the socket until `done`; false after a generous deadline.
  template <typename Done>
  bool Until(Done done, int deadline_ms = 20000) {
    host::zmq::Poller poller;
    poller.Add(*socket_);
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(deadline_ms);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) {
        return false;
      }
      poller.Wait(Millis(5));
    }
    return true;
  }

 private:
  std::uint64_t id_;
  std::unique_ptr<host::zmq::ClientSocket> socket_;
};

class CloudTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "trib_cloud_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    ASSERT_TRUE(host::identity::SaveKeyPair(folder_ / "cloud.key", cloud_key_, "cloud").ok());
    config_.key_file = folder_ / "cloud.key";
    config_.store_path = folder_ / "cloud.db";
    config_.south_bind = "tcp://127.0.0.1:*";
    config_.admin_bind = "tcp://127.0.0.1:*";
    config_.operators = {operator_key_.public_key};
    config_.commit_interval = Millis(1);
    StartCloud();
  }
  void TearDown() override {
    admin_.reset();
    cloud_.reset();
    std::filesystem::remove_all(folder_);
  }
  void StartCloud() {
    admin_.reset();
    cloud_.reset();
    std::string error;
    auto started = Cloud::Start(config_, error);
    ASSERT_TRUE(started.ok()) << error;
    cloud_ = *std::move(started);
    auto client =
        host::control::ControlClient::Open(context_,
                                           CurveOf(operator_key_),
                                           {.endpoint = cloud_->endpoints().admin,
                                            .server_public_key = CurveOf(cloud_key_).public_key,
                                            .deadline = Millis(30'000)},
                                           error);
    ASSERT_TRUE(client.ok()) << error;
    admin_ = *std::move(client);
  }
  json Ask(const std::string& call, const json& args = json::object()) {
    const host::control::Outcome outcome = admin_->Call(call, args);
    if (const auto* error = std::get_if<ControlError>(&outcome)) {
      ADD_FAILURE() << call << ": " << error->message;
      return json::object();
    }
    return std::get<json>(outcome);
  }
  ControlError AskWrongly(const std::string& call, const json& args) {
    const host::control::Outcome outcome = admin_->Call(call, args);
    const auto* error = std::get_if<ControlError>(&outcome);
    return error != nullptr ? *error : ControlError{Code::kOk, "succeeded"};
  }
  void Admit(std::uint64_t id, const crypto::KeyPair& key, std::uint64_t gateway) {
    json args{{"id", id}, {"public_key", Hex(key)}, {"kind", gateway == 0 ? "gateway" : "node"}};
    if (gateway != 0) {
      args["gateway"] = gateway;
    }
    Ask("enroll", args);
    EXPECT_EQ(Ask("accept", {{"id", id}})["state"], "accepted");
  }
  FakeGateway Connect(std::uint64_t id, const crypto::KeyPair& key) {
    return {context_, id, key, cloud_key_, cloud_->endpoints().south};
  }

  std::filesystem::path folder_;
  Config config_;
  const crypto::KeyPair cloud_key_ = DrawKey();
  const crypto::KeyPair operator_key_ = DrawKey();
  const crypto::KeyPair gateway_key_ = DrawKey();
  const crypto::KeyPair node_key_ = DrawKey();
  host::zmq::Context context_;
  std::unique_ptr<Cloud> cloud_;
  std::unique_ptr<host::control::ControlClient> admin_;
};

}  // namespace trib::cloud
