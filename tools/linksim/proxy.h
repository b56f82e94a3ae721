#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "air.h"
#include "trib/common/host/serial/client.h"
#include "trib/common/host/serial/descriptors.h"
#include "trib/common/host/serial/endpoint.h"

namespace trib::tools::linksim {

struct ProxyOptions {
  host::serial::Endpoint listen = {};   ///< where nodes connect
  host::serial::Endpoint connect = {};  ///< the gateway's wire
  std::uint64_t seed = 0;
  AirOptions air;
};

struct ProxyTotals {
  std::uint64_t connections = 0;  ///< of nodes, since the start
  std::uint64_t open = 0;         ///< now
  AirMetrics up;                  ///< from nodes, of all connections
  AirMetrics down;                ///< to nodes
};

/// Wires between nodes and a gateway: for each node that connects, one connection to the gateway
/// and the air between them. While the gateway is away what is sent to it is lost, and the node's
/// connection stays, as that to a radio would.
///
/// Threads  One.
class Proxy {
 public:
  /// @returns null, with one line in `error`, when it cannot listen.
  static std::unique_ptr<Proxy> Open(const ProxyOptions& options, std::string& error);

  /// The endpoint with its actual port.
  [[nodiscard]] std::string endpoint() const { return ToText(options_.listen); }
  /// Moves bytes until `until` has passed or something can be read from `stop_fd`.
  /// @returns false in the latter case.
  bool Run(int stop_fd, std::optional<Time> until);
  [[nodiscard]] ProxyTotals totals() const;

 private:
  struct Connection {
    Connection(host::serial::Descriptor accepted,
               std::unique_ptr<host::serial::Client> opened,
               const ProxyOptions& options,
               std::uint64_t number);
    host::serial::Descriptor node;
    std::unique_ptr<host::serial::Client> gateway;
    Air up;
    Air down;
    // Arrived, not taken by the other end yet.
    Bytes to_node;
    Bytes to_gateway;
  };

  Proxy(const ProxyOptions& options, host::serial::Descriptor listener)
      : options_(options), listener_(std::move(listener)) {}
  void Accept();
  /// @returns false when the node has gone.
  static bool Move(Connection& connection, Time now);
  void Wait(int stop_fd, std::optional<Time> until, Time now, bool& stopped);

  const ProxyOptions options_;
  host::serial::Descriptor listener_;
  std::map<std::uint64_t, Connection> connections_;  // by number
  ProxyTotals totals_;                               // of those that are gone
};

/// Of this process's start.
Time Now();

}  // namespace trib::tools::linksim
