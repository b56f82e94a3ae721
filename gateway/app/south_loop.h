#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mailbox.h"
#include "snapshot.h"
#include "trib/common/base/ids.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/common/host/zmq/server_socket.h"
#include "trib/gateway/aggregate/aggregate.h"
#include "trib/gateway/link/link.h"
#include "trib/gateway/spool/types.h"

namespace trib::gateway {

/// The thread that talks to nodes: owns the ROUTER, link and aggregate.
///
/// Threads  Settle(), SetRoster() and SendDown() from any.
class SouthLoop {
 public:
  struct Callbacks {
    std::function<void(std::vector<spool::Item>)> append;
    std::function<void(std::string)> report;  ///< an encoded SiteReport
    std::function<std::uint64_t()> spool_depth;
  };

  SouthLoop(std::unique_ptr<host::zmq::ServerSocket> socket,
            const link::Options& options,
            GatewayId gateway,
            Callbacks callbacks);
  ~SouthLoop() { Stop(); }
  SouthLoop(const SouthLoop&) = delete;
  SouthLoop& operator=(const SouthLoop&) = delete;

  void Run(std::vector<NodeId> roster);
  /// Reads no more, acknowledges what the spool still settles, then ends the thread.
  void Stop();

  void Settle(std::vector<spool::Item> items, std::vector<spool::Outcome> outcomes);
  void SetRoster(std::vector<NodeId> nodes);
  /// @returns false when too many wait: the downlink is dropped.
  bool SendDown(NodeId node, std::string envelope);

  [[nodiscard]] SouthSnapshot snapshot() const { return published_.Get(); }

 private:
  struct Settlement {
    std::vector<spool::Item> items;
    std::vector<spool::Outcome> outcomes;
  };
  void Work();
  void TakeMail(link::Output& out);
  void Read(link::Output& out);
  void Flush(link::Output& out);
  void EverySecond();
  void Publish();

  std::unique_ptr<host::zmq::ServerSocket> socket_;
  const GatewayId gateway_;
  const Callbacks callbacks_;
  link::Link link_;
  aggregate::Aggregate aggregate_;
  SouthSnapshot counters_;  // the fields that this loop counts itself
  host::zmq::WakeUp wake_up_;
  Mailbox<Settlement> settlements_;
  Mailbox<std::vector<NodeId>> rosters_;
  Mailbox<std::pair<NodeId, std::string>> downlinks_;
  Published<SouthSnapshot> published_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace trib::gateway
