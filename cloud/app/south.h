#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "store_loop.h"
#include "trib/cloud/registry/snapshot.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/common/host/zmq/server_socket.h"

namespace trib::cloud {

/// ZAP domain of the gateways' socket.
inline constexpr std::string_view kGatewayDomain = "gateway";

/// What ZAP binds to a gateway's key: its id and which key it was, so that a session that outlives
/// a change of keys is recognised.
std::string IdentityOf(GatewayId gateway, const PublicKey& key);

/// The south thread: receives from gateways, lets ingest judge, sends acknowledgements and rosters.
///
/// Threads  Start(), Wake(), SetSnapshot() and the Stop functions from any thread.
class South {
 public:
  South(std::unique_ptr<host::zmq::ServerSocket> socket, StoreLoop& store);
  ~South();

  void Start();
  /// No more messages are taken; answers still go out.
  void StopReading();
  /// Sends what answers there are, then ends the thread.
  void Stop();

  void Wake() { wake_up_.Notify(); }
  void SetSnapshot(std::shared_ptr<const registry::Snapshot> snapshot);
  [[nodiscard]] const std::string& endpoint() const { return socket_->endpoint(); }
  [[nodiscard]] std::size_t connected() const { return connected_; }

 private:
  struct Session {
    std::string routing_id;
    std::string identity;
    /// What the gateway has, or was sent. 0 until its Hello: a connection that ZeroMQ renewed by
    /// itself may start with a batch, and one roster too many does no harm.
    std::uint64_t roster_version = 0;
  };

  void Run();
  void Receive();
  void Handle(host::zmq::ReceivedMessage message);
  void HandleHello(GatewayId gateway, Session& session, std::uint64_t roster_version);
  void SendAnswers();
  void SendRosters();
  std::shared_ptr<const registry::Snapshot> snapshot() const;

  const std::unique_ptr<host::zmq::ServerSocket> socket_;  // south thread, after Start()
  StoreLoop& store_;
  host::zmq::WakeUp wake_up_;
  std::map<std::uint64_t, Session> sessions_;  // south thread
  std::unique_ptr<PendingBatch> held_;         // south thread: decoded, but the queue was full
  std::atomic<bool> reading_{true};
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> connected_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<const registry::Snapshot> snapshot_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace trib::cloud
