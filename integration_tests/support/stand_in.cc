#include "stand_in.h"

#include <gtest/gtest.h>

#include <span>

#include "river.h"
#include "trib/common/base/check.h"
#include "trib/common/host/identity/identity.h"

namespace trib::integration {
namespace {

namespace identity = host::identity;
using tools::launcher::WaitUntil;

constexpr std::uint64_t kLogicalBegin_ms = 1'750'000'000'000;

}  // namespace

RawPeer::RawPeer(const std::string& endpoint,
                 const std::filesystem::path& secret,
                 const std::filesystem::path& server,
                 std::size_t max_message_bytes) {
  std::string error;
  const auto own = identity::LoadKeyPair(secret, &error);
  const auto other = identity::LoadPublicKey(server, &error);
  EXPECT_TRUE(own.ok() && other.ok()) << error;
  TRIB_CHECK(own.ok() && other.ok());
  const auto curve = identity::ToCurve(*own);
  const auto server_curve = identity::ToCurve(*other);
  TRIB_CHECK(server_curve.ok());
  host::zmq::ClientOptions options{.endpoint = endpoint, .server_public_key = server_curve->bytes};
  options.max_message_bytes = max_message_bytes;
  options.reconnect = Millis(50);
  options.reconnect_max = Millis(400);
  auto socket = host::zmq::ClientSocket::Open(
      context_, {curve.public_key.bytes, curve.secret_key.bytes}, options, error);
  EXPECT_TRUE(socket.ok()) << error;
  TRIB_CHECK(socket.ok());
  socket_ = *std::move(socket);
}

void RawPeer::Send(std::string_view bytes) {
  EXPECT_TRUE(WaitUntil([&] { return socket_->Send(bytes).ok(); }, kLong)) << "no room to send";
}

bool RawPeer::TrySend(std::string_view bytes) {
  return socket_->link() == host::zmq::LinkState::kUp && socket_->Send(bytes).ok();
}

std::string RawPeer::Poll() {
  auto message = socket_->Receive();
  return message.ok() ? *std::move(message) : std::string();
}

std::string RawPeer::Receive(std::chrono::milliseconds limit) {
  std::string message;
  WaitUntil([&] { return !(message = Poll()).empty(); }, limit);
  return message;
}

bool RawPeer::AwaitLink(host::zmq::LinkState state) {
  return WaitUntil([&] { return socket_->link() == state; }, kLong);
}

StandInNode::StandInNode(tools::launcher::Fleet& fleet,
                         std::uint64_t node,
                         std::string_view key,
                         std::uint64_t gateway,
                         std::uint64_t epoch)
    : node_(node),
      epoch_(epoch),
      peer_(fleet.gateway_south(gateway),
            fleet.File(std::string(key) + ".key"),
            fleet.File("gateway-" + std::to_string(gateway) + ".key.pub")) {}

bool StandInNode::Greet(std::uint32_t boot) {
  Forget();
  hail_at_ = {};
  return WaitUntil([&] { return Hail(boot, std::chrono::milliseconds(500)); }, kLong);
}

bool StandInNode::Hail(std::uint32_t boot, std::chrono::milliseconds again) {
  message::Hello hello;
  hello.epoch = EnrolmentEpoch(epoch_);
  hello.boot = boot;
  hello.max_message_bytes = message::kMaxEnvelopeBytes;
  // A Hello that meets no connection is lost, so it is said again, as a node does.
  const auto now = std::chrono::steady_clock::now();
  if (!greeted_ && now >= hail_at_ && peer_.TrySend(host::message::EncodeHello(node_, hello))) {
    hail_at_ = now + again;
  }
  Listen();
  return greeted_;
}

std::string StandInNode::Sealed(std::uint32_t boot, std::uint32_t sequence) const {
  return SealedEvent(node_.value(), epoch_, boot, sequence);
}

void StandInNode::SendRecords(const std::vector<std::string>& sealed) {
  peer_.Send(host::message::EncodeRecords(node_, sealed));
}

bool StandInNode::TrySendRecords(const std::vector<std::string>& sealed) {
  return peer_.TrySend(host::message::EncodeRecords(node_, sealed));
}

void StandInNode::Listen() {
  for (std::string bytes = peer_.Poll(); !bytes.empty(); bytes = peer_.Poll()) {
    message::Downlink down;
    if (!host::message::DecodeDownlink(bytes, down).ok() || down.node != node_) {
      ++strange_;
      continue;
    }
    if (down.kind == message::Downlink::Kind::kTime) {
      greeted_ = greeted_ || down.time.epoch.value() == epoch_;
      continue;
    }
    if (down.kind == message::Downlink::Kind::kVerdict) {
      verdicts_.push_back(down.verdict);
      continue;
    }
    if (down.kind != message::Downlink::Kind::kAck) {
      ++strange_;
      continue;
    }
    for (const message::AckRange& range : down.ack.ranges) {
      for (std::uint64_t sequence = range.first; sequence <= range.last; ++sequence) {
        const Name name{down.ack.epoch.value(), range.boot, static_cast<std::uint32_t>(sequence)};
        if (range.refusal == message::RefusalReason::kUnspecified) {
          ++durable_[name];
        } else {
          refused_[name] = range.refusal;
        }
      }
    }
  }
}

namespace {

message::Record WithHeader(std::uint64_t node,
                           std::uint64_t epoch,
                           std::uint32_t boot,
                           std::uint32_t sequence) {
  message::Record record;
  record.header.key = {NodeId(node), EnrolmentEpoch(epoch), boot, sequence};
  record.header.time = LogicalTime(
      Millis(static_cast<std::int64_t>(kLogicalBegin_ms + 60'000ULL * boot + 100ULL * sequence)));
  record.header.sample_index = 1024ULL * sequence;
  return record;
}

}  // namespace

std::string SealedDeferred(std::uint64_t node,
                           std::uint64_t epoch,
                           std::uint32_t boot,
                           std::uint32_t sequence) {
  const std::string payload(200 + sequence % 100, static_cast<char>(sequence));
  message::Record record = WithHeader(node, epoch, boot, sequence);
  record.header.tier = message::Tier::kClassifier;
  record.header.package_hash = PackageHash(0xD0);
  record.kind = message::RecordKind::kActivation;
  record.activation = {std::as_bytes(std::span(payload))};
  return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
}

std::string SealedEvent(std::uint64_t node,
                        std::uint64_t epoch,
                        std::uint32_t boot,
                        std::uint32_t sequence) {
  message::Record record = WithHeader(node, epoch, boot, sequence);
  record.header.tier = message::Tier::kTrigger;
  record.kind = message::RecordKind::kEvent;
  record.event = {};
  record.event.state = message::EventState::kOnset;
  record.event.label = 1;
  record.event.confidence = 0.75F;
  record.event.windows = sequence;
  return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
}

std::string SealedSketch(std::uint64_t node,
                         std::uint64_t epoch,
                         std::uint32_t boot,
                         std::uint32_t sequence,
                         std::uint64_t begin_ms,
                         std::uint32_t length_ms) {
  message::Record record = WithHeader(node, epoch, boot, sequence);
  record.header.package_hash = PackageHash(0xD0);
  record.header.block = {begin_ms, length_ms};
  record.kind = message::RecordKind::kSketch;
  record.sketch = {};
  record.sketch.windows = 100;
  record.sketch.exits[static_cast<std::size_t>(message::Tier::kTrigger)] = 100;
  message::Histogram histogram;
  histogram.counts[7] = 50 + sequence % 7;
  histogram.counts[8] = 50 - sequence % 7;
  (void)record.sketch.histograms.push_back(histogram);
  return host::message::EncodeSealedRecord(host::message::EncodeRecord(record));
}

void MakeKeyFile(tools::launcher::Fleet& fleet, std::string_view name) {
  const auto pair = identity::GenerateKeyPair();
  ASSERT_TRUE(pair.ok());
  std::string error;
  ASSERT_TRUE(
      identity::SaveKeyPair(fleet.File(std::string(name) + ".key"), *pair, name, &error).ok())
      << error;
}

std::string PublicHex(tools::launcher::Fleet& fleet, std::string_view name) {
  std::string error;
  const auto key = identity::LoadPublicKey(fleet.File(std::string(name) + ".key.pub"), &error);
  EXPECT_TRUE(key.ok()) << error;
  return key.ok() ? identity::ToHex(key->bytes) : "";
}

}  // namespace trib::integration
