// crowd: many nodes in one process, for tests of overload. Each has its own key and
// connection. An honest one is the real uplink over a backlog in memory; the others do what no node
// does.
//
//   crowd ENDPOINT GATEWAY.pub FIRST COUNT FLAVOUR RECORDS INTERVAL_MS
//
// honest   makes RECORDS records, one each INTERVAL_MS, and as many again at each SIGUSR1
// greedy   sends new records as fast as one each INTERVAL_MS / 100, whatever its credit
// garbage  sends noise as often
// deaf     sends the same records as often and never reads an answer
//
// Prints a line of JSON twice a second; ends at SIGTERM.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "crowd_keys.h"
#include "trib/common/host/cli/daemon.h"
#include "trib/common/host/identity/identity.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/host/zmq/context.h"
#include "trib/node/sim/zmq_link.h"
#include "trib/node/uplink/uplink.h"
#include "trib/testing/fake_flash.h"

namespace trib::integration {
namespace {

using host::zmq::ClientSocket;
using host::zmq::LinkState;

constexpr std::uint32_t kSectors = 6;
constexpr std::uint32_t kSectorBytes = 4096;
constexpr std::uint32_t kProgramUnit = 8;

std::atomic<int> more{0};
std::atomic<bool> stop{false};

MonotonicTime Now() {
  return MonotonicTime(
      std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch()));
}

class CrowdClock final : public node::Clock {
 public:
  LogicalTime Now() override { return at_set_ + (Monotonic() - set_at_); }
  bool synchronised() override { return set_at_ != MonotonicTime(); }
  void SetTime(LogicalTime now) override {
    at_set_ = now;
    set_at_ = Monotonic();
  }
  MonotonicTime Monotonic() override { return integration::Now(); }

 private:
  LogicalTime at_set_{};
  MonotonicTime set_at_{};
};

class Ignore final : public node::uplink::DownlinkHandler {
 public:
  void OnConfiguration(const message::Configuration& /*configuration*/) override {}
  void OnVerdict(const message::Verdict& /*verdict*/) override {}
  void OnUpdateChunk(const message::UpdateChunk& /*chunk*/) override {}
};

message::Record FaultRecord(NodeId node, EnrolmentEpoch epoch, std::uint32_t sequence) {
  message::Record record;
  record.header.key = {node, epoch, 1, sequence};
  record.header.time = LogicalTime(Millis(1'750'000'000'000));
  record.kind = message::RecordKind::kFault;
  record.fault = {};
  record.fault.code = message::FaultCode::kSensorStuck;
  record.fault.detail = sequence;
  return record;
}

/// What all nodes of a crowd are given.
struct Shared {
  host::zmq::Context& context;
  std::string endpoint;
  host::zmq::CurvePublicKey server{};
};

std::unique_ptr<ClientSocket> Connect(const Shared& shared, NodeId node) {
  const auto curve = host::identity::ToCurve(CrowdKey(node.value()));
  std::string error;
  auto socket = ClientSocket::Open(shared.context,
                                   {curve.public_key.bytes, curve.secret_key.bytes},
                                   {.endpoint = shared.endpoint,
                                    .server_public_key = shared.server,
                                    .high_water_mark = 64,
                                    .reconnect_max = Millis(5'000),
                                    .seed = node.value()},
                                   error);
  if (!socket.ok()) {
    std::cerr << "node " << node.value() << ": " << error << std::endl;
    std::exit(1);
  }
  return *std::move(socket);
}

class Peer {
 public:
  virtual ~Peer() = default;
  virtual void Step(MonotonicTime now) = 0;
  virtual void More(std::uint32_t records) = 0;
  [[nodiscard]] virtual bool in_session() const = 0;
  [[nodiscard]] virtual std::uint64_t made() const = 0;
  [[nodiscard]] virtual std::uint64_t acknowledged() const = 0;
  [[nodiscard]] virtual std::uint64_t waiting() const = 0;
};

class HonestPeer final : public Peer {
 public:
  HonestPeer(const Shared& shared, NodeId node, std::uint32_t records, Millis interval)
      : node_(node),
        records_(records),
        interval_(interval),
        link_(Connect(shared, node), message::kMaxEnvelopeBytes),
        backlog_(flash_, {node::SectorIndex(0), kSectors}, storage_.memory()),
        uplink_(link_,
                clock_,
                backlog_,
                ignore_,
                {.node = node,
                 .seed = node.value(),
                 .hello_most = Millis(10'000),
                 .retransmit_most = Millis(20'000),
                 .silence_limit = Millis(20'000)},
                memory_) {
    if (!backlog_.Open(epoch_).ok()) {
      std::cerr << "no backlog" << std::endl;
      std::exit(1);
    }
    Introduce();
  }

  void Step(MonotonicTime now) override {
    (void)link_.socket().link();
    if (link_.socket().connections() > connections_) {
      connections_ = link_.socket().connections();
      Introduce();
    }
    if (made_ < records_ && now >= next_ &&
        uplink_.Append(FaultRecord(node_, epoch_, made_ + 1)).ok()) {
      ++made_;
      next_ = now + interval_;
    }
    uplink_.Step(now);
  }
  void More(std::uint32_t records) override { records_ += records; }
  bool in_session() const override { return uplink_.in_session(); }
  std::uint64_t made() const override { return made_; }
  std::uint64_t acknowledged() const override { return uplink_.metrics().acknowledged; }
  std::uint64_t waiting() const override { return records_ - acknowledged(); }

 private:
  void Introduce() {
    message::Hello hello;
    hello.epoch = epoch_;
    hello.boot = 1;
    uplink_.Introduce(hello);
  }

  const NodeId node_;
  const EnrolmentEpoch epoch_{7};
  std::uint32_t records_;
  const Millis interval_;
  std::uint32_t made_ = 0;
  MonotonicTime next_{};
  std::uint64_t connections_ = 0;
  testing::FakeFlash flash_{{kSectorBytes, kSectors, kProgramUnit}};
  node::sim::ZmqLink link_;
  CrowdClock clock_;
  Ignore ignore_;
  node::uplink::BacklogStorage<kSectors, kSectorBytes, message::kMaxRecordBytes + 32> storage_;
  std::array<std::byte, node::uplink::Uplink::kMessageBytes> memory_{};
  node::uplink::Backlog backlog_;
  node::uplink::Uplink uplink_;
};

enum class Flavour { kGreedy, kGarbage, kDeaf };

class HostilePeer final : public Peer {
 public:
  HostilePeer(const Shared& shared, NodeId node, Flavour flavour, Millis interval)
      : node_(node), flavour_(flavour), interval_(interval), socket_(Connect(shared, node)) {}

  void Step(MonotonicTime now) override {
    if (flavour_ != Flavour::kDeaf) {
      while (socket_->Receive().ok()) {
        ++answers_;
      }
    }
    if (socket_->link() != LinkState::kUp) {
      next_ = now;
      return;
    }
    if (socket_->connections() != greeted_) {
      greeted_ = socket_->connections();
      message::Hello hello;
      hello.epoch = EnrolmentEpoch(7);
      hello.boot = 1;
      (void)socket_->Send(host::message::EncodeHello(node_, hello));
    }
    const auto due = 100 * (now - next_).count() / std::max<std::int64_t>(interval_.count(), 1);
    for (std::int64_t i = 0; i < due; ++i) {
      made_ += socket_->Send(Message()).ok() ? 1U : 0U;
    }
    next_ = due > 0 ? now : next_;
  }
  void More(std::uint32_t /*records*/) override {}
  bool in_session() const override { return greeted_ > 0; }
  std::uint64_t made() const override { return made_; }
  std::uint64_t acknowledged() const override { return answers_; }
  std::uint64_t waiting() const override { return 0; }

 private:
  std::string Message() {
    if (flavour_ == Flavour::kGarbage) {
      std::string noise(1 + random_.Next() % 2000, '\x07');
      for (char& byte : noise) {
        byte = static_cast<char>(random_.Next());
      }
      noise[0] = '\x07';  // no field has this key
      return noise;
    }
    std::vector<std::string> sealed;
    for (std::uint32_t i = 0; i < 16; ++i) {
      // The same odd numbers again: each answer has to name sixteen ranges.
      const std::uint32_t sequence = flavour_ == Flavour::kDeaf ? 1 + 2 * i : ++sequence_;
      sealed.push_back(host::message::EncodeSealedRecord(
          host::message::EncodeRecord(FaultRecord(node_, EnrolmentEpoch(7), sequence))));
    }
    return host::message::EncodeRecords(node_, sealed);
  }

  const NodeId node_;
  const Flavour flavour_;
  const Millis interval_;
  std::unique_ptr<ClientSocket> socket_;
  SplitMix64 random_{node_.value()};
  MonotonicTime next_ = Now();
  std::uint64_t greeted_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint64_t made_ = 0;
  std::uint64_t answers_ = 0;
};

std::unique_ptr<Peer> MakePeer(const Shared& shared,
                               const std::string& flavour,
                               NodeId node,
                               std::uint32_t records,
                               Millis interval) {
  if (flavour == "honest") {
    return std::make_unique<HonestPeer>(shared, node, records, interval);
  }
  return std::make_unique<HostilePeer>(shared,
                                       node,
                                       flavour == "greedy"    ? Flavour::kGreedy
                                       : flavour == "garbage" ? Flavour::kGarbage
                                                              : Flavour::kDeaf,
                                       interval);
}

void Tell(const std::vector<std::unique_ptr<Peer>>& peers) {
  std::uint64_t sessions = 0;
  std::uint64_t made = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t waiting = 0;
  for (const auto& peer : peers) {
    sessions += peer->in_session() ? 1U : 0U;
    made += peer->made();
    acknowledged += peer->acknowledged();
    waiting += peer->waiting();
  }
  std::cout << R"({"sessions":)" << sessions << R"(,"made":)" << made << R"(,"acknowledged":)"
            << acknowledged << R"(,"waiting":)" << waiting << "}" << std::endl;
}

int Run(const std::vector<std::string>& arguments) {
  if (arguments.size() != 7) {
    std::cerr << "usage: crowd ENDPOINT GATEWAY.pub FIRST COUNT FLAVOUR RECORDS INTERVAL_MS\n";
    return 2;
  }
  (void)host::cli::RaiseFileLimit();
  std::string error;
  const auto key = host::identity::LoadPublicKey(arguments[1], &error);
  if (!key.ok()) {
    std::cerr << error << std::endl;
    return 1;
  }
  const std::uint64_t first = std::stoull(arguments[2]);
  const std::uint64_t count = std::stoull(arguments[3]);
  const auto records = static_cast<std::uint32_t>(std::stoul(arguments[5]));
  host::zmq::Context context(1, static_cast<int>(count));
  const Shared shared{context, arguments[0], host::identity::ToCurve(*key)->bytes};
  std::vector<std::unique_ptr<Peer>> peers;
  for (std::uint64_t i = 0; i < count && !stop; ++i) {
    peers.push_back(MakePeer(
        shared, arguments[4], NodeId(first + i), records, Millis(std::stoll(arguments[6]))));
  }
  MonotonicTime next_line{};
  while (!stop) {
    for (int i = more.exchange(0); i > 0; --i) {
      for (auto& peer : peers) {
        peer->More(records);
      }
    }
    const MonotonicTime now = Now();
    for (auto& peer : peers) {
      peer->Step(now);
    }
    if (now >= next_line) {
      next_line = now + Millis(500);
      Tell(peers);
    }
    // A turn's length is no promise to anybody: it only keeps the processor free for the gateway.
    std::this_thread::sleep_for(std::chrono::milliseconds(count > 200 ? 50 : 5));
  }
  return 0;
}

}  // namespace
}  // namespace trib::integration

int main(int argc, char** argv) {
  std::signal(SIGUSR1, [](int) { trib::integration::more.fetch_add(1); });
  std::signal(SIGTERM, [](int) { trib::integration::stop = true; });
  return trib::integration::Run({argv + 1, argv + argc});
}
