#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scenario.h"
#include "transport.h"
#include "trib/common/host/message/chunk_assembler.h"
#include "trib/common/message/types.h"
#include "trib/node/ports/link.h"
#include "virtual_time.h"

namespace trib::tools::sim {

/// A stretch of virtual time in which nothing gets through.
struct DeadTime {
  VirtualTime begin{0};
  VirtualTime end{0};
};

struct LinkCounts {
  std::uint64_t messages = 0;  ///< given to the link by the node
  std::uint64_t bytes = 0;
  std::uint64_t lost_up = 0;
  std::uint64_t lost_down = 0;  ///< answers, also those that a dead time swallowed
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t answers = 0;     ///< delivered to the node
  std::uint64_t unanswered = 0;  ///< given up after the real limit: then the run is not repeatable
  std::uint64_t unexpected = 0;  ///< downlinks that answer nothing; delivered when they come
  /// New records that the node sent, by message::Priority.
  std::array<std::uint64_t, message::kPriorityCount> records{};
};

/// The Link port of a simulated node. What it does to messages is drawn from the seed in virtual
/// time; the messages that survive go to the real gateway over `Transport`, and what that answers
/// is given to the node at the virtual moment that the model says.
///
/// An answer is cut to what the message asked: an Ack names the records of one message, once the
/// gateway acknowledged all of them. How the gateway happened to group its answers, and when they
/// really came, is thus invisible to the node. Verdicts are not: they are given to it when they
/// really come, which in virtual time is late more often than not.
///
/// Threads  One: its node's.
class VirtualLink final : public node::Link {
 public:
  VirtualLink(NodeId node,
              const LinkModel& model,
              std::uint64_t seed,
              std::vector<DeadTime> dead,
              Transport& transport);

  void SetNow(VirtualTime now) { now_ = now; }

  // node::Link
  Status Send(std::span<const std::byte> message) override;
  Result<std::size_t> Receive(std::span<std::byte> memory) override;
  [[nodiscard]] std::size_t max_message_bytes() const override { return 4096; }

  /// When the next message arrives at either end.
  [[nodiscard]] VirtualTime NextEvent() const;
  /// Hands messages that arrive at the gateway by `now` to the transport.
  /// @returns false when the transport takes no more; call again.
  bool SendArrived(VirtualTime now);
  /// An answer that the node must have by `now` has not really come.
  [[nodiscard]] bool Awaits(VirtualTime now) const;
  /// Takes what has really come.
  void Drain();
  /// Stops waiting for what Awaits(now) was about: it counts as lost.
  void GiveUp(VirtualTime now);
  /// The gateway died: answers still under way are lost, whether or not it gave them.
  void CutAnswers(VirtualTime now);
  /// Something was really sent that was not really answered yet.
  [[nodiscard]] bool has_open() const { return !open_.empty(); }

  [[nodiscard]] const LinkCounts& counts() const { return counts_; }
  /// By sequence of the one boot: what the gateway really acknowledged, and refused.
  [[nodiscard]] const std::vector<bool>& acknowledged() const { return acknowledged_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_count_; }
  [[nodiscard]] EnrolmentEpoch epoch() const { return epoch_; }
  [[nodiscard]] std::uint32_t boot() const { return boot_; }

 private:
  struct Outgoing {
    VirtualTime arrive{0};
    std::uint64_t order = 0;
    std::string bytes;
  };
  /// A message that really reached the gateway.
  struct Exchange {
    bool hello = false;
    bool wanted = false;  // the node will hear the answer at `due`
    VirtualTime due{0};
    std::vector<std::uint32_t> sequences;
    std::string answer;  // of a Hello
  };

  [[nodiscard]] bool Dead(VirtualTime at) const;
  VirtualTime Latency();
  double Draw() { return dice_.Uniform(draws_++); }
  void Queue(std::span<const std::byte> message);
  Exchange Open(const std::string& bytes);
  void Note(const std::string& sealed, Exchange& exchange);
  void TakeAck(const message::Ack& ack);
  [[nodiscard]] bool Settled(const Exchange& exchange) const;
  [[nodiscard]] bool Known(std::uint32_t sequence) const;
  std::string AnswerTo(const Exchange& exchange) const;

  const NodeId node_;
  const LinkModel model_;
  const Dice dice_;
  const std::vector<DeadTime> dead_;
  Transport& transport_;
  VirtualTime now_{0};
  std::uint64_t draws_ = 0;
  std::uint64_t order_ = 0;
  std::vector<Outgoing> outgoing_;  // by (arrive, order)
  std::vector<Exchange> open_;      // in the order of sending
  std::vector<std::string> unexpected_;
  host::message::ChunkAssembler chunks_{host::message::ChunkAssembler::Limits{}};
  EnrolmentEpoch epoch_;
  std::uint32_t boot_ = 0;
  std::uint32_t credit_ = 0;  // that the gateway granted last
  std::uint32_t told_credit_ =
      1;                    // that the node last heard of; before the first, none is waited for
  std::vector<bool> seen_;  // by sequence, as the next two
  std::vector<bool> acknowledged_;
  std::vector<message::RefusalReason> refusals_;  // where not acknowledged
  std::uint64_t refused_count_ = 0;
  LinkCounts counts_;
};

}  // namespace trib::tools::sim
