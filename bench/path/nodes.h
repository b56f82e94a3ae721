#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "bare_curve.h"
#include "records.h"
#include "trib/common/message/types.h"

namespace trib::bench::path {

/// Nodes that send what they have as fast as the gateway's credit lets them, and again what was not
/// acknowledged in time: a node's uplink without the node.
///
/// Threads  One caller.
class Nodes {
 public:
  /// Nodes `first`..., `records` per envelope. Waits until all have said Hello and were answered.
  Nodes(const std::string& endpoint,
        const KeyBytes& gateway_key,
        std::uint64_t first,
        std::size_t count,
        std::size_t records);

  /// Sends and listens for so long.
  void Pump(double seconds);
  /// Listens, and sends again, until everything is acknowledged.
  void Drain();

  /// One envelope of node `i`, if its credit allows. @returns whether it went.
  bool SendOne(std::size_t i);
  /// Takes what is there for node `i`. @returns whether there was something.
  bool Listen(std::size_t i);
  bool WaitFor(std::size_t i, int most_ms) { return dealers_.WaitReadable(i, most_ms); }

  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }    ///< records, each counted once
  [[nodiscard]] std::uint64_t acked() const { return acked_; }  ///< records
  [[nodiscard]] std::uint64_t resent() const { return resent_; }
  [[nodiscard]] std::size_t open(std::size_t i) const { return nodes_[i].open.size(); }
  /// The last sequence that node `i` sent.
  [[nodiscard]] std::uint32_t last_sequence(std::size_t i) const { return nodes_[i].next - 1; }

 private:
  struct Open {
    std::uint32_t first = 0;
    std::uint32_t waiting = 0;  ///< bit per record
  };
  struct Node {
    EnvelopeTemplate envelope;
    std::uint64_t id = 0;
    std::uint32_t next = kFirstSequence;
    bool answered = false;  ///< its Hello was
    std::size_t credit = 0;
    std::deque<Open> open = {};
    double sent_at_s = 0;
  };
  void Take(Node& node, const message::Downlink& down);
  void SendAgain(std::size_t i);

  Dealers dealers_;
  std::vector<Node> nodes_;
  Stopwatch clock_;
  std::string bytes_;
  std::uint64_t sent_ = 0;
  std::uint64_t acked_ = 0;
  std::uint64_t resent_ = 0;
};

}  // namespace trib::bench::path
