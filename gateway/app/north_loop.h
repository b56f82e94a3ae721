#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mailbox.h"
#include "snapshot.h"
#include "trib/common/host/zmq/client_socket.h"
#include "trib/common/host/zmq/poller.h"
#include "trib/gateway/forward/forward.h"
#include "trib/gateway/spool/types.h"

namespace trib::gateway {

/// The thread that talks to the cloud: owns the DEALER and forward.
///
/// Threads  Peeked(), Grew(), RosterStored() and Report() from any.
class NorthLoop {
 public:
  struct Callbacks {
    std::function<void(const forward::Wanted&)> ask;
    std::function<void(std::vector<std::int64_t>, std::vector<std::int64_t>)> forget;
    std::function<void(forward::Roster)> roster;
    std::function<bool(forward::Downlink)> downlink;
  };

  NorthLoop(std::unique_ptr<host::zmq::ClientSocket> socket,
            const forward::Options& options,
            std::uint64_t roster_version,
            std::uint64_t seed,
            Callbacks callbacks);
  ~NorthLoop() { Stop(); }
  NorthLoop(const NorthLoop&) = delete;
  NorthLoop& operator=(const NorthLoop&) = delete;

  void Run();
  void Stop();

  void Peeked(std::vector<spool::Stored> records, const spool::DropTotals& drops);
  /// The spool has so many records more. A full batch's worth, or the first after a quiet while, is
  /// looked at once; what trickles in is gathered for kGather, as every batch costs both sides.
  void Grew(std::size_t records);
  void RosterStored(std::uint64_t version);
  void Report(std::string report);

  [[nodiscard]] NorthSnapshot snapshot() const { return published_.Get(); }

 private:
  struct Mail {
    enum class Kind : std::uint8_t { kPeeked, kRosterStored, kReport };
    Kind kind = Kind::kPeeked;
    std::vector<spool::Stored> records;
    spool::DropTotals drops;
    std::uint64_t version = 0;
    std::string report;
  };
  void Work();
  void WatchLink(MonotonicTime now);
  void TakeMail(MonotonicTime now, forward::Output& out);
  void Flush(forward::Output& out);
  void Publish();

  std::unique_ptr<host::zmq::ClientSocket> socket_;
  const Callbacks callbacks_;
  forward::Forward forward_;
  NorthSnapshot counters_;
  std::uint64_t connections_ = 0;
  host::zmq::WakeUp wake_up_;
  Mailbox<Mail> mail_;
  const std::size_t full_batch_;
  std::atomic<std::size_t> grew_{0};
  MonotonicTime next_nudge_{};
  Published<NorthSnapshot> published_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace trib::gateway
