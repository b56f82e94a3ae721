#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>

#include "trib/common/base/ids.h"
#include "trib/common/base/time.h"

namespace trib::gateway::link {

struct CreditOptions {
  /// To one node, at most.
  std::uint32_t most_bytes = 64 * 1024;
  /// A grant is at least this, or 0: less than the largest record would help nobody.
  std::uint32_t least_bytes = 4 * 1024;
  /// Record bytes that may be promised to nodes or lie between their sockets and the disk.
  std::uint64_t memory_bytes = std::uint64_t{64} << 20U;
  /// A promise to a node that was silent for so long counts no more.
  Millis idle{60'000};
  /// What was told before still counts for the node for so long: it may have sent already.
  Millis grace{10'000};
  /// Sessions opened, and pauses ended, in a second.
  std::uint32_t grants_per_second = 2'000;
};

/// Shares out what the gateway can really take: credit in bytes of unacknowledged records.
///
///   room   = min(memory_bytes, what the spool has room for); 0 while the disk refuses
///   share  = room / (nodes heard of within `idle`, or waiting if more), at most most_bytes
///   grant  = min(max(share, least_bytes), room - what is promised to or held of all others),
///            and 0 when that is below least_bytes
///
/// Who is granted 0 stands in a queue, first come first served. NextWaiting() ends pauses as room
/// appears; while not all fit at once, whoever was served queues again behind those who wait.
/// Nobody waits for ever: room comes back when the spool shrinks or the disk takes writes again;
/// unused promises lapse after `idle`; each turn serves the longest waiting; and a node that missed
/// its grant says Hello after its own silence limit, which asks again.
///
/// Memory   16 bytes per waiting node; an Account per node lies with its owner.
/// Threads  One caller at a time; no clock.
class CreditBook {
 public:
  /// What is promised to and held of one node.
  class Account {
   public:
    [[nodiscard]] std::uint32_t granted() const { return granted_; }
    [[nodiscard]] bool waiting() const { return waiting_; }
    [[nodiscard]] bool active() const { return active_; }

   private:
    friend class CreditBook;
    std::uint32_t granted_ = 0;
    std::uint32_t before_ = 0;  // the largest grant that still counts until `before_until_`
    MonotonicTime before_until_{};
    MonotonicTime heard_{};
    std::uint64_t held_ = 0;
    std::uint64_t counted_ = 0;  // its part of committed_
    bool told_ = false;
    bool waiting_ = false;
    bool active_ = false;
  };

  explicit CreditBook(const CreditOptions& options) : options_(options) {}

  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
  /// What the spool can take now, in bytes of records; 0 while it takes nothing.
  void SetRoom(std::uint64_t bytes) { spool_room_ = bytes; }

  /// The node sent something.
  void Heard(Account& account, MonotonicTime now);
  /// Records of it arrived and wait for the disk; released when they are settled.
  void Hold(Account& account, std::uint64_t bytes);
  void Release(Account& account, std::uint64_t bytes);
  /// Bytes that it may have unsettled here now, having been told what it was told. A node that this
  /// process told nothing yet may follow what it heard from the one before.
  [[nodiscard]] std::uint64_t Allowed(const Account& account, MonotonicTime now) const;

  /// Decides what to tell the node now. 0 puts it into the queue.
  std::uint32_t Grant(NodeId node, Account& account, MonotonicTime now);
  /// Call once a second for each account, then BeginSecond().
  void Expire(Account& account, MonotonicTime now);
  void BeginSecond() { grants_left_ = options_.grants_per_second; }
  /// The node whose turn it is, when there is room for a grant. The caller gives it with
  /// GrantTurn(), or drops the node when it is gone.
  std::optional<NodeId> NextWaiting();
  std::uint32_t GrantTurn(Account& account, MonotonicTime now);
  /// The node whose turn it was does not take it.
  static void PassTurn(Account& account) { account.waiting_ = false; }
  /// The account ends, or is told 0 without a place in the queue.
  void Close(Account& account);

  [[nodiscard]] std::uint64_t share() const;
  [[nodiscard]] std::uint64_t committed() const { return committed_; }
  [[nodiscard]] std::size_t active() const { return active_; }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] std::uint64_t room() const;

 private:
  std::uint32_t Decide(const Account& account) const;
  void Tell(Account& account, std::uint32_t grant, MonotonicTime now);
  void Recount(Account& account);

  CreditOptions options_;
  // 1. committed_ is the sum of counted_ over all accounts: max(granted, held) of an active one,
  //    held of another.
  // 2. A node is in waiting_ at most once. One that was closed stays there until its turn.
  std::uint64_t spool_room_ = kUnlimited;
  std::uint64_t committed_ = 0;
  std::size_t active_ = 0;
  std::uint32_t grants_left_ = options_.grants_per_second;
  std::deque<NodeId> waiting_;
};

}  // namespace trib::gateway::link
