#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mailbox.h"
#include "snapshot.h"
#include "trib/common/base/ids.h"
#include "trib/common/host/serial/server.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/common/host/zmq/server_socket.h"
#include "trib/gateway/aggregate/aggregate.h"
#include "trib/gateway/drift/drift.h"
#include "trib/gateway/forward/types.h"
#include "trib/gateway/link/link.h"
#include "trib/gateway/spool/types.h"

namespace trib::gateway {

/// The thread that talks to nodes: owns the ROUTER, the serial wires, link, aggregate and drift.
///
/// Threads  Settle(), SetRoster() and SendDown() from any.
class SouthLoop {
 public:
  struct Callbacks {
    std::function<void(std::vector<spool::Item>)> append;
    std::function<void(std::string)> report;  ///< an encoded SiteReport
    std::function<std::uint64_t()> spool_depth;
    std::function<std::uint64_t()> spool_room;  ///< bytes of records; 0 while it takes none
  };

  /// A node that may talk, and what ZAP calls the peer that holds the node's key of today.
  struct Member {
    NodeId node;
    std::string identity;
  };

  /// `serial`: null without wires. `defer`: activations wait in the spool for the tail.
  SouthLoop(std::unique_ptr<host::zmq::ServerSocket> socket,
            std::unique_ptr<host::serial::Server> serial,
            const link::Options& options,
            GatewayId gateway,
            bool defer,
            Callbacks callbacks);
  ~SouthLoop() { Stop(); }
  SouthLoop(const SouthLoop&) = delete;
  SouthLoop& operator=(const SouthLoop&) = delete;

  void Run(const std::vector<Member>& roster);
  /// Reads no more, acknowledges what the spool still settles, then ends the thread.
  void Stop();

  void Settle(std::vector<spool::Item> items, std::vector<spool::Outcome> outcomes);
  /// Connections that stand are held to it too: of revoked nodes, and of keys that were replaced.
  void SetRoster(std::vector<Member> members);
  /// @returns false when too many wait: the downlink is dropped.
  bool SendDown(forward::Downlink downlink);

  [[nodiscard]] SouthSnapshot snapshot() const { return published_.Get(); }
  [[nodiscard]] SouthLists lists() const { return lists_.Get(); }

 private:
  struct Settlement {
    std::vector<spool::Item> items;
    std::vector<spool::Outcome> outcomes;
  };
  void Work();
  void Apply(const std::vector<Member>& roster);
  void TakeMail(link::Output& out);
  void PassDown(link::Output& out);
  /// @returns how many messages there were.
  std::size_t Read(link::Output& out);
  std::size_t ReadWires(link::Output& out);
  std::size_t ReadBoth(link::Output& out);
  /// Waits for the members of `poller`, and until wires are due.
  void Wait(host::zmq::Poller& poller, Millis limit);
  Status Send(const link::Outgoing& outgoing);
  void Flush(link::Output& out);
  void EndTurn(link::Output& out);
  void EverySecond(link::Output& out);
  void Publish();
  [[nodiscard]] bool Behind() const;

  std::unique_ptr<host::zmq::ServerSocket> socket_;
  std::unique_ptr<host::serial::Server> serial_;
  bool wires_first_ = false;
  bool wires_unread_ = false;  // reading them stopped before their last message
  const GatewayId gateway_;
  const bool defer_;
  const std::uint64_t memory_bytes_;
  const Callbacks callbacks_;
  link::Link link_;
  aggregate::Aggregate aggregate_;
  drift::Drift drift_;
  std::map<std::string, std::string, std::less<>> users_;  // identity -> node id in decimal
  SouthSnapshot counters_;  // the fields that this loop counts itself
  MonotonicTime next_lists_{};
  MonotonicTime next_publish_{};
  MonotonicTime next_second_{};
  host::zmq::WakeUp wake_up_;
  Mailbox<Settlement> settlements_;
  Mailbox<std::vector<Member>> rosters_;
  Mailbox<forward::Downlink> downlinks_;
  std::vector<forward::Downlink> waiting_down_;  // as much as one turn gives a node is on its way
  Published<SouthSnapshot> published_;
  Published<SouthLists> lists_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace trib::gateway
