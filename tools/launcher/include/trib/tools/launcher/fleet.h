#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/crypto/crypto.h"
#include "trib/common/host/zmq/context.h"
#include "trib/tools/launcher/process.h"

namespace trib::tools::launcher {

/// A whole deployment on this machine, made of the real programs: one cloud, gateways and nodes,
/// each with a fresh key of its own, in one folder. Used by the demo and the integration tests.
///
/// Errors   Functions give false (or nullopt) and put one line for a person into error().
/// Threads  One caller.
/// State    The destructor kills whatever still runs; Stop() ends it in the order of the flow.
class Fleet {
 public:
  struct Options {
    std::filesystem::path bin;     ///< where trib-cloud, trib-gateway and trib-node are
    std::filesystem::path folder;  ///< exists and is empty: keys, configuration, state, logs
    std::chrono::milliseconds start_limit{60'000};
    std::string gateway_spool = {};  ///< more lines for every gateway's [spool] table
    std::string cloud_store = {};    ///< more lines for the cloud's [store] table
    /// Lines of the cloud's [drift] table; the package key is trusted for it. Empty: as it is by
    /// default.
    std::string cloud_drift = {};
    std::string gateway_south = {};  ///< the same for [south]
    /// Lines of a [tails] table, e.g. "directory = \"tails\"\n"; the package key is trusted. Empty:
    /// no such table.
    std::string gateway_tails = {};
    std::string cloud_tails = {};
    /// Wires of every gateway, e.g. "tcp://127.0.0.1:*", which keep their ports when it is started
    /// again. Empty: none.
    std::vector<std::string> gateway_serial = {};
    std::vector<std::uint64_t> serial_nodes = {};  ///< who may speak over them
  };

  /// What one node plays and how.
  struct NodeRun {
    std::vector<std::string> arguments;  ///< more command line, e.g. --replay MANIFEST
    std::string package = {};            ///< a signed package; empty: built-in rules only
    /// A wire's endpoint instead of the gateway's socket: gateway_serial(), or a LinkSim's. Empty:
    /// no wire.
    std::string serial = {};
  };

  /// A node on an emulated board, or its twin on this machine.
  struct BoardRun {
    std::string board;                   ///< "mps2-an386" or "mps3-an547"
    std::filesystem::path image;         ///< flat; ImagePath() of board.h
    std::vector<std::string> arguments;  ///< more of trib board image, e.g. --generate SEED
    std::string package = {};            ///< a signed package; empty: built-in rules only
    std::string serial = {};             ///< a wire's endpoint; empty: the gateway's first
  };

  explicit Fleet(Options options);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  [[nodiscard]] const std::string& error() const { return error_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return options_.folder; }

  /// Makes the operator's, the cloud's and the package signer's key.
  bool MakeKeys();
  /// Builds `spec` and signs it with the package key. @returns the file.
  std::optional<std::filesystem::path> SignedPackage(const std::filesystem::path& spec);
  /// Signs a head package with the package key and gives it, with its tail, to all daemons that are
  /// started from now on. @returns the signed head, for nodes.
  std::optional<std::filesystem::path> AddNetwork(const std::filesystem::path& head,
                                                  const std::filesystem::path& tail);

  /// More environment ("NAME=VALUE") for the program of this name ("cloud", "gateway-1",
  /// "node-101") from its next start on.
  void SetEnvironment(const std::string& name, std::vector<std::string> variables) {
    environments_[name] = std::move(variables);
  }
  /// A restarted daemon takes the port that it had.
  bool StartCloud();
  bool StartGateway(std::uint64_t id);
  bool StartNode(std::uint64_t id, const NodeRun& run);
  /// Makes the board's memory, BoardMemoryFile(), unless it is there.
  bool MakeBoardMemory(std::uint64_t id, const BoardRun& run);
  /// The same, and powers the board up.
  bool StartBoard(std::uint64_t id, const BoardRun& run);
  /// The same node, memory, package and samples as a process of trib-node; over `serial`, or, when
  /// that is empty, as other nodes.
  bool StartTwin(std::uint64_t id, const BoardRun& run);
  [[nodiscard]] std::filesystem::path BoardMemoryFile(std::uint64_t id) const;
  /// What a board's image says.
  [[nodiscard]] std::filesystem::path BoardConsole(std::uint64_t id) const;
  /// A gateway started from now on reaches the cloud through `endpoint`, e.g. a relay.
  void SetNorth(std::uint64_t gateway, std::string endpoint) {
    gateways_[gateway].north = std::move(endpoint);
  }

  /// Makes a key (unless there is one), enrols and accepts it at the running cloud.
  bool AdmitGateway(std::uint64_t id);
  bool AdmitNode(std::uint64_t id, std::uint64_t gateway);

  [[nodiscard]] Process* cloud() { return cloud_ ? &*cloud_ : nullptr; }
  [[nodiscard]] Process* gateway(std::uint64_t id);
  [[nodiscard]] Process* node(std::uint64_t id);

  /// Calls the cloud's or a gateway's admin socket as the operator; null and error() on failure.
  nlohmann::json CallCloud(std::string_view call, const nlohmann::json& arguments);
  nlohmann::json CallGateway(std::uint64_t id,
                             std::string_view call,
                             const nlohmann::json& arguments);

  /// A process that ended although nobody stopped it, e.g. "gateway-2: exit code 1: <last log>".
  std::optional<std::string> Casualty();
  /// Nodes, then gateways, then the cloud. @returns false when one had to be killed or failed.
  bool Stop(std::chrono::milliseconds grace);

  [[nodiscard]] std::filesystem::path File(std::string_view name) const;
  [[nodiscard]] const std::string& cloud_admin() const { return cloud_endpoints_.admin; }
  [[nodiscard]] const std::string& cloud_south() const { return cloud_endpoints_.south; }
  [[nodiscard]] const std::string& gateway_south(std::uint64_t id) {
    return gateways_[id].endpoints.south;
  }
  /// The first of Options::gateway_serial with its actual port; empty without one.
  [[nodiscard]] std::string gateway_serial(std::uint64_t id) {
    const auto& serial = gateways_[id].endpoints.serial;
    return serial.empty() ? std::string() : serial.front();
  }
  [[nodiscard]] std::uint64_t gateway_of(std::uint64_t node) { return nodes_[node].gateway; }
  /// The program's path in `bin`.
  [[nodiscard]] std::string Program(std::string_view name) const;

 private:
  static std::string NodeName(std::uint64_t id);

  struct Endpoints {
    std::string south = "tcp://127.0.0.1:*";
    std::string admin = "tcp://127.0.0.1:*";
    std::vector<std::string> serial = {};
  };
  struct Gateway {
    Endpoints endpoints;
    std::string north;  // empty: the cloud itself
    std::optional<Process> process;
  };
  struct Node {
    std::uint64_t gateway = 0;
    std::optional<Process> process;
  };

  bool Fail(std::string text);
  bool MakeKey(std::string_view name);
  std::string PublicKeyHex(std::string_view name);
  bool Write(std::string_view name, const std::string& text);
  bool RunTrib(const std::vector<std::string>& arguments);
  std::vector<std::string> WayToGateway(std::uint64_t id, const std::string& serial);
  bool Sign(const std::filesystem::path& package, const std::filesystem::path& out);
  std::string TailsTable(const std::string& lines);
  std::string SerialTable(Endpoints& endpoints) const;
  bool StartDaemon(std::string_view program,
                   const std::string& name,
                   std::optional<Process>& process,
                   Endpoints& endpoints);
  bool Admit(const nlohmann::json& device);
  nlohmann::json Call(const std::string& endpoint,
                      std::string_view server,
                      std::string_view call,
                      const nlohmann::json& arguments);

  Options options_;
  std::map<std::string, std::vector<std::string>> environments_;
  std::string error_;
  host::zmq::Context context_;
  Endpoints cloud_endpoints_;
  std::optional<Process> cloud_;
  std::map<std::uint64_t, Gateway> gateways_;
  std::map<std::uint64_t, Node> nodes_;
};

}  // namespace trib::tools::launcher
