#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "trib/common/host/recording/manifest.h"
#include "trib/tools/launcher/fleet.h"

namespace trib::integration {

/// Generous: a loaded machine is slow, and what hangs is ended by the test's CTest timeout.
inline constexpr std::chrono::milliseconds kLong{120'000};

/// A deployment of the real programs in a folder of its own, and the questions that every scenario
/// asks of its store. Each test starts with the keys made and the cloud running.
class River : public ::testing::Test {
 protected:
  void SetUp() override;
  /// Keeps the folder, and says where, when the test failed.
  void TearDown() override;

  /// More of the fleet's options: set before River::SetUp(), which fills `bin` and `folder`.
  tools::launcher::Fleet::Options options_;

  tools::launcher::Fleet& fleet() { return *fleet_; }
  void StartGateway(std::uint64_t id);
  void KillGateway(std::uint64_t id) { fleet().gateway(id)->Kill(); }
  void RestartGateway(std::uint64_t id);
  void RestartCloud();

  /// The reference package, signed by this deployment; it reports far more often than in the field,
  /// so that a short run makes many records.
  const std::string& package();
  /// The reference package as it is, signed by this deployment.
  std::string ReferencePackage();
  /// Arguments of a generated machine that plays as fast as it can and ends when all is acked.
  static std::vector<std::string> Generated(std::uint64_t seed, double seconds);
  /// A playlist of real recordings for a node; nullopt where they are missing.
  std::optional<std::vector<std::string>> Recorded(std::uint64_t node, std::size_t variant);
  std::optional<host::recording::Manifest> MachineLife(std::size_t variant);
  std::vector<std::string> Replay(std::uint64_t node, const host::recording::Manifest& playlist);

  /// Enrols and accepts; returns when the gateway's roster has the node.
  void Admit(std::uint64_t node, std::uint64_t gateway);
  /// `package` is a signed package; empty stands for package(). `serial` is a wire's endpoint;
  /// empty stands for the gateway's socket.
  void StartNode(std::uint64_t node,
                 std::vector<std::string> arguments,
                 const std::string& package = "",
                 const std::string& serial = "");
  /// Waits until the node has ended by itself; its last report.
  nlohmann::json AwaitNode(std::uint64_t node);
  /// The newest report so far of a running node.
  nlohmann::json Report(std::uint64_t node);
  /// Waits until the node has made at least this many records.
  void AwaitRecords(std::uint64_t node, std::uint64_t records);

  nlohmann::json CloudStats();
  nlohmann::json GatewayStats(std::uint64_t id);
  /// Records waiting in a gateway's spool.
  std::uint64_t Spooled(std::uint64_t gateway);
  std::uint64_t StoredRecords();
  void AwaitStored(std::uint64_t records);

  /// One row of the store: all records of a node's boot.
  struct Boot {
    std::int64_t epoch = 0;
    std::int64_t boot = 0;
    std::uint64_t records = 0;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };
  std::vector<Boot> BootsOf(std::uint64_t node);
  /// The store holds exactly the sequences 1..`records` of one boot of the node.
  void ExpectExactlyOnce(std::uint64_t node, std::uint64_t records);
  /// First column of the first row; the store is opened read-only.
  std::int64_t Query(const std::string& sql);

 private:
  std::filesystem::path folder_;
  std::unique_ptr<tools::launcher::Fleet> fleet_;
  std::string package_;
  std::map<std::uint64_t, nlohmann::json> reports_;
};

}  // namespace trib::integration
