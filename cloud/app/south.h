#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

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

/// What the south thread counts. Any thread may read it.
struct SouthCounters {
  std::atomic<std::uint64_t> pauses{0};           ///< credit 0 told
  std::atomic<std::uint64_t> grants{0};           ///< pauses ended
  std::atomic<std::uint64_t> batches_again{0};    ///< came again before they were answered: dropped
  std::atomic<std::uint64_t> batches_over{0};     ///< beyond the credit: dropped
  std::atomic<std::uint64_t> batches_refused{0};  ///< the store's queue was full: sent again later
  std::atomic<std::uint64_t> sessions_closed{0};  ///< for a while, because of abuse
  std::atomic<std::uint64_t> wrong_server_key{0};  ///< connections: host::zmq::ServerCounts
  std::atomic<std::uint64_t> wrong_protocol{0};
  std::atomic<std::uint64_t> accept_failures{0};
  std::atomic<std::uint64_t> downlinks{0};
  std::atomic<std::uint64_t> downlinks_dropped{0};  ///< no such gateway here, or too many wait
  std::atomic<std::uint64_t> sends_failed{0};       ///< the gateway does not read, or is gone
};

/// The south thread: receives from gateways, lets ingest judge, sends acknowledgements and rosters.
///
/// Credit   In batches, from the free places in the store's queue, shared by the gateways heard of
///          within a minute; 0 while there is none or the disk refuses. Paused gateways are granted
///          anew in the order in which they were paused, as soon as there is room. Rules:
///          docs/formats/messages.md 5a.
/// Memory   Per gateway one Session: at most `credit` batch numbers; and in its ZeroMQ pipe
///          receive_high_water x 1 MiB; as many answers as batches.
/// Threads  Start(), Wake(), SetSnapshot() and the Stop functions from any thread.
class South {
 public:
  South(std::unique_ptr<host::zmq::ServerSocket> socket, StoreLoop& store, std::uint32_t credit);
  ~South();

  void Start();
  /// No more messages are taken; answers still go out.
  void StopReading();
  /// Sends what answers there are, then ends the thread.
  void Stop();

  void Wake() { wake_up_.Notify(); }
  void SetSnapshot(std::shared_ptr<const registry::Snapshot> snapshot);
  /// Has an encoded Envelope passed to the node by its gateway, best effort: dropped and counted
  /// when the gateway is away, or kMaxDownlinks wait.
  /// Threads  Any.
  void SendDown(NodeId node, EnrolmentEpoch epoch, std::string envelope);
  [[nodiscard]] const std::string& endpoint() const { return socket_->endpoint(); }
  [[nodiscard]] std::size_t connected() const { return connected_; }
  [[nodiscard]] std::size_t paused() const { return paused_; }
  [[nodiscard]] const SouthCounters& counters() const { return counters_; }

 private:
  struct Session {
    std::string routing_id;
    std::string identity;
    /// What the gateway has, or was sent. 0 until its Hello: a connection that ZeroMQ renewed by
    /// itself may start with a batch, and one roster too many does no harm.
    std::uint64_t roster_version = 0;
    std::set<std::uint64_t> open;  // batches taken and not answered
    MonotonicTime heard{};
    std::uint64_t paused = 0;   // its place in the queue of those who wait for credit; 0: does not
    bool misnamed = false;      // its Hello named another gateway than its key's
    std::uint32_t strikes = 0;  // refused envelopes in a row
    std::uint32_t excess = 0;   // batches beyond the credit since the last one within it
    std::optional<MonotonicTime> closed_until;
  };

  void Run();
  void Receive();
  void Handle(const host::zmq::ReceivedMessage& message);
  void HandleHello(GatewayId gateway, Session& session, std::uint64_t roster_version);
  void HandleBatch(Session& session, Batch batch, std::size_t bytes);
  void Refuse(GatewayId gateway, Session& session, const char* reason);
  void Close(Session& session);
  std::uint32_t CreditOf(Session& session);
  void SendCredit(Session& session);
  void SendGrants();
  void SendAnswers();
  void SendDownlinks();
  void SendRosters();
  std::shared_ptr<const registry::Snapshot> snapshot() const;

  const std::unique_ptr<host::zmq::ServerSocket> socket_;  // south thread, after Start()
  StoreLoop& store_;
  const std::uint32_t credit_;
  host::zmq::WakeUp wake_up_;
  std::map<std::uint64_t, Session> sessions_;  // south thread
  std::uint64_t next_pause_ = 1;               // south thread
  bool told_blocked_ = false;                  // south thread
  std::size_t active_ = 1;                     // south thread: gateways heard of within a minute
  SouthCounters counters_;
  std::atomic<std::size_t> paused_{0};
  std::atomic<bool> reading_{true};
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> connected_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<const registry::Snapshot> snapshot_;  // guarded by mutex_
  struct Down {
    NodeId node;
    EnrolmentEpoch epoch;
    std::string envelope;
  };
  std::vector<Down> downlinks_;          // guarded by mutex_
  std::vector<Down> waiting_down_;       // south thread: the gateway's pipe was full
  std::vector<Answer> waiting_answers_;  // the same; of batches that are open
  std::thread thread_;
};

}  // namespace trib::cloud
