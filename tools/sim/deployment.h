#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plan.h"
#include "process_meter.h"
#include "relay.h"
#include "scenario.h"
#include "transport.h"
#include "trib/common/crypto/crypto.h"
#include "trib/common/host/zmq/client_socket.h"
#include "trib/tools/launcher/fleet.h"

namespace trib::tools::sim {

/// A node's real connection to its gateway.
class SocketTransport final : public Transport {
 public:
  explicit SocketTransport(std::unique_ptr<host::zmq::ClientSocket> socket)
      : socket_(std::move(socket)) {}
  bool Send(std::string_view message) override { return socket_->Send(message).ok(); }
  std::optional<std::string> Receive() override {
    auto message = socket_->Receive();
    return message.ok() ? std::optional(*std::move(message)) : std::nullopt;
  }
  [[nodiscard]] host::zmq::ClientSocket& socket() { return *socket_; }

 private:
  std::unique_ptr<host::zmq::ClientSocket> socket_;
};

/// The real processes around the simulated nodes: one cloud, a gateway per site, every node
/// enrolled, accepted and connected.
///
/// Errors   Functions give false and put one line into error().
/// Threads  One caller; a transport belongs to whoever uses its node.
class Deployment {
 public:
  struct Options {
    std::filesystem::path bin;
    std::filesystem::path folder;
    std::chrono::milliseconds limit{120'000};  ///< for each thing that is waited for
  };

  Deployment(const Scenario& scenario, std::span<const NodePlan> plan, Options options);
  ~Deployment();

  /// File descriptors that so many nodes take, the rest of the program included.
  static std::uint64_t DescriptorsFor(std::size_t nodes);

  /// Everything up to connected nodes.
  bool Start();
  [[nodiscard]] const std::vector<std::byte>& package() const { return package_; }
  [[nodiscard]] std::span<const crypto::PublicKey> package_keys() const { return package_keys_; }
  [[nodiscard]] SocketTransport& transport(std::size_t node) { return *transports_[node]; }

  bool KillGateway(std::uint32_t site);
  /// And waits until its nodes are connected again.
  bool RestartGateway(std::uint32_t site);
  bool KillCloud();
  bool RestartCloud();
  /// Cuts a site off the cloud, or lets it through again.
  void SetCloudLink(std::uint32_t site, bool open);

  /// Sizes and times of all processes, this one included.
  void Sample(ProcessMeter& meter, VirtualTime now);

  /// What the gateways say at the end, summed up over sites.
  struct GatewayTotals {
    std::map<std::uint32_t, std::uint64_t> dropped;  ///< by site: acknowledged, then given up
    std::uint64_t duplicates = 0;
    std::uint64_t commits = 0;
    std::uint64_t batches = 0;
    std::uint64_t stored = 0;
  };
  /// Waits until no spool holds anything, then asks.
  bool Settle(GatewayTotals& totals);
  bool Stop();

  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] std::filesystem::path store() const { return fleet_.File("cloud.db"); }
  /// A process that ended although nobody stopped it.
  std::optional<std::string> Casualty() { return fleet_.Casualty(); }

 private:
  bool Fail(std::string text);
  bool LoadPackage();
  bool OpenRelays();
  bool Enroll();
  bool AwaitRosters();
  bool Connect();
  bool AwaitConnected(std::optional<std::uint32_t> site);
  static std::uint64_t GatewayId(std::uint32_t site) { return site + 1; }

  const Scenario& scenario_;
  const std::span<const NodePlan> plan_;
  const Options options_;
  launcher::Fleet fleet_;
  host::zmq::Context context_;
  std::vector<crypto::KeyPair> keys_;
  std::vector<std::byte> package_;
  std::vector<crypto::PublicKey> package_keys_;
  std::map<std::uint32_t, std::unique_ptr<Relay>> relays_;  // of sites with outages of the cloud
  std::vector<std::unique_ptr<SocketTransport>> transports_;
  std::vector<std::uint64_t> connections_;  // of each node, before the last kill
  std::string error_;
};

}  // namespace trib::tools::sim
