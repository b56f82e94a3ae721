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
/// Credit   CreditBook shares out what the gateway can take. A record beyond its node's credit is
///          counted and dropped, unacknowledged, and the node told its credit (once a second); who
///          goes on is closed for `penalty`. So is a peer that sends garbage or reads no answers.
///
/// Memory   Per session at most 0.5 KiB + 64 x 80 B (seen set) + pending_records x 96 B (keys that
///          wait); the waiting records themselves at most max(credit, one record) each, and in sum
///          what CreditBook promises: memory_bytes. Chunks as ChunkAssembler::Limits. Sessions at
///          most min(max_sessions, roster). What a session sends is handed on in Output at once.
/// Threads  One caller at a time. Owns no socket and reads no clock.
/// Order    Nothing depends on order; resending anything is harmless.
class Link {
 public:
  explicit Link(const Options& options);

  /// Replaces the nodes that may talk. Sessions of nodes that are gone end at once; records of
  /// theirs that were offered before still settle.
  void SetRoster(std::span<const NodeId> nodes);

  /// Takes one message. `user_id` is what ZAP bound to the peer's key, or who a
  /// wire's station says it is.
  void Receive(std::string_view routing_id,
               std::string_view user_id,
               std::string_view bytes,
               const Now& now,
               Output& out);

  /// Takes what became of offered records; acknowledges the durable ones.
  void Settle(std::span<const Settled> settled, const Now& now, Output& out);

  /// What the spool can take now, in bytes of records. New credit derives from it.
  void SetRoom(std::uint64_t bytes) { credit_.SetRoom(bytes); }
  /// Tells what became of the messages in Output::send.
  void Sent(NodeId node, Status status, const Now& now);

  /// Passes an encoded envelope to a node, if `epoch` is given only to that of this epoch.
  /// @returns kNotFound without such a session.
  Status SendDown(NodeId node,
                  std::string_view envelope,
                  Output& out,
                  EnrolmentEpoch epoch = EnrolmentEpoch());

  /// Ends pauses for which there is room, gives up unfinished transfers. Call about once a second.
  void Tick(const Now& now, Output& out);

  [[nodiscard]] const Metrics& metrics() const { return metrics_; }
  [[nodiscard]] std::vector<SessionInfo> sessions() const;
  [[nodiscard]] std::size_t session_count() const { return sessions_.size(); }
  /// Offered and not settled.
  [[nodiscard]] std::size_t pending() const { return pending_; }
  [[nodiscard]] std::uint64_t pending_bytes() const { return pending_bytes_; }
  [[nodiscard]] const CreditBook& credit() const { return credit_; }

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
    std::uint64_t over_credit = 0;
    CreditBook::Account account;
    MonotonicTime told{};       // its credit, outside an answer
    std::uint32_t strikes = 0;  // malformed messages in a row
    std::uint32_t excess = 0;   // records over credit; halves with every second
    std::uint32_t unread = 0;   // answers in a row that its queue had no room for
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
  void Close(Session& session, const Now& now, std::uint64_t& counter);
  /// Decides a node's credit and counts what it is told.
  std::uint32_t CreditOf(NodeId node, Session& session, const Now& now);
  void Tell(NodeId node, Session& session, std::uint32_t credit, Output& out);
  void ServeWaiting(const Now& now, Output& out);
  void TakeHello(
      NodeId node, Session& session, const message::Hello& hello, const Now& now, Output& out);
  void TakeRecord(NodeId node,
                  Session& session,
                  std::string sealed,
                  std::size_t limit,
                  const Now& now,
                  Answers& answers,
                  Output& out);
  [[nodiscard]] bool OverCredit(const Session& session, std::size_t bytes, const Now& now) const;
  void TakeChunk(NodeId node,
                 Session& session,
                 const host::message::Uplink::ChunkData& chunk,
                 const Now& now,
                 Answers& answers,
                 Output& out);
  void Refuse(const message::RecordKey& key, message::RefusalReason reason, Answers& answers);
  /// @returns whether something was sent.
  bool SendAcks(NodeId node, Session& session, Answers& answers, const Now& now, Output& out);

  Options options_;
  std::set<NodeId> roster_;
  std::map<NodeId, Session> sessions_;
  host::message::ChunkAssembler assembler_;
  CreditBook credit_;
  std::size_t pending_ = 0;
  std::uint64_t pending_bytes_ = 0;
  Metrics metrics_;
};

}  // namespace trib::gateway::link
