#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trib/common/host/message/chunk_assembler.h"
#include "trib/common/host/message/codec.h"
#include "trib/common/status/result.h"
#include "trib/gateway/link/metrics.h"
#include "trib/gateway/link/seen_set.h"
#include "trib/gateway/link/types.h"

namespace trib::gateway::link {

/// The sessions of all nodes of a site: bytes in, valid records and answers out.
///
/// A message counts only when its authenticated identity is in the roster and is the node that the
/// envelope names. A record is acknowledged when Settle() says that it is durable, and not before;
/// one that can never be taken is refused by its key, so that the node stops sending it.
///
/// Memory   Bounded by Options and the roster: per session one Hello, the seen set and at most
///          2 x credit_bytes of pending keys' records; chunks as ChunkAssembler::Limits.
/// Threads  One caller at a time. Owns no socket and reads no clock.
/// Order    Nothing depends on order; resending anything is harmless.
class Link {
 public:
  explicit Link(const Options& options);

  /// Replaces the nodes that may talk. Sessions of nodes that are gone end at once; records of
  /// theirs that were offered before still settle.
  void SetRoster(std::span<const NodeId> nodes);

  /// Takes one message. `user_id` is what ZAP bound to the peer's key.
  void Receive(std::string_view routing_id,
               std::string_view user_id,
               std::string_view bytes,
               const Now& now,
               Output& out);

  /// Takes what became of offered records; acknowledges the durable ones.
  void Settle(std::span<const Settled> settled, Output& out);

  /// Passes an encoded envelope to a node. @returns kNotFound without a session.
  Status SendDown(NodeId node, std::string_view envelope, Output& out);

  /// Gives up unfinished transfers. Call about once a second.
  void Tick(const Now& now);

  [[nodiscard]] const Metrics& metrics() const { return metrics_; }
  [[nodiscard]] std::vector<SessionInfo> sessions() const;
  /// Offered and not settled.
  [[nodiscard]] std::size_t pending() const { return pending_; }

 private:
  struct Session {
    explicit Session(std::size_t seen_keys) : seen(seen_keys) {}
    std::string routing_id;
    EnrolmentEpoch epoch;
    std::uint32_t boot = 0;
    std::uint32_t firmware_version = 0;
    MonotonicTime last_seen{};
    SeenSet seen;
    std::map<message::RecordKey, std::size_t> pending;  // bytes of each
    std::size_t pending_bytes = 0;
    std::uint64_t records = 0;
    std::uint32_t strikes = 0;
    std::optional<MonotonicTime> closed_until;
  };
  struct Answer {
    message::RecordKey key;
    message::RefusalReason refusal = message::RefusalReason::kUnspecified;
    friend auto operator<=>(const Answer&, const Answer&) = default;
  };
  using Answers = std::vector<Answer>;

  Session* FindOrOpen(NodeId node);
  void Strike(Session& session, const Now& now);
  void TakeHello(
      NodeId node, Session& session, const message::Hello& hello, const Now& now, Output& out);
  void TakeRecord(NodeId node,
                  Session& session,
                  std::string sealed,
                  std::size_t limit,
                  const Now& now,
                  Answers& answers,
                  Output& out);
  void TakeChunk(NodeId node,
                 Session& session,
                 const host::message::Uplink::ChunkData& chunk,
                 const Now& now,
                 Answers& answers,
                 Output& out);
  void Refuse(const message::RecordKey& key, message::RefusalReason reason, Answers& answers);
  void SendAcks(NodeId node, const Session& session, Answers& answers, Output& out);

  Options options_;
  std::set<NodeId> roster_;
  std::map<NodeId, Session> sessions_;
  host::message::ChunkAssembler assembler_;
  std::size_t pending_ = 0;
  Metrics metrics_;
};

}  // namespace trib::gateway::link
